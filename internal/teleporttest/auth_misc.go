package teleporttest

import (
	"context"

	"github.com/gravitational/teleport/api/constants"
	clusterconfigv1 "github.com/gravitational/teleport/api/gen/proto/go/teleport/clusterconfig/v1"
	usersv1 "github.com/gravitational/teleport/api/gen/proto/go/teleport/users/v1"
	"github.com/gravitational/teleport/api/types"
	"github.com/gravitational/trace"
)

// usersService is teleport.users.v1.UsersService, for reading.
type usersService struct {
	usersv1.UnimplementedUsersServiceServer

	cluster *Cluster
}

// GetUser returns the caller, which needs no right, or a user by name.
func (s *usersService) GetUser(ctx context.Context, req *usersv1.GetUserRequest) (*usersv1.GetUserResponse, error) {
	who, err := callerFrom(ctx)
	if err != nil {
		return nil, err
	}
	if req.GetCurrentUser() {
		return &usersv1.GetUserResponse{User: who.user}, nil
	}
	if req.GetName() != who.username {
		if err := who.allow(types.KindUser, types.VerbRead); err != nil {
			return nil, err
		}
	}
	user, ok := s.cluster.state.user(req.GetName())
	if !ok {
		return nil, errUserNotFound(req.GetName())
	}
	return &usersv1.GetUserResponse{User: user}, nil
}

// clusterConfigService is teleport.clusterconfig.v1.ClusterConfigService, for reading.
type clusterConfigService struct {
	clusterconfigv1.UnimplementedClusterConfigServiceServer

	cluster *Cluster
}

// GetAuthPreference says which second factors there are and which suite of keys.
func (s *clusterConfigService) GetAuthPreference(ctx context.Context, _ *clusterconfigv1.GetAuthPreferenceRequest) (*types.AuthPreferenceV2, error) {
	if _, err := s.cluster.authorize(ctx, false, types.KindClusterAuthPreference, types.VerbRead); err != nil {
		return nil, err
	}
	spec := types.AuthPreferenceSpecV2{
		Type:                    constants.Local,
		SecondFactor:            constants.SecondFactorOn,
		SignatureAlgorithmSuite: s.cluster.opts.Suite,
		Webauthn:                &types.Webauthn{RPID: webauthnRPID},
	}
	if s.cluster.opts.AdminMFA {
		spec.SecondFactor = constants.SecondFactorWebauthn
	}
	preference, err := types.NewAuthPreference(spec)
	if err != nil {
		return nil, trace.Wrap(err)
	}
	v2, ok := preference.(*types.AuthPreferenceV2)
	if !ok {
		return nil, trace.BadParameter("unexpected auth preference %T", preference)
	}
	return v2, nil
}

// GetClusterName returns the cluster's name as a resource.
func (s *clusterConfigService) GetClusterName(ctx context.Context, _ *clusterconfigv1.GetClusterNameRequest) (*types.ClusterNameV2, error) {
	if _, err := s.cluster.authorize(ctx, false, types.KindClusterName, types.VerbRead); err != nil {
		return nil, err
	}
	name, err := types.NewClusterName(types.ClusterNameSpecV2{ClusterName: s.cluster.opts.ClusterName, ClusterID: "test"})
	if err != nil {
		return nil, trace.Wrap(err)
	}
	v2, ok := name.(*types.ClusterNameV2)
	if !ok {
		return nil, trace.BadParameter("unexpected cluster name %T", name)
	}
	return v2, nil
}
