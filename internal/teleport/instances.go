package teleport

import (
	"context"
	"slices"
	"time"

	machineidv1 "github.com/gravitational/teleport/api/gen/proto/go/teleport/machineid/v1"
)

// Authentication is one time that an instance was let in, as Teleport keeps it.
type Authentication = machineidv1.BotInstanceStatusAuthentication

// Instance reads one instance of a bot; nil where there is none, and Teleport forgets one soon after its certificates have ended
// (teleport-facts 2.9). It takes the verb read on bot_instance, else the error is of kind Denied. Servers before 16.2 know no
// instances: kind Unsupported (teleport-facts 9).
func (c *Client) Instance(ctx context.Context, bot, id string) (*machineidv1.BotInstance, error) {
	instance, err := c.auth.BotInstanceServiceClient().GetBotInstance(ctx, &machineidv1.GetBotInstanceRequest{BotName: bot, InstanceId: id})
	if err = wrap(err, "reading instance "+id+" of bot "+bot); Is(err, NotFound) {
		return nil, nil
	}
	return instance, err
}

// NewestInstance gives the instance of a bot that joined last by the token; nil where there is none. It takes the verbs list and read
// on bot_instance, else the error is as that of Instance.
func (c *Client) NewestInstance(ctx context.Context, bot, token string) (*machineidv1.BotInstance, error) {
	return c.NewestInstanceOf(ctx, bot, func(a *Authentication) bool { return a.GetJoinToken() == token })
}

// NewestInstanceOf is NewestInstance for the authentications that counts picks.
func (c *Client) NewestInstanceOf(ctx context.Context, bot string, counts func(*Authentication) bool) (*machineidv1.BotInstance, error) {
	var (
		newest *machineidv1.BotInstance
		last   time.Time
		next   string
	)
	for {
		answer, err := c.auth.BotInstanceServiceClient().ListBotInstances(ctx, &machineidv1.ListBotInstancesRequest{FilterBotName: bot, PageToken: next})
		if err != nil {
			return nil, wrap(err, "listing the instances of bot "+bot)
		}
		for _, instance := range answer.GetBotInstances() {
			if at, joined := lastJoin(instance, counts); joined && (newest == nil || at.After(last)) {
				newest, last = instance, at
			}
		}
		if next = answer.GetNextPageToken(); next == "" {
			return newest, nil
		}
	}
}

// lastJoin is when an instance was last let in, of the authentications that count.
func lastJoin(instance *machineidv1.BotInstance, counts func(*Authentication) bool) (at time.Time, joined bool) {
	status := instance.GetStatus()
	for _, authentication := range append(slices.Clone(status.GetLatestAuthentications()), status.GetInitialAuthentication()) {
		if authentication.GetAuthenticatedAt() == nil || !counts(authentication) {
			continue
		}
		if one := authentication.GetAuthenticatedAt().AsTime(); !joined || one.After(at) {
			at, joined = one, true
		}
	}
	return at, joined
}
