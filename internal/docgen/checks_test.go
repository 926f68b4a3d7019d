package docgen

import (
	"strings"
	"testing"

	"github.com/tbotctl/tbotctl/checks"
)

// TestEveryExplanationIsOnThePage holds the page to what `tbotctl explain` says.
func TestEveryExplanationIsOnThePage(t *testing.T) {
	t.Parallel()
	page := string(Checks())
	for _, e := range checks.Explain() {
		_, section, found := strings.Cut(page, `<a id="`+anchor(e.Check.ID)+`"></a>`)
		section, _, _ = strings.Cut(section, "\n### ")
		if !found {
			t.Errorf("%s has no section", e.Check.ID)
			continue
		}
		texts := []string{escaped(e.Explanation.Looks), escaped(e.Explanation.Why), escaped(e.Explanation.Mend), escaped(e.Explanation.Since)}
		for _, part := range append(append(texts, e.Explanation.Shows...), e.Problems()...) {
			if !strings.Contains(section, part) {
				t.Errorf("%s: the page lacks %q", e.Check.ID, part)
			}
		}
		if !strings.HasSuffix(checks.DocsURL(e.Check.ID), "/docs/checks.md#"+anchor(e.Check.ID)) {
			t.Errorf("%s: %s leads elsewhere", e.Check.ID, checks.DocsURL(e.Check.ID))
		}
	}
}

func TestEscaped(t *testing.T) {
	t.Parallel()
	for words, want := range map[string]string{
		"a <tag> and *":         `a &lt;tag> and \*`,
		"as `kubectl <x> *` is": "as `kubectl <x> *` is",
		"bot_name of ['*']":     `bot_name of ['\*']`,
	} {
		if got := escaped(words); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
