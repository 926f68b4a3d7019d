package teleport

import (
	"context"
	"slices"
	"time"

	machineidv1 "github.com/gravitational/teleport/api/gen/proto/go/teleport/machineid/v1"
)

// NewestInstance gives the instance of a bot that joined last by the token; nil where there is none. It takes the verbs list and read
// on bot_instance, else the error is of kind Denied. Servers before 16.2 know no instances: kind Unsupported (teleport-facts 9).
func (c *Client) NewestInstance(ctx context.Context, bot, token string) (*machineidv1.BotInstance, error) {
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
			if at, joined := lastJoin(instance, token); joined && (newest == nil || at.After(last)) {
				newest, last = instance, at
			}
		}
		if next = answer.GetNextPageToken(); next == "" {
			return newest, nil
		}
	}
}

// lastJoin is when an instance was last let in by the token.
func lastJoin(instance *machineidv1.BotInstance, token string) (at time.Time, joined bool) {
	status := instance.GetStatus()
	for _, authentication := range append(slices.Clone(status.GetLatestAuthentications()), status.GetInitialAuthentication()) {
		if authentication.GetJoinToken() != token || authentication.GetAuthenticatedAt() == nil {
			continue
		}
		if one := authentication.GetAuthenticatedAt().AsTime(); !joined || one.After(at) {
			at, joined = one, true
		}
	}
	return at, joined
}
