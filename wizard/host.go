package wizard

import (
	"context"
	"time"

	"github.com/tbotctl/tbotctl/internal/issuer"
	"github.com/tbotctl/tbotctl/internal/plan"
	"github.com/tbotctl/tbotctl/internal/spec"
)

// Speaker puts sentences onto the page.
type Speaker interface {
	Head(string)
	Say(string)
	Warn(string)
}

// Kubernetes is what the pages look at there.
type Kubernetes interface {
	// Contexts are those of the kubeconfig, the current one first.
	Contexts() ([]Context, error)
	// Reach asks one context who answers and who one is there.
	Reach(ctx context.Context, name string) Reach
	// Namespaces and PodMakers look at the cluster that was chosen. PodMakers are those, beside administrators, who may create
	// pods in the namespace or tokens of its service accounts.
	Namespaces(context.Context) ([]string, error)
	PodMakers(ctx context.Context, namespace string) ([]string, error)
	// ArgoCDs are the namespaces that hold an Argo CD.
	ArgoCDs(context.Context) ([]string, error)
}

// Context is one way to a Kubernetes cluster.
type Context struct {
	Name, Server string
	Current      bool
}

// Reach is what came of asking a context.
type Reach struct {
	Version, Provider, User string
	// Problem says why it cannot be used, Fix what to do; Problem is empty where all is well.
	Problem, Fix string
}

// Teleport is what the pages look at there.
type Teleport interface {
	// Profiles are the logins of tsh, the current one first.
	Profiles() ([]Profile, error)
	// Proxy asks the proxy of the answers who it is.
	Proxy(context.Context) (Proxy, error)
	// Login tries the login of the answers.
	Login(context.Context) (Login, error)
	// Roles, Bots and Tokens list what is there; Tokens those of the kubernetes method.
	Roles(context.Context) ([]Role, error)
	Bots(context.Context) ([]Bot, error)
	Tokens(context.Context) ([]Token, error)
	// KubeClusters are the Kubernetes clusters that are enrolled and that the login sees, each once, by name.
	KubeClusters(context.Context) ([]spec.ResolvedCluster, error)
}

// Profile is a login of tsh.
type Profile struct {
	Proxy, Cluster, User string
	Expires              time.Time
	Current              bool
	// Hardware tells that its key lies on a hardware token, which this program cannot use.
	Hardware bool
	// Problem says why it cannot be read.
	Problem string
}

// Proxy is who answers at a proxy's address.
type Proxy struct {
	ClusterName, Version string
	// Certificate says whose certificate it showed and until when, LoadBalancer whether one stands before it that ends TLS.
	Certificate  string
	LoadBalancer bool
}

// Login is a login that was taken.
type Login struct {
	User    string
	Expires time.Time
	// Touches says for what this cluster wants a touch of a hardware key, and how many times; empty where it wants none.
	Touches string
}

// Role is a role of Teleport.
type Role struct{ Name, Description string }

// Bot is a bot of Teleport; Ours tells that tbotctl made it.
type Bot struct {
	Name  string
	Roles []string
	Ours  bool
}

// Token is a join token of the kubernetes method, for whom, and whether tbotctl made it. Admits tells that it lets the service
// account of the answers join already.
type Token struct {
	Name, Bot    string
	Ours, Admits bool
}

// Deeds are what the later pages call.
type Deeds interface {
	// Use takes the answers; what was looked up and still holds is kept.
	Use(context.Context, Answers) error
	// Discover looks at both clusters and says each result as it is known.
	Discover(context.Context) error
	// Choose applies the rule to what Discover saw, as if the join type had been asked for.
	Choose(context.Context, spec.JoinType) (issuer.Choice, error)
	// ClusterID are the eight digits that tell this Kubernetes cluster from others.
	ClusterID(context.Context) (string, error)
	// Plan runs the checks that are left, compares, and says the plan.
	Plan(context.Context) (Planned, error)
	// Apply carries the plan out and says what comes of each step, and of what ended it the cause.
	Apply(context.Context) error
	// WriteFiles writes the plan to files instead, Save the answers.
	WriteFiles(ctx context.Context, dir string) error
	Save(path string) error
	// Finish says what exists now and how it is used, undone and repeated.
	Finish()
	// Fix is the flag of the question that mends an error; empty where none does.
	Fix(error) string
}

// Planned is a plan, and whether it can only be written to files.
type Planned struct {
	plan.Plan
	FilesOnly bool
}

// Answers are what the pages gathered.
type Answers struct {
	Setup spec.Setup
	// Identity is the identity file for the admin calls; empty is the login of tsh.
	Identity string
	// NoTeleport tells that somebody else does the Teleport side.
	NoTeleport bool
	// RolesOf is the bot whose roles were shown and chosen from; empty where nobody could look at them.
	RolesOf string
	// Yes applies the plan without asking, OutDir has it written to that folder.
	Yes    bool
	OutDir string
	// TakeOver and ForceConflicts are the flags of these names.
	TakeOver, ForceConflicts bool
}
