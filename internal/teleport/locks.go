package teleport

import (
	"context"

	"github.com/gravitational/teleport/api/types"
)

// LockOn gives the name of a lock in force on the bot's user or on the join token; empty where there is none.
func (c *Client) LockOn(ctx context.Context, bot, token string) (string, error) {
	locks, err := c.auth.GetLocks(ctx, true, types.LockTarget{User: "bot-" + bot}, types.LockTarget{JoinToken: token})
	if err != nil {
		return "", wrap(err, "reading locks")
	}
	if len(locks) == 0 {
		return "", nil
	}
	return locks[0].GetName(), nil
}
