package tbot_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tbotctl/tbotctl/internal/tbot"
	"github.com/tbotctl/tbotctl/internal/tbotconfig"
	"github.com/tbotctl/tbotctl/internal/teleporttest"
)

// A token that lets another bot in than the caller thinks is no success.
func TestJoinOfAnotherBot(t *testing.T) {
	t.Parallel()
	for _, o := range []teleporttest.Options{{}, {Version: "16.4.7"}} {
		l := newLab(t, o, "access")
		request := l.request(t)
		request.Bot = "example"
		if _, err := tbot.Join(t.Context(), request); err != nil {
			t.Errorf("the bot that was meant: %v", err)
		}
		request.Bot = "another"
		identity, err := tbot.Join(t.Context(), request)
		var refused *tbot.Refused
		if identity != nil || errors.As(err, &refused) || err == nil || err.Error() != "the token example-bot let in bot-example, not bot another" {
			t.Errorf("another bot: %v, %v", identity, err)
		}
		run := l.run(t, tbotconfig.Memory())
		run.Bot = "another"
		if result, err := run.Once(t.Context()); err == nil || result.Identity != nil {
			t.Errorf("a run as another bot: %v", err)
		}
	}
}

// What a certificate says of the bot, beyond its user.
func TestIdentityOfJoin(t *testing.T) {
	t.Parallel()
	l := newKubeLab(t, teleporttest.Options{})
	request := l.request(t)
	request.TTL = 10 * time.Minute
	identity, err := tbot.Join(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	instances := l.Instances("example")
	if len(instances) != 1 || identity.InstanceID == "" || identity.InstanceID != instances[0].GetSpec().GetInstanceId() {
		t.Errorf("instance %q of %d", identity.InstanceID, len(instances))
	}
	if identity.Lifetime < 10*time.Minute || identity.Lifetime > 12*time.Minute {
		t.Errorf("it lives for %v", identity.Lifetime)
	}
	if len(identity.KubernetesGroups) > 0 || len(identity.KubernetesUsers) > 0 {
		t.Errorf("the bot's own certificate acts as %v and %v", identity.KubernetesGroups, identity.KubernetesUsers)
	}
	output, _ := l.one(t, tbotconfig.NewIdentity(tbotconfig.Memory()))
	if got := output.Identity; !slices.Equal(got.KubernetesGroups, []string{"auditors", "viewers"}) || !slices.Equal(got.KubernetesUsers, []string{"robot"}) || got.Bot() != "example" {
		t.Errorf("the output's acts as %v and %v", got.KubernetesGroups, got.KubernetesUsers)
	}
}

func TestSupports(t *testing.T) {
	t.Parallel()
	for version, want := range map[string]struct {
		join, outputs bool
		why           string
	}{
		"14.3.33":         {why: "older than 15"},
		"15.0.0":          {join: true, why: "Teleport 15.0.0 reads the keys"},
		"16.4.7":          {join: true, why: "outputs from 17 on"},
		"17.0.0-dev":      {join: true, outputs: true},
		"18.2.0":          {join: true, outputs: true},
		"v18.2.0":         {join: true, outputs: true},
		"19.1.0-alpha.3":  {join: true, outputs: true},
		"20.0.0":          {why: "newer than 19"},
		"":                {why: `"" is not understood`},
		"eighteen":        {why: `"eighteen" is not understood`},
		"18.2.0; rm -rf":  {why: "is not understood"},
		"99999999999.0.0": {why: "newer than 19"},
	} {
		join, outputs, why := tbot.Supports(version)
		if join != want.join || outputs != want.outputs || !strings.Contains(why, want.why) || (why == "") != (join && outputs) {
			t.Errorf("%q: join %v, outputs %v, %q", version, join, outputs, why)
		}
	}
}
