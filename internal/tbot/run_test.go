package tbot_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gravitational/teleport/api/types"

	"github.com/tbotctl/tbotctl/internal/tbot"
	"github.com/tbotctl/tbotctl/internal/tbotconfig"
	"github.com/tbotctl/tbotctl/internal/teleporttest"
)

func TestOnceInMemory(t *testing.T) {
	t.Parallel()
	for _, suite := range []types.SignatureAlgorithmSuite{
		types.SignatureAlgorithmSuite_SIGNATURE_ALGORITHM_SUITE_LEGACY,
		types.SignatureAlgorithmSuite_SIGNATURE_ALGORITHM_SUITE_BALANCED_V1,
	} {
		t.Run(suite.String(), func(t *testing.T) {
			t.Parallel()
			l := newLab(t, teleporttest.Options{Suite: suite}, "access", "auditor")
			result, err := l.run(t, tbotconfig.Memory()).Once(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if result.Identity.Bot() != "example" {
				t.Errorf("joined as %v", result.Identity)
			}
			if len(result.Outputs) != 1 {
				t.Fatalf("%d outputs", len(result.Outputs))
			}
			output := result.Outputs[0]
			if output.Type != "identity" || output.Destination.Type != tbotconfig.DestinationMemory {
				t.Errorf("output %q to %q", output.Type, output.Destination.Type)
			}
			if got := output.Artifacts.Identity; got.User != "bot-example" || !slices.Equal(got.Roles, []string{"access", "auditor"}) {
				t.Errorf("the output's certificate is of %q with the roles %v", got.User, got.Roles)
			}
			if got := output.Artifacts.Names(); !slices.Equal(got, artifactNames()) {
				t.Errorf("artifacts:\n got  %v\n want %v", got, artifactNames())
			}
			if methods := l.methods(); !slices.Contains(methods, "Ping") || !slices.Contains(methods, "GenerateUserCerts") {
				t.Errorf("the identity was not used: %v", methods)
			}
		})
	}
}

func TestOutputRoles(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		bot, output []string
		want        []string
		refusal     string
	}{
		"all of the bot":          {bot: []string{"access", "auditor"}, want: []string{"access", "auditor"}},
		"some of the bot":         {bot: []string{"access", "auditor"}, output: []string{"auditor"}, want: []string{"auditor"}},
		"none":                    {refusal: "certificates of the roles []: at least one role request is required"},
		"one that does not exist": {bot: []string{"nobody-made-this"}, refusal: `certificates of the roles ["nobody-made-this"]: role nobody-made-this is not found`},
		"one that the bot lacks": {
			bot: []string{"access"}, output: []string{"editor"},
			refusal: `certificates of the roles ["editor"]: user "bot-example" has requested role impersonation for ["editor"]`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, teleporttest.Options{}, row.bot...)
			run := l.run(t, tbotconfig.Memory())
			run.Config.Outputs[0].Shared().Roles = row.output
			result, err := run.Once(t.Context())
			if result.Identity == nil {
				t.Fatalf("the join itself failed: %v", err)
			}
			if row.refusal == "" {
				if err != nil {
					t.Fatal(err)
				}
				if got := result.Outputs[0].Artifacts.Identity.Roles; !slices.Equal(got, row.want) {
					t.Errorf("roles %v, want %v", got, row.want)
				}
				return
			}
			var refused *tbot.Refused
			if !errors.As(err, &refused) || refused.Via != "GenerateUserCerts" {
				t.Fatalf("error %v, want a refusal", err)
			}
			if want := "output identity-1: Teleport refused " + row.refusal; err.Error() != want {
				t.Errorf("error:\n got  %s\n want %s", err, want)
			}
			if len(result.Outputs) != 1 || !errors.Is(err, result.Outputs[0].Err) || result.Outputs[0].Artifacts != nil || result.Outputs[0].Identity != nil {
				t.Errorf("beside the error: %v", result.Outputs)
			}
		})
	}
}

func TestLifetimes(t *testing.T) {
	t.Parallel()
	l := newLab(t, teleporttest.Options{}, "access")
	for name, row := range map[string]struct {
		config, output, most time.Duration
		wantBot, wantOutput  time.Duration
	}{
		"nothing said":                   {wantBot: time.Hour, wantOutput: time.Hour},
		"configured":                     {config: 3 * time.Hour, wantBot: 3 * time.Hour, wantOutput: 3 * time.Hour},
		"output of its own":              {config: 2 * time.Hour, output: 20 * time.Minute, wantBot: 2 * time.Hour, wantOutput: 20 * time.Minute},
		"shortened":                      {config: 2 * time.Hour, most: 10 * time.Minute, wantBot: 10 * time.Minute, wantOutput: 10 * time.Minute},
		"shortened from nothing said":    {most: 10 * time.Minute, wantBot: 10 * time.Minute, wantOutput: 10 * time.Minute},
		"the output's own is short":      {output: 3 * time.Minute, most: 10 * time.Minute, wantBot: 10 * time.Minute, wantOutput: 3 * time.Minute},
		"what is short is not prolonged": {config: 5 * time.Minute, most: time.Hour, wantBot: 5 * time.Minute, wantOutput: 5 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run := l.run(t, tbotconfig.Memory())
			run.Config.CredentialTTL, run.MaxTTL = row.config, row.most
			run.Config.Outputs[0].Shared().CredentialTTL = row.output
			before := time.Now()
			result, err := run.Once(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for what, got := range map[string]struct {
				until time.Time
				want  time.Duration
			}{
				"bot":    {result.Identity.NotAfter, row.wantBot},
				"output": {result.Outputs[0].Artifacts.Identity.NotAfter, row.wantOutput},
			} {
				if off := got.until.Sub(before.Add(got.want)).Abs(); off > 30*time.Second {
					t.Errorf("%s: ends in %v, want %v", what, got.until.Sub(before), got.want)
				}
			}
			if run.Config.Outputs[0].Shared().CredentialTTL != row.output {
				t.Error("the caller's configuration was changed")
			}
		})
	}
}

// A server before 17 reads the keys of GenerateUserCerts in a field that today's client does not send (teleport-facts 4.7).
func TestOldServer(t *testing.T) {
	t.Parallel()
	l := newLab(t, teleporttest.Options{Version: "16.4.7"}, "access")
	result, err := l.run(t).Once(t.Context())
	if err != nil || result.Identity.Bot() != "example" {
		t.Errorf("the join alone: %v, %v", result.Identity, err)
	}
	if !slices.Contains(l.methods(), "Ping") {
		t.Errorf("the identity was not used: %v", l.methods())
	}
	result, err = l.run(t, tbotconfig.Memory()).Once(t.Context())
	if !errors.Is(err, tbot.ErrTooOld) || result.Identity == nil || len(result.Outputs) != 1 || !errors.Is(result.Outputs[0].Err, tbot.ErrTooOld) {
		t.Errorf("an output: %+v, %v", result, err)
	}
}

func TestOnceThatCannotBegin(t *testing.T) {
	t.Parallel()
	l := newLab(t, teleporttest.Options{})
	run := l.run(t)
	run.Config.Onboarding.JoinMethod = "iam"
	if result, err := run.Once(t.Context()); err == nil || !strings.Contains(err.Error(), `"iam"`) || result.Identity != nil {
		t.Errorf("join method iam: %v, %v", result.Identity, err)
	}
	run = l.run(t, tbotconfig.Memory())
	run.Config.Onboarding.Token = "nobody-made-this"
	result, err := run.Once(t.Context())
	var refused *tbot.Refused
	if !errors.As(err, &refused) || result.Identity != nil {
		t.Errorf("a token that does not exist: %v, %v", result.Identity, err)
	}
	if slices.Contains(l.methods(), "Ping") {
		t.Errorf("calls without an identity: %v", l.methods())
	}
}

// The proxy of one cluster and the certificates of another do not go together.
func TestIdentityIsNotTakenElsewhere(t *testing.T) {
	t.Parallel()
	l, other := newLab(t, teleporttest.Options{}), newLab(t, teleporttest.Options{})
	identity, err := tbot.Join(t.Context(), l.request(t))
	if err != nil {
		t.Fatal(err)
	}
	identity.Cluster.Proxy = other.cluster.Proxy
	started := time.Now()
	if _, err = tbot.Open(t.Context(), identity); err == nil {
		t.Fatal("a session at another cluster")
	}
	if !strings.Contains(err.Error(), "using the bot's identity") || !strings.Contains(err.Error(), "unknown authority") {
		t.Errorf("error: %v", err)
	}
	if took := time.Since(started); took > 5*time.Second {
		t.Errorf("it took %v to say so", took)
	}
}

// A bot that is locked after it joined can do nothing more: neither with an open session nor with a new one.
func TestLockedAfterJoin(t *testing.T) {
	t.Parallel()
	l := newLab(t, teleporttest.Options{}, "access")
	identity, err := tbot.Join(t.Context(), l.request(t))
	if err != nil {
		t.Fatal(err)
	}
	session, err := tbot.Open(t.Context(), identity)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := session.Close(); err != nil {
			t.Error(err)
		}
	}()
	lock := l.Lock("example")
	run := l.run(t, tbotconfig.Memory())
	run.Config.Outputs[0].Shared().Roles = []string{"access"}
	made := run.Generate(t.Context(), session, 0)
	var refused *tbot.Refused
	if err := made.Err; !errors.As(err, &refused) || !strings.Contains(refused.Message, "lock") {
		t.Errorf("locked: %v", err)
	}
	if _, err := tbot.Open(t.Context(), identity); !errors.As(err, &refused) || !strings.HasPrefix(err.Error(), "using the bot's identity: Teleport refused the bot: ") {
		t.Errorf("a session of a locked bot: %v", err)
	}
	l.Unlock(lock)
	if made := run.Generate(t.Context(), session, 0); made.Err != nil || made.Artifacts == nil {
		t.Errorf("unlocked: %v", made)
	}
}
