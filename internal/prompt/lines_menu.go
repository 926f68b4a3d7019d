package prompt

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/tbotctl/tbotctl/internal/ui"
)

// menu is the choices as they were printed: their numbers hold until they are printed again.
type menu struct {
	choices []Choice
	// only is the index of the one that a list was narrowed to, or -1.
	only int
	// partial tells that newer choices were still to come.
	partial bool
}

// list prints the choices with their numbers.
func (q *questions) list(i int) menu {
	partial := !q.isWhole(i)
	field, choices := &q.form.Fields[i], q.choices(i)
	m := menu{choices: choices, only: -1, partial: partial}
	all := make([]int, len(choices))
	for i := range all {
		all[i] = i
	}
	q.printf("%s", m.print(field, all))
	switch {
	case len(choices) == 0:
		q.printf("There is nothing to choose yet.\n")
	case len(choices) > listed:
		q.printf("These are %d of %d: type a part of the name to narrow, or the whole name.\n", listed, len(choices))
	}
	if partial {
		q.printf("Some are still being looked at; r shows what has come since.\n")
	}
	return m
}

// narrow prints the choices at found; a single one becomes what an empty answer takes.
func (q *questions) narrow(field *Field, m *menu, found []int) {
	q.printf("%s", m.print(field, found))
	m.only = -1
	switch {
	case len(found) == 1:
		m.only = found[0]
	case len(found) > listed:
		q.printf("These are %d of %d that hold it.\n", listed, len(found))
	}
}

// print lays the choices at indexes out, one on a line.
func (m *menu) print(field *Field, indexes []int) string {
	var out strings.Builder
	for _, i := range indexes[:min(len(indexes), listed)] {
		c := m.choices[i]
		fmt.Fprintf(&out, "%d. %s", i+1, c.label())
		if field.Kind == Many && slices.Contains(field.Values, c.Value) {
			out.WriteString(", chosen")
		}
		if c.Note != "" {
			out.WriteString(", " + ui.Clean(c.Note))
		}
		if c.Refused != "" {
			out.WriteString(" (cannot be chosen: " + ui.Clean(c.Refused) + ")")
		}
		out.WriteString("\n")
	}
	return out.String()
}

// standing are the numbers of values, or the values themselves where they are not listed.
func (m *menu) standing(values ...string) string {
	if m.only >= 0 {
		return strconv.Itoa(m.only + 1)
	}
	var words []string
	for _, value := range values {
		if value == "" {
			continue
		}
		if at := m.at(value); at >= 0 {
			words = append(words, strconv.Itoa(at+1))
			continue
		}
		words = append(words, ui.Clean(value))
	}
	return strings.Join(words, ",")
}

// at is the index of a value, or -1.
func (m *menu) at(value string) int {
	return slices.IndexFunc(m.choices, func(c Choice) bool { return c.Value == value })
}

// named is the index of the choice with this value or label, or -1.
func (m *menu) named(name string) int {
	if at := m.at(name); at >= 0 {
		return at
	}
	return slices.IndexFunc(m.choices, func(c Choice) bool { return c.label() == name })
}

// holding are the indexes of the choices whose label or note holds a part, without regard to case.
func (m *menu) holding(part string) []int {
	var found []int
	part = strings.ToLower(part)
	for i, c := range m.choices {
		if strings.Contains(strings.ToLower(c.label()+"\n"+ui.Clean(c.Note)), part) {
			found = append(found, i)
		}
	}
	return found
}

// judge says why a value cannot be taken.
func (m *menu) judge(value string) error {
	at := m.at(value)
	switch {
	case at < 0 && len(m.choices) == 0:
		return errors.New("there is nothing to choose yet")
	case at < 0 && value == "":
		return errors.New("give a number or a name")
	case at < 0:
		return fmt.Errorf("%s is not listed", ui.Clean(value))
	case m.choices[at].Refused != "":
		return fmt.Errorf("%s cannot be chosen: %s", m.choices[at].label(), ui.Clean(m.choices[at].Refused))
	}
	return nil
}

// label is what a choice is called on the screen.
func (c Choice) label() string {
	if c.Label == "" {
		return ui.Clean(c.Value)
	}
	return ui.Clean(c.Label)
}
