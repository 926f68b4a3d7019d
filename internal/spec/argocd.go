package spec

// ArgoCD says what Argo CD gets to know of the clusters of Reach. It belongs to AccessArgoCD.
type ArgoCD struct {
	// Namespace is the one that Argo CD reads its cluster Secrets in; empty is where it is found (Resolved.ArgoCDNamespace).
	Namespace string `yaml:"namespace,omitempty"`
	// Project is the one Argo CD project that may use the clusters; empty is any.
	Project string `yaml:"project,omitempty"`
	// Namespaces are the only ones of a cluster that Argo CD manages; none is all. ClusterResources adds what belongs to no namespace.
	Namespaces       []string `yaml:"namespaces,omitempty"`
	ClusterResources bool     `yaml:"clusterResources,omitempty"`
	// SecretLabels are put on each cluster Secret, for the generators of ApplicationSets.
	SecretLabels map[string]string `yaml:"secretLabels,omitempty"`
	// NameTemplate is a Go template over ClusterName and KubeName for the name that Argo CD shows; empty is tbot's own.
	NameTemplate string `yaml:"nameTemplate,omitempty"`
	// Impersonation lets Argo CD act as any user in the clusters, which is what its own impersonation asks for.
	Impersonation bool `yaml:"impersonation,omitempty"`
	// RBAC is how far tbot may read Argo CD's Secrets; empty is ArgoCDRBACNamed.
	RBAC ArgoCDRBAC `yaml:"rbac,omitempty"`
}

// ArgoCDRBAC is what tbot's Role in Argo CD's namespace is held to.
type ArgoCDRBAC string

const (
	// ArgoCDRBACNamed holds reading and updating to the Secrets of the clusters that match when it is made.
	ArgoCDRBACNamed ArgoCDRBAC = "named"
	// ArgoCDRBACNamespace is for clusters to come: every Secret of the namespace.
	ArgoCDRBACNamespace ArgoCDRBAC = "namespace"
	// ArgoCDRBACNamespaceMeans is what that comes to, for whoever signs the plan.
	ArgoCDRBACNamespaceMeans = "every Secret of Argo CD's namespace is tbot's to read and replace: the credentials of all its repositories and of all its clusters"
	// ReadOnlyMeans is what DefaultClusterRole comes to for Argo CD.
	ReadOnlyMeans = "with ClusterRole view Argo CD shows what is in the clusters and deploys nothing; --cluster-role edit lets it, though not for what belongs to no namespace"
)

// Given reports whether anything is answered.
func (a ArgoCD) Given() bool {
	return a.Namespace != "" || a.Project != "" || len(a.Namespaces) > 0 || a.ClusterResources || len(a.SecretLabels) > 0 || a.NameTemplate != "" || a.Impersonation || a.RBAC != ""
}

// NamesSecrets reports whether tbot's Role names the Secrets that it may read and update.
func (a ArgoCD) NamesSecrets() bool { return a.RBAC != ArgoCDRBACNamespace }

// ReachesClusters reports whether the bot is for Kubernetes clusters that are enrolled in Teleport.
func (s Setup) ReachesClusters() bool {
	return s.Access == AccessKubernetes || s.Access == AccessArgoCD
}

// Impersonates reports whether Argo CD is to act as any user.
func (s Setup) Impersonates() bool { return s.Access == AccessArgoCD && s.ArgoCD.Impersonation }

// Acting is Reach with what --argocd-impersonation means written out: any user, and no group that would go along with it.
func (s Setup) Acting() Reach {
	reach := s.Reach
	if s.Impersonates() {
		reach.Users = []string{AnyUser}
	}
	return reach
}

// ArgoCDNamespace is where tbot writes Argo CD's cluster Secrets: as answered, else where Argo CD was found; empty is not known yet.
func (s Setup) ArgoCDNamespace() string {
	switch {
	case s.Access != AccessArgoCD:
		return ""
	case s.ArgoCD.Namespace == "" && s.Resolved != nil:
		return s.Resolved.ArgoCDNamespace
	}
	return s.ArgoCD.Namespace
}

// Means says in words what the answers come to where they give much away; each is a half sentence.
func (s Setup) Means() []string {
	var words []string
	if s.MakesRole() {
		words = s.Acting().Means()
	}
	if s.Access != AccessArgoCD {
		return words
	}
	if s.MakesRole() && s.Reach.OnlyReads() {
		words = append(words, ReadOnlyMeans)
	}
	if !s.ArgoCD.NamesSecrets() {
		words = append(words, ArgoCDRBACNamespaceMeans)
	}
	return words
}
