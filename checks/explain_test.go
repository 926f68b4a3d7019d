package checks

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestEveryCheckIsExplained(t *testing.T) {
	t.Parallel()
	known := map[ID]bool{}
	for _, e := range Explain() {
		known[e.Check.ID] = true
		if e.Explanation.ID != e.Check.ID {
			t.Errorf("%s (%s) has no explanation", e.Check.ID, e.Check.Title)
		}
	}
	for _, e := range explanations() {
		if !known[e.ID] {
			t.Errorf("%s is explained, and is not in the catalogue", e.ID)
		}
	}
}

func TestExplanationsAreWhole(t *testing.T) {
	t.Parallel()
	seen := map[ID]bool{}
	problem := regexp.MustCompile(`^P[0-4][0-9]$`)
	for _, e := range explanations() {
		if seen[e.ID] {
			t.Errorf("%s is explained twice", e.ID)
		}
		seen[e.ID] = true
		for name, text := range map[string]string{"Looks": e.Looks, "Why": e.Why, "Mend": e.Mend} {
			if text == "" {
				t.Errorf("%s: %s is empty", e.ID, name)
			}
		}
		for _, text := range []string{e.Looks, e.Why, e.Mend, e.Since} {
			if text != strings.Join(strings.Fields(text), " ") || text != "" && !strings.HasSuffix(text, ".") || strings.Count(text, "`")%2 != 0 {
				t.Errorf("%s: %q is no text of whole sentences", e.ID, text)
			}
		}
		for _, words := range e.Shows {
			if words == "" || words != strings.TrimSpace(words) {
				t.Errorf("%s: %q are no words to search for", e.ID, words)
			}
		}
		for _, id := range e.Problems {
			if !problem.MatchString(id) {
				t.Errorf("%s: %q is no problem", e.ID, id)
			}
		}
	}
}

// TestEveryKnownProblemIsFound holds the catalogue to field-notes 1: each of P01 to P42 is what some check is about.
func TestEveryKnownProblemIsFound(t *testing.T) {
	t.Parallel()
	found := map[string]bool{}
	for _, e := range Explain() {
		for _, id := range e.Problems() {
			found[id] = true
		}
	}
	for n := 1; n <= 42; n++ {
		if id := fmt.Sprintf("P%02d", n); !found[id] {
			t.Errorf("no check is about %s", id)
		}
		delete(found, fmt.Sprintf("P%02d", n))
	}
	for id := range found {
		t.Errorf("%s is no known problem", id)
	}
}

func TestProblemsAreTheCheckAndTheTextTogether(t *testing.T) {
	t.Parallel()
	got := Explained{Check{Problems: []string{"P10", "P08"}}, Explanation{Problems: []string{"P01", "P08"}}}.Problems()
	if want := []string{"P01", "P08", "P10"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestDocsURL(t *testing.T) {
	t.Parallel()
	if got, want := DocsURL("TBC403"), "https://github.com/tbotctl/tbotctl/blob/main/docs/checks.md#tbc403"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
