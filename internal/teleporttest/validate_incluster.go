package teleporttest

import (
	"context"
	"slices"
	"strings"

	workloadidentityv1 "github.com/gravitational/teleport/api/gen/proto/go/teleport/workloadidentity/v1"
	"github.com/gravitational/teleport/api/types"
	"github.com/gravitational/trace"
	"golang.org/x/mod/semver"
)

const (
	serviceAccountPrefix = "system:serviceaccount:"
	serviceAccountGroup  = "system:serviceaccounts"
	podNameExtra         = "authentication.kubernetes.io/pod-name"
)

// validateInCluster asks the Kubernetes cluster of the Auth Service for a TokenReview (teleport-facts 3.4). There is
// no limit of 30 minutes here.
func (c *Cluster) validateInCluster(ctx context.Context, token string) (*proof, error) {
	if c.opts.ReviewToken == nil {
		return nil, errNoKubernetes()
	}
	var audiences []string
	if c.behaviour.reviewAudiences {
		audiences = append([]string{c.opts.ClusterName}, c.opts.ReviewAudiences...)
	}
	review, err := c.opts.ReviewToken(ctx, token, audiences)
	if err != nil {
		return nil, trace.Wrap(err, "error during the Kubernetes TokenReview")
	}
	if !review.Authenticated {
		return nil, trace.AccessDenied("kubernetes failed to validate token: %s", review.Error)
	}
	name, ok := strings.CutPrefix(review.Username, serviceAccountPrefix)
	if !ok {
		return nil, trace.BadParameter("token user is not a service account: %s", review.Username)
	}
	namespace, account, ok := strings.Cut(name, ":")
	if !ok || strings.Contains(account, ":") {
		return nil, trace.BadParameter("token user has malformed service account name: %s", review.Username)
	}
	if !slices.Contains(review.Groups, serviceAccountGroup) {
		return nil, trace.BadParameter("token user '%s' does not belong to the '%s' group", review.Username, serviceAccountGroup)
	}
	pods, bound := review.Extra[podNameExtra]
	if !bound && semver.Compare(canonical(review.ServerVersion), "v1.22.0") >= 0 {
		return nil, trace.BadParameter("legacy SA tokens are not accepted as kubernetes version %s supports bound tokens", review.ServerVersion)
	}
	attrs := &workloadidentityv1.JoinAttrsKubernetes{
		Subject:        review.Username,
		ServiceAccount: &workloadidentityv1.JoinAttrsKubernetesServiceAccount{Name: account, Namespace: namespace},
	}
	if len(pods) == 1 {
		attrs.Pod = &workloadidentityv1.JoinAttrsKubernetesPod{Name: pods[0]}
	}
	return &proof{
		Raw:      rawReview(review),
		Type:     types.KubernetesJoinTypeInCluster,
		Username: review.Username,
		attrs:    attrs,
	}, nil
}

// rawReview has the shape of a TokenReview's status, which is what the audit log holds.
func rawReview(r Review) any {
	type user struct {
		Username string              `json:"username,omitempty"`
		Groups   []string            `json:"groups,omitempty"`
		Extra    map[string][]string `json:"extra,omitempty"`
	}
	return struct {
		Authenticated bool     `json:"authenticated,omitempty"`
		User          user     `json:"user"`
		Audiences     []string `json:"audiences,omitempty"`
		Error         string   `json:"error,omitempty"`
	}{r.Authenticated, user{r.Username, r.Groups, r.Extra}, r.Audiences, r.Error}
}

// canonical makes a Kubernetes git version comparable: build metadata such as +k3s1 is not compared.
func canonical(version string) string {
	if !strings.HasPrefix(version, "v") {
		version = "v" + version
	}
	return version
}
