package prompt

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/tbotctl/tbotctl/internal/ui"
)

// questions are the fields of one form, asked one after the other.
type questions struct {
	*Lines
	form *Form
	// asked guards newest, the choices that came while a question stood.
	asked  sync.Mutex
	newest [][]Choice
	// whole are closed when no newer choices of a field will come.
	whole []chan struct{}
}

// listed is how many choices are printed at a time.
const listed = 20

// errAgain puts the question again.
var errAgain = errors.New("asked again")

func newQuestions(l *Lines, form *Form) *questions {
	q := &questions{Lines: l, form: form, newest: make([][]Choice, len(form.Fields)), whole: make([]chan struct{}, len(form.Fields))}
	for i := range q.whole {
		q.whole[i] = make(chan struct{})
		if form.Fields[i].Updates == nil {
			close(q.whole[i])
		}
	}
	return q
}

func (q *questions) complete(field int) { close(q.whole[field]) }

// isWhole reports whether no newer choices of a field will come.
func (q *questions) isWhole(field int) bool {
	select {
	case <-q.whole[field]:
		return true
	default:
		return false
	}
}

func (q *questions) take(field int, choices []Choice) {
	q.asked.Lock()
	defer q.asked.Unlock()
	q.newest[field] = choices
}

// choices are those of this moment.
func (q *questions) choices(field int) []Choice {
	q.asked.Lock()
	defer q.asked.Unlock()
	if q.newest[field] != nil {
		return q.newest[field]
	}
	return q.form.Fields[field].Choices
}

// ask asks one field until its answer is right.
func (q *questions) ask(ctx context.Context, i int) error {
	field := &q.form.Fields[i]
	q.printf("\n%s\n", field.Title)
	var m menu
	if field.Kind != Text {
		q.settle(ctx, i)
		m = q.list(i)
	}
	for {
		q.printf("%s", q.offer(i, m))
		if err := q.Close(); err != nil {
			return err
		}
		answer, err := q.read(ctx, q.form.Settled)
		if err != nil {
			return err
		}
		switch {
		case answer == "<":
			return ErrBack
		case answer == "?":
			q.help(field)
			continue
		case answer == "r" && field.Updates != nil && m.named("r") < 0:
			m = q.list(i)
			continue
		}
		if field.Kind == Text {
			err = answerText(field, answer)
		} else {
			err = q.pick(field, &m, answer)
		}
		switch {
		case err == nil:
			return nil
		case !errors.Is(err, errAgain):
			q.printf("%s\n", ui.Clean(err.Error()))
		}
	}
}

// settle gives what is being looked at a moment to come.
func (q *questions) settle(ctx context.Context, field int) {
	if q.isWhole(field) {
		return
	}
	select {
	case <-q.whole[field]:
	case <-q.after(choicesWithin):
	case <-ctx.Done():
	}
}

func (q *questions) help(field *Field) {
	if field.Help == "" {
		q.printf("There is no more to say about this.\n")
		return
	}
	for _, text := range helpLines(field.Help) {
		q.printf("%s\n", strings.Join(wrapRow(text, q.streams.Width), "\n"))
	}
}

// offer is the line on which the answer is typed; what an empty answer means stands in brackets.
func (q *questions) offer(i int, m menu) string {
	field, again := &q.form.Fields[i], ""
	if !q.isWhole(i) || m.partial {
		again = ", r looks again"
	}
	switch field.Kind {
	case One:
		return fmt.Sprintf("Number or name (? explains, < goes back%s)%s: ", again, bracket(m.standing(field.Value)))
	case Many:
		return fmt.Sprintf("Numbers or names with commas, or none (? explains, < goes back%s)%s: ", again, bracket(m.standing(field.Values...)))
	case Text:
	}
	empty := ""
	if field.Value != "" && validate(field, "") == nil {
		empty = `, "" leaves it empty`
	}
	return fmt.Sprintf("(? explains, < goes back%s)%s: ", empty, bracket(ui.Clean(field.Value)))
}

func bracket(text string) string {
	if text == "" {
		return ""
	}
	return " [" + text + "]"
}

func answerText(field *Field, answer string) error {
	switch answer {
	case "":
		answer = field.Value
	case `""`:
		answer = ""
	}
	if err := validate(field, answer); err != nil {
		return err
	}
	field.Value = answer
	return nil
}

// pick reads an answer to a question with choices.
func (q *questions) pick(field *Field, m *menu, answer string) error {
	if answer == "" && m.only >= 0 && field.Kind == One {
		answer = strconv.Itoa(m.only + 1)
	}
	if field.Kind == One {
		value := field.Value
		if answer != "" {
			at, err := q.find(field, m, answer)
			if err != nil {
				return err
			}
			value = m.choices[at].Value
		}
		if err := m.judge(value); err != nil {
			return err
		}
		if err := validate(field, value); err != nil {
			return err
		}
		field.Value = value
		return nil
	}
	values := field.Values
	if answer != "" {
		values = nil
	}
	for _, part := range strings.FieldsFunc(answer, func(r rune) bool { return r == ',' }) {
		part = strings.TrimSpace(part)
		if part == "" || part == "none" && m.named(part) < 0 {
			continue
		}
		at, err := q.find(field, m, part)
		if err != nil {
			return err
		}
		if value := m.choices[at].Value; !slices.Contains(values, value) {
			values = append(values, value)
		}
	}
	for _, value := range values {
		if err := m.judge(value); err != nil {
			return err
		}
	}
	if err := validate(field, strings.Join(values, ",")); err != nil {
		return err
	}
	field.Values = values
	return nil
}

// find gives the index of the choice that an answer names. A part of names narrows a long list and asks again.
func (q *questions) find(field *Field, m *menu, answer string) (int, error) {
	if at := m.named(answer); at >= 0 {
		return at, nil
	}
	if number, err := strconv.Atoi(answer); err == nil && number >= 1 && number <= len(m.choices) {
		return number - 1, nil
	}
	if len(m.choices) > listed {
		if found := m.holding(answer); len(found) > 0 {
			q.narrow(field, m, found)
			return 0, errAgain
		}
	}
	return 0, fmt.Errorf("%q is none of them: give a number from 1 to %d, or a name", ui.Clean(answer), len(m.choices))
}
