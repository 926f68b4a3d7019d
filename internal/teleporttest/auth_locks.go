package teleporttest

import (
	"context"

	"github.com/gravitational/teleport/api/client/proto"
	"github.com/gravitational/teleport/api/types"
	"github.com/gravitational/trace"
	"google.golang.org/protobuf/types/known/emptypb"
)

// GetLock reads a lock.
func (s *authService) GetLock(ctx context.Context, req *proto.GetLockRequest) (*types.LockV2, error) {
	if _, err := s.cluster.authorize(ctx, false, types.KindLock, types.VerbRead); err != nil {
		return nil, err
	}
	lock, ok := s.cluster.state.lock(req.Name)
	if !ok {
		return nil, trace.NotFound("lock %q not found", req.Name)
	}
	return lock, nil
}

// GetLocks lists locks, those in force alone if asked so, that match any of the targets.
func (s *authService) GetLocks(ctx context.Context, req *proto.GetLocksRequest) (*proto.GetLocksResponse, error) {
	if _, err := s.cluster.authorize(ctx, false, types.KindLock, types.VerbList, types.VerbRead); err != nil {
		return nil, err
	}
	out := &proto.GetLocksResponse{}
	for _, lock := range s.cluster.state.lockList() {
		if req.InForceOnly && !lock.IsInForce(s.cluster.opts.Now()) {
			continue
		}
		match := len(req.Targets) == 0
		for _, target := range req.Targets {
			match = match || target.Match(lock)
		}
		if match {
			out.Locks = append(out.Locks, lock)
		}
	}
	return out, nil
}

// UpsertLock writes a lock.
func (s *authService) UpsertLock(ctx context.Context, lock *types.LockV2) (*emptypb.Empty, error) {
	if _, err := s.cluster.authorize(ctx, true, types.KindLock, types.VerbCreate, types.VerbUpdate); err != nil {
		return nil, err
	}
	if err := lock.CheckAndSetDefaults(); err != nil {
		return nil, trace.Wrap(err)
	}
	s.cluster.state.putLock(lock)
	return &emptypb.Empty{}, nil
}

// DeleteLock deletes a lock.
func (s *authService) DeleteLock(ctx context.Context, req *proto.DeleteLockRequest) (*emptypb.Empty, error) {
	if _, err := s.cluster.authorize(ctx, true, types.KindLock, types.VerbDelete); err != nil {
		return nil, err
	}
	if !s.cluster.state.deleteLock(req.Name) {
		return nil, trace.NotFound("lock %q not found", req.Name)
	}
	return &emptypb.Empty{}, nil
}
