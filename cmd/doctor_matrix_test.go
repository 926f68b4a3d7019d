package cmd_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tbotctl/tbotctl/checks"
	"github.com/tbotctl/tbotctl/cmd"
	"github.com/tbotctl/tbotctl/internal/teleporttest"
	"github.com/tbotctl/tbotctl/internal/testkit"
	"github.com/tbotctl/tbotctl/internal/testkit/lab"
)

// fault is one of the known failures of field-notes 1: made in a setup that lives, or laid before the checks as objects.
type fault struct {
	problem string
	flavour testkit.Flavour
	// options shape the Teleport cluster; reviewed puts its Auth Service into the same Kubernetes cluster.
	options  teleporttest.Options
	reviewed bool
	// beside puts an Argo CD into the namespace.
	beside bool
	// init are further flags of the init that makes the setup, look those of the doctor that looks at it.
	init, look []string
	// unplayed leaves the pods' tbots unplayed: there is no log, no output and no join then, which is the state of the first minutes.
	unplayed bool
	// refused starts the pod anew once the fault is made, and sees it refused: its words are in the pod's log and, of what Teleport judged,
	// in the audit log. After the fix it starts once more.
	refused bool
	// log is what the pod says then where no player can say it, such as of a token that only tbot itself would read.
	log []string
	// sounds is the problem that tbot's words alone tell of, where it is another: TBC802 says so, as a symptom.
	sounds string
	// change is what the program has otherwise than in a healthy setup, before the fault is made and after.
	change func(*cmd.Factory, *scene)

	// breaks makes the fault in a healthy setup; judged gives hand-made objects instead, with the fault and without.
	breaks func(*testing.T, *scene)
	judged func(t *testing.T, mended bool) *checks.Facts

	// want is the check that finds it, and no other does; warns tells that it warns only, for the setup works yet.
	want  checks.ID
	warns bool
	// handmade tells that what tbot would have written is written by hand, for tbotctl's own tbot cannot.
	handmade bool
	// says are parts of what it observed.
	says []string
	// fix says how the fix is run; mends runs one that no shell can, given the words of the finding.
	fix   fixing
	mends func(t *testing.T, s *scene, fix string)
}

// fixing is how a row's fix is tried out.
type fixing int

const (
	// byShell runs the finding's command as it stands: kubectl is the real one, tctl a stand-in that does the same in the test cluster.
	byShell fixing = iota
	// byInit runs the same init again, as the finding says.
	byInit
	// byHand runs what the finding names for people to do, such as an edit.
	byHand
	// byWord is an instruction without a command: a firewall, a clock. The fault is taken back and doctor is green again.
	byWord
)

func (f fixing) String() string {
	return [...]string{"fix run", "fix run (init again)", "fix run (by hand)", "instruction, followed"}[f]
}

// faultRows are all rows, by number.
func faultRows() []fault { return slices.Concat(faultsTo21(), faultsFrom22()) }

// TestDoctorMatrix makes each known failure in turn: doctor names its check as the cause and no other, what it proposes mends it, and
// then all is green. Its log is the table of `make doctor-matrix`.
func TestDoctorMatrix(t *testing.T) {
	t.Parallel()
	rows := faultRows()
	table, ran := make([]string, len(rows)), make([]bool, len(rows))
	t.Run("rows", func(t *testing.T) {
		for i := range rows {
			row := &rows[i]
			t.Run(row.problem, func(t *testing.T) {
				t.Parallel()
				ran[i] = true
				table[i] = row.run(t)
			})
		}
	})
	for i, line := range table {
		if ran[i] && line == "" {
			line = rows[i].problem + "  FAILED"
		}
		if ran[i] {
			t.Log(line)
		}
	}
}

// run gives the row's line of the table.
func (row *fault) run(t *testing.T) string {
	t.Helper()
	how, took := "made  ", time.Duration(0)
	if row.handmade {
		how = "judged"
	}
	if row.judged != nil {
		how = "judged"
		took = row.judge(t)
	} else {
		took = row.make(t)
	}
	if t.Failed() {
		return ""
	}
	found, fix := "found as ", row.fix.String()
	if row.warns {
		found = "warned of as "
	}
	if row.judged != nil {
		fix = "fix not run, objects mended"
	}
	return fmt.Sprintf("%s  %s  %s%s  %.1f s  %s: green", row.problem, how, found, row.want, took.Seconds(), fix)
}

// make breaks a healthy setup and mends it.
func (row *fault) make(t *testing.T) time.Duration {
	t.Helper()
	s := &scene{row: row}
	if row.reviewed {
		row.options.ReviewToken = lab.Reviewer(testkit.Shared(t, row.flavour))
	}
	if row.flavour == testkit.CloudLike {
		row.options.OIDCClient = s.asAuth(t)
	}
	s.bench = newBench(t, row.flavour, row.options)
	s.node(t)
	args := append([]string{"-o", "json"}, row.init...)
	if row.beside {
		s.argoCDIn(t, s.namespace)
		args = append(args, "--argocd-namespace", s.namespace)
	}
	if row.unplayed {
		args = append(args, "--no-wait", "--prove", "never")
	} else {
		s.said = s.play(t)
	}
	initialized := s.run(t, s.initArgs(args...)...)
	initialized.want(t, 0)
	s.made = initialized.document(t)
	row.breaks(t, s)
	if row.refused {
		if s.said == nil {
			s.said = s.play(t)
		}
		if line := s.restart(t); worked(line) {
			t.Fatalf("the pod works all the same: %s", line)
		}
	}
	switch {
	case len(row.log) > 0:
		s.node(t).Say(s.namespace, s.rollout(t), "tbot", false, row.log...)
	case row.warns:
		s.rollout(t) // without any pod yet, that alone is a failure
	}

	start := time.Now()
	got := s.looks(t)
	took := time.Since(start)
	finding := row.found(t, got)
	if t.Failed() {
		return took
	}
	s.mend(t, finding.Fix)
	if row.refused {
		if line := s.restart(t); !worked(line) {
			t.Fatalf("after the fix %s\n%s", line, finding.Fix)
		}
	}
	s.green(t)
	return took
}

// looks runs doctor.
func (s *scene) looks(t *testing.T) looked {
	t.Helper()
	change := func(f *cmd.Factory) {
		f.Issuer = lab.Fetcher(s.plane)
		if s.issuer != nil {
			f.Issuer = s.issuer
		}
		if s.row.change != nil {
			s.row.change(f, s)
		}
	}
	return lookedOf(t, runWith(t, change, "", s.lookArgs(slices.Concat([]string{"-o", "json"}, s.row.look, s.args)...)...))
}

// found holds a document to the row: its check is the one cause, and every other failure is a symptom.
func (row *fault) found(t *testing.T, got looked) lookedCheck {
	t.Helper()
	symptom := map[string]bool{}
	for _, check := range checks.Catalogue() {
		symptom[string(check.ID)] = check.Symptom
	}
	status := string(checks.Fail)
	if row.warns {
		status = string(checks.Warn)
	}
	var finding lookedCheck
	for _, check := range got.Checks {
		switch {
		case check.ID == string(row.want):
			finding = check
			if check.Status != status {
				t.Errorf("%s is %s, want %s: %s", check.ID, check.Status, status, check.Observed)
			}
		case check.Status == string(checks.Fail) && (row.warns || !symptom[check.ID]):
			t.Errorf("%s fails too: %s", check.ID, check.Observed)
		}
	}
	for _, part := range row.says {
		if !strings.Contains(finding.Observed, part) {
			t.Errorf("%s does not say %q: %s", row.want, part, finding.Observed)
		}
	}
	if row.refused || len(row.log) > 0 {
		for _, check := range got.Checks {
			if check.ID == string(checks.JoinSaid) && (check.Status != string(checks.Fail) || !strings.HasPrefix(check.Observed, cmp.Or(row.sounds, row.problem)+": ")) {
				t.Errorf("of the pod's own words %s says otherwise, %s: %s", check.ID, check.Status, check.Observed)
			}
		}
	}
	causes := make([]string, len(got.Causes))
	for i, cause := range got.Causes {
		causes[i] = cause.ID
	}
	if want := []string{string(row.want)}; !row.warns && !slices.Equal(causes, want) || row.warns && len(causes) > 0 {
		t.Errorf("causes %v, want %s", causes, row.want)
	}
	if t.Failed() {
		t.Logf("all that was found:\n%s", got.table())
	}
	return finding
}

// table is a document for people who mend a row.
func (l looked) table() string {
	var b strings.Builder
	for _, check := range l.Checks {
		fmt.Fprintf(&b, "%s %-7s %s\n    fix: %s\n", check.ID, check.Status, check.Observed, check.Fix)
	}
	return b.String()
}

// green waits until doctor finds nothing wrong: a rollout takes a moment.
func (s *scene) green(t *testing.T) {
	t.Helper()
	testkit.Eventually(t, "doctor to be green after the fix", func(context.Context) error {
		got := s.looks(t) //nolint:contextcheck // each run has the test's own context
		for _, check := range got.Checks {
			warned := check.ID == string(s.row.want) && check.Status == string(checks.Warn)
			if check.Status == string(checks.Fail) || check.Status == string(checks.Unknown) || warned {
				return fmt.Errorf("%s is %s: %s", check.ID, check.Status, check.Observed)
			}
		}
		if len(got.Checks) == 0 {
			return errors.New("nothing was looked at")
		}
		return nil
	})
}

// judge runs the diagnosis on hand-made objects, with the fault and without.
func (row *fault) judge(t *testing.T) time.Duration {
	t.Helper()
	look := func(mended bool) looked {
		var all looked
		results := checks.Settle(checks.Stream(t.Context(), checks.Select(checks.Catalogue(), checks.Diagnosis), row.judged(t, mended), func(checks.Result) {}))
		for _, r := range results {
			all.Checks = append(all.Checks, lookedCheck{
				ID: string(r.Check.ID), Category: string(r.Check.Category), Status: string(r.Finding.Status), Observed: r.Finding.Observed, Fix: r.Finding.Fix,
			})
		}
		if root := checks.Conclude(results).Root; root != nil {
			all.Causes = append(all.Causes, lookedCause{ID: string(root.Check.ID), Observed: root.Finding.Observed, Fix: root.Finding.Fix})
		}
		return all
	}
	start := time.Now()
	got := look(false)
	took := time.Since(start)
	if finding := row.found(t, got); finding.Fix == "" {
		t.Error("there is no fix")
	}
	for _, check := range look(true).Checks {
		if check.Status == string(checks.Fail) || check.Status == string(checks.Unknown) || check.ID == string(row.want) && check.Status == string(checks.Warn) {
			t.Errorf("mended, %s is %s: %s", check.ID, check.Status, check.Observed)
		}
	}
	return took
}
