package cmd_test

import (
	"strings"
	"testing"
	"time"

	"github.com/tbotctl/tbotctl/cmd"
	"github.com/tbotctl/tbotctl/internal/prompt"
	"github.com/tbotctl/tbotctl/internal/teleporttest"
	"github.com/tbotctl/tbotctl/internal/testkit"
	"github.com/tbotctl/tbotctl/internal/testkit/lab"
)

// guide runs init at a terminal whose user answers by the script. tsh has logged that user in.
func (b *bench) guide(t *testing.T, script *prompt.Script, args ...string) outcome {
	t.Helper()
	if err := b.teleport.WriteProfile(b.path("tsh"), "admin", time.Hour); err != nil {
		t.Fatal(err)
	}
	return b.guideAs(t, script, args...)
}

// guideAs is guide with whatever login there is, to a tbot.
func (b *bench) guideAs(t *testing.T, script *prompt.Script, args ...string) outcome {
	t.Helper()
	return b.guideFreely(t, script, append([]string{"--workload", "tbot"}, args...)...)
}

// guideFreely leaves what is deployed to the script too.
func (b *bench) guideFreely(t *testing.T, script *prompt.Script, args ...string) outcome {
	t.Helper()
	return runWith(t, func(f *cmd.Factory) {
		f.Streams.InTTY, f.Streams.ErrTTY, f.Streams.Unicode = true, true, true
		f.Issuer = lab.Fetcher(b.plane)
		f.Pages = func(bool) prompt.Prompter { return script }
		env := map[string]string{"TELEPORT_HOME": b.path("tsh")}
		f.LookupEnv = func(name string) (string, bool) {
			value, given := env[name]
			return value, given
		}
	}, "", append([]string{"init", "--kubeconfig", b.plane.KubeconfigFile(), "--proxy-ca", b.path("web-ca.pem"), "--timeout", "60s"}, args...)...)
}

// answers are a whole way through, up to the plan.
func (b *bench) answers(more ...prompt.Step) []prompt.Step {
	return append([]prompt.Step{
		prompt.Answer("context", b.plane.Flavour().String()),
		prompt.Answer("proxy", b.teleport.Addr()),
		prompt.Default("join-type"),
		prompt.Answer("namespace", b.namespace),
		prompt.Default("service-account"), prompt.Default("bot-name"), prompt.Default("token-name"),
		prompt.Default("access"),
		prompt.Choose("roles", "access"), prompt.Default("output-secret"),
	}, more...)
}

// says fails the test where no page says all of it, wherever lines are broken.
func says(t *testing.T, script *prompt.Script, parts ...string) {
	t.Helper()
	shown := strings.Join(strings.Fields(script.Shown()), " ")
	for _, part := range parts {
		if !strings.Contains(shown, part) {
			t.Errorf("no page says %q:\n%s", part, script.Shown())
		}
	}
}

// TestGuided leads somebody who answers nothing but what only a person can know from a kubeconfig and a login of tsh to a tbot that
// runs, and the command line that the end shows makes the same: it changes nothing.
func TestGuided(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		flavour testkit.Flavour
		join    string
	}{{testkit.SelfManaged, "static_jwks"}, {testkit.CloudLike, "oidc"}} {
		t.Run(row.flavour.String(), func(t *testing.T) {
			t.Parallel()
			b := newBench(t, row.flavour, teleporttest.Options{})
			b.play(t)
			script := prompt.NewScript(t, b.answers(prompt.Answer("yes", "apply"), prompt.Answer("yes", "finish"))...)
			got := b.guide(t, script)
			got.want(t, 0, "Proof:", "How to use it", "How to undo it", "The same run without questions")
			says(t, script, "Recommended: "+row.join, "In a year", "What this grants", "+ will be made", "telemetry is off")
		})
	}
}
