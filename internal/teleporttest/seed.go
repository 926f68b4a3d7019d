package teleporttest

import (
	"fmt"

	"github.com/google/uuid"
	machineidv1 "github.com/gravitational/teleport/api/gen/proto/go/teleport/machineid/v1"
	"github.com/gravitational/teleport/api/types"
	apievents "github.com/gravitational/teleport/api/types/events"
)

// AddUser makes or replaces a user with roles that exist by the time the user makes a request. An invalid name is a
// mistake in the test and panics.
func (c *Cluster) AddUser(name string, roles ...string) {
	user := &types.UserV2{Metadata: types.Metadata{Name: name}, Spec: types.UserSpecV2{Roles: roles}}
	must(user.CheckAndSetDefaults())
	c.state.putUser(user)
}

// AddRole makes or replaces roles. A role that the api module refuses is a mistake in the test and panics.
func (c *Cluster) AddRole(roles ...types.Role) {
	for _, role := range roles {
		v6, ok := role.(*types.RoleV6)
		if !ok {
			panic(fmt.Sprintf("teleporttest: a role must be a *types.RoleV6, not a %T", role))
		}
		must(v6.CheckAndSetDefaults())
		c.state.putRole(v6)
	}
}

// Bot returns a bot by name, with no regard to rights.
func (c *Cluster) Bot(name string) (*machineidv1.Bot, bool) {
	bot, err := c.bot(name)
	return bot, err == nil
}

// PutBot makes or replaces a bot, with no regard to rights.
func (c *Cluster) PutBot(bot *machineidv1.Bot) {
	must(validateBot(bot))
	_, err := c.storeBot(bot, "test", "0")
	must(err)
}

// DeleteBot deletes a bot if there is one. Its tokens stay, as they do in Teleport.
func (c *Cluster) DeleteBot(name string) {
	c.state.deleteUser(resourceName(name))
	c.state.deleteRole(resourceName(name))
}

// Token returns a join token that has not expired, with no regard to rights.
func (c *Cluster) Token(name string) (types.ProvisionToken, bool) {
	token, ok := c.state.token(name)
	if !ok {
		return nil, false
	}
	return token, true
}

// PutToken makes or replaces a join token, with no regard to rights and unchecked: a token in a backend may be
// older than the check that would refuse it.
func (c *Cluster) PutToken(token types.ProvisionToken) {
	v2, ok := token.(*types.ProvisionTokenV2)
	if !ok {
		panic(fmt.Sprintf("teleporttest: a token must be a *types.ProvisionTokenV2, not a %T", token))
	}
	c.state.putToken(v2)
}

// DeleteToken deletes a join token if there is one.
func (c *Cluster) DeleteToken(name string) { c.state.deleteToken(name) }

// Lock locks a bot's user, as "tctl lock --user=bot-NAME" does, and returns the lock's name.
func (c *Cluster) Lock(bot string) string {
	lock := &types.LockV2{
		Metadata: types.Metadata{Name: uuid.NewString()},
		Spec:     types.LockSpecV2{Target: types.LockTarget{User: resourceName(bot)}},
	}
	must(lock.CheckAndSetDefaults())
	c.state.putLock(lock)
	return lock.GetName()
}

// Unlock removes a lock by its name.
func (c *Cluster) Unlock(name string) { c.state.deleteLock(name) }

// Events returns the audit log, oldest first.
func (c *Cluster) Events() []apievents.AuditEvent { return c.state.allEvents() }

// Instances returns the instances of a bot, or of all bots for the empty name.
func (c *Cluster) Instances(bot string) []*machineidv1.BotInstance { return c.state.botInstances(bot) }

func must(err error) {
	if err != nil {
		panic(fmt.Sprintf("teleporttest: %v", err))
	}
}
