package tbotconfig

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"

	"github.com/tbotctl/tbotctl/internal/spec"
)

// SecretName is the name of the Secret that the output writes for one Kubernetes cluster: the same for the same pair of clusters,
// whatever Argo CD shows them as (teleport-facts 6.5).
func (a *ArgoCD) SecretName(teleportCluster, kubeCluster string) string {
	sum := sha256.Sum256([]byte(teleportCluster + kubeCluster))
	return fmt.Sprintf("%s.%x", cmp.Or(a.SecretNamePrefix, DefaultArgoCDPrefix), sum[:8])
}

// argoCDOutput is one output for all clusters. Its Secrets go to the pod's own namespace unless Argo CD is in another.
func argoCDOutput(s spec.Setup) *ArgoCD {
	output := NewArgoCD(selectors(s.Reach, "")...)
	if argo := s.ArgoCDNamespace(); argo != s.Kubernetes.Namespace {
		output.SecretNamespace = argo
	}
	output.SecretLabels = s.ArgoCD.SecretLabels
	output.Project, output.Namespaces, output.ClusterResources = s.ArgoCD.Project, s.ArgoCD.Namespaces, s.ArgoCD.ClusterResources
	output.ClusterNameTemplate = s.ArgoCD.NameTemplate
	return output
}

// ClusterSecret is the Secret by which Argo CD reaches one Kubernetes cluster.
type ClusterSecret struct{ Namespace, Name, Cluster string }

// String is the Secret's place, such as "argocd/teleport.argocd-cluster.0123456789abcdef".
func (c ClusterSecret) String() string { return c.Namespace + "/" + c.Name }

// ClusterSecrets are those that the pod of a Setup writes for the clusters that are known to match, by cluster; none for another access,
// and before anybody has looked which clusters match.
func ClusterSecrets(s spec.Setup) []ClusterSecret {
	if s.Access != spec.AccessArgoCD || s.Resolved == nil {
		return nil
	}
	output := argoCDOutput(s)
	clusters := slices.Clone(s.Reach.Clusters)
	for _, cluster := range s.Resolved.KubeClusters {
		if !slices.Contains(clusters, cluster.Name) {
			clusters = append(clusters, cluster.Name)
		}
	}
	slices.SortFunc(clusters, strings.Compare)
	secrets := make([]ClusterSecret, 0, len(clusters))
	for _, cluster := range clusters {
		secrets = append(secrets, ClusterSecret{s.ArgoCDNamespace(), output.SecretName(s.Resolved.ClusterName, cluster), cluster})
	}
	return secrets
}
