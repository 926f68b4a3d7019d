package teleport_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/gravitational/teleport/api/types"

	"github.com/tbotctl/tbotctl/internal/teleport"
	"github.com/tbotctl/tbotctl/internal/teleporttest"
)

func TestDeleteBotAndToken(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"18.2.0", "16.4.7"} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			c := teleporttest.New(t, teleporttest.Options{Version: version})
			c.PutBot(bot("example"))
			c.PutToken(token("door", nil))
			client := clientAs(t, c, "admin")
			for _, again := range []bool{false, true} {
				if err := client.DeleteBot(t.Context(), "example"); err != nil {
					t.Errorf("the bot, again %v: %v", again, err)
				}
				if err := client.DeleteToken(t.Context(), "door"); err != nil {
					t.Errorf("the token, again %v: %v", again, err)
				}
				if _, there := c.Bot("example"); there {
					t.Error("the bot is still there")
				}
				if _, there := c.Token("door"); there {
					t.Error("the token is still there")
				}
			}
			plain := clientAs(t, c, "plain")
			wantError(t, plain.DeleteBot(t.Context(), "example"), teleport.Denied, `access denied to perform action "delete" on "bot"`)
			wantError(t, plain.DeleteToken(t.Context(), "door"), teleport.Denied, `access denied to perform action "delete" on "token"`)
		})
	}
}

// TestDeleteOfHalfABot holds that a user of the bot's name that is no bot's is no success, although the role was not found.
func TestDeleteOfHalfABot(t *testing.T) {
	t.Parallel()
	c := teleporttest.New(t, teleporttest.Options{})
	c.AddUser("bot-example", "access")
	if err := clientAs(t, c, "admin").DeleteBot(t.Context(), "example"); err == nil {
		t.Error("no error although the user bot-example still stands")
	}
}

// TestBotsOfEveryPage lists more bots than one answer holds.
func TestBotsOfEveryPage(t *testing.T) {
	t.Parallel()
	c := teleporttest.New(t, teleporttest.Options{})
	var want []string
	for i := range 205 {
		name := fmt.Sprintf("bot%03d", i)
		want = append(want, name)
		c.PutBot(bot(name))
	}
	found, err := clientAs(t, c, "admin").Bots(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, one := range found {
		names = append(names, one.GetMetadata().GetName())
	}
	slices.Sort(names)
	if !slices.Equal(names, want) {
		t.Errorf("%d bots, want %d", len(names), len(want))
	}
	_, err = clientAs(t, c, "plain").Bots(t.Context())
	wantError(t, err, teleport.Denied, `action "list" on "`+types.KindBot+`"`)
}
