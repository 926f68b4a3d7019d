package checks

import (
	"fmt"
	"slices"
	"strings"
)

// grantName is the role that a fix of init's makes, on either side. It is created and never replaced, so that it takes away nothing that
// an earlier fix has granted.
const grantName = "tbotctl-init"

// grant is verbs on one resource, object or path.
type grant struct {
	group, resource, name, path string
	verbs                       []string
}

type grants []grant

// grantsOf puts the verbs on the same thing together, in the order of their first mention.
func grantsOf(accesses []Access) grants {
	var all grants
	for _, a := range accesses {
		resource := a.Resource
		if a.Subresource != "" {
			resource += "/" + a.Subresource
		}
		same := func(g grant) bool {
			return g.group == a.Group && g.resource == resource && g.name == a.Name && g.path == a.Path
		}
		i := slices.IndexFunc(all, same)
		if i < 0 {
			i = len(all)
			all = append(all, grant{group: a.Group, resource: resource, name: a.Name, path: a.Path})
		}
		if !slices.Contains(all[i].verbs, a.Verb) {
			all[i].verbs = append(all[i].verbs, a.Verb)
		}
	}
	return all
}

// text is for people: "get, patch configmaps tbot-config; create pods; get /openid/v1/jwks".
func (all grants) text() string {
	parts := make([]string, len(all))
	for i, g := range all {
		parts[i] = strings.Join(g.verbs, ", ") + " " + g.resource + g.path
		if g.name != "" {
			parts[i] += " " + g.name
		}
	}
	return strings.Join(parts, "; ")
}

// rules are those of a Role or ClusterRole, as YAML on one line.
func (all grants) rules() string {
	parts := make([]string, len(all))
	for i, g := range all {
		verbs := strings.Join(g.verbs, ", ")
		switch {
		case g.path != "":
			parts[i] = fmt.Sprintf("{nonResourceURLs: [%q], verbs: [%s]}", g.path, verbs)
		case g.name != "":
			parts[i] = fmt.Sprintf("{apiGroups: [%q], resources: [%q], resourceNames: [%q], verbs: [%s]}", g.group, g.resource, g.name, verbs)
		default:
			parts[i] = fmt.Sprintf("{apiGroups: [%q], resources: [%q], verbs: [%s]}", g.group, g.resource, verbs)
		}
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

// KubernetesGrant is what a cluster administrator runs to grant what is missing in a namespace that is there, by a Role of that name.
func KubernetesGrant(role, namespace string, missing []Access) string {
	return kubernetesGrant(role, namespace, false, missing)
}

// kubernetesGrant is what a cluster administrator runs to grant just what is missing: a Role in the namespace, and a ClusterRole
// for what no Role can hold.
func kubernetesGrant(name, namespace string, newNamespace bool, missing []Access) string {
	var inside, outside []Access
	for _, a := range missing {
		if a.Path != "" || newNamespace {
			outside = append(outside, a)
		} else {
			inside = append(inside, a)
		}
	}
	const manifest = `echo '{apiVersion: rbac.authorization.k8s.io/v1, kind: %s, metadata: {%s}, rules: %s}' | kubectl create -f - && `
	var commands []string
	if len(inside) > 0 {
		metadata := fmt.Sprintf("name: %s, namespace: %q", name, namespace)
		commands = append(commands, fmt.Sprintf(manifest, "Role", metadata, grantsOf(inside).rules())+
			fmt.Sprintf("kubectl create rolebinding %[1]s --namespace %[2]s --role %[1]s --user USER", name, namespace))
	}
	if len(outside) > 0 {
		commands = append(commands, fmt.Sprintf(manifest, "ClusterRole", "name: "+name, grantsOf(outside).rules())+
			fmt.Sprintf("kubectl create clusterrolebinding %[1]s --clusterrole %[1]s --user USER", name))
	}
	return "a cluster administrator grants it with: " + strings.Join(commands, " && ")
}

// teleportText is "read, create bot; update token".
func teleportText(accesses []TeleportAccess) string {
	return teleportGrants(accesses).text()
}

// teleportGrants knows Teleport's kinds as resources without a name.
func teleportGrants(accesses []TeleportAccess) grants {
	plain := make([]Access, len(accesses))
	for i, a := range accesses {
		plain[i] = Access{Verb: a.Verb, Resource: a.Kind}
	}
	return grantsOf(plain)
}

// teleportGrant is what a Teleport administrator does to grant just what is missing. No role grants what another denies.
func teleportGrant(user, role string, missing []TeleportAccess, denials []string) string {
	var steps []string
	if len(missing) > 0 {
		var rules []string
		for _, g := range teleportGrants(missing) {
			rules = append(rules, fmt.Sprintf("{resources: [%s], verbs: [%s]}", g.resource, strings.Join(g.verbs, ", ")))
		}
		steps = append(steps, fmt.Sprintf("a Teleport administrator makes the role with: echo '{kind: role, version: v7, metadata: {name: %s}, spec: {allow: {rules: [%s]}}}' | tctl create, and gives it to %s, who then logs in again: a login carries the roles of its time",
			role, strings.Join(rules, ", "), user))
	}
	if len(denials) > 0 {
		steps = append(steps, "take out what denies ("+strings.Join(denials, "; ")+")")
	}
	return strings.Join(steps, "; ")
}
