package teleport_test

import (
	"testing"
	"time"

	"github.com/tbotctl/tbotctl/internal/teleport"
	"github.com/tbotctl/tbotctl/internal/teleporttest"
)

func TestInstance(t *testing.T) {
	t.Parallel()
	c := teleporttest.New(t, teleporttest.Options{})
	c.PutInstance(instance("i-1", "robot", authentication(time.Now(), "door")))
	client := clientAs(t, c, "admin")
	for name, row := range map[string]struct{ bot, id, want string }{
		"there":          {"robot", "i-1", "i-1"},
		"forgotten":      {"robot", "i-2", ""},
		"of another bot": {"ghost", "i-1", ""},
	} {
		got, err := client.Instance(t.Context(), row.bot, row.id)
		if err != nil || got.GetSpec().GetInstanceId() != row.want {
			t.Errorf("%s: %v, %v; want %q", name, got, err, row.want)
		}
	}
	_, err := clientAs(t, c, "plain").Instance(t.Context(), "robot", "i-1")
	wantError(t, err, teleport.Denied, "reading instance i-1 of bot robot", `on "bot_instance"`)

	old := teleporttest.New(t, teleporttest.Options{Version: "16.0.0-dev"})
	_, err = clientAs(t, old, "admin").Instance(t.Context(), "robot", "i-1")
	wantError(t, err, teleport.Unsupported, "reading instance i-1 of bot robot")
}

// TestNewestInstanceThatCounts holds that the times of an instance count one by one.
func TestNewestInstanceThatCounts(t *testing.T) {
	t.Parallel()
	now := time.Now()
	c := teleporttest.New(t, teleporttest.Options{})
	c.PutInstance(instance("mixed", "robot", authentication(now.Add(-3*time.Hour), "door"), authentication(now, "other-door")))
	c.PutInstance(instance("plain", "robot", authentication(now.Add(-time.Hour), "door")))
	by := func(token string) func(*teleport.Authentication) bool {
		return func(a *teleport.Authentication) bool { return a.GetJoinToken() == token }
	}
	client := clientAs(t, c, "admin")
	for token, want := range map[string]string{"door": "plain", "other-door": "mixed", "nobody's": ""} {
		got, err := client.NewestInstanceOf(t.Context(), "robot", by(token))
		if err != nil || got.GetSpec().GetInstanceId() != want {
			t.Errorf("by %s: %v, %v; want %q", token, got, err, want)
		}
	}
}
