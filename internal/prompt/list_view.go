package prompt

import (
	"fmt"
	"io"
	"strings"

	"github.com/charmbracelet/bubbles/key"
	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/huh"
	"github.com/charmbracelet/x/ansi"

	"github.com/tbotctl/tbotctl/internal/ui"
)

// This file is list as huh sees it: how it is drawn within the width and height it is given, and the rest of huh.Field.

// columns are the widths of a row's parts.
type columns struct{ label, note int }

// head is the title, and the filter where there is one.
func (l *list) head() []string {
	styles := l.styles()
	lines := strings.Split(styles.Title.Render(ui.Wrap(l.field.Title, l.inner(), "")), "\n")
	switch {
	case l.filtering:
		lines = append(lines, l.look.cut(fmt.Sprintf("/%s_  (%d of %d)", l.filter, len(l.shown), len(l.choices)), l.inner()))
	case l.filter != "":
		lines = append(lines, l.look.cut(fmt.Sprintf("/%s  (%d of %d)", l.filter, len(l.shown), len(l.choices)), l.inner()))
	}
	return lines
}

// natural is the height that shows everything.
func (l *list) natural() int { return len(l.head()) + max(len(l.choices), 1) + l.wantedDetail() }

// rows is how many choices are visible at a time; the line that tells of the others is not one of them.
func (l *list) rows() int {
	room := max(l.height-len(l.head())-l.detailRows(), 1)
	if len(l.shown) > room && room > fewestCounted {
		room--
	}
	return room
}

// scroll keeps the cursor in sight and no room unused.
func (l *list) scroll() {
	rows := l.rows()
	l.top = min(l.top, l.cursor)
	l.top = max(l.top, l.cursor-rows+1)
	l.top = max(min(l.top, len(l.shown)-rows), 0)
}

// View implements tea.Model.
func (l *list) View() string {
	lines := l.head()
	if len(l.shown) == 0 {
		empty := "nothing to choose yet"
		if l.filter != "" {
			empty = "no name holds this"
		}
		lines = append(lines, l.look.Dim("  "+empty))
	}
	cols := l.columns()
	rows := l.rows()
	for i := l.top; i < min(l.top+rows, len(l.shown)); i++ {
		lines = append(lines, l.row(l.choices[l.shown[i]], i == l.cursor, cols))
	}
	if len(l.shown) > rows {
		lines = append(lines, l.look.Dim(fmt.Sprintf("  %d-%d of %d", l.top+1, min(l.top+rows, len(l.shown)), len(l.shown))))
	}
	lines = append(lines, l.detail()...)
	return l.styles().Base.Width(l.width).Render(strings.Join(lines, "\n"))
}

// mostDetail is how many lines are kept for a choice that its row cannot show as a whole.
const mostDetail = 3

// fewestCounted is how many rows are more use than a line that says how many there are.
const fewestCounted = 3

// detailRows is how many of them there are: choices go first where the height is small.
func (l *list) detailRows() int {
	return max(min(l.wantedDetail(), l.height-len(l.head())-min(len(l.choices), fewestCounted+1)), 0)
}

// wantedDetail is how many lines the choice under the cursor should get below the list. It is the same for all, so that nothing jumps.
func (l *list) wantedDetail() int {
	cols := l.columns()
	if l.wide.label <= cols.label && l.wide.note <= cols.note {
		return 0
	}
	return min((l.wide.label+l.wide.note)/max(l.inner()-4, 1)+1, mostDetail)
}

// detail is the choice under the cursor at full length, where rows have been cut.
func (l *list) detail() []string {
	room := l.detailRows()
	c, ok := l.hovered()
	if room == 0 || !ok {
		return make([]string, room)
	}
	cols := l.columns()
	var rows []string
	if ansi.StringWidth(c.Label) > cols.label || ansi.StringWidth(c.remark()) > cols.note {
		text := c.Label
		if c.remark() != "" {
			text += ": " + c.remark()
		}
		rows = wrapRow(text, l.inner()-2)
	}
	if len(rows) > room {
		rows = append(rows[:room-1], l.look.cut(strings.Join(rows[room-1:], " "), l.inner()-2))
	}
	for i := range rows {
		rows[i] = l.look.Dim("  " + rows[i])
	}
	return append(rows, make([]string, room-len(rows))...)
}

// columns shares the width: labels get what they need as long as two fifths remain for the notes.
func (l *list) columns() columns {
	room := l.inner() - ansi.StringWidth(l.mark(Choice{}, false))
	if l.wide.note == 0 {
		return columns{label: min(l.wide.label, room)}
	}
	label := min(l.wide.label, max(room-2-l.wide.note, room*3/5))
	return columns{label: label, note: max(room-label-2, 0)}
}

// remark is what stands behind a label: the reason against it, or else its note.
func (c Choice) remark() string {
	if c.Refused != "" {
		return "x " + c.Refused
	}
	return c.Note
}

// mark is what stands before the label.
func (l *list) mark(c Choice, here bool) string {
	mark := "  "
	if here {
		mark = "> "
	}
	if l.field.Kind == Many {
		if l.isChecked(c.Value) {
			return mark + "[x] "
		}
		return mark + "[ ] "
	}
	return mark
}

func (l *list) row(c Choice, here bool, cols columns) string {
	here = here && l.focused || here && l.field.Kind == One
	mark := l.mark(c, here)
	label := ui.Pad(l.look.cutMiddle(c.Label, cols.label), cols.label)
	remark := l.look.cut(c.remark(), cols.note)
	switch {
	case c.Refused != "":
		label, remark = l.look.Dim(label), l.look.Warn(remark)
	case here:
		label = l.look.Bold(label)
	default:
		remark = l.look.Dim(remark)
	}
	if remark == "" {
		return mark + strings.TrimRight(label, " ")
	}
	return mark + label + "  " + remark
}

// inner is the width within the frame.
func (l *list) inner() int { return max(l.width-l.styles().Base.GetHorizontalFrameSize(), 10) }

func (l *list) styles() *huh.FieldStyles {
	if l.focused {
		return &l.look.theme.Focused
	}
	return &l.look.theme.Blurred
}

// Init implements tea.Model.
func (l *list) Init() tea.Cmd { return nil }

// Update implements tea.Model; keys come by press, for their errors are the model's to show.
func (l *list) Update(tea.Msg) (tea.Model, tea.Cmd) { return l, nil }

// Focus implements huh.Field.
func (l *list) Focus() tea.Cmd {
	l.focused = true
	return nil
}

// Blur implements huh.Field.
func (l *list) Blur() tea.Cmd {
	l.focused = false
	l.filtering = false
	return nil
}

// Error implements huh.Field; errors are shown by the model.
func (l *list) Error() error { return nil }

// Run implements huh.Field; a list is only ever part of a form.
func (l *list) Run() error { return huh.Run(l) }

// RunAccessible implements huh.Field; Lines asks line by line, never huh.
func (l *list) RunAccessible(io.Writer, io.Reader) error { return ErrCancelled }

// Skip implements huh.Field.
func (l *list) Skip() bool { return false }

// Zoom implements huh.Field.
func (l *list) Zoom() bool { return false }

// KeyBinds implements huh.Field; the footer tells of the keys.
func (l *list) KeyBinds() []key.Binding { return nil }

// WithTheme implements huh.Field; the look was given at the start.
func (l *list) WithTheme(*huh.Theme) huh.Field { return l }

// WithAccessible implements huh.Field.
func (l *list) WithAccessible(bool) huh.Field { return l }

// WithKeyMap implements huh.Field.
func (l *list) WithKeyMap(*huh.KeyMap) huh.Field { return l }

// WithWidth implements huh.Field.
func (l *list) WithWidth(width int) huh.Field {
	l.width = width
	return l
}

// WithHeight implements huh.Field: title, filter and choices together take no more lines than this.
func (l *list) WithHeight(height int) huh.Field {
	l.height = height
	l.scroll()
	return l
}

// WithPosition implements huh.Field.
func (l *list) WithPosition(huh.FieldPosition) huh.Field { return l }

// GetKey implements huh.Field.
func (l *list) GetKey() string { return l.field.Key }

// GetValue implements huh.Field.
func (l *list) GetValue() any {
	if l.field.Kind == Many {
		return l.values()
	}
	c, _ := l.hovered()
	return c.Value
}
