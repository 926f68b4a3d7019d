package rights

import (
	"slices"

	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/tbotctl/tbotctl/checks"
	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/internal/tbotconfig"
)

// InitHow is how a run of init goes, as far as its rights hang on it.
type InitHow struct {
	// NewNamespace tells that it makes the namespace.
	NewNamespace bool
	// Proves and Waits are as --prove and --wait say.
	Proves, Waits bool
}

// Init lists what init needs, by the names of a Setup. Server-side apply asks for patch and, where the object is not there yet, for
// create, both with the object's name (Kubernetes: Server-Side Apply).
func Init(s spec.Setup, how InitHow) List {
	l := list("init", s)
	n := s.Names()
	if how.NewNamespace {
		l.NoRole = "no Role can stand in a namespace that is still to be made; where an administrator makes it first, leave out --create-namespace and take a Role"
	}
	switch {
	case how.NewNamespace:
		l.need("to make the namespace", l.on("", "namespaces", n.Namespace, "get", "patch", "create"))
	case s.Kubernetes.CreateNamespace:
		l.need("to see whether the namespace is there", l.on("", "namespaces", n.Namespace, "get"))
	case !how.Proves:
		// A proof settles it.
		l.look("to see whether the namespace is there", l.on("", "namespaces", n.Namespace, "get"))
	}
	issuer := issuerNeed(n.Namespace)
	if !how.Proves {
		issuer.Turned, issuer.For = true, issuer.For+"; without a proof only the head of a token tells which of them signs"
	}
	l.Kubernetes = append(l.Kubernetes, issuer)
	if argo := s.ArgoCDNamespace(); argo != "" {
		l.look("to see that Argo CD is there", in(argo, "", "configmaps", argoCDConfig, "get"))
	}
	l.objects(s, Required, "get", "patch", "create")
	if how.Proves || how.Waits {
		l.need("to see whether a pod of the account runs, and how far the rollout is", l.on("", "pods", "", "list"))
	}
	if how.Proves {
		l.need("to make and remove the pod that the proof's token is bound to; it never runs and its name is its own, so no name can hold this",
			l.on("", "pods", "", "create", "delete"))
		l.need("to get the token that the proof joins with", l.on("", "serviceaccounts/token", n.ServiceAccount, "create"))
	}
	l.inform("names bot and token after the cluster's UID; without it after issuer and keys. A later diff or delete has to see the same", clusterID())
	if s.Join.AuthServiceAccount != "" {
		l.inform("tells beforehand whether the Auth Service may review tokens", in("", "authorization.k8s.io", "subjectaccessreviews", "", "create"))
	}
	l.Targets = targets(s)
	l.made(s, "create", "update")
	return l
}

// argoCDConfig is the ConfigMap that every Argo CD has.
const argoCDConfig = "argocd-cm"

// objects are verbs on each object that init makes, and the rights that its Role gives away, which weigh as gives.
func (l *List) objects(s spec.Setup, gives Weight, verbs ...string) {
	n := s.Names()
	who := "tbot"
	if s.IsAgent() {
		who = "the agent"
	}
	l.need("the account that "+who+" joins as", l.on("", "serviceaccounts", n.ServiceAccount, verbs...))
	if s.HasOutput() {
		l.need("tbot's right to write its Secrets", in(n.RoleNamespace, rbacv1.GroupName, "roles", n.Role, verbs...))
		l.need("tbot's right to write its Secrets", in(n.RoleNamespace, rbacv1.GroupName, "rolebindings", n.RoleBinding, verbs...))
		l.given(s, gives)
	}
	if n.ConfigMap != "" {
		what := "tbot.yaml"
		if s.IsAgent() {
			what = "the authority of the proxy's certificate"
		}
		l.need(what, l.on("", "configmaps", n.ConfigMap, verbs...))
	}
	if n.Deployment != "" {
		l.need("tbot itself", l.on("apps", "deployments", n.Deployment, verbs...))
	}
}

// given are the rights that the Role gives tbot: RBAC lets nobody grant what they lack, unless they hold escalate and bind (Kubernetes:
// Using RBAC Authorization, "Privilege escalation prevention and bootstrapping").
func (l *List) given(s spec.Setup, weight Weight) {
	n := s.Names()
	give := func(what string, all, instead []checks.Access) {
		why := "who gives tbot rights on " + what + " must hold them, or may escalate and bind Role " + n.Role
		l.Kubernetes = append(l.Kubernetes, Need{
			Need: checks.Need{All: all, Instead: instead, Why: why}, Weight: weight,
			For: "to give tbot these rights where its Role is new or changes: RBAC lets nobody grant what they lack",
		})
	}
	for _, secret := range tbotconfig.For(s).Secrets() {
		give("its Secret", l.on("", "secrets", secret, "get", "patch", "create"), l.on(rbacv1.GroupName, "roles", n.Role, "escalate", "bind"))
	}
	if argo := s.ArgoCDNamespace(); argo != "" {
		give("Argo CD's Secrets", argoSecrets(s, argo), in(argo, rbacv1.GroupName, "roles", n.Role, "escalate", "bind"))
	}
}

// argoSecrets are the rights that the Role gives on Argo CD's Secrets: on those of the clusters that match where it is known which these
// are, else on all of the namespace. What is created has no name that RBAC could know.
func argoSecrets(s spec.Setup, argo string) []checks.Access {
	secrets := tbotconfig.ClusterSecrets(s)
	known := len(secrets) > 0 && (len(s.Reach.Labels) == 0 || len(s.Resolved.KubeClusters) > 0)
	if !known || !s.ArgoCD.NamesSecrets() {
		return in(argo, "", "secrets", "", "get", "create", "update")
	}
	all := in(argo, "", "secrets", "", "create")
	for _, secret := range secrets {
		all = append(all, in(argo, "", "secrets", secret.Name, "get", "update")...)
	}
	return all
}

// made is what init makes in Teleport: what is there is read and, where it differs, replaced, which the Auth Service takes for both
// create and update (teleport-facts 5.3).
func (l *List) made(s spec.Setup, verbs ...string) {
	verbs = append([]string{"read"}, verbs...)
	if !s.IsAgent() {
		l.teleport("the bot", "bot", verbs...)
	}
	l.teleport("the join token", "token", verbs...)
	switch {
	case s.IsAgent():
	case s.MakesRole():
		l.teleport("the role that gives the bot its clusters", "role", verbs...)
	case len(s.Teleport.Roles) > 0:
		l.Teleport = append(l.Teleport, TeleportNeed{Kind: "role", Verbs: []string{"read"}, For: "tells beforehand whether the bot's roles are there", Informs: true})
	}
	if s.ReachesClusters() {
		l.Beyond = append(l.Beyond, "a role with kubernetes_labels that match the clusters the bot is to reach: a login sees only those that its own roles reach")
	}
}

// targets are what making the binding takes in each cluster of --target-context.
func targets(s spec.Setup) []Need {
	if len(s.Reach.Contexts) == 0 || !s.MakesRole() {
		return nil
	}
	role := s.Reach.BoundRole()
	needs := []Need{
		{For: "the binding of what the bot acts as", Need: checks.Need{All: Binding(s, "get", "patch", "create")}},
		{
			For:  "to bind ClusterRole " + role + ": RBAC lets nobody bind what they lack; who holds all that it grants needs no bind",
			Need: checks.Need{All: in(s.Reach.Namespace, rbacv1.GroupName, "clusterroles", role, "bind")},
		},
	}
	if s.Reach.Namespace != "" {
		needs = append(needs, Need{For: "to see whether the namespace is there", Need: checks.Need{All: in(s.Reach.Namespace, "", "namespaces", s.Reach.Namespace, "get")}})
	}
	if !slices.Contains(UserRoles(), role) {
		needs = append(needs, Need{For: "to see whether the ClusterRole is there", Need: checks.Need{All: in("", rbacv1.GroupName, "clusterroles", role, "get")}})
	}
	return needs
}

// Binding are verbs on the binding in a cluster that the bot reaches.
func Binding(s spec.Setup, verbs ...string) []checks.Access {
	resource := "clusterrolebindings"
	if s.Reach.Namespace != "" {
		resource = "rolebindings"
	}
	return in(s.Reach.Namespace, rbacv1.GroupName, resource, s.Names().KubeRole, verbs...)
}

// UserRoles are the ClusterRoles for users that every API server makes by itself (Kubernetes: Using RBAC Authorization, "User-facing
// roles").
func UserRoles() []string { return []string{"cluster-admin", "admin", "edit", "view"} }
