package prompt

import (
	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/huh"
	"github.com/charmbracelet/lipgloss"

	"github.com/tbotctl/tbotctl/internal/ui"
)

// asking is a form while it is on the screen. huh holds the fields, their focus and their frame; what a key means is decided here
// and at once, because huh's own way, a command a step, lets a second enter overtake the first and skip a field unanswered.
type asking struct {
	form  *Form
	huh   *huh.Form
	lists map[int]*list
	// inputs are the fields that are typed; lists and inputs together are all of them, by their index.
	inputs map[int]*huh.Input
	at     int
	err    error
	reply  chan<- error
}

// fewestRows is what a list keeps of a small window: its title and some choices.
const fewestRows = 4

// redraw makes huh draw its group anew.
type redraw struct{}

// buildForm makes huh's form of one group; width and height are what it may take.
func buildForm(form *Form, width, height int, look look) *asking {
	a := &asking{form: form, lists: map[int]*list{}, inputs: map[int]*huh.Input{}}
	fields := make([]huh.Field, len(form.Fields))
	for i := range form.Fields {
		field := &form.Fields[i]
		if field.Kind == Text {
			field.Value = ui.Clean(field.Value)
			a.inputs[i] = huh.NewInput().Key(field.Key).Title(field.Title).Value(&field.Value)
			fields[i] = a.inputs[i]
			continue
		}
		a.lists[i] = newList(field, look)
		fields[i] = a.lists[i]
	}
	a.huh = huh.NewForm(huh.NewGroup(fields...)).WithShowHelp(false).WithShowErrors(false).WithTheme(look.theme)
	a.resize(width, height)
	return a
}

// heights are what each field takes at a width when nothing has to scroll.
func (a *asking) heights(width int) []int {
	heights := make([]int, len(a.form.Fields))
	for i, l := range a.lists {
		l.WithWidth(width)
		heights[i] = l.natural()
	}
	for i, input := range a.inputs {
		input.WithWidth(width)
		heights[i] = lipgloss.Height(input.View())
	}
	return heights
}

// natural is the height at which nothing has to scroll, an empty line between two fields.
func (a *asking) natural(width int) int {
	total := len(a.form.Fields) - 1
	for _, height := range a.heights(width) {
		total += height
	}
	return total
}

// resize lays the form out; what lists cannot have of the height they scroll through.
func (a *asking) resize(width, height int) {
	heights := a.heights(width)
	room, need := height-len(heights)+1, 0
	for i, want := range heights {
		if _, ok := a.lists[i]; ok {
			need += want
			continue
		}
		room -= want
	}
	for i, l := range a.lists {
		want := heights[i]
		if need > room {
			want = max(room*want/need, min(want, fewestRows))
		}
		l.WithHeight(want)
	}
	a.huh.WithWidth(width).WithHeight(max(height, 1))
	a.huh.Update(redraw{})
}

// field is the one that has the keyboard.
func (a *asking) field() *Field { return &a.form.Fields[a.at] }

// press hands a key to the field in focus.
// choosing tells that the field in focus is a list.
func (a *asking) choosing() bool { return a.lists[a.at] != nil }

func (a *asking) press(msg tea.KeyMsg) tea.Cmd {
	a.err = nil
	if l, ok := a.lists[a.at]; ok {
		a.err = l.press(msg)
		return nil
	}
	_, cmd := a.huh.Update(msg)
	return cmd
}

// accept judges the field in focus and goes on to the next; done tells that it was the last.
func (a *asking) accept() (done bool, cmd tea.Cmd) {
	field := a.field()
	if l, ok := a.lists[a.at]; ok {
		if l.filtering && field.Kind == Many {
			l.filtering = false
			return false, nil
		}
		l.filtering = false
		a.err = l.judge()
		l.store()
	} else {
		a.err = validate(field, ui.Clean(field.Value))
	}
	if a.err != nil {
		return false, nil
	}
	if a.at == len(a.form.Fields)-1 {
		return true, nil
	}
	a.at++
	return false, a.huh.NextField()
}

// previous goes to the field before and reports whether there is one.
func (a *asking) previous() (bool, tea.Cmd) {
	if a.at == 0 {
		return false, nil
	}
	a.err = nil
	a.at--
	return true, a.huh.PrevField()
}

// clearFilter takes the filter away and reports whether there was one.
func (a *asking) clearFilter() bool {
	l, ok := a.lists[a.at]
	if !ok || !l.filtering && l.filter == "" {
		return false
	}
	l.filtering = false
	l.setFilter("")
	return true
}

func (a *asking) filtering() bool {
	l, ok := a.lists[a.at]
	return ok && l.filtering
}

// end stores what was typed and answers whoever asked.
func (a *asking) end(err error) {
	for _, l := range a.lists {
		l.store()
	}
	for i := range a.inputs {
		a.form.Fields[i].Value = ui.Clean(a.form.Fields[i].Value)
	}
	a.reply <- err
}
