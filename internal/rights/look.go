package rights

import (
	"slices"

	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/tbotctl/tbotctl/checks"
	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/internal/tbotconfig"
)

// Diff lists what diff needs: to read what init would write. With the right to write them too, the API server judges the objects by a dry
// run; without it they are compared by reading. Answers that hold all that was looked up need no look at the issuer.
func Diff(s spec.Setup) List {
	l := list("diff", s)
	l.identified()
	if !s.Resolved.Complete() {
		l.Kubernetes = append(l.Kubernetes, issuerNeed(l.Namespace))
	}
	if s.Kubernetes.CreateNamespace {
		l.need("the namespace", l.on("", "namespaces", s.Kubernetes.Namespace, "get"))
	}
	l.objects(s, Informs, "get")
	if n := s.Names(); n.Deployment != "" {
		l.inform("has the API server itself judge the object, with its policies, in place of a comparison by reading; so it does for the others",
			l.on("apps", "deployments", n.Deployment, "patch", "create"))
	}
	if len(targets(s)) > 0 {
		l.Targets = []Need{{For: "the binding of what the bot acts as", Need: checks.Need{All: Binding(s, "get")}}}
	}
	l.made(s)
	return l
}

// identified is what tells the cluster from others: the marks on all that was made name it.
func (l *List) identified() {
	l.inform("tells the cluster by its UID, which the marks name; without it by the mark on the service account", clusterID())
}

// Verify lists what verify needs. Named tells that it looks for one Deployment by its name.
func Verify(s spec.Setup, named bool) List {
	l := list("verify", s)
	n := s.Names()
	l.tbot(s, named)
	l.need("to see whether a pod of the account runs", l.on("", "pods", "", "list"))
	l.need("to make and remove the pod that the token is bound to where none runs; it never runs and its name is its own, so no name can hold this",
		l.on("", "pods", "", "create", "delete"))
	l.minted(n.ServiceAccount)
	l.Teleport = append(l.Teleport, TeleportNeed{Kind: "bot_instance", Verbs: []string{"delete"}, For: "removes the bot instance that the join leaves", Informs: true})
	return l
}

// Evidence lists what verify --evidence needs.
func Evidence(s spec.Setup, named bool) List {
	l := list("verify --evidence", s)
	l.tbot(s, named)
	if !named {
		l.need("to see whether the rollout is through", l.on("apps", "deployments", s.Names().Deployment, "get"))
	}
	l.need("to see whether the pods are ready, and what they say of themselves", l.on("", "pods", "", "list"))
	l.inform("asks the pods themselves where they are not ready", l.on("", "pods/proxy", "", "get"))
	l.secrets(s, "to see until when the certificate lives", Required)
	l.Teleport = append(l.Teleport, TeleportNeed{Kind: "bot_instance", Verbs: []string{"list", "read"}, For: "tells when the bot was last heard of", Informs: true})
	return l
}

// minted is the token of the account that the pods run as.
func (l *List) minted(account string) {
	l.need("to see that the service account is there", l.on("", "serviceaccounts", account, "get"))
	l.need("to get the token that the pod would present", l.on("", "serviceaccounts/token", account, "create"))
}

// tbot finds the one that lives, and reads its tbot.yaml.
func (l *List) tbot(s spec.Setup, named bool) {
	n := s.Names()
	if named {
		l.need("to look at tbot's Deployment", l.on("apps", "deployments", n.Deployment, "get"))
	} else {
		l.need("to find tbot's Deployment; with --name, get on that one is enough", l.on("apps", "deployments", "", "list"))
	}
	l.need("to read tbot.yaml", l.on("", "configmaps", n.ConfigMap, "get"))
}

// secrets reads those that tbot writes.
func (l *List) secrets(s spec.Setup, what string, weight Weight) {
	for _, secret := range tbotconfig.For(s).Secrets() {
		l.weigh(weight, what, l.on("", "secrets", secret, "get"))
	}
	for _, secret := range tbotconfig.ClusterSecrets(s) {
		l.weigh(weight, what, in(secret.Namespace, "", "secrets", secret.Name, "get"))
	}
}

// DoctorHow is how a run of doctor goes, as far as its rights hang on it.
type DoctorHow struct {
	// Named tells that it looks for one Deployment by its name.
	Named bool
	// Proves, Before and Narrow are --prove, --before and --scope namespace.
	Proves, Before, Narrow bool
}

// Doctor lists what doctor needs so that nothing stays unknown. It goes on without any of it.
func Doctor(s spec.Setup, how DoctorHow) List {
	switch {
	case how.Before:
		return before(s, how)
	case how.Proves:
		l := list("doctor --prove", s)
		l.diagnose(s, how)
		return l
	}
	l := list("doctor", s)
	l.diagnose(s, how)
	return l
}

// before is a look at a cluster in which nothing is installed.
func before(s spec.Setup, how DoctorHow) List {
	l := list("doctor --before", s)
	issuer := issuerNeed(l.Namespace)
	if !how.Proves { // which makes no token
		issuer.Instead, issuer.Why = nil, ""
	}
	l.Kubernetes = append(l.Kubernetes, issuer)
	l.need("to see whether the namespace is there", l.on("", "namespaces", l.Namespace, "get"))
	return l
}

func (l *List) diagnose(s spec.Setup, how DoctorHow) {
	n := s.Names()
	l.tbot(s, how.Named)
	l.need("to see what its pods come to", l.on("", "pods", "", "list"))
	l.need("to read what tbot says", l.on("", "pods/log", "", "get"))
	l.secrets(s, "to see until when the certificate lives", Required)
	l.need("to see whether tbot may reach Teleport", l.on("networking.k8s.io", "networkpolicies", "", "list"))
	l.need("to have the API server judge a pod by a dry run; RBAC knows no right to dry runs alone", l.on("", "pods", "", "create"))
	l.issuer(how.Proves)
	l.account(s, how.Narrow)
	if how.Proves {
		l.need("to remove the pod that the token is bound to where none runs", l.on("", "pods", "", "delete"))
		l.minted(n.ServiceAccount)
	} else {
		l.inform("tells whether the account gets a token where a foreign Deployment leaves it to that", l.on("", "serviceaccounts", n.ServiceAccount, "get"))
	}
	l.inform("adds the cluster's own words to a pod that fails", l.on("", "events", "", "list"))
	l.inform("adds tbot's own word on what is not healthy", l.on("", "pods/proxy", "", "get"))
	l.inform("tells the cause where a namespace's policy refuses pods", l.on("", "namespaces", n.Namespace, "get"))
	kinds := map[string]string{
		"token": "to see whom the join token lets in", "bot": "to see whether the bot is there, with which roles", "role": "to see what the bot's roles reach",
		"lock": "to see whether a lock is in force", "event": "to see whether the last join was let in", "bot_instance": "tells when the bot was last heard of",
	}
	for _, access := range checks.DoctorNeeds() {
		// Who may read bots and tokens gets the causes without the audit log; that the last join was let in is in it alone.
		access.Informs = access.Informs && access.Kind != "event"
		i := slices.IndexFunc(l.Teleport, func(t TeleportNeed) bool { return t.Kind == access.Kind && t.Informs == access.Informs })
		if i < 0 {
			i = len(l.Teleport)
			what := kinds[access.Kind]
			if access.Kind == "token" && access.Informs {
				what = "tells which other join token may have been meant"
			}
			l.Teleport = append(l.Teleport, TeleportNeed{Kind: access.Kind, For: what, Informs: access.Informs})
		}
		l.Teleport[i].Verbs = append(l.Teleport[i].Verbs, access.Verb)
	}
}

// issuer is read without a token of its own. Which key signs, the token tells that a proof presents.
func (l *List) issuer(proves bool) {
	need := issuerNeed(l.Namespace)
	need.Instead, need.Why = nil, ""
	if proves {
		l.inform("shows the keys that the cluster publishes", need.All[1:])
		need.All = need.All[:1]
	}
	l.Kubernetes = append(l.Kubernetes, need)
}

// account is what the service account of the pods may do: by the roles that are bound to it, or by a review.
func (l *List) account(s spec.Setup, narrow bool) {
	const may = "to see what the service account may do, and that it is no more than it must"
	review := in("", "authorization.k8s.io", "subjectaccessreviews", "", "create")
	if narrow {
		l.need("to ask whether the service account may write its Secrets", review)
		return
	}
	n := s.Names()
	l.need(may, in(n.RoleNamespace, rbacv1.GroupName, "rolebindings", "", "list"))
	l.need(may, in(n.RoleNamespace, rbacv1.GroupName, "roles", n.Role, "get"))
	l.need(may, in("", rbacv1.GroupName, "clusterrolebindings", "", "list"))
	l.need(may, in("", rbacv1.GroupName, "clusterroles", "", "get"))
	l.inform("asks the authorizer itself, which may be another than RBAC", review)
}
