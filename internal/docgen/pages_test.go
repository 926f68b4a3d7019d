package docgen

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/tbotctl/tbotctl/checks"
	"github.com/tbotctl/tbotctl/internal/golden"
	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/manifests"
)

// docs leads from a package's testdata, where golden files are, to the repository's docs.
const docs = "../../../docs/"

// TestPages fails where a page is stale; `make docs` writes it anew.
func TestPages(t *testing.T) {
	t.Parallel()
	pages := map[string][]byte{"checks.md": Checks(), "flags.md": Flags(), "formats.md": Formats(), "permissions.md": Permissions()}
	for name, page := range pages {
		golden.Assert(t, docs+name, page)
	}
}

// TestEveryCheckHasItsAnchor also holds what the page's links rely on: one anchor an ID, and no link to an ID that is none.
func TestEveryCheckHasItsAnchor(t *testing.T) {
	t.Parallel()
	page := string(Checks())
	has := anchors(page)
	for _, check := range checks.Catalogue() {
		if n := strings.Count(page, `<a id="`+anchor(check.ID)+`"></a>`); n != 1 {
			t.Errorf("%s has %d anchors, want 1", check.ID, n)
		}
		for _, other := range append(check.Needs, check.ProvedBy) {
			if other != "" && !has[anchor(other)] {
				t.Errorf("%s leads to %s, which is not in the catalogue", check.ID, other)
			}
		}
	}
}

// TestCategoriesStandTogether: a category that the catalogue leaves and comes back to would have two tables.
func TestCategoriesStandTogether(t *testing.T) {
	t.Parallel()
	page := string(Checks())
	for _, check := range checks.Catalogue() {
		if n := strings.Count(page, fmt.Sprintf("\n## %s\n", check.Category)); n != 1 {
			t.Errorf("category %s has %d tables, want 1", check.Category, n)
		}
	}
}

func TestEveryAnswerHasItsRow(t *testing.T) {
	t.Parallel()
	page := string(Flags())
	for _, field := range spec.Fields() {
		if n := strings.Count(page, fmt.Sprintf("\n| `--%s` |", field.Flag)); n != 1 {
			t.Errorf("--%s has %d rows, want 1", field.Flag, n)
		}
	}
}

// TestEveryAnswerHasItsFormats holds that no answer is missing from the table of formats but those that choose them.
func TestEveryAnswerHasItsFormats(t *testing.T) {
	t.Parallel()
	page := string(Formats())
	for _, field := range spec.Fields() {
		want := 1
		if slices.Contains(manifests.Choosing(), field.Flag) {
			want = 0
		}
		_, table, _ := strings.Cut(page, "\n| Flag |")
		table, _, _ = strings.Cut(table, "\n\n")
		if n := strings.Count(table, fmt.Sprintf("\n| `--%s` |", field.Flag)); n != want {
			t.Errorf("--%s has %d rows, want %d", field.Flag, n, want)
		}
	}
}

// TestCells holds that words of the code cannot break a table.
func TestCells(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ got, want string }{
		{text("a|b"), `a\|b`},
		{text("wait <this>"), "wait &lt;this>"},
		{code("table|json"), "`table\\|json`"},
		{code(""), ""},
	} {
		if c.got != c.want {
			t.Errorf("got %s, want %s", c.got, c.want)
		}
	}
}
