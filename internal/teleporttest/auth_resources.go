package teleporttest

import (
	"context"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/gravitational/teleport/api/client/proto"
	"github.com/gravitational/teleport/api/defaults"
	"github.com/gravitational/teleport/api/types"
	"github.com/gravitational/trace"
	"google.golang.org/protobuf/types/known/emptypb"
)

// ListResources lists the Kubernetes clusters that the caller's roles reach. Other kinds are empty: nothing of them
// is enrolled here.
func (s *authService) ListResources(ctx context.Context, req *proto.ListResourcesRequest) (*proto.ListResourcesResponse, error) {
	who, err := callerFrom(ctx)
	if err != nil {
		return nil, err
	}
	if err := req.CheckAndSetDefaults(); err != nil {
		return nil, err
	}
	if req.ResourceType != types.KindKubeServer && req.ResourceType != types.KindKubernetesCluster {
		return &proto.ListResourcesResponse{}, nil
	}
	var all []*proto.PaginatedResource
	for _, k := range s.cluster.kubes.list() {
		server, err := kubeServer(k)
		if err != nil {
			return nil, err
		}
		match, err := selects(req, server.Spec.Cluster)
		if err != nil {
			return nil, err
		}
		if !match || !who.reaches(k.Labels) {
			continue
		}
		if req.ResourceType == types.KindKubernetesCluster {
			all = append(all, &proto.PaginatedResource{Resource: &proto.PaginatedResource_KubeCluster{KubeCluster: server.Spec.Cluster}})
			continue
		}
		all = append(all, &proto.PaginatedResource{Resource: &proto.PaginatedResource_KubernetesServer{KubernetesServer: server}})
	}
	resources, next, err := page(all, req.Limit, req.StartKey)
	if err != nil {
		return nil, err
	}
	return &proto.ListResourcesResponse{Resources: resources, NextKey: next, TotalCount: int32(len(all))}, nil //nolint:gosec // a handful
}

// GetKubernetesClusters lists dynamic Kubernetes clusters; those enrolled here are served by agents instead.
func (s *authService) GetKubernetesClusters(ctx context.Context, _ *emptypb.Empty) (*types.KubernetesClusterV3List, error) {
	if _, err := s.cluster.authorize(ctx, false, types.KindKubernetesCluster, types.VerbList, types.VerbRead); err != nil {
		return nil, err
	}
	return &types.KubernetesClusterV3List{}, nil
}

func kubeServer(k KubeCluster) (*types.KubernetesServerV3, error) {
	cluster, err := types.NewKubernetesClusterV3(types.Metadata{
		Name: k.Name, Namespace: defaults.Namespace, Labels: k.Labels,
	}, types.KubernetesClusterSpecV3{})
	if err != nil {
		return nil, trace.Wrap(err)
	}
	server, err := types.NewKubernetesServerV3FromCluster(cluster, "agent.example.com", "00000000-0000-0000-0000-000000000001")
	return server, trace.Wrap(err)
}

// reaches applies the kubernetes_labels of the caller's roles: every label of a rule must match, and a role that also
// denies them wins.
func (c *caller) reaches(labels map[string]string) bool {
	reached := false
	for _, role := range c.roleSet {
		if deny := role.GetKubernetesLabels(types.Deny); len(deny) > 0 && labelsMatch(deny, labels) {
			return false
		}
		if allow := role.GetKubernetesLabels(types.Allow); len(allow) > 0 && labelsMatch(allow, labels) {
			reached = true
		}
	}
	return reached
}

func labelsMatch(wanted types.Labels, labels map[string]string) bool {
	for key, values := range wanted {
		if key == types.Wildcard && slices.Contains(values, types.Wildcard) {
			continue
		}
		got, ok := labels[key]
		if !ok || !slices.ContainsFunc(values, func(v string) bool { return v == got || globMatches(v, got) }) {
			return false
		}
	}
	return true
}

// globMatches matches * inside of a value, and a regular expression between ^ and $.
func globMatches(pattern, value string) bool {
	if !strings.HasPrefix(pattern, "^") || !strings.HasSuffix(pattern, "$") {
		pattern = "^" + strings.ReplaceAll(regexp.QuoteMeta(pattern), `\*`, ".*") + "$"
	}
	expression, err := regexp.Compile(pattern)
	return err == nil && expression.MatchString(value)
}

// comparison is one term of the predicates that Teleport's own tools send.
var comparison = regexp.MustCompile(`^\s*(?:name|labels\[("(?:[^"\\]|\\.)*")\])\s*==\s*("(?:[^"\\]|\\.)*")\s*$`)

// selects applies a request's labels, search words and predicate. Of the predicate language it knows name == "x" and
// labels["x"] == "y" joined by || or by && (teleport-facts 5.1); anything else is an error, never a match.
func selects(req *proto.ListResourcesRequest, cluster *types.KubernetesClusterV3) (bool, error) {
	labels := cluster.GetAllLabels()
	for key, value := range req.Labels {
		if labels[key] != value {
			return false, nil
		}
	}
	for _, word := range req.SearchKeywords {
		if !strings.Contains(strings.ToLower(cluster.GetName()), strings.ToLower(word)) {
			return false, nil
		}
	}
	if req.PredicateExpression == "" {
		return true, nil
	}
	for _, alternative := range strings.Split(req.PredicateExpression, "||") {
		all := true
		for _, term := range strings.Split(alternative, "&&") {
			match, err := compareTerm(strings.Trim(strings.TrimSpace(term), "()"), cluster.GetName(), labels)
			if err != nil {
				return false, err
			}
			all = all && match
		}
		if all {
			return true, nil
		}
	}
	return false, nil
}

func compareTerm(term, name string, labels map[string]string) (bool, error) {
	m := comparison.FindStringSubmatch(term)
	if m == nil {
		return false, trace.BadParameter("failed to parse predicate expression: this test cluster does not know %q", term)
	}
	want, err := strconv.Unquote(m[2])
	if err != nil {
		return false, trace.BadParameter("failed to parse predicate expression: %v", err)
	}
	if m[1] == "" {
		return name == want, nil
	}
	key, err := strconv.Unquote(m[1])
	if err != nil {
		return false, trace.BadParameter("failed to parse predicate expression: %v", err)
	}
	return labels[key] == want, nil
}
