// Package rights says what each command must be allowed to do in Kubernetes and in Teleport: the least that it gets along with, and what
// each right is for. The checks ahead of init ask by the same lists that `tbotctl permissions` prints. It is pure: what a login really may
// do is for others to ask.
package rights

import (
	"slices"
	"strings"

	"github.com/tbotctl/tbotctl/checks"
	"github.com/tbotctl/tbotctl/internal/spec"
)

// Weight says what it comes to where a right lacks.
type Weight int

// The weights. Required ends the run; Looks leaves something unknown that nothing else settles (exit code 5); Informs leaves out words and
// nothing else, so it stands in no role.
const (
	Required Weight = iota
	Looks
	Informs
)

// Need is what one step of a command asks of the API server, and what for.
type Need struct {
	checks.Need
	For    string
	Weight Weight
	// Turned makes Instead what a role holds, because All alone leaves something unknown in this run.
	Turned bool
}

// TeleportNeed are verbs on one kind of resource in Teleport, and what for. Informs is as in Weight.
type TeleportNeed struct {
	Kind    string
	Verbs   []string
	For     string
	Informs bool
}

// List is everything that one command needs.
type List struct {
	// Command is as it is typed behind tbotctl: "verify --evidence".
	Command string
	// Installation is the base name of what it is about (spec.Setup.Name), and Namespace where that is.
	Installation, Namespace string
	// NoRole says in half a sentence why no Role can stand in the namespace; empty where one can.
	NoRole     string
	Kubernetes []Need
	// Targets are needed in each cluster of --target-context.
	Targets  []Need
	Teleport []TeleportNeed
	// Beyond are the needs that no rule of a role can say; each is a sentence without a full stop.
	Beyond []string
}

// Checked are the needs to ask about before a run begins: those that end it where they lack.
func (l List) Checked() []checks.Need {
	var needs []checks.Need
	for _, need := range l.Kubernetes {
		if need.Weight == Required {
			needs = append(needs, need.Need)
		}
	}
	return needs
}

// TeleportAccess are the needs at Teleport, a verb each.
func (l List) TeleportAccess() []checks.TeleportAccess {
	var all []checks.TeleportAccess
	for _, need := range l.Teleport {
		for _, verb := range need.Verbs {
			all = append(all, checks.TeleportAccess{Kind: need.Kind, Verb: verb, Informs: need.Informs})
		}
	}
	return all
}

// Side leaves what the side takes: without a kubeconfig no right is needed in Kubernetes.
func (l List) Side(side spec.Side) List {
	if !side.HasKubernetes() {
		l.Kubernetes, l.Targets = nil, nil
	}
	if !side.HasTeleport() {
		l.Teleport, l.Beyond = nil, nil
	}
	return l
}

// RoleName is what the roles of the list are called: tbotctl-init, tbotctl-verify-evidence, and with the installation's name behind it
// where that is not the usual one.
func (l List) RoleName() string {
	name := "tbotctl-" + strings.NewReplacer(" --", "-", " ", "-").Replace(l.Command)
	if usual := []string{spec.Default().Name, spec.DefaultAgentName}; !slices.Contains(usual, l.Installation) {
		name += "-" + l.Installation
	}
	return name
}

// list of a Setup.
func list(command string, s spec.Setup) List {
	return List{Command: command, Installation: s.Name, Namespace: s.Kubernetes.Namespace}
}

// need adds one.
func (l *List) need(what string, accesses []checks.Access) { l.weigh(Required, what, accesses) }

// look adds one without which something stays unknown, inform one that only adds words.
func (l *List) look(what string, accesses []checks.Access)   { l.weigh(Looks, what, accesses) }
func (l *List) inform(what string, accesses []checks.Access) { l.weigh(Informs, what, accesses) }

func (l *List) weigh(weight Weight, what string, accesses []checks.Access) {
	l.Kubernetes = append(l.Kubernetes, Need{Need: checks.Need{All: accesses}, For: what, Weight: weight})
}

// teleport adds verbs on a kind.
func (l *List) teleport(what, kind string, verbs ...string) {
	l.Teleport = append(l.Teleport, TeleportNeed{Kind: kind, Verbs: verbs, For: what})
}

// on are verbs on a resource of the list's namespace; an empty name is any.
func (l *List) on(group, resource, name string, verbs ...string) []checks.Access {
	return in(l.Namespace, group, resource, name, verbs...)
}

// in are verbs on a resource of a namespace. A subresource stands behind a slash.
func in(namespace, group, resource, name string, verbs ...string) []checks.Access {
	resource, subresource, _ := strings.Cut(resource, "/")
	accesses := make([]checks.Access, len(verbs))
	for i, verb := range verbs {
		accesses[i] = checks.Access{Verb: verb, Group: group, Resource: resource, Subresource: subresource, Namespace: namespace, Name: name}
	}
	return accesses
}

// clusterOf is the namespace whose UID tells a Kubernetes cluster from others. No Role is put there for that.
const clusterOf = "kube-system"

func clusterID() []checks.Access { return in(clusterOf, "", "namespaces", clusterOf, "get") }

// issuerNeed is to read the issuer and its keys, or to make a token of a service account that may (field-notes 7).
func issuerNeed(namespace string) Need {
	return Need{
		For: "to read who signs the cluster's service account tokens, and with which keys",
		Need: checks.Need{
			All: []checks.Access{
				{Verb: "get", Path: "/.well-known/openid-configuration"},
				{Verb: "get", Path: "/openid/v1/jwks"},
			},
			Instead: in(namespace, "", "serviceaccounts/token", "default", "create"),
			Why:     "the issuer is read with these, or with create serviceaccounts/token default",
		},
	}
}
