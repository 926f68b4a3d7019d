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

// GetCertAuthority returns one CA of this cluster.
func (s *trustService) GetCertAuthority(ctx context.Context, req *trustv1.GetCertAuthorityRequest) (*types.CertAuthorityV2, error) {
	if err := s.authorize(ctx, req.GetIncludeKey()); err != nil {
		return nil, err
	}
	a, ok := s.cluster.trustedAuthority(types.CertAuthType(req.GetType()))
	if !ok || req.GetDomain() != s.cluster.opts.ClusterName {
		return nil, trace.NotFound("key %q is not found", "/authorities/"+req.GetType()+"/"+req.GetDomain())
	}
	return a.resource(s.cluster.opts.ClusterName), nil
}

// GetCertAuthorities returns the CAs of a type: there are no trusted clusters, so there is at most one.
func (s *trustService) GetCertAuthorities(ctx context.Context, req *trustv1.GetCertAuthoritiesRequest) (*trustv1.GetCertAuthoritiesResponse, error) {
	if err := s.authorize(ctx, req.GetIncludeKey()); err != nil {
		return nil, err
	}
	out := &trustv1.GetCertAuthoritiesResponse{}
	if a, ok := s.cluster.trustedAuthority(types.CertAuthType(req.GetType())); ok {
		out.CertAuthoritiesV2 = append(out.CertAuthoritiesV2, a.resource(s.cluster.opts.ClusterName))
	}
	return out, nil
}

func (s *trustService) authorize(ctx context.Context, withKeys bool) error {
	verb := types.VerbReadNoSecrets
	if withKeys {
		verb = types.VerbRead
	}
	_, err := s.cluster.authorize(ctx, withKeys, types.KindCertAuthority, verb)
	return err
}
