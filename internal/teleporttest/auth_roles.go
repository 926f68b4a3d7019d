package teleporttest

import (
	"context"
	"slices"

	"github.com/gravitational/teleport/api/client/proto"
	"github.com/gravitational/teleport/api/types"
	"github.com/gravitational/trace"
	"google.golang.org/protobuf/types/known/emptypb"
)

// GetRole may be called by everybody for a role of their own.
func (s *authService) GetRole(ctx context.Context, req *proto.GetRoleRequest) (*types.RoleV6, error) {
	who, err := callerFrom(ctx)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(who.roles, req.Name) {
		if err := who.allow(types.KindRole, types.VerbRead); err != nil {
			return nil, err
		}
	}
	role, ok := s.cluster.state.role(req.Name)
	if !ok {
		return nil, errRoleNotFound(req.Name)
	}
	return role, nil
}

// ListRoles lists roles page by page.
func (s *authService) ListRoles(ctx context.Context, req *proto.ListRolesRequest) (*proto.ListRolesResponse, error) {
	if _, err := s.cluster.authorize(ctx, false, types.KindRole, types.VerbList, types.VerbRead); err != nil {
		return nil, err
	}
	var all []*types.RoleV6
	for _, name := range s.cluster.state.roleNames() {
		role, ok := s.cluster.state.role(name)
		if ok && (req.Filter == nil || req.Filter.Match(role)) {
			all = append(all, role)
		}
	}
	roles, next, err := page(all, req.Limit, req.StartKey)
	if err != nil {
		return nil, err
	}
	return &proto.ListRolesResponse{Roles: roles, NextKey: next}, nil
}

// GetCurrentUserRoles streams the roles in the caller's certificate.
func (s *authService) GetCurrentUserRoles(_ *emptypb.Empty, stream proto.AuthService_GetCurrentUserRolesServer) error {
	who, err := callerFrom(stream.Context())
	if err != nil {
		return err
	}
	for _, role := range who.roleSet {
		if err := stream.Send(role); err != nil {
			return trace.Wrap(err)
		}
	}
	return nil
}

// UpsertRoleV2 asks for the right to update first: who lacks that hears of nothing else (recordings/auth-calls.json).
func (s *authService) UpsertRoleV2(ctx context.Context, req *proto.UpsertRoleRequest) (*types.RoleV6, error) {
	if err := s.authorizeRole(ctx, req.GetRole(), types.VerbUpdate, types.VerbCreate); err != nil {
		return nil, err
	}
	return s.cluster.state.putRole(req.Role), nil
}

// UpsertRole is the older form of UpsertRoleV2; the api client falls back to it.
func (s *authService) UpsertRole(ctx context.Context, role *types.RoleV6) (*emptypb.Empty, error) {
	if err := s.authorizeRole(ctx, role, types.VerbUpdate, types.VerbCreate); err != nil {
		return nil, err
	}
	s.cluster.state.putRole(role)
	return &emptypb.Empty{}, nil
}

// CreateRole refuses a name that is taken.
func (s *authService) CreateRole(ctx context.Context, req *proto.CreateRoleRequest) (*types.RoleV6, error) {
	if err := s.authorizeRole(ctx, req.GetRole(), types.VerbCreate); err != nil {
		return nil, err
	}
	if _, ok := s.cluster.state.role(req.Role.GetName()); ok {
		return nil, trace.AlreadyExists("role %q already exists", req.Role.GetName())
	}
	return s.cluster.state.putRole(req.Role), nil
}

// UpdateRole demands the revision that is stored.
func (s *authService) UpdateRole(ctx context.Context, req *proto.UpdateRoleRequest) (*types.RoleV6, error) {
	if err := s.authorizeRole(ctx, req.GetRole(), types.VerbUpdate); err != nil {
		return nil, err
	}
	held, ok := s.cluster.state.role(req.Role.GetName())
	if !ok {
		return nil, errRoleNotFound(req.Role.GetName())
	}
	if held.GetRevision() != req.Role.GetRevision() {
		return nil, trace.CompareFailed("resource revision does not match, it may have been concurrently created|modified|deleted; please work from the latest state, or use --force to overwrite")
	}
	return s.cluster.state.putRole(req.Role), nil
}

// authorizeRole stops at the first missing verb, and checks the role by the api module's own rules. A role that is
// newer than an older server is stored all the same: it is judged when it is read.
func (s *authService) authorizeRole(ctx context.Context, role *types.RoleV6, verbs ...string) error {
	who, err := callerFrom(ctx)
	if err != nil {
		return err
	}
	for _, verb := range verbs {
		if err := who.allow(types.KindRole, verb); err != nil {
			return err
		}
	}
	if err := s.cluster.adminAction(ctx, who); err != nil {
		return err
	}
	if role == nil {
		return trace.BadParameter("role not provided in request")
	}
	return trace.Wrap(role.CheckAndSetDefaults())
}

// DeleteRole refuses to delete a role that a user holds.
func (s *authService) DeleteRole(ctx context.Context, req *proto.DeleteRoleRequest) (*emptypb.Empty, error) {
	if _, err := s.cluster.authorize(ctx, true, types.KindRole, types.VerbDelete); err != nil {
		return nil, err
	}
	for _, name := range s.cluster.state.userNames() {
		if user, ok := s.cluster.state.user(name); ok && slices.Contains(user.GetRoles(), req.Name) {
			return nil, trace.BadParameter("failed to delete a role that is still in use by a user, check the system server logs for more details")
		}
	}
	if !s.cluster.state.deleteRole(req.Name) {
		return nil, errRoleNotFound(req.Name)
	}
	return &emptypb.Empty{}, nil
}
