package teleporttest

import (
	"cmp"
	"context"
	"slices"

	presencev1 "github.com/gravitational/teleport/api/gen/proto/go/teleport/presence/v1"
	"github.com/gravitational/teleport/api/types"
	"github.com/gravitational/trace"
)

// leaf is a cluster that trusts this one: its name and the CA of its hosts. Nothing of it runs.
type leaf struct {
	name   string
	hostCA *authority
}

// makeLeaves makes the CAs of the leaf clusters, sorted by name.
func (c *Cluster) makeLeaves() error {
	for _, name := range c.opts.RemoteClusters {
		ca, err := newAuthority(types.HostCA, name, c.keyPlan(), c.opts.Now())
		if err != nil {
			return err
		}
		c.leaves = append(c.leaves, leaf{name: name, hostCA: ca})
	}
	slices.SortFunc(c.leaves, func(a, b leaf) int { return cmp.Compare(a.name, b.name) })
	return nil
}

// leafNamed returns NotFound in the words of the look-up of a remote cluster.
func (c *Cluster) leafNamed(name string) (leaf, error) {
	i := slices.IndexFunc(c.leaves, func(l leaf) bool { return l.name == name })
	if i < 0 {
		return leaf{}, trace.NotFound("remote cluster %q is not found", name)
	}
	return c.leaves[i], nil
}

// presenceService is teleport.presence.v1.PresenceService, for leaf clusters. Everybody sees them: they have no labels.
type presenceService struct {
	presencev1.UnimplementedPresenceServiceServer

	cluster *Cluster
}

// ListRemoteClusters lists the leaf clusters page by page.
func (s *presenceService) ListRemoteClusters(ctx context.Context, req *presencev1.ListRemoteClustersRequest) (*presencev1.ListRemoteClustersResponse, error) {
	if _, err := s.cluster.authorize(ctx, false, types.KindRemoteCluster, types.VerbList, types.VerbRead); err != nil {
		return nil, err
	}
	leaves, next, err := page(s.cluster.leaves, req.GetPageSize(), req.GetPageToken())
	if err != nil {
		return nil, err
	}
	answer := &presencev1.ListRemoteClustersResponse{NextPageToken: next}
	for _, l := range leaves {
		resource, err := l.resource()
		if err != nil {
			return nil, err
		}
		answer.RemoteClusters = append(answer.RemoteClusters, resource)
	}
	return answer, nil
}

// GetRemoteCluster returns a leaf cluster by name.
func (s *presenceService) GetRemoteCluster(ctx context.Context, req *presencev1.GetRemoteClusterRequest) (*types.RemoteClusterV3, error) {
	if _, err := s.cluster.authorize(ctx, false, types.KindRemoteCluster, types.VerbRead); err != nil {
		return nil, err
	}
	l, err := s.cluster.leafNamed(req.GetName())
	if err != nil {
		return nil, err
	}
	return l.resource()
}

func (l leaf) resource() (*types.RemoteClusterV3, error) {
	made, err := types.NewRemoteCluster(l.name)
	if err != nil {
		return nil, trace.Wrap(err)
	}
	resource, ok := made.(*types.RemoteClusterV3)
	if !ok {
		return nil, trace.BadParameter("unexpected remote cluster %T", made)
	}
	return resource, nil
}
