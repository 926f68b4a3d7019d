package checks

import (
	"context"
	"sync"
	"time"

	"github.com/tbotctl/tbotctl/internal/issuer"
	"github.com/tbotctl/tbotctl/internal/spec"
)

// Facts are what checks look at. Each is fetched at its first use and shared by all who ask: wrap a fetch in Once. A nil
// fact means that this run cannot have it.
type Facts struct {
	Setup spec.Setup
	// KubernetesVersion is the API server's release; its error tells an unreachable server from a refused login.
	KubernetesVersion func(context.Context) (string, error)
	// NamespaceExists looks for the namespace of the setup.
	NamespaceExists func(context.Context) (bool, error)
	// Issuer is what the cluster tells of its issuer.
	Issuer func(context.Context) (issuer.Cluster, error)
	// Public is what the issuer's public document gave.
	Public func(context.Context) (issuer.PublicResult, error)
	// Choice is the join type with its reason.
	Choice func(context.Context) (issuer.Choice, error)
	// Proxy is what the Teleport proxy tells everybody.
	Proxy func(context.Context) (Proxy, error)
	// Login is the administrator's login, proven by one call.
	Login func(context.Context) (Login, error)
	// MissingRoles are the bot's roles that Teleport does not have.
	MissingRoles func(context.Context) ([]string, error)
	// KubeClusters are the Kubernetes clusters that are enrolled in Teleport, as far as the login sees them.
	KubeClusters func(context.Context) ([]spec.ResolvedCluster, error)
	// MayReview asks whether a Kubernetes user may create TokenReviews.
	MayReview func(ctx context.Context, user string) (bool, error)
	// ArgoCDs are the namespaces that hold an Argo CD, as far as the answers ask and the login sees.
	ArgoCDs func(context.Context) ([]string, error)
	// BotGroups are the kubernetes_groups of the roles that the bot has or is to get, by role.
	BotGroups func(context.Context) (map[string][]string, error)
	// TLSEnds tells that something in front of the proxy ends TLS.
	TLSEnds func(context.Context) (bool, error)
	// KubernetesNeeds and TeleportNeeds are what this run must be allowed to do; nil for a run that makes nothing there.
	KubernetesNeeds func(context.Context) KubernetesNeeds
	TeleportNeeds   []TeleportAccess
	// KubernetesMay and TeleportMay ask what the logins may do; the verdicts are in the order asked.
	KubernetesMay func(context.Context, []Access) []Verdict
	TeleportMay   func(context.Context, []TeleportAccess) ([]Verdict, error)
	// Targets are the clusters of --target-context.
	Targets []Target
	// Proof is what the proof of the join gave.
	Proof func(context.Context) (Proof, error)
	// RolloutReady tells whether the Deployment is ready, or why not.
	RolloutReady func(context.Context) (ready bool, reason string, err error)
	// Live are the facts of a setup that lives; nil for init, which makes one.
	Live *Live
	// ClusterSecrets are Argo CD's that the pod is to write, and those of them that are not there; nil where it writes none.
	ClusterSecrets func(context.Context) (all, missing []string, err error)
	// OutputKeys are the keys of the output Secret that hold something; nil where there is no Secret.
	OutputKeys func(context.Context) ([]string, error)
}

// Proxy is a Teleport proxy's description of its cluster.
type Proxy struct {
	ClusterName, Version, MinClientVersion, AgentVersion string
	FIPS                                                 bool
}

// Login is an administrator's login at Teleport.
type Login struct {
	User    string
	Expires time.Time
	// Now is when it was looked at, by the servers' clock.
	Now time.Time
	// Cloud tells that Teleport hosts the cluster.
	Cloud bool
}

// Proof is a join that was accepted.
type Proof struct {
	User, Via, From string
	NotAfter        time.Time
	// Roles are those of the outputs' certificates, empty where no output was generated; or the system roles of an agent.
	Roles []string
	Notes []string
}

// Once makes a fetch of a fact that runs at most once at a time and keeps what it got. A fetch that ended by its caller's own
// context is not kept: the next caller has time of its own.
func Once[T any](fetch func(context.Context) (T, error)) func(context.Context) (T, error) {
	var (
		lock  sync.Mutex
		done  bool
		value T
		err   error
	)
	return func(ctx context.Context) (T, error) {
		lock.Lock()
		defer lock.Unlock()
		if !done {
			value, err = fetch(ctx)
			done = ctx.Err() == nil
		}
		return value, err
	}
}
