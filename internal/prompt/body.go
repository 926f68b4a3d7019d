package prompt

import (
	"regexp"
	"strings"
	"unicode"

	"github.com/charmbracelet/x/ansi"
)

// text is what stands on a page: lines, wrapped to the width, and which of the rows are in sight.
type text struct {
	lines []string
	width int
	// rows are the wrapped lines, starts the first row of each line.
	rows   []string
	starts []int
	top    int
	// follow keeps the last row in sight while lines arrive.
	follow bool
}

var (
	// sgr are the sequences that colour text (ECMA-48, 8.3.117), the only ones that are let through.
	sgr = regexp.MustCompile(`\x1b\[[0-9;]*m`)
	// resets end all colour.
	resets = regexp.MustCompile(`^\x1b\[0?m$`)
)

// add appends a line. Space between a page's title and its text is the page's own.
func (t *text) add(line string) {
	if line = tame(line); len(t.lines) == 0 && strings.TrimSpace(line) == "" {
		return
	}
	t.lines = append(t.lines, line)
	t.wrapOne(line)
}

func (t *text) wrapOne(line string) {
	t.starts = append(t.starts, len(t.rows))
	t.rows = append(t.rows, wrapRow(line, t.width)...)
}

// resize wraps anew and keeps the line that was on top there.
func (t *text) resize(width int) {
	if width == t.width {
		return
	}
	line := 0
	for line+1 < len(t.starts) && t.starts[line+1] <= t.top {
		line++
	}
	t.width, t.rows, t.starts = width, nil, nil
	for _, l := range t.lines {
		t.wrapOne(l)
	}
	if len(t.starts) > 0 {
		t.top = t.starts[line]
	}
}

// scroll moves by rows within a window of height rows.
func (t *text) scroll(by, height int) {
	last := max(len(t.rows)-height, 0)
	t.top = min(max(t.from(height)+by, 0), last)
	t.follow = t.top == last && by > 0
}

// from is the first row in sight of a window of height rows.
func (t *text) from(height int) int {
	last := max(len(t.rows)-height, 0)
	if t.follow {
		return last
	}
	return min(t.top, last)
}

// window gives the rows in sight, and how many there are above and below.
func (t *text) window(height int) (rows []string, above, below int) {
	from := t.from(height)
	to := min(from+max(height, 0), len(t.rows))
	return t.rows[from:to], from, len(t.rows) - to
}

// tame lets nothing through but text and its colours; the writer has cleaned what is foreign, and this holds if it has not.
func tame(line string) string {
	var out strings.Builder
	for {
		at := sgr.FindStringIndex(line)
		part := line
		if at != nil {
			part = line[:at[0]]
		}
		for _, r := range ansi.Strip(strings.ReplaceAll(part, "\t", "    ")) {
			if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
				r = ' '
			}
			out.WriteRune(r)
		}
		if at == nil {
			return out.String()
		}
		out.WriteString(line[at[0]:at[1]])
		line = line[at[1]:]
	}
}

// wrapRow breaks a line at spaces to width columns, a word that is wider at its columns. Rows after the first keep the line's indent,
// and colour that goes over a break is ended and begun again, so that each row can be drawn by itself.
func wrapRow(line string, width int) []string {
	if width <= 0 || ansi.StringWidth(line) <= width {
		return []string{line}
	}
	plain := ansi.Strip(line)
	indent := strings.Repeat(" ", min(len(plain)-len(strings.TrimLeft(plain, " ")), width/2))
	var rows []string
	row := ""
	for _, word := range strings.SplitAfter(line, " ") {
		if ansi.StringWidth(row)+ansi.StringWidth(strings.TrimRight(word, " ")) <= width {
			row += word
			continue
		}
		if strings.TrimSpace(ansi.Strip(row)) != "" {
			rows = append(rows, strings.TrimRight(row, " "))
			row = indent
		}
		for ansi.StringWidth(row)+ansi.StringWidth(strings.TrimRight(word, " ")) > width {
			head := ansi.Truncate(word, width-ansi.StringWidth(row), "")
			if head == "" || !strings.HasPrefix(word, head) {
				// Colour within a word that is wider than the window: cut it without.
				word = ansi.Strip(word)
				head = ansi.Truncate(word, width-ansi.StringWidth(row), "")
			}
			if head == "" {
				break
			}
			rows = append(rows, row+head)
			word, row = word[len(head):], indent
		}
		row += word
	}
	return carryColour(append(rows, strings.TrimRight(row, " ")))
}

func carryColour(rows []string) []string {
	active := ""
	for i, row := range rows {
		row = active + row
		for _, sequence := range sgr.FindAllString(rows[i], -1) {
			if resets.MatchString(sequence) {
				active = ""
				continue
			}
			active += sequence
		}
		if active != "" {
			row += "\x1b[0m"
		}
		rows[i] = row
	}
	return rows
}
