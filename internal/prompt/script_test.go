package prompt

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// recorder is a test that is expected to fail.
type recorder struct {
	failures []string
	cleanups []func()
}

func (r *recorder) Helper()          {}
func (r *recorder) Cleanup(f func()) { r.cleanups = append(r.cleanups, f) }
func (r *recorder) Errorf(format string, args ...any) {
	r.failures = append(r.failures, fmt.Sprintf(format, args...))
}

func TestScript(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		steps []Step
		err   error
		fails string
	}{
		"answers":             {steps: []Step{Answer("name", "bot"), Answer("cluster", "c2"), Choose("roles", "c0", "c1")}},
		"defaults":            {steps: []Step{Default("name"), Default("cluster"), Default("roles")}},
		"none of many":        {steps: []Step{Default("name"), Default("cluster"), Choose("roles")}},
		"cancel":              {steps: []Step{Cancel("name")}, err: ErrCancelled},
		"back without a page": {steps: []Step{Back("name")}, err: errScript, fails: "no way back"},
		"another question":    {steps: []Step{Answer("title", "x")}, err: errScript, fails: "name is asked, where the script answers title"},
		"too short":           {steps: []Step{Default("name")}, err: errScript, fails: "cluster is asked after the end"},
		"too long":            {steps: []Step{Default("name"), Default("cluster"), Default("roles"), Default("more")}, fails: "more was never asked"},
		"a wrong answer":      {steps: []Step{Answer("name", "a!")}, err: errScript, fails: "no exclamation marks"},
		"a refused choice":    {steps: []Step{Default("name"), Answer("cluster", "c1")}, err: errScript, fails: "not logged in"},
		"a choice of nowhere": {steps: []Step{Default("name"), Answer("cluster", "zz")}, err: errScript, fails: "zz is not listed"},
		"a note of nowhere":   {steps: []Step{Default("name"), Answer("cluster", "c0").Seeing("EKS")}, err: errScript, fails: `no choice shows "EKS"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var r recorder
			s := NewScript(&r, row.steps...)
			if err := s.Ask(t.Context(), threeFields()); !errors.Is(err, row.err) {
				t.Errorf("got %v, want %v", err, row.err)
			}
			for _, f := range r.cleanups {
				f()
			}
			failures := strings.Join(r.failures, "\n")
			if row.fails == "" && failures != "" && row.err == nil || !strings.Contains(failures, row.fails) {
				t.Errorf("failures %q, want %q", failures, row.fails)
			}
		})
	}
}

func TestScriptWaitsForChoicesAndRecords(t *testing.T) {
	t.Parallel()
	updates := make(chan []Choice, 2)
	updates <- []Choice{{Value: "x", Note: "still looking"}}
	updates <- []Choice{{Value: "x", Note: "reachable"}}
	asked := false
	s := NewScript(t, Answer("a", "x").Seeing("reachable").Before(func() { asked = true }))
	s.Page(Page{Title: "The page"})
	say(t, s.Body(), "the body\n")
	s.Body().Passing("passing")
	form := &Form{Fields: []Field{{Key: "a", Title: "Cluster", Kind: One, Updates: updates}}}
	if err := s.Ask(t.Context(), form); err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"# The page\n", "the body\n", "passing\n", "a: Cluster", "- x | reachable | "} {
		if !strings.Contains(s.Shown(), part) {
			t.Errorf("%q was not recorded in\n%s", part, s.Shown())
		}
	}
	if !asked || len(s.Pages()) != 1 {
		t.Errorf("asked %v, pages %v", asked, s.Pages())
	}
}

func TestScriptSettles(t *testing.T) {
	t.Parallel()
	settled := make(chan struct{})
	s := NewScript(t, Settle("a").Before(func() { close(settled) }))
	if err := s.Ask(t.Context(), &Form{Settled: settled, Fields: []Field{{Key: "a"}}}); !errors.Is(err, ErrSettled) {
		t.Errorf("got %v", err)
	}
}
