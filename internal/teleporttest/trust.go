package teleporttest

import (
	"context"

	trustv1 "github.com/gravitational/teleport/api/gen/proto/go/teleport/trust/v1"
	"github.com/gravitational/teleport/api/types"
	"github.com/gravitational/trace"
)

// trustService is teleport.trust.v1.TrustService, for reading CAs without their keys.
type trustService struct {
	trustv1.UnimplementedTrustServiceServer

	cluster *Cluster
}

// GetCertAuthority returns one CA of this cluster, or the host CA of a leaf.
func (s *trustService) GetCertAuthority(ctx context.Context, req *trustv1.GetCertAuthorityRequest) (*types.CertAuthorityV2, error) {
	if err := s.authorize(ctx, req.GetIncludeKey()); err != nil {
		return nil, err
	}
	for _, a := range s.cluster.authoritiesOf(types.CertAuthType(req.GetType())) {
		if a.GetClusterName() == req.GetDomain() {
			return a, nil
		}
	}
	return nil, trace.NotFound("key %q is not found", "/authorities/"+req.GetType()+"/"+req.GetDomain())
}

// GetCertAuthorities returns the CAs of a type: this cluster's first, then those of leaf clusters.
func (s *trustService) GetCertAuthorities(ctx context.Context, req *trustv1.GetCertAuthoritiesRequest) (*trustv1.GetCertAuthoritiesResponse, error) {
	if err := s.authorize(ctx, req.GetIncludeKey()); err != nil {
		return nil, err
	}
	return &trustv1.GetCertAuthoritiesResponse{CertAuthoritiesV2: s.cluster.authoritiesOf(types.CertAuthType(req.GetType()))}, nil
}

// authoritiesOf are the CAs of a type. Of a leaf cluster only the host CA is known.
func (c *Cluster) authoritiesOf(kind types.CertAuthType) []*types.CertAuthorityV2 {
	var out []*types.CertAuthorityV2
	for _, a := range []*authority{c.hostCA, c.userCA, c.databaseCA} {
		if a.kind == kind {
			out = append(out, a.resource(c.opts.ClusterName))
		}
	}
	for _, l := range c.leaves {
		if kind == types.HostCA {
			out = append(out, l.hostCA.resource(l.name))
		}
	}
	return out
}

func (s *trustService) authorize(ctx context.Context, withKeys bool) error {
	verb := types.VerbReadNoSecrets
	if withKeys {
		verb = types.VerbRead
	}
	_, err := s.cluster.authorize(ctx, withKeys, types.KindCertAuthority, verb)
	return err
}
