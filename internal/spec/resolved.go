package spec

import (
	"strings"

	"golang.org/x/mod/semver"
)

// Resolved is what was looked up in the two clusters. Rendering reads it instead of asking again, so that an answers file
// gives the same bytes on any machine and any day (cli.md, --save).
type Resolved struct {
	// ClusterName is the Teleport cluster's name, the audience of the service account token.
	ClusterName string `yaml:"clusterName"`
	// ServerVersion is the Auth Service's release, X.Y.Z without v; empty where no server was asked.
	ServerVersion string `yaml:"serverVersion,omitempty"`
	// Image is the full reference that the pod runs.
	Image string `yaml:"image"`
	// JoinType is never auto.
	JoinType JoinType `yaml:"joinType"`
	// Reason says in one sentence why that join type.
	Reason string `yaml:"reason,omitempty"`
	// Issuer is byte for byte the `iss` of the cluster's service account tokens.
	Issuer string `yaml:"issuer,omitempty"`
	// JWKS is compact JSON of public keys; only where JoinType is static_jwks.
	JWKS string `yaml:"jwks,omitempty"`
	// ClusterID is eight hex digits that tell this Kubernetes cluster from others.
	ClusterID string `yaml:"clusterID,omitempty"`
	// KubeClusters are the clusters that Reach matched; the role for those that are named is made of their labels.
	KubeClusters []ResolvedCluster `yaml:"kubeClusters,omitempty"`
	// ArgoCDNamespace is where Argo CD was found.
	ArgoCDNamespace string `yaml:"argocdNamespace,omitempty"`
	// Platform is never auto; empty where nobody looked, which is as kubernetes.
	Platform Platform `yaml:"platform,omitempty"`
}

// Complete reports whether rendering has all that it reads.
func (r *Resolved) Complete() bool {
	if r == nil || r.ClusterName == "" || r.Image == "" {
		return false
	}
	switch r.JoinType {
	case JoinOIDC:
		return r.Issuer != ""
	case JoinStaticJWKS:
		return r.JWKS != ""
	case JoinInCluster:
		return true
	case JoinAuto:
		return false
	}
	return false
}

// ImageVersion is the tag of the image, which is the release of tbot, or of an agent and its chart.
func (r *Resolved) ImageVersion() string { return r.Image[strings.LastIndex(r.Image, ":")+1:] }

// TokenAudience is the audience of the service account token that joins: the cluster name (field-notes P01). It is empty,
// which stands for the API server's own audience, for in_cluster on a server before 17.0.3 or of unknown version: such a
// server's TokenReview knows no other, and a later one takes both (teleport-facts 3.4).
func (r *Resolved) TokenAudience() string {
	server := "v" + strings.TrimPrefix(r.ServerVersion, "v")
	if r.JoinType == JoinInCluster && semver.Compare(server, "v17.0.3") < 0 {
		return ""
	}
	return r.ClusterName
}
