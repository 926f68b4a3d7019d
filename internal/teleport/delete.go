package teleport

import (
	"context"
	"strings"

	machineidv1 "github.com/gravitational/teleport/api/gen/proto/go/teleport/machineid/v1"
)

// Bots lists every bot of the cluster.
func (c *Client) Bots(ctx context.Context) ([]*machineidv1.Bot, error) {
	var (
		all  []*machineidv1.Bot
		next string
	)
	for {
		answer, err := c.auth.BotServiceClient().ListBots(ctx, &machineidv1.ListBotsRequest{PageToken: next})
		if err != nil {
			return nil, wrap(err, "listing bots")
		}
		all = append(all, answer.GetBots()...)
		if next = answer.GetNextPageToken(); next == "" {
			return all, nil
		}
	}
}

// DeleteBot removes a bot, which is a user and a role of one name. One that is gone already is no error; a user or role of that
// name that is no bot's stays and is one, also where the other half was not found (teleport-facts 5.2).
func (c *Client) DeleteBot(ctx context.Context, name string) error {
	_, err := c.auth.BotServiceClient().DeleteBot(ctx, &machineidv1.DeleteBotRequest{BotName: name})
	err = wrap(err, "deleting bot "+name)
	if Is(err, NotFound) && !strings.Contains(err.Error(), "missing bot label") {
		return nil
	}
	return err
}

// DeleteToken removes a join token: from then on nobody joins by it. One that is gone already is no error.
func (c *Client) DeleteToken(ctx context.Context, name string) error {
	if err := wrap(c.auth.DeleteToken(ctx, name), "deleting token "+name); err != nil && !Is(err, NotFound) {
		return err
	}
	return nil
}
