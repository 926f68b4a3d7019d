package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"github.com/tbotctl/tbotctl/checks"
	"github.com/tbotctl/tbotctl/internal/ui"
)

// Explain writes what one check looks at, why, how it shows and how it is mended.
func Explain(w io.Writer, e checks.Explained, width int) error {
	const most, column = 80, 11
	var text strings.Builder
	part := func(word, sentence string) {
		if sentence == "" {
			return
		}
		lines := strings.Split(ui.Wrap(sentence, min(width, most)-column, ""), "\n")
		text.WriteString(ui.Pad(word, column) + strings.Join(lines, "\n"+strings.Repeat(" ", column)) + "\n")
	}
	fmt.Fprintf(&text, "%s  %s\n\n", e.Check.ID, e.Check.Title)
	part("LOOKS AT", e.Explanation.Looks)
	part("WHY", e.Explanation.Why)
	for i, words := range e.Explanation.Shows {
		// Words that somebody searches for stay on one line.
		text.WriteString(ui.Pad([]string{"SHOWS AS", ""}[min(i, 1)], column) + words + "\n")
	}
	part("MEND", e.Explanation.Mend)
	since := e.Explanation.Since
	if since == "" {
		since = "Every version that tbotctl knows."
	}
	part("SINCE", since)
	part("FINDS", strings.Join(e.Problems(), ", "))
	part("NEEDS", strings.Join(idsOf(e.Check.Needs), ", "))
	part("PAGE", checks.DocsURL(e.Check.ID))
	return written(w, text.String())
}

// ExplainList writes one line a check, a paragraph a category.
func ExplainList(w io.Writer, all []checks.Explained, width int) error {
	const most = 80
	var text strings.Builder
	var category checks.Category
	for _, e := range all {
		if e.Check.Category != category {
			if category != "" {
				text.WriteString("\n")
			}
			category = e.Check.Category
			text.WriteString(string(category) + "\n")
		}
		line := fmt.Sprintf("  %s  %s", e.Check.ID, e.Check.Title)
		if problems := e.Problems(); len(problems) > 0 {
			line += " (" + strings.Join(problems, ", ") + ")"
		}
		text.WriteString(ansi.Truncate(line, min(width, most), "...") + "\n")
	}
	return written(w, text.String())
}

func written(w io.Writer, text string) error {
	if _, err := io.WriteString(w, text); err != nil {
		return fmt.Errorf("writing the result: %w", err)
	}
	return nil
}
