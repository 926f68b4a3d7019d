package rights

import (
	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/tbotctl/tbotctl/checks"
	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/internal/tbotconfig"
)

// Delete lists what delete needs. Purges takes the Secrets along that tbot wrote.
func Delete(s spec.Setup, purges bool) List {
	l := list("delete", s)
	n := s.Names()
	if s.Kubernetes.CreateNamespace {
		l.NoRole = "a Role in the namespace would be in the way of its removal; without --create-namespace a Role is enough, and the namespace stays"
	}
	l.identified()
	const what = "to find what carries the installation's mark, and to remove it"
	found := func(namespace, group, resource, name string) {
		if name == "" {
			return
		}
		l.need(what, in(namespace, group, resource, "", "list"))
		l.need(what, in(namespace, group, resource, name, "get", "delete"))
	}
	found(n.Namespace, "apps", "deployments", n.Deployment)
	found(n.RoleNamespace, rbacv1.GroupName, "rolebindings", n.RoleBinding)
	found(n.RoleNamespace, rbacv1.GroupName, "roles", n.Role)
	if s.ArgoCDNamespace() != "" && n.RoleNamespace != n.Namespace {
		const elsewhere = "to see that nothing of it is beside tbot either"
		l.need(elsewhere, l.on(rbacv1.GroupName, "rolebindings", "", "list"))
		l.need(elsewhere, l.on(rbacv1.GroupName, "rolebindings", n.RoleBinding, "get"))
		l.need(elsewhere, l.on(rbacv1.GroupName, "roles", "", "list"))
		l.need(elsewhere, l.on(rbacv1.GroupName, "roles", n.Role, "get"))
		l.inform("names Argo CD's cluster Secrets that tbot wrote, which stay", in(n.RoleNamespace, "", "secrets", "", "list"))
	}
	found(n.Namespace, "", "configmaps", n.ConfigMap)
	found(n.Namespace, "", "serviceaccounts", n.ServiceAccount)
	l.need("to find probe pods that a killed run left", l.on("", "pods", "", "list"))
	l.inform("removes probe pods that a killed run left; their names are their own, so no name can hold this", l.on("", "pods", "", "delete"))
	verbs := []string{"get"}
	if purges {
		verbs = append(verbs, "delete")
	}
	for _, secret := range tbotconfig.For(s).Secrets() {
		l.need("the Secret that tbot wrote", l.on("", "secrets", secret, verbs...))
	}
	l.need("to see whether the namespace is init's own", l.on("", "namespaces", n.Namespace, "get"))
	if s.Kubernetes.CreateNamespace {
		l.need("to remove the namespace, where nothing else is in it", l.on("", "namespaces", n.Namespace, "delete"))
		l.need("to see that nothing else is in it", l.on("*", "*", "", "list"))
	}
	if len(s.Reach.Contexts) > 0 && s.MakesRole() {
		l.unbound(s)
	}
	l.removed(s)
	return l
}

// unbound are the bindings in the clusters that the bot reaches.
func (l *List) unbound(s spec.Setup) {
	const what = "to find the bindings of this installation, and to remove them"
	add := func(namespace, resource string) {
		l.Targets = append(l.Targets, Need{For: what, Need: checks.Need{All: in(namespace, rbacv1.GroupName, resource, "", "list")}})
	}
	add("", "clusterrolebindings")
	add("", "rolebindings")
	l.Targets = append(l.Targets, Need{For: what, Need: checks.Need{All: Binding(s, "get", "delete")}})
}

// removed is what goes in Teleport.
func (l *List) removed(s spec.Setup) {
	l.teleport("the join token", "token", "read", "delete")
	if s.IsAgent() {
		return
	}
	l.teleport("the bot", "bot", "read", "delete")
	l.Teleport = append(l.Teleport, TeleportNeed{Kind: "bot", Verbs: []string{"list"}, For: "finds bots of this installation under other names", Informs: true})
	role := TeleportNeed{Kind: "role", Verbs: []string{"read"}, For: "tells whether there is a role of this installation", Informs: true}
	if s.MakesRole() {
		role = TeleportNeed{Kind: "role", Verbs: []string{"read", "delete"}, For: "the role that gave the bot its clusters"}
	}
	l.Teleport = append(l.Teleport, role)
}
