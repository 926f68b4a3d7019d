package teleporttest

import (
	"maps"
	"slices"

	"github.com/gravitational/teleport/api/types"
	"github.com/gravitational/trace"
)

// authorizeKube gathers the Kubernetes users and groups of the caller's roles that match the cluster's labels and the resource
// (authorize of forwarder.go@04581c42). First come the labels, which the proxy judges; then the resource, which the
// agent judges. Label expressions and the deny rules for users and groups are not evaluated.
func (c *Cluster) authorizeKube(who *caller, cluster KubeCluster, wanted *kubeRequest) (kubePrincipals, error) {
	if !who.reaches(cluster.Labels) {
		return kubePrincipals{}, trace.AccessDenied(kubeAccessDenied)
	}
	var roles []*types.RoleV6
	for _, role := range who.roleSet {
		if allow := role.GetKubernetesLabels(types.Allow); len(allow) > 0 && labelsMatch(allow, cluster.Labels) {
			roles = append(roles, role)
		}
	}
	if _, err := principalsOf(who, roles); err != nil {
		return kubePrincipals{}, err
	}
	if wanted != nil && c.judgesResource(wanted) {
		granting, err := grantingRoles(roles, who.roleSet, *wanted)
		if err != nil {
			return kubePrincipals{}, err
		}
		if len(granting) == 0 {
			return kubePrincipals{}, errKubeForbidden(who.username, *wanted, c.resourceWord(wanted.resource))
		}
		roles = granting
	}
	return principalsOf(who, roles)
}

// principalsOf adds what Teleport adds: who has no users is its own, and everybody is authenticated.
func principalsOf(who *caller, roles []*types.RoleV6) (kubePrincipals, error) {
	p := kubePrincipals{caller: who.username}
	for _, role := range roles {
		p.users = append(p.users, expand(role.GetKubeUsers(types.Allow), who.traits)...)
		p.groups = append(p.groups, expand(role.GetKubeGroups(types.Allow), who.traits)...)
	}
	if len(p.users) == 0 && len(p.groups) == 0 {
		return kubePrincipals{}, errNoKubePrincipals()
	}
	if len(p.users) == 0 {
		p.users = []string{who.username}
	}
	p.users, p.groups = sortedSet(p.users), sortedSet(append(p.groups, systemAuthenticated))
	return p, nil
}

// grantingRoles are the roles whose kubernetes_resources allow the request, or none if any role denies it. Each role is read by
// the api module, which knows what the versions mean: v6 without pods denies pods alone, v7 has singular kinds, v8 has
// API groups (teleport-facts 9).
func grantingRoles(reaching, all []*types.RoleV6, r kubeRequest) ([]*types.RoleV6, error) {
	partly := false
	for _, role := range all {
		rules := role.GetKubeResources(types.Deny)
		if slices.ContainsFunc(rules, r.coveredBy) {
			return nil, nil
		}
		partly = partly || slices.ContainsFunc(rules, r.touchedBy)
	}
	var out []*types.RoleV6
	for _, role := range reaching {
		rules := role.GetKubeResources(types.Allow)
		if slices.ContainsFunc(rules, r.coveredBy) {
			out = append(out, role)
			continue
		}
		partly = partly || slices.ContainsFunc(rules, r.touchedBy)
	}
	if partly && (len(out) == 0 || r.collection()) {
		return nil, trace.NotImplemented("this test cluster filters no lists and reads no names in bodies, and the roles allow %s of %s in part",
			r.verb, r.resource)
	}
	return out, nil
}

// coveredBy says whether a rule allows, or denies, all that the request is about.
func (r kubeRequest) coveredBy(rule types.KubernetesResource) bool {
	if !r.sameKind(rule) {
		return false
	}
	namespace := globMatches(rule.Namespace, r.namespace)
	if !r.collection() {
		return namespace && globMatches(rule.Name, r.name)
	}
	// Only a star covers what has not been named.
	everywhere := r.namespace != "" || rule.Namespace == types.Wildcard || r.clusterWide()
	return namespace && everywhere && rule.Name == types.Wildcard
}

// touchedBy says whether a rule is about a part of the collection that is asked for.
func (r kubeRequest) touchedBy(rule types.KubernetesResource) bool {
	anywhere := r.namespace == "" && !r.clusterWide()
	return r.collection() && r.sameKind(rule) && (anywhere || globMatches(rule.Namespace, r.namespace))
}

func (r kubeRequest) sameKind(rule types.KubernetesResource) bool {
	verb := len(rule.Verbs) > 0 && (rule.Verbs[0] == types.Wildcard || slices.Contains(rule.Verbs, r.verb))
	return verb && (rule.Kind == types.Wildcard || rule.Kind == r.resource) && globMatches(rule.APIGroup, r.group)
}

// judgesResource: before 18 the agent knows a list of kinds, and lets any other through to the API server's own rules.
func (c *Cluster) judgesResource(r *kubeRequest) bool {
	return c.behaviour.allKubeKinds || c.resourceWord(r.resource) != r.resource
}

// resourceWord is the kind as kubernetes_resources spells it: singular before 18, where it is known.
func (c *Cluster) resourceWord(resource string) string {
	if c.behaviour.allKubeKinds {
		return resource
	}
	for _, kind := range slices.Sorted(maps.Keys(types.KubernetesResourcesKindsPlurals)) {
		if types.KubernetesResourcesKindsPlurals[kind] == resource {
			return kind
		}
	}
	return resource
}
