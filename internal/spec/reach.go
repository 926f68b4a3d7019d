package spec

import (
	"slices"
	"strings"
)

// Reach says which Kubernetes clusters that are enrolled in Teleport the bot gets at, and as whom. It belongs to AccessKubernetes
// and AccessArgoCD.
type Reach struct {
	// Clusters are names in Teleport, Labels selectors: each matches the clusters that carry all its labels. All of them add up.
	Clusters []string            `yaml:"clusters,omitempty"`
	Labels   []map[string]string `yaml:"labels,omitempty"`
	// Groups and Users are what Teleport impersonates in a matched cluster. AnyUser alone stands for whoever is asked for.
	Groups []string `yaml:"groups,omitempty"`
	Users  []string `yaml:"users,omitempty"`
	// Namespace holds role and binding to one namespace of the matched clusters; empty is all of them.
	Namespace string `yaml:"namespace,omitempty"`
	// ClusterRole is bound to groups or users; empty is DefaultClusterRole.
	ClusterRole string `yaml:"clusterRole,omitempty"`
	// Contexts are contexts of the kubeconfig in whose clusters tbotctl makes the binding itself. They say nothing of what Teleport calls
	// these clusters, and nothing is named after them.
	Contexts []string `yaml:"contexts,omitempty"`
}

const (
	// AnyUser in Users lets the bot act as any user (teleport pull request 58478).
	AnyUser = "*"
	// DefaultClusterRole is Kubernetes' own role for reading everything but Secrets and RBAC.
	DefaultClusterRole = "view"
	// AnyUserMeans is what AnyUser comes to, for whoever signs the plan.
	AnyUserMeans = "this bot can act as any user in the matched clusters: treat it as cluster-admin"
	// EveryRightMeans is what ClusterRole cluster-admin comes to.
	EveryRightMeans = "ClusterRole cluster-admin allows everything, Secrets and RBAC too"
)

// masters is the group that every API server obeys before it asks any authorizer; no binding can take it back.
const masters = "system:masters"

// Selects reports whether any cluster is named or matched by labels.
func (r Reach) Selects() bool { return len(r.Clusters) > 0 || len(r.Labels) > 0 }

// Impersonates reports whether groups or users are given.
func (r Reach) Impersonates() bool { return len(r.Groups) > 0 || len(r.Users) > 0 }

// AsAnyone reports whether the bot may act as any user.
func (r Reach) AsAnyone() bool { return len(r.Users) == 1 && r.Users[0] == AnyUser }

// BoundRole is the ClusterRole that groups or users are bound to.
func (r Reach) BoundRole() string {
	if r.ClusterRole == "" {
		return DefaultClusterRole
	}
	return r.ClusterRole
}

// OnlyReads reports whether the bound ClusterRole allows no writing.
func (r Reach) OnlyReads() bool { return r.BoundRole() == DefaultClusterRole }

// Means says in words what the answers come to where they give much away; each is a half sentence.
func (r Reach) Means() []string {
	var words []string
	if r.AsAnyone() {
		words = append(words, AnyUserMeans)
	}
	if len(r.Users) > 1 {
		words = append(words, "each request has to say as which of the users it comes (kubectl --as); Teleport refuses one that does not")
	}
	if names := slices.DeleteFunc(slices.Concat(r.Groups, r.Users), func(name string) bool { return !strings.HasPrefix(name, "system:") }); len(names) > 0 {
		words = append(words, "to act as "+strings.Join(names, ", ")+" is to take names that Kubernetes keeps for itself, which GKE Autopilot forbids")
	}
	switch role := r.BoundRole(); role {
	case DefaultClusterRole:
	case "cluster-admin":
		words = append(words, EveryRightMeans)
	case "edit", "admin":
		words = append(words, "ClusterRole "+role+" allows changes, reading Secrets, and pods that run as any service account of their namespace")
	default:
		words = append(words, "what ClusterRole "+role+" allows is up to each matched cluster; Teleport holds nothing back of it")
	}
	return words
}

// MakesRole reports whether tbotctl makes the Teleport role that grants the access. Without groups and users the roles of
// Teleport.Roles have to grant it.
func (s Setup) MakesRole() bool { return s.ReachesClusters() && s.Acting().Impersonates() }

// BotRoles are all roles of the bot: those asked for in their order, then the one that tbotctl makes.
func (s Setup) BotRoles() []string {
	roles := append([]string(nil), s.Teleport.Roles...)
	if made := s.Names().KubeRole; made != "" && !slices.Contains(roles, made) {
		roles = append(roles, made)
	}
	return roles
}

// Subjects are whom a binding in a matched cluster is for: the groups that Teleport impersonates, or else the users. A bot that may act
// as anybody is bound as itself: that is what it is while it asks for nobody (field-notes P26).
func (s Setup) Subjects() (groups, users []string) {
	switch {
	case s.Acting().AsAnyone():
		return nil, []string{s.BotUser()}
	case len(s.Reach.Groups) > 0:
		return s.Reach.Groups, nil
	}
	return nil, s.Reach.Users
}

// BindCommand binds groups and users to a ClusterRole in a cluster that the bot reaches: in one namespace, or everywhere where that is
// empty. Which context leads to that cluster is for whoever runs it to say, and the current one is likely that of another.
func BindCommand(name, namespace, clusterRole string, groups, users []string) string {
	words := []string{"kubectl --context CLUSTER create clusterrolebinding", ShellWord(name)}
	if namespace != "" {
		words = []string{"kubectl --context CLUSTER --namespace", ShellWord(namespace), "create rolebinding", ShellWord(name)}
	}
	words = append(words, "--clusterrole="+ShellWord(clusterRole))
	for _, group := range groups {
		words = append(words, "--group="+ShellWord(group))
	}
	for _, user := range users {
		words = append(words, "--user="+ShellWord(user))
	}
	return strings.Join(words, " ")
}

// ResolvedCluster is a Kubernetes cluster that is enrolled in Teleport and that the answers match.
type ResolvedCluster struct {
	Name string `yaml:"name"`
	// Labels are those that stay as they are: not what a command of the agent says anew each time.
	Labels map[string]string `yaml:"labels,omitempty"`
}

// Matches reports whether name or labels of a cluster are among the selectors, compared letter by letter as tbot does
// (teleport-facts 6.3).
func (r Reach) Matches(cluster ResolvedCluster) bool {
	if slices.Contains(r.Clusters, cluster.Name) {
		return true
	}
	return slices.ContainsFunc(r.Labels, cluster.Carries)
}

// Carries reports whether a cluster has all wanted labels; to want none matches nothing.
func (c ResolvedCluster) Carries(wanted map[string]string) bool {
	for key, value := range wanted {
		if have, found := c.Labels[key]; !found || have != value {
			return false
		}
	}
	return len(wanted) > 0
}
