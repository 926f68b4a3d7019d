package cmd_test

import (
	"strings"
	"testing"

	"github.com/tbotctl/tbotctl/internal/teleporttest"
	"github.com/tbotctl/tbotctl/internal/testkit"
)

// A login that may not remove the bot instance changes nothing in the proof; the instance that stays is named, with the reason.
func TestVerifyLeavesAnInstance(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		options  teleporttest.Options
		identity func(*testing.T, *bench) string
	}{
		"no right on instances": {identity: func(t *testing.T, b *bench) string {
			t.Helper()
			return b.teleportUser(t, "plain", leastVerbs())
		}},
		"a touch is demanded": {options: teleporttest.Options{AdminMFA: true}, identity: func(_ *testing.T, b *bench) string { return b.path("admin.identity") }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, testkit.SelfManaged, row.options)
			b.node(t)
			b.play(t)
			if row.options.AdminMFA {
				b.atTerminal(t, b.stubTctl(t, false), b.initArgs("--save", b.path("answers.yaml"))...).want(t, 0)
			} else {
				b.run(t, b.initArgs("--save", b.path("answers.yaml"))...).want(t, 0)
			}
			args := b.verifyArgs("--identity", row.identity(t, b))
			got := b.run(t, append(args, "-o", "json")...)
			got.want(t, 0)
			document := verifiedOf(t, got)
			if document.Status != "proven" || document.Instance == nil || document.Instance.Removed || document.Instance.Why == "" {
				t.Errorf("status %s, instance %+v", document.Status, document.Instance)
			}
			table := b.run(t, args...)
			table.want(t, 0, "PROVEN")
			if !strings.Contains(table.flat(), "which this made, stays until it ends by itself: ") {
				t.Errorf("it does not say that the instance stays:\n%s", table.stdout)
			}
			table.narrow(t)
			b.noSecrets(t, table)
		})
	}
}
