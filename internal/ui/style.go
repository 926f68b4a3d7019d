package ui

import (
	"io"

	"github.com/charmbracelet/lipgloss"
	"github.com/muesli/termenv"
)

// Style colours words by what they mean. Nothing is ever said by colour alone: a symbol or a word says it too.
type Style struct {
	good, warn, bad, dim, bold lipgloss.Style
	unicode                    bool
}

// NewStyle returns the style for text on w; without color every method returns its text unchanged.
func NewStyle(w io.Writer, color, unicode bool) Style {
	renderer := lipgloss.NewRenderer(w)
	renderer.SetColorProfile(termenv.Ascii)
	if color {
		// The sixteen colours follow the reader's own theme, light or dark.
		renderer.SetColorProfile(termenv.ANSI)
	}
	base := renderer.NewStyle()
	return Style{
		good: base.Foreground(lipgloss.Color("2")), warn: base.Foreground(lipgloss.Color("3")), bad: base.Foreground(lipgloss.Color("1")),
		dim: base.Faint(color), bold: base.Bold(color), unicode: unicode,
	}
}

// Good is for what is as it should be.
func (s Style) Good(text string) string { return s.good.Render(text) }

// Warn is for what works and deserves a look.
func (s Style) Warn(text string) string { return s.warn.Render(text) }

// Bad is for what does not work.
func (s Style) Bad(text string) string { return s.bad.Render(text) }

// Dim is for what may be skipped in reading.
func (s Style) Dim(text string) string { return s.dim.Render(text) }

// Bold is for headings.
func (s Style) Bold(text string) string { return s.bold.Render(text) }

// Symbol is a sign of one column at the start of a line.
type Symbol int

// The signs of a line.
const (
	SymbolPass Symbol = iota
	SymbolWarn
	SymbolFail
	SymbolSkip
	SymbolUnknown
	SymbolWait
)

// Symbol draws a sign in its colour, in ASCII where the terminal takes no more.
func (s Style) Symbol(symbol Symbol) string {
	pick := func(unicode, ascii string) string {
		if s.unicode {
			return unicode
		}
		return ascii
	}
	switch symbol {
	case SymbolPass:
		return s.Good(pick("✓", "+"))
	case SymbolWarn:
		return s.Warn("!")
	case SymbolFail:
		return s.Bad(pick("✗", "x"))
	case SymbolSkip:
		return s.Dim("-")
	case SymbolUnknown:
		return s.Warn("?")
	case SymbolWait:
		return s.Dim(pick("…", "."))
	}
	return " "
}
