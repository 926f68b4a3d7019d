package ui

import (
	"strings"
	"unicode"

	"github.com/charmbracelet/x/ansi"
)

// Clean makes foreign text (a server's message, a resource's name) safe to show: escape sequences are dropped, control and
// invisible formatting characters become spaces, line breaks and runs of spaces one space.
func Clean(text string) string {
	text = ansi.Strip(text)
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == unicode.ReplacementChar {
			return ' '
		}
		return r
	}, text)
	return strings.Join(strings.Fields(text), " ")
}

// Wrap breaks text at spaces to at most width columns; each further line starts with indent.
func Wrap(text string, width int, indent string) string {
	if width < 20 {
		width = 20
	}
	lines := strings.Split(ansi.Wordwrap(text, width, ""), "\n")
	return strings.Join(lines, "\n"+indent)
}

// Pad fills text with spaces to width columns; what is wider stays as it is.
func Pad(text string, width int) string {
	if missing := width - ansi.StringWidth(text); missing > 0 {
		return text + strings.Repeat(" ", missing)
	}
	return text
}
