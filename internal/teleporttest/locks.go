package teleporttest

import (
	"slices"

	"github.com/gravitational/teleport/api/types"
	apiutils "github.com/gravitational/teleport/api/utils"
	"github.com/gravitational/trace"
)

func (s *store) putLock(l *types.LockV2) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.locks[l.GetName()] = apiutils.CloneProtoMsg(l)
}

func (s *store) deleteLock(name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.locks[name]
	delete(s.locks, name)
	return ok
}

func (s *store) lock(name string) (*types.LockV2, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l, ok := s.locks[name]
	if !ok {
		return nil, false
	}
	return apiutils.CloneProtoMsg(l), true
}

// lockList is sorted by name.
func (s *store) lockList() []*types.LockV2 {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]*types.LockV2, 0, len(s.locks))
	for _, l := range s.locks {
		out = append(out, apiutils.CloneProtoMsg(l))
	}
	slices.SortFunc(out, func(a, b *types.LockV2) int { return compare(a.GetName(), b.GetName()) })
	return out
}

// checkLocks refuses an identity that a lock in force targets by user, role, bot instance or join token.
func (c *Cluster) checkLocks(user string, roles []string, instance, token string) error {
	now := c.opts.Now()
	for _, l := range c.state.lockList() {
		target := l.Target()
		hit := target.User != "" && target.User == user ||
			target.Role != "" && slices.Contains(roles, target.Role) ||
			target.BotInstanceID != "" && target.BotInstanceID == instance ||
			target.JoinToken != "" && target.JoinToken == token
		if !hit || !l.IsInForce(now) {
			continue
		}
		return trace.AccessDenied("lock targeting %v is in force", target)
	}
	return nil
}
