// Package report prints what a run does and what came of it: progress for people on stderr, the result on stdout as text or
// as one JSON document. It decides nothing; how a line looks on which terminal is ui's.
package report

import (
	"fmt"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"

	"github.com/tbotctl/tbotctl/checks"
	"github.com/tbotctl/tbotctl/internal/apply"
	"github.com/tbotctl/tbotctl/internal/ui"
)

// Progress tells a person what is going on, line by line, on stderr. On a terminal a last line that changes shows what is
// being waited for; elsewhere only what has come to an end is printed.
type Progress struct {
	streams *ui.Streams
	style   ui.Style
	// live tells that a line is standing that the next one replaces.
	live bool
	// looking is what goes on in this section until the next head, shown again below each check.
	looking string
	// last is the detail that was last printed where there is no terminal, so that a wait does not fill a log.
	last string
}

// page is a stderr that is drawn as a page: it has its own place for a passing line, and its width may change.
type page interface {
	Passing(text string)
	Width() int
}

func (p *Progress) width() int {
	if page, ok := p.streams.Err.(page); ok {
		return page.Width()
	}
	return p.streams.Width
}

// NewProgress returns a Progress for the streams.
func NewProgress(streams *ui.Streams) *Progress {
	return &Progress{streams: streams, style: ui.NewStyle(streams.Err, streams.Color, streams.Unicode)}
}

// Head starts a section.
func (p *Progress) Head(title string) {
	p.looking = ""
	p.line("\n" + p.wrap("", p.style.Bold(ui.Clean(title))))
}

// Gap sets what comes apart from what was said before.
func (p *Progress) Gap() { p.line("") }

// Say prints a sentence, wrapped.
func (p *Progress) Say(text string) { p.line(p.wrap("  ", ui.Clean(text))) }

// Warn prints a sentence that deserves a look.
func (p *Progress) Warn(text string) {
	p.line(p.wrap("  "+p.style.Symbol(ui.SymbolWarn)+" ", ui.Clean(text)))
}

// Looking shows, on a terminal, what is being done, until the next head.
func (p *Progress) Looking(text string) {
	p.looking = text
	p.replace(text)
}

// Check prints the result of one check. A skip or unknown says why; a failure says what was seen, what was expected and what
// to do.
func (p *Progress) Check(result checks.Result) {
	finding := result.Finding
	symbol := p.style.Symbol(symbolOf(finding.Status))
	head := fmt.Sprintf("  %s %s %s", symbol, p.style.Dim(string(result.Check.ID)), result.Check.Title)
	observed := ui.Clean(finding.Observed)
	switch finding.Status {
	case checks.Pass:
		p.line(p.wrap("", head+": "+observed))
	case checks.Skip, checks.Unknown, checks.Warn:
		p.line(p.wrap("", head))
		p.line(p.wrap("           ", string(finding.Status)+": "+observed))
	case checks.Fail:
		p.line(p.wrap("", head))
		if finding.Expected != "" {
			p.line(p.wrap("           seen:     ", observed))
			p.line(p.wrap("           expected: ", ui.Clean(finding.Expected)))
		} else {
			p.line(p.wrap("           ", observed))
		}
	}
	if finding.Fix != "" {
		p.line(p.wrap("           ", "fix: "+ui.Clean(finding.Fix)))
	}
	if p.looking != "" {
		p.replace(p.looking)
	}
}

func symbolOf(status checks.Status) ui.Symbol {
	switch status {
	case checks.Pass:
		return ui.SymbolPass
	case checks.Warn:
		return ui.SymbolWarn
	case checks.Fail:
		return ui.SymbolFail
	case checks.Skip:
		return ui.SymbolSkip
	case checks.Unknown:
		return ui.SymbolUnknown
	}
	return ui.SymbolUnknown
}

// Event prints one event of an apply.
func (p *Progress) Event(event apply.Event) {
	step := ui.Clean(event.Step)
	switch event.State {
	case apply.Started:
		p.last = ""
		p.replace(step)
	case apply.Waiting:
		detail := ui.Clean(event.Detail)
		if p.streams.ErrTTY {
			p.replace(fmt.Sprintf("%s: %s (%s)", step, orStarting(detail), event.Elapsed.Round(time.Second)))
		} else if detail != "" && detail != p.last {
			p.last = detail
			p.line(p.wrap("  "+p.style.Symbol(ui.SymbolWait)+" ", step+": "+detail))
		}
	case apply.Done:
		p.line(p.wrap("  "+p.style.Symbol(ui.SymbolPass)+" ", fmt.Sprintf("%s: %s%s", step, ui.Clean(event.Detail), p.took(event.Elapsed))))
	case apply.Failed:
		p.line(p.wrap("  "+p.style.Symbol(ui.SymbolFail)+" ", fmt.Sprintf("%s: %s", step, ui.Clean(event.Detail))))
	}
}

func orStarting(detail string) string {
	if detail == "" {
		return "starting"
	}
	return detail
}

// took says how long a step lasted where somebody may have wondered.
func (p *Progress) took(elapsed time.Duration) string {
	if elapsed < 2*time.Second {
		return ""
	}
	return " " + p.style.Dim("("+elapsed.Round(100*time.Millisecond).String()+")")
}

// Error prints what ended the run. Further lines stand under the first, so that none passes for a line of ours.
func (p *Progress) Error(err error) {
	const head = "error: "
	lines := strings.Split(err.Error(), "\n")
	for i := range lines {
		indent := lines[i][:len(lines[i])-len(strings.TrimLeft(lines[i], " "))]
		lines[i] = indent + ui.Clean(lines[i])
	}
	p.line(p.style.Bad(strings.TrimSpace(head)) + " " + strings.Join(lines, "\n"+strings.Repeat(" ", len(head))))
}

func (p *Progress) wrap(prefix, text string) string {
	if !p.streams.ErrTTY {
		return prefix + text
	}
	indent := strings.Repeat(" ", max(ansi.StringWidth(prefix), 4))
	return prefix + ui.Wrap(text, p.width()-len(indent), indent)
}

// logWidth bounds what is cut to a terminal's width where there is no terminal: a log may be searched later.
const logWidth = 500

func (p *Progress) cut(text string, used int) string {
	width, tail := max(p.width()-used, 20), "..."
	if p.streams.Unicode {
		tail = "…"
	}
	if !p.streams.ErrTTY {
		width = logWidth
	}
	return ansi.Truncate(text, width, tail)
}

func (p *Progress) line(text string) {
	p.clear()
	// Progress that cannot be shown is no reason to leave two production systems half-way.
	_, _ = fmt.Fprintln(p.streams.Err, text)
}

// replace shows a passing line on a terminal and nothing elsewhere.
func (p *Progress) replace(text string) {
	if page, ok := p.streams.Err.(page); ok {
		page.Passing(ui.Clean(text))
		return
	}
	if !p.streams.ErrTTY || !p.streams.Unicode {
		return
	}
	p.clear()
	if text == "" {
		return
	}
	_, _ = fmt.Fprint(p.streams.Err, "  "+p.style.Symbol(ui.SymbolWait)+" "+p.cut(ui.Clean(text), 5))
	p.live = true
}

func (p *Progress) clear() {
	if page, ok := p.streams.Err.(page); ok {
		page.Passing("")
		return
	}
	if p.live {
		_, _ = fmt.Fprint(p.streams.Err, "\r\x1b[2K")
		p.live = false
	}
}
