package prompt

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/x/ansi"

	"github.com/tbotctl/tbotctl/internal/ui"
)

// list is a field that chooses one or many of its choices. It is a field of ours within huh's form, because huh's own lists
// forget the filter when new choices arrive, draw every choice several times for each key (116 ms for 1,000 choices), and the
// multiple one panics when the cursor is moved below a filter that matches nothing (huh v1.0.0).
type list struct {
	look    look
	field   *Field
	choices []Choice
	// shown are the indexes of the choices that the filter lets through; cursor and top index shown.
	shown       []int
	cursor, top int
	// moved tells that a person has moved the cursor; until then it follows the answer that was filled in.
	moved     bool
	filter    string
	filtering bool
	checked   []string

	// wide are the columns that the widest label and remark would take.
	wide columns

	focused       bool
	width, height int
}

func newList(field *Field, look look) *list {
	l := &list{look: look, field: field, checked: slices.Clone(field.Values), height: 10, width: 80}
	l.setChoices(field.Choices)
	return l
}

// setChoices takes newer choices. Filter and cursor stay: the cursor on its value, not in its row.
func (l *list) setChoices(choices []Choice) {
	wanted := l.field.Value
	if at, ok := l.hovered(); ok && l.moved {
		wanted = at.Value
	}
	l.choices = make([]Choice, 0, len(choices))
	for _, c := range choices {
		label := c.Label
		if label == "" {
			label = c.Value
		}
		l.choices = append(l.choices, Choice{Value: c.Value, Label: ui.Clean(label), Note: ui.Clean(c.Note), Refused: ui.Clean(c.Refused)})
	}
	// What is marked and no longer offered must be seen, or nobody could take the mark away.
	for _, value := range l.checked {
		if !slices.ContainsFunc(l.choices, func(c Choice) bool { return c.Value == value }) {
			l.choices = append(l.choices, Choice{Value: value, Label: ui.Clean(value), Note: "not listed"})
		}
	}
	l.wide = columns{}
	for _, c := range l.choices {
		l.wide.label = max(l.wide.label, ansi.StringWidth(c.Label))
		l.wide.note = max(l.wide.note, ansi.StringWidth(c.remark()))
	}
	l.refilter(wanted)
}

// refilter applies the filter and puts the cursor on the value, or else on the first choice that can be taken.
func (l *list) refilter(value string) {
	l.shown = l.shown[:0]
	needle := strings.ToLower(l.filter)
	for i, c := range l.choices {
		if strings.Contains(strings.ToLower(c.Label), needle) || strings.Contains(strings.ToLower(c.Note), needle) {
			l.shown = append(l.shown, i)
		}
	}
	l.cursor = slices.IndexFunc(l.shown, func(i int) bool { return l.choices[i].Value == value })
	if l.cursor < 0 {
		l.cursor = max(0, slices.IndexFunc(l.shown, func(i int) bool { return l.choices[i].Refused == "" }))
	}
	l.scroll()
}

// hovered is the choice under the cursor.
func (l *list) hovered() (Choice, bool) {
	if l.cursor < 0 || l.cursor >= len(l.shown) {
		return Choice{}, false
	}
	return l.choices[l.shown[l.cursor]], true
}

func (l *list) move(by int) {
	if len(l.shown) == 0 {
		return
	}
	l.moved = true
	l.cursor = min(max(l.cursor+by, 0), len(l.shown)-1)
	l.scroll()
}

func (l *list) isChecked(value string) bool { return slices.Contains(l.checked, value) }

// toggle marks the choice under the cursor, or takes its mark away; the error says why it cannot be marked.
func (l *list) toggle() error {
	c, ok := l.hovered()
	switch {
	case !ok:
		return nil
	case l.isChecked(c.Value):
		l.checked = slices.DeleteFunc(l.checked, func(v string) bool { return v == c.Value })
	case c.Refused != "":
		return errors.New(c.Refused)
	default:
		l.checked = append(l.checked, c.Value)
	}
	return nil
}

// toggleAll marks all shown choices that can be, or takes the marks away when all have one.
func (l *list) toggleAll() {
	var open []string
	var marked []string
	for _, i := range l.shown {
		switch c := l.choices[i]; {
		case l.isChecked(c.Value):
			marked = append(marked, c.Value)
		case c.Refused == "":
			open = append(open, c.Value)
		}
	}
	if len(open) > 0 {
		l.checked = append(l.checked, open...)
		return
	}
	l.checked = slices.DeleteFunc(l.checked, func(v string) bool { return slices.Contains(marked, v) })
}

// values are the marked ones in the order of the choices.
func (l *list) values() []string {
	var values []string
	for _, c := range l.choices {
		if l.isChecked(c.Value) && !slices.Contains(values, c.Value) {
			values = append(values, c.Value)
		}
	}
	return values
}

// store writes what is chosen at this moment into the field.
func (l *list) store() {
	if l.field.Kind == Many {
		l.field.Values = l.values()
		return
	}
	if c, ok := l.hovered(); ok && l.moved {
		l.field.Value = c.Value
	}
}

// judge says what is wrong with what is chosen.
func (l *list) judge() error {
	if l.field.Kind == Many {
		for _, c := range l.choices {
			if l.isChecked(c.Value) && c.Refused != "" {
				return fmt.Errorf("%s: %s", c.Label, c.Refused)
			}
		}
		return validate(l.field, strings.Join(l.values(), ","))
	}
	c, ok := l.hovered()
	switch {
	case !ok && l.filter != "":
		return errors.New("nothing matches the filter")
	case !ok:
		return errors.New("there is nothing to choose yet")
	case c.Refused != "":
		return errors.New(c.Refused)
	}
	l.moved = true
	return validate(l.field, c.Value)
}

// press handles a key; enter, esc and help are the model's.
func (l *list) press(msg tea.KeyMsg) error {
	if l.filtering && l.typeFilter(msg) {
		return nil
	}
	switch msg.String() {
	case "up", "k", "ctrl+p":
		l.move(-1)
	case "down", "j", "ctrl+n":
		l.move(1)
	case "ctrl+u":
		l.move(-max(l.rows()/2, 1))
	case "ctrl+d":
		l.move(max(l.rows()/2, 1))
	case "home", "g":
		l.move(-len(l.shown))
	case "end", "G":
		l.move(len(l.shown))
	case "/":
		l.filtering = true
	case " ", "x":
		if l.field.Kind == Many {
			return l.toggle()
		}
	case "ctrl+a":
		if l.field.Kind == Many {
			l.toggleAll()
		}
	}
	return nil
}

// typeFilter takes what belongs to the filter while it is typed, and reports whether the key did.
func (l *list) typeFilter(msg tea.KeyMsg) bool {
	typed := l.filter
	switch {
	case msg.Type == tea.KeyRunes && !msg.Alt, msg.Type == tea.KeySpace:
		typed += ui.Clean(string(msg.Runes))
		if msg.Type == tea.KeySpace {
			typed += " "
		}
	case msg.Type == tea.KeyBackspace:
		runes := []rune(typed)
		typed = string(runes[:max(len(runes)-1, 0)])
	default:
		return false
	}
	l.setFilter(typed)
	return true
}

func (l *list) setFilter(text string) {
	at, _ := l.hovered()
	l.filter = text
	l.moved = true
	l.refilter(at.Value)
}

func validate(field *Field, answer string) error {
	if field.Validate == nil {
		return nil
	}
	return field.Validate(answer)
}
