package cmd_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/tbotctl/tbotctl/internal/prompt"
	"github.com/tbotctl/tbotctl/internal/teleporttest"
	"github.com/tbotctl/tbotctl/internal/testkit"
)

// sideSteps answer what is asked of somebody who leaves the Teleport side to another person, from the proxy on.
func (b *bench) sideSteps(first ...prompt.Step) []prompt.Step {
	return slices.Concat([]prompt.Step{prompt.Answer("context", b.plane.Flavour().String())}, first, []prompt.Step{
		prompt.Answer("proxy", b.teleport.Addr()), prompt.Default("join-type"), prompt.Answer("namespace", b.namespace),
		prompt.Default("service-account"), prompt.Default("bot-name"), prompt.Default("token-name"), prompt.Default("access"),
		prompt.Answer("roles", "access"), prompt.Default("output-secret"),
	})
}

// TestGuidedSide leads somebody without a Teleport login to a tbot that runs: the page says whom to give the request to, and once that
// person has granted it the same page goes on.
func TestGuidedSide(t *testing.T) {
	for name, row := range map[string]struct {
		args  []string
		first []prompt.Step
	}{
		"by --side": {[]string{"--side", "kubernetes"}, nil},
		"chosen":    {nil, []prompt.Step{prompt.Answer("proxy", "request")}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
			b.play(t)
			t.Chdir(t.TempDir())
			grant := func() {
				found, err := filepath.Glob("tbotctl-tbot-*/request.yaml")
				if err != nil || len(found) != 1 {
					t.Errorf("requests: %v, %v", found, err)
					return
				}
				if err := os.Rename(found[0], b.path("req.yaml")); err != nil {
					t.Error(err)
				}
				b.asTeleport(t, b.teleportArgs("init", "--yes")...).want(t, 0)
			}
			steps := append(b.sideSteps(row.first...), prompt.Answer("yes", "apply"), prompt.Answer("yes", "again").Before(grant),
				prompt.Answer("yes", "apply"), prompt.Answer("yes", "finish"))
			script := prompt.NewScript(t, steps...)
			got := b.guideAs(t, script, row.args...)
			got.want(t, 0, "Proof:", "--side kubernetes")
			says(t, script, "What the Teleport side is to grant", "tbotctl init --side teleport --from request.yaml", "It did not work out")
			b.noAdminBeside(t, "admin")
		})
	}
}

// noAdminBeside fails the test where somebody else than the bot, or that one user, called the Auth Service.
func (b *bench) noAdminBeside(t *testing.T, user string) {
	t.Helper()
	for _, request := range b.teleport.Requests() {
		if request.User != "" && request.User != user && request.User[:min(4, len(request.User))] != "bot-" {
			t.Errorf("%s called %s", request.User, request.Method)
		}
	}
}
