package ui

import (
	"fmt"
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

// Wrap breaks text at spaces, and nowhere else, to at most width columns; each further line starts with indent. A name is never
// broken at its hyphens: somebody will copy it.
func Wrap(text string, width int, indent string) string {
	width = max(width, 20)
	words := strings.Fields(text)
	if len(words) == 0 {
		return text
	}
	line := text[:strings.Index(text, words[0])] + words[0]
	var wrapped strings.Builder
	for _, word := range words[1:] {
		if ansi.StringWidth(line)+1+ansi.StringWidth(word) > width {
			wrapped.WriteString(line + "\n" + indent)
			line = word
			continue
		}
		line += " " + word
	}
	return wrapped.String() + line
}

// Pad fills text with spaces to width columns; what is wider stays as it is.
func Pad(text string, width int) string {
	if missing := width - ansi.StringWidth(text); missing > 0 {
		return text + strings.Repeat(" ", missing)
	}
	return text
}

// Counted is a number with its noun in the singular or the plural: 1 check, 2 checks.
func Counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
