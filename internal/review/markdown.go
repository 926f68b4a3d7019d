package review

import (
	"strings"

	"github.com/tbotctl/tbotctl/internal/ui"
)

// columns is how wide the page is, where no word is longer.
const columns = 100

// page is the text as it grows.
type page struct{ text strings.Builder }

// head opens a section.
func (p *page) head(level int, words string) {
	if p.text.Len() > 0 {
		p.text.WriteString("\n")
	}
	p.text.WriteString(strings.Repeat("#", level) + " " + words + "\n\n")
}

// say writes a paragraph, item a point of a list, and sub one below a point.
func (p *page) say(words string)  { p.line(words, "") }
func (p *page) item(words string) { p.line("- "+words, "  ") }
func (p *page) sub(words string)  { p.line("  - "+words, "    ") }

func (p *page) line(words, indent string) {
	p.text.WriteString(ui.Wrap(words, columns-len(indent), indent) + "\n")
}

// block quotes lines to paste.
func (p *page) block(lines ...string) {
	p.text.WriteString("\n```sh\n")
	for _, line := range lines {
		p.text.WriteString(line + "\n")
	}
	p.text.WriteString("```\n")
}

// code quotes what somebody else may have chosen: nothing of it is Markdown, and nothing of it is invisible. The fence is longer than any
// run of backticks in it (CommonMark 6.1, code spans).
func code(foreign string) string {
	foreign = ui.Clean(foreign)
	longest, run := 0, 0
	for _, r := range foreign {
		if r == '`' {
			run++
			longest = max(longest, run)
		} else {
			run = 0
		}
	}
	fence := strings.Repeat("`", longest+1)
	if foreign == "" || longest > 0 {
		return fence + " " + foreign + " " + fence
	}
	return fence + foreign + fence
}

// codes is a list of such.
func codes(foreign []string) string {
	quoted := make([]string, len(foreign))
	for i, one := range foreign {
		quoted[i] = code(one)
	}
	return strings.Join(quoted, ", ")
}
