package teleporttest

import (
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
	machineidv1 "github.com/gravitational/teleport/api/gen/proto/go/teleport/machineid/v1"
	"github.com/gravitational/teleport/api/types"
	apievents "github.com/gravitational/teleport/api/types/events"
	apiutils "github.com/gravitational/teleport/api/utils"
	"google.golang.org/protobuf/proto"
)

// store is the backend: resources by name, each with a revision that changes with every write. It hands out
// copies, so that nothing is changed behind its back.
type store struct {
	mu        sync.Mutex
	now       func() time.Time
	users     map[string]*types.UserV2
	roles     map[string]*types.RoleV6
	tokens    map[string]*types.ProvisionTokenV2
	locks     map[string]*types.LockV2
	instances map[string]*machineidv1.BotInstance // by instance ID
	events    []apievents.AuditEvent
}

func newStore(now func() time.Time) *store {
	return &store{
		now:       now,
		users:     map[string]*types.UserV2{},
		roles:     map[string]*types.RoleV6{},
		tokens:    map[string]*types.ProvisionTokenV2{},
		locks:     map[string]*types.LockV2{},
		instances: map[string]*machineidv1.BotInstance{},
	}
}

func (s *store) user(name string) (*types.UserV2, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u, ok := s.users[name]
	if !ok {
		return nil, false
	}
	return apiutils.CloneProtoMsg(u), true
}

func (s *store) putUser(u *types.UserV2) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u = apiutils.CloneProtoMsg(u)
	u.Metadata.Revision = uuid.NewString()
	s.users[u.GetName()] = u
}

func (s *store) deleteUser(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.users, name)
}

// userNames are sorted.
func (s *store) userNames() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.users))
}

func (s *store) role(name string) (*types.RoleV6, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.roles[name]
	if !ok {
		return nil, false
	}
	return apiutils.CloneProtoMsg(r), true
}

func (s *store) putRole(r *types.RoleV6) *types.RoleV6 {
	s.mu.Lock()
	defer s.mu.Unlock()
	r = apiutils.CloneProtoMsg(r)
	r.Metadata.Revision = uuid.NewString()
	s.roles[r.GetName()] = r
	return apiutils.CloneProtoMsg(r)
}

func (s *store) deleteRole(name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.roles[name]
	delete(s.roles, name)
	return ok
}

func (s *store) roleNames() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.roles))
}

// token returns a token that has not expired: the backend drops expired ones.
func (s *store) token(name string) (*types.ProvisionTokenV2, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, ok := s.tokens[name]
	if !ok || expired(t, s.now()) {
		return nil, false
	}
	return apiutils.CloneProtoMsg(t), true
}

// heldToken also returns an expired token: a server that judges the proof first still finds its join method, because
// expiry is swept, not instant (teleport-facts 3.1).
func (s *store) heldToken(name string) (*types.ProvisionTokenV2, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, ok := s.tokens[name]
	if !ok {
		return nil, false
	}
	return apiutils.CloneProtoMsg(t), true
}

func (s *store) putToken(t *types.ProvisionTokenV2) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t = apiutils.CloneProtoMsg(t)
	t.Metadata.Revision = uuid.NewString()
	s.tokens[t.GetName()] = t
}

func (s *store) deleteToken(name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.tokens[name]
	delete(s.tokens, name)
	return ok
}

func (s *store) tokenNames() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var names []string
	for _, name := range slices.Sorted(maps.Keys(s.tokens)) {
		if !expired(s.tokens[name], s.now()) {
			names = append(names, name)
		}
	}
	return names
}

// expired treats no expiry and the zero time alike: both mean never (teleport-facts 3.6).
func expired(t *types.ProvisionTokenV2, now time.Time) bool {
	at := t.Expiry()
	return !at.IsZero() && at.Unix() != 0 && now.After(at)
}

func (s *store) addEvent(e apievents.AuditEvent) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.events = append(s.events, e)
}

func (s *store) allEvents() []apievents.AuditEvent {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.events)
}

func (s *store) instance(id string) (*machineidv1.BotInstance, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i, ok := s.instances[id]
	if !ok {
		return nil, false
	}
	return cloneInstance(i), true
}

func (s *store) putInstance(i *machineidv1.BotInstance) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i = cloneInstance(i)
	i.Metadata.Revision = uuid.NewString()
	s.instances[i.GetSpec().GetInstanceId()] = i
}

func (s *store) deleteInstance(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.instances[id]
	delete(s.instances, id)
	return ok
}

// botInstances are those of one bot, or of all bots for the empty name, sorted by bot and ID.
func (s *store) botInstances(bot string) []*machineidv1.BotInstance {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []*machineidv1.BotInstance
	for _, id := range slices.Sorted(maps.Keys(s.instances)) {
		if i := s.instances[id]; bot == "" || i.GetSpec().GetBotName() == bot {
			out = append(out, cloneInstance(i))
		}
	}
	slices.SortStableFunc(out, func(a, b *machineidv1.BotInstance) int {
		return compare(a.GetSpec().GetBotName(), b.GetSpec().GetBotName())
	})
	return out
}

func cloneInstance(i *machineidv1.BotInstance) *machineidv1.BotInstance {
	return proto.CloneOf(i)
}

func compare(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}
