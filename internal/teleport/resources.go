package teleport

import (
	"context"
	"fmt"

	machineidv1 "github.com/gravitational/teleport/api/gen/proto/go/teleport/machineid/v1"
	"github.com/gravitational/teleport/api/types"
)

// Bot reads a bot; nil where it does not exist.
func (c *Client) Bot(ctx context.Context, name string) (*machineidv1.Bot, error) {
	bot, err := c.auth.BotServiceClient().GetBot(ctx, &machineidv1.GetBotRequest{BotName: name})
	if err = wrap(err, "reading bot "+name); Is(err, NotFound) {
		return nil, nil
	}
	return bot, err
}

// CreateBot makes a bot that is not there yet.
func (c *Client) CreateBot(ctx context.Context, bot *machineidv1.Bot) error {
	_, err := c.auth.BotServiceClient().CreateBot(ctx, &machineidv1.CreateBotRequest{Bot: bot})
	return wrap(err, "making bot "+bot.GetMetadata().GetName())
}

// UpsertBot makes or replaces a bot.
func (c *Client) UpsertBot(ctx context.Context, bot *machineidv1.Bot) error {
	_, err := c.auth.BotServiceClient().UpsertBot(ctx, &machineidv1.UpsertBotRequest{Bot: bot})
	return wrap(err, "updating bot "+bot.GetMetadata().GetName())
}

// Token reads a join token; nil where it does not exist. Under admin MFA even this asks for a touch (field-notes P34).
func (c *Client) Token(ctx context.Context, name string) (*types.ProvisionTokenV2, error) {
	token, err := c.auth.GetToken(ctx, name)
	if err = wrap(err, "reading token "+name); Is(err, NotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	v2, ok := token.(*types.ProvisionTokenV2)
	if !ok {
		return nil, &Error{Kind: Other, Doing: "reading token " + name, Err: fmt.Errorf("its version is %s, not v2", token.GetVersion())}
	}
	return v2, nil
}

// CreateToken makes a join token that is not there yet.
func (c *Client) CreateToken(ctx context.Context, token *types.ProvisionTokenV2) error {
	return wrap(c.auth.CreateToken(ctx, token), "making token "+token.GetName())
}

// UpsertToken makes or replaces a join token.
func (c *Client) UpsertToken(ctx context.Context, token *types.ProvisionTokenV2) error {
	return wrap(c.auth.UpsertToken(ctx, token), "updating token "+token.GetName())
}

// RoleExists reports whether a role is there.
func (c *Client) RoleExists(ctx context.Context, name string) (bool, error) {
	_, err := c.auth.GetRole(ctx, name)
	if err = wrap(err, "reading role "+name); Is(err, NotFound) {
		return false, nil
	}
	return err == nil, err
}
