package tty

import (
	"strings"
	"unicode/utf8"

	"github.com/hinshun/vt10x"
)

// screen is a terminal's emulation. The terminal is the widely used xterm as far as vt10x knows it.
type screen struct {
	vt  vt10x.Terminal
	raw strings.Builder
	// part is the beginning of a character whose rest has not come.
	part []byte
}

func newScreen(cols, rows int) *screen {
	return &screen{vt: vt10x.New(vt10x.WithSize(cols, rows))}
}

// draw takes what the program wrote. vt10x loses a character that comes in two parts, so its first part waits.
func (s *screen) draw(drawn []byte) {
	s.raw.Write(drawn)
	s.part = append(s.part, drawn...)
	whole := len(s.part)
	for back := 1; back < utf8.UTFMax && back <= whole; back++ {
		if utf8.RuneStart(s.part[whole-back]) {
			if !utf8.FullRune(s.part[whole-back:]) {
				whole -= back
			}
			break
		}
	}
	_, _ = s.vt.Write(s.part[:whole]) // it holds all in memory and never fails
	s.part = append([]byte(nil), s.part[whole:]...)
}

func (s *screen) resize(cols, rows int) { s.vt.Resize(cols, rows) }

// text is the screen's rows without the spaces at their ends, and without empty rows below the last.
func (s *screen) text() string {
	cols, rows := s.vt.Size()
	lines := make([]string, rows)
	for y := range lines {
		var line strings.Builder
		for x := range cols {
			char := s.vt.Cell(x, y).Char
			if char == 0 {
				char = ' '
			}
			line.WriteRune(char)
		}
		lines[y] = strings.TrimRight(line.String(), " ")
	}
	return strings.TrimRight(strings.Join(lines, "\n"), "\n")
}

// own tells that the program has the screen to itself (the alternate screen), hidden that the cursor is not shown.
func (s *screen) own() bool    { return s.vt.Mode()&vt10x.ModeAltScreen != 0 }
func (s *screen) hidden() bool { return !s.vt.CursorVisible() }
