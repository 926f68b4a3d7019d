package prompt

import (
	"io"
	"strings"

	"github.com/charmbracelet/huh"
	"github.com/charmbracelet/lipgloss"
	"github.com/charmbracelet/x/ansi"
	"github.com/muesli/termenv"

	"github.com/tbotctl/tbotctl/internal/ui"
)

// look is how the screen is drawn: ui's words and colours, the signs that the terminal takes, and huh's theme made of both.
type look struct {
	ui.Style
	theme *huh.Theme
	signs signs
}

// signs are drawn by themselves, so that nothing hangs on colour.
type signs struct {
	done, here, bar, ellipsis, up, down, dot string
	spinner                                  []string
}

// newLook returns the look for a screen on w.
func newLook(w io.Writer, color, unicode bool) look {
	s := signs{
		done: "+", here: ">", bar: "|", ellipsis: "...", up: "up", down: "down", dot: "|",
		spinner: []string{"|", "/", "-", `\`},
	}
	if unicode {
		s = signs{
			done: "✓", here: "▸", bar: "┃", ellipsis: "…", up: "↑", down: "↓", dot: "·",
			spinner: []string{"⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"},
		}
	}
	return look{Style: ui.NewStyle(w, color, unicode), signs: s, theme: newTheme(w, color, s)}
}

// newTheme gives huh our signs and the terminal's own colours; huh's themes ask the terminal for its background and draw on a
// renderer of standard output.
func newTheme(w io.Writer, color bool, s signs) *huh.Theme {
	base := rendererFor(w, color).NewStyle()
	bold := base.Bold(color)
	// The cursor is in reverse video even without colour: it would not be seen otherwise.
	cursor := rendererFor(w, true).NewStyle()
	field := huh.FieldStyles{
		Base: base.PaddingLeft(2), Title: base, Description: base,
		TextInput: huh.TextInputStyles{Cursor: cursor, CursorText: base, Placeholder: base.Faint(color), Prompt: base, Text: base},
	}
	theme := &huh.Theme{
		Form: huh.FormStyles{Base: base}, Group: huh.GroupStyles{Base: base, Title: bold, Description: base},
		FieldSeparator: base.SetString("\n\n"), Blurred: field, Focused: field,
	}
	theme.Focused.Title = bold
	theme.Focused.Base = base.Border(lipgloss.Border{Left: s.bar}, false, false, false, true).PaddingLeft(1)
	return theme
}

func rendererFor(w io.Writer, color bool) *lipgloss.Renderer {
	renderer := lipgloss.NewRenderer(w)
	renderer.SetColorProfile(termenv.Ascii)
	if color {
		renderer.SetColorProfile(termenv.ANSI)
	}
	return renderer
}

// cut shortens text to width columns, with an ellipsis at its end.
func (l look) cut(text string, width int) string {
	return ansi.Truncate(text, max(width, 0), l.signs.ellipsis)
}

// cutMiddle shortens a name to width columns and keeps both ends: names of one cloud account often differ in their last part only.
func (l look) cutMiddle(text string, width int) string {
	all := ansi.StringWidth(text)
	gap := ansi.StringWidth(l.signs.ellipsis)
	if all <= width {
		return text
	}
	if width < 4*gap {
		return l.cut(text, width)
	}
	head := (width - gap) / 3
	left := ansi.Truncate(text, head, "")
	tail := ansi.TruncateLeft(text, all-(width-gap-ansi.StringWidth(left)), "")
	// A wide character at the border may leave a column too many.
	return ansi.Truncate(left+l.signs.ellipsis+tail, width, "")
}

// keys draws the keys that work right now, as many as fit: the first are the most needed.
func (l look) keys(width int, keys []keyHint) string {
	sep := " " + l.signs.dot + " "
	var shown strings.Builder
	used := 0
	for _, k := range keys {
		part := k.key + " " + k.does
		if used > 0 {
			part = sep + part
		}
		if used+ansi.StringWidth(part) > width {
			continue
		}
		shown.WriteString(part)
		used += ansi.StringWidth(part)
	}
	return l.Dim(shown.String())
}
