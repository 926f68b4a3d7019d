package cmd_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/tbotctl/tbotctl/internal/testkit"
)

// viewerArgs are the flags of somebody who may view the namespace and has no login at Teleport; the words of init's are taken over.
func (b *bench) viewerArgs(kubeconfig string, more ...string) []string {
	return append([]string{
		"doctor", "--non-interactive", "--kubeconfig", kubeconfig, "--context", b.plane.Flavour().String(),
		"--namespace", b.namespace, "--proxy", b.teleport.Addr(), "--proxy-ca", b.path("web-ca.pem"), "--timeout", "60s",
	}, more...)
}

// TestDoctorOfAViewer holds that who may view the namespace, and has no Teleport login, still gets the cause of what can be seen there:
// in the objects, or in tbot's own words.
func TestDoctorOfAViewer(t *testing.T) {
	t.Parallel()
	// said are the problems that the objects of the namespace do not show, and the pod's log does.
	said := []string{"P03", "P06"}
	left := append([]string{"P01", "P19", "P20", "P33", "P38"}, said...)
	for _, row := range faultRows() {
		if !slices.Contains(left, row.problem) {
			continue
		}
		left = slices.DeleteFunc(left, func(problem string) bool { return problem == row.problem })
		t.Run(row.problem, func(t *testing.T) {
			t.Parallel()
			s := &scene{row: &row, bench: newBench(t, row.flavour, row.options)}
			s.node(t)
			s.said = s.play(t)
			installed := s.run(t, s.initArgs(append([]string{"-o", "json", "--no-wait", "--prove", "never"}, row.init...)...)...)
			installed.want(t, 0)
			s.made = installed.document(t)
			row.breaks(t, s)
			if row.refused {
				s.restart(t)
			}
			args := s.viewerArgs(s.viewer(t), "-o", "json")
			var document looked
			look := func() error {
				got := s.run(t, args...)
				if document = lookedOf(t, got); len(document.Causes) != 1 {
					return fmt.Errorf("causes %+v\n%s", document.Causes, document.table())
				}
				got.want(t, 3, "tsh login")
				return nil
			}
			testkit.Eventually(t, "the cause: the cluster's own words take a moment", func(context.Context) error { return look() })
			cause, want := document.Causes[0], string(row.want)
			if slices.Contains(said, row.problem) {
				want = "TBC802"
				if !strings.Contains(cause.Observed, row.problem) {
					t.Errorf("%s does not name %s: %s", cause.ID, row.problem, cause.Observed)
				}
			}
			if cause.ID != want || cause.Fix == "" || len(cause.Send) == 0 {
				t.Errorf("the cause is %+v, want %s with a fix and lines for who has the rights\n%s", cause, want, document.table())
			}
		})
	}
	if len(left) > 0 {
		t.Errorf("there are no rows for %v", left)
	}
}
