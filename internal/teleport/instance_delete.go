package teleport

import (
	"context"

	machineidv1 "github.com/gravitational/teleport/api/gen/proto/go/teleport/machineid/v1"
)

// DeleteInstance forgets one instance of a bot; one that is gone already is no error. It takes the verb delete on bot_instance, else
// the error is of kind Denied, and where admin actions want a touch, MFARequired (teleport-facts 5.1, 5.4).
func (c *Client) DeleteInstance(ctx context.Context, bot, id string) error {
	_, err := c.auth.BotInstanceServiceClient().DeleteBotInstance(ctx, &machineidv1.DeleteBotInstanceRequest{BotName: bot, InstanceId: id})
	if err = wrap(err, "removing instance "+id+" of bot "+bot); Is(err, NotFound) {
		return nil
	}
	return err
}
