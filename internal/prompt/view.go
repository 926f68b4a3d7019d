package prompt

import (
	"fmt"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"

	"github.com/tbotctl/tbotctl/internal/ui"
)

// The smallest window that is drawn.
const (
	minWidth  = 40
	minHeight = 10
)

// showElapsed is how long something may take before the screen says how long it has taken.
const showElapsed = 5 * time.Second

func (m *model) tooSmall() bool { return m.width < minWidth || m.height < minHeight }

// parts is how the height is shared.
type parts struct {
	title, status, errs []string
	// body and form are in rows; more tells that a row is needed to say that the body goes on.
	body, form int
	more       bool
}

// plan shares the height: the form gets what it needs as long as the body keeps a third, or all that it has to say.
func (m *model) plan() parts {
	p := parts{title: m.titleLines(), status: m.statusLines(), errs: m.errLines()}
	// Around them: the trail, an empty line below the title, one above the footer, and the footer.
	room := m.height - len(p.title) - len(p.status) - len(p.errs) - 4
	said := len(m.reading().rows)
	if m.ask != nil {
		least := 0
		if said > 0 {
			least = min(said, max(room/3, 1))
			room-- // an empty line between them
		}
		p.form = min(m.ask.natural(m.width), max(room-least, 1))
	}
	p.body = max(min(said, room-p.form), 0)
	if p.body < said {
		p.more = true
		p.body = max(p.body-1, 0)
	}
	return p
}

// layout fits what is on the screen to its size.
func (m *model) layout() {
	if m.tooSmall() {
		return
	}
	m.body.resize(m.width)
	if m.help != nil {
		m.help.resize(m.width)
	}
	if m.ask != nil {
		m.ask.resize(m.width, m.plan().form)
	}
}

// View implements tea.Model.
func (m *model) View() string {
	switch {
	case m.width == 0:
		return ""
	case m.tooSmall():
		small := []string{
			m.look.cut(fmt.Sprintf("The window is too small: %dx%d,", m.width, m.height), m.width),
			m.look.cut(fmt.Sprintf("it takes %dx%d at least.", minWidth, minHeight), m.width),
		}
		return strings.Join(small[:min(m.height, len(small))], "\n")
	}
	p := m.plan()
	lines := append([]string{m.trail()}, p.title...)
	lines = append(lines, "")
	rows, above, below := m.reading().window(p.body)
	lines = append(lines, rows...)
	if p.more {
		lines = append(lines, m.look.Dim(m.moreLine(above, below)))
	}
	lines = append(lines, p.status...)
	if m.ask != nil {
		if len(rows) > 0 || p.more {
			lines = append(lines, "")
		}
		lines = append(lines, strings.Split(m.ask.huh.View(), "\n")...)
		lines = append(lines, p.errs...)
	}
	for len(lines) < m.height-1 {
		lines = append(lines, "")
	}
	lines = append(lines[:m.height-1], m.look.keys(m.width, m.hints()))
	for i, line := range lines {
		lines[i] = strings.TrimRight(ansi.Truncate(line, m.width, ""), " ")
	}
	return strings.Join(lines, "\n")
}

// trail shows where on the way this page is: all steps where they fit, or else how many there are.
func (m *model) trail() string {
	if m.page.Step < 0 || m.page.Step >= len(m.page.Steps) {
		return ""
	}
	signs := m.look.signs
	words := make([]string, len(m.page.Steps))
	for i, step := range m.page.Steps {
		switch {
		case i < m.page.Step:
			words[i] = m.look.Good(signs.done) + " " + step
		case i == m.page.Step:
			words[i] = m.look.Bold(signs.here + " " + step)
		default:
			words[i] = m.look.Dim(step)
		}
	}
	for _, gap := range []string{"  ", " "} {
		if all := strings.Join(words, gap); ansi.StringWidth(all) <= m.width {
			return all
		}
	}
	return m.look.Bold(fmt.Sprintf("%d/%d %s", m.page.Step+1, len(m.page.Steps), m.page.Steps[m.page.Step]))
}

func (m *model) titleLines() []string {
	title := m.page.Title
	if m.help != nil {
		title = "About: " + m.ask.field().Title
	}
	if title == "" {
		return nil
	}
	lines := strings.Split(ui.Wrap(tame(title), m.width, ""), "\n")
	for i := range lines {
		lines[i] = m.look.Bold(lines[i])
	}
	return lines
}

// statusLines are what is going on: the Work, and below it or alone what is passing.
func (m *model) statusLines() []string {
	var lines []string
	spinner := m.look.signs.spinner[m.frame%len(m.look.signs.spinner)]
	if m.work != nil {
		lines = append(lines, m.status(spinner, m.work.title, m.now().Sub(m.work.since)))
		if m.work.cancelling {
			lines = append(lines, m.look.Warn("  Cancelled: finishing the step in hand."))
		}
		spinner = " "
	}
	if m.passing.text != "" {
		lines = append(lines, m.status(spinner, m.passing.text, m.now().Sub(m.passing.since)))
	}
	return lines
}

// status is one line of them; how long it has taken stays even where the text has to be cut.
func (m *model) status(spinner, text string, taken time.Duration) string {
	elapsed := ""
	if taken >= showElapsed {
		elapsed = fmt.Sprintf(" (%s)", taken.Truncate(time.Second))
	}
	return spinner + " " + m.look.cut(text, m.width-2-len(elapsed)) + m.look.Dim(elapsed)
}

func (m *model) errLines() []string {
	if m.ask == nil || m.ask.err == nil {
		return nil
	}
	sign := m.look.Symbol(ui.SymbolFail)
	rows := wrapRow(ui.Clean(m.ask.err.Error()), m.width-4)
	for i, row := range rows {
		rows[i] = sign + " " + m.look.Bad(row)
		sign = " "
	}
	return rows
}

// moreLine says what is out of sight, and the key that brings it.
func (m *model) moreLine(above, below int) string {
	switch {
	case above > 0 && below > 0:
		return fmt.Sprintf("%s above, %d below: PgUp, PgDn", count(above, "line"), below)
	case above > 0:
		return fmt.Sprintf("%s above, PgUp", count(above, "more line"))
	}
	return fmt.Sprintf("%s below, PgDn", count(below, "more line"))
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// helpLines are a help text's paragraphs, each one line to be wrapped, with an empty line between two.
func helpLines(help string) []string {
	var lines []string
	for i, paragraph := range strings.Split(strings.TrimSpace(help), "\n\n") {
		if i > 0 {
			lines = append(lines, "")
		}
		lines = append(lines, strings.Join(strings.Fields(paragraph), " "))
	}
	return lines
}
