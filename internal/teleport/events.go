package teleport

import (
	"context"
	"strings"
	"time"

	"github.com/gravitational/teleport/api/types"
	apievents "github.com/gravitational/teleport/api/types/events"
)

// The bounds of a look at the audit log: a busy cluster writes thousands of events an hour, and a look for a cause wants the newest.
const (
	joinsWindow = 7 * 24 * time.Hour
	joinsPage   = 200
	joinsPages  = 5
	// eventsNamespace is the only one that there is (api/defaults.Namespace).
	eventsNamespace = "default"
	joinEventType   = "bot.join"
)

// Join is one bot.join event of the audit log (recordings/audit-bot-join.json). Error is Teleport's own reason, which the joiner may
// not have been told (field-notes 0 item 3). Servers before 17 log no refused join.
type Join struct {
	Time          time.Time
	Success       bool
	Bot, Token    string
	Method, Error string
	// Account is NAMESPACE:NAME of the service account that was presented; empty where the event does not say.
	Account string
}

// JoinsOf says whose joins are wanted. A join by a token that Teleport does not know names neither token nor bot.
type JoinsOf struct {
	Token, Bot string
	// Account is NAMESPACE:NAME, for events that name neither token nor bot.
	Account string
}

// Joins reads up to most bot.join events, newest first, of the last seven days before now, and no further than the newest thousand of
// all bots. It takes the verb list on events, else the error is of kind Denied.
func (c *Client) Joins(ctx context.Context, of JoinsOf, most int, now time.Time) ([]Join, error) {
	var (
		found []Join
		next  string
	)
	for range joinsPages {
		// The end is in the future because our clock may be behind the one that dated the events.
		events, following, err := c.auth.SearchEvents(ctx, now.Add(-joinsWindow).UTC(), now.Add(time.Hour).UTC(), eventsNamespace,
			[]string{joinEventType}, joinsPage, types.EventOrderDescending, next)
		if err != nil {
			return nil, wrap(err, "reading the audit log")
		}
		for _, event := range events {
			join, ok := event.(*apievents.BotJoin)
			if !ok {
				continue
			}
			if one := joinOf(join); of.covers(one) {
				found = append(found, one)
			}
			if len(found) == most {
				return found, nil
			}
		}
		if next = following; next == "" {
			break
		}
	}
	return found, nil
}

func (of JoinsOf) covers(join Join) bool {
	switch {
	case join.Token != "":
		return join.Token == of.Token
	case join.Bot != "":
		return join.Bot == of.Bot
	}
	return join.Account != "" && join.Account == of.Account
}

func joinOf(event *apievents.BotJoin) Join {
	return Join{
		Time: event.GetTime(), Success: event.Success, Bot: event.BotName, Token: event.TokenName, Method: event.Method, Error: event.Error,
		Account: accountOf(event.Attributes),
	}
}

// accountOf reads the attribute username of the kubernetes method, system:serviceaccount:NAMESPACE:NAME. Its name is spelled as the
// server's version spells it.
func accountOf(attributes *apievents.Struct) string {
	if attributes == nil {
		return ""
	}
	for _, key := range []string{"username", "Username"} {
		if account, ok := strings.CutPrefix(attributes.GetFields()[key].GetStringValue(), "system:serviceaccount:"); ok {
			return account
		}
	}
	return ""
}
