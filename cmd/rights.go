package cmd

import (
	"context"

	"github.com/tbotctl/tbotctl/checks"
	"github.com/tbotctl/tbotctl/internal/kube"
	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/internal/tbotconfig"
)

// rbacGroup is the API group of roles and bindings.
const rbacGroup = "rbac.authorization.k8s.io"

// kubernetesMay asks the API server what the login may do there.
func (c *clusters) kubernetesMay(ctx context.Context, asked []checks.Access) []checks.Verdict {
	return mayIn(ctx, c.kube, asked)
}

func mayIn(ctx context.Context, cluster *kube.Cluster, asked []checks.Access) []checks.Verdict {
	accesses := make([]kube.Access, len(asked))
	for i, access := range asked {
		accesses[i] = kube.Access(access)
	}
	verdicts := make([]checks.Verdict, len(asked))
	for i, verdict := range cluster.Can(ctx, accesses) {
		verdicts[i] = checks.Verdict(verdict)
	}
	return verdicts
}

// teleportMay reads what the roles of the login say.
func (c *clusters) teleportMay(ctx context.Context, asked []checks.TeleportAccess) ([]checks.Verdict, error) {
	client, err := c.admin(ctx)
	if err != nil {
		return nil, err
	}
	rights, err := client.Rights(ctx)
	if err != nil {
		return nil, err
	}
	verdicts := make([]checks.Verdict, len(asked))
	for i, access := range asked {
		verdicts[i] = checks.Verdict(rights.May(access.Kind, access.Verb))
	}
	return verdicts, nil
}

// kubernetesNeeds are the rights that init cannot do without. A namespace that could not be looked for counts as one to make:
// to read it is among the needs.
func (r *initRun) kubernetesNeeds(ctx context.Context) checks.KubernetesNeeds {
	missing := false
	if r.setup.Kubernetes.CreateNamespace {
		exists, err := r.clusters.exists(ctx)
		missing = err != nil || !exists
	}
	return checks.KubernetesNeeds{Needs: initNeeds(r.withArgoCD(ctx), missing, r.prove != proveNever, !r.noWait), NewNamespace: missing}
}

// initNeeds lists them by the names of a Setup. Server-side apply asks for patch and, where the object is not there yet, for
// create, both with the object's name (Kubernetes: Server-Side Apply).
func initNeeds(s spec.Setup, newNamespace, proves, waits bool) []checks.Need {
	n := s.Names()
	var needs []checks.Need
	in := func(namespace, group, resource, name string, verbs ...string) []checks.Access {
		accesses := make([]checks.Access, len(verbs))
		for i, verb := range verbs {
			accesses[i] = checks.Access{Verb: verb, Group: group, Resource: resource, Namespace: namespace, Name: name}
		}
		return accesses
	}
	on := func(group, resource, name string, verbs ...string) []checks.Access {
		return in(n.Namespace, group, resource, name, verbs...)
	}
	need := func(accesses []checks.Access) { needs = append(needs, checks.Need{All: accesses}) }
	object := func(group, resource, name string) { need(on(group, resource, name, "get", "patch", "create")) }

	switch {
	case newNamespace:
		object("", "namespaces", n.Namespace)
	case s.Kubernetes.CreateNamespace:
		need(on("", "namespaces", n.Namespace, "get"))
	}
	needs = append(needs, issuerNeed(n.Namespace))
	object("", "serviceaccounts", n.ServiceAccount)
	if s.HasOutput() {
		need(in(n.RoleNamespace, rbacGroup, "roles", n.Role, "get", "patch", "create"))
		need(in(n.RoleNamespace, rbacGroup, "rolebindings", n.RoleBinding, "get", "patch", "create"))
		// RBAC lets nobody grant what they lack, unless they hold escalate and bind (Kubernetes: Using RBAC Authorization,
		// "Privilege escalation prevention and bootstrapping").
		for _, secret := range tbotconfig.For(s).Secrets() {
			needs = append(needs, checks.Need{
				All:     on("", "secrets", secret, "get", "patch", "create"),
				Instead: on(rbacGroup, "roles", n.Role, "escalate", "bind"),
				Why:     "who gives tbot rights on its Secret must hold them, or may escalate and bind Role " + n.Role,
			})
		}
		if argo := s.ArgoCDNamespace(); argo != "" {
			needs = append(needs, checks.Need{
				All:     in(argo, "", "secrets", "", "get", "create", "update"),
				Instead: in(argo, rbacGroup, "roles", n.Role, "escalate", "bind"),
				Why:     "who gives tbot rights on Argo CD's Secrets must hold them, or may escalate and bind Role " + n.Role,
			})
		}
	}
	if n.ConfigMap != "" {
		object("", "configmaps", n.ConfigMap)
	}
	if n.Deployment != "" {
		object("apps", "deployments", n.Deployment)
	}
	if proves || waits {
		need(on("", "pods", "", "list"))
	}
	if proves {
		// The probe pod gets a name of its own, so its removal cannot be granted by name.
		need(on("", "pods", "", "create", "delete"))
		need([]checks.Access{{Verb: "create", Resource: "serviceaccounts", Subresource: "token", Namespace: n.Namespace, Name: n.ServiceAccount}})
	}
	return needs
}

// issuerNeed is to read the issuer and its keys, or to make a token of a service account that may (field-notes 7).
func issuerNeed(namespace string) checks.Need {
	return checks.Need{
		All: []checks.Access{
			{Verb: "get", Path: "/.well-known/openid-configuration"},
			{Verb: "get", Path: "/openid/v1/jwks"},
		},
		Instead: []checks.Access{{Verb: "create", Resource: "serviceaccounts", Subresource: "token", Namespace: namespace, Name: "default"}},
		Why:     "the issuer is read with these, or with create serviceaccounts/token default",
	}
}

// teleportNeeds are the rights at Teleport: what is there is read and, where it differs, replaced, which the Auth Service takes
// for both create and update (teleport-facts 5.3).
func teleportNeeds(s spec.Setup) []checks.TeleportAccess {
	token := []checks.TeleportAccess{
		{Kind: "token", Verb: "read"},
		{Kind: "token", Verb: "create"},
		{Kind: "token", Verb: "update"},
	}
	if s.IsAgent() {
		return token
	}
	needs := append([]checks.TeleportAccess{
		{Kind: "bot", Verb: "read"},
		{Kind: "bot", Verb: "create"},
		{Kind: "bot", Verb: "update"},
	}, token...)
	switch {
	case s.MakesRole():
		needs = append(needs,
			checks.TeleportAccess{Kind: "role", Verb: "read"},
			checks.TeleportAccess{Kind: "role", Verb: "create"},
			checks.TeleportAccess{Kind: "role", Verb: "update"},
		)
	case len(s.Teleport.Roles) > 0:
		needs = append(needs, checks.TeleportAccess{Kind: "role", Verb: "read", Informs: true})
	}
	return needs
}
