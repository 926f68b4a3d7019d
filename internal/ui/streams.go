// Package ui holds what every screen of tbotctl stands on: the three streams, what kind of terminal they are, colours,
// symbols and the safe display of foreign text. It knows nothing of clusters; what is said is report's and wizard's.
package ui

import (
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// Streams are stdin, stdout and stderr with what is known of them. Results go to Out, everything for people to Err.
type Streams struct {
	In  io.Reader
	Out io.Writer
	Err io.Writer
	// InTTY, OutTTY and ErrTTY tell which of them are terminals.
	InTTY, OutTTY, ErrTTY bool
	// Color allows colour on Err; OutColor on Out.
	Color, OutColor bool
	// Unicode allows symbols beyond ASCII.
	Unicode bool
	// Width is Err's, in columns.
	Width int
}

// defaultWidth is for whatever is no terminal.
const defaultWidth = 80

// System returns the process's own streams, judged by the environment: NO_COLOR (no-color.org), CLICOLOR_FORCE, TERM, locale.
func System(env func(string) string) *Streams {
	s := &Streams{
		In: os.Stdin, Out: os.Stdout, Err: os.Stderr,
		InTTY: isTerminal(os.Stdin), OutTTY: isTerminal(os.Stdout), ErrTTY: isTerminal(os.Stderr),
		Width: defaultWidth,
	}
	if width, _, err := term.GetSize(int(os.Stderr.Fd())); err == nil && width > 0 {
		s.Width = width
	}
	plain := env("NO_COLOR") != "" || env("TERM") == "dumb" || env("CLICOLOR") == "0"
	force := env("CLICOLOR_FORCE") != "" && env("CLICOLOR_FORCE") != "0"
	s.Color = !plain && (s.ErrTTY || force)
	s.OutColor = !plain && (s.OutTTY || force)
	s.Unicode = env("TERM") != "dumb" && isUTF8(env)
	return s
}

// CanPrompt reports whether a question can be asked: both where it is read and where it is drawn are terminals.
func (s *Streams) CanPrompt() bool { return s.InTTY && s.ErrTTY }

func isTerminal(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }

// isUTF8 reads the locale in the order of POSIX (Base Definitions 8.2).
func isUTF8(env func(string) string) bool {
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if value := strings.ToLower(env(name)); value != "" {
			return strings.Contains(value, "utf-8") || strings.Contains(value, "utf8")
		}
	}
	return false
}
