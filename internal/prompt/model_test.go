package prompt

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/x/ansi"
)

// assertFits fails where a view is higher or wider than its window.
func assertFits(t *testing.T, view string, width, height int) {
	t.Helper()
	lines := strings.Split(view, "\n")
	if len(lines) > height {
		t.Errorf("%d lines in a window of %d", len(lines), height)
	}
	for i, line := range lines {
		if got := ansi.StringWidth(line); got > width {
			t.Errorf("line %d is %d columns wide in a window of %d: %q", i+1, got, width, line)
		}
	}
}

func TestEverySizeFits(t *testing.T) {
	t.Parallel()
	for name, scene := range scenes() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScreen(t, 80, 24, true, true)
			scene(s)
			for width := 1; width <= 200; width += 19 {
				for height := 1; height <= 60; height += 7 {
					s.send(tea.WindowSizeMsg{Width: width, Height: height})
					assertFits(t, s.m.View(), width, height)
				}
			}
			before := newScreen(t, 80, 24, true, true)
			scene(before)
			s.send(tea.WindowSizeMsg{Width: 80, Height: 24})
			if name != "plan" && s.plain() != before.plain() {
				t.Errorf("after all resizes it is another screen:\n%s\nwant\n%s", s.plain(), before.plain())
			}
		})
	}
}

func TestTooSmallGoesOnWhenItGrows(t *testing.T) {
	t.Parallel()
	s := newScreen(t, 39, 24, false, false)
	s.page(0, "Title")
	form := &Form{Fields: []Field{{Key: "name", Title: "Name"}}}
	s.ask(form)
	s.has("too small: 39x24", "40x10")
	s.keys("abc", "enter")
	s.open()
	s.send(tea.WindowSizeMsg{Width: 40, Height: 10})
	s.has("Title", "Name")
	s.keys("abc", "enter")
	s.answered(nil)
	if form.Fields[0].Value != "abc" {
		t.Errorf("the answer is %q; keys typed blindly must not count", form.Fields[0].Value)
	}
}

func TestTerminalWithoutASize(t *testing.T) {
	t.Parallel()
	s := newScreen(t, 0, 0, false, false)
	s.page(0, "Title")
	s.has("Title")
	assertFits(t, s.m.View(), 80, 24)
}

func TestFieldsInOrder(t *testing.T) {
	t.Parallel()
	s := newScreen(t, 80, 24, false, true)
	s.page(3, "Names")
	form := &Form{Back: true, Fields: []Field{
		{Key: "a", Title: "First", Value: "one", Validate: func(v string) error {
			if v == "" {
				return errors.New("it must not be empty")
			}
			return nil
		}},
		{Key: "b", Title: "Second", Kind: One, Choices: numbered(3)},
		{Key: "c", Title: "Third", Kind: Many, Choices: numbered(3), Values: []string{"c2"}},
	}}
	s.ask(form)
	s.keys("ctrl+u", "enter")
	s.open()
	s.has("it must not be empty")
	s.keys(" uno ")
	s.lacks("it must not be empty")
	// Two enters at once answer two fields and skip none.
	s.keys("enter", "enter")
	s.open()
	s.keys("shift+tab", "down", "enter", " ", "enter")
	s.answered(nil)
	got := form.Fields
	if got[0].Value != "uno" || got[1].Value != "c1" || strings.Join(got[2].Values, ",") != "c0,c2" {
		t.Errorf("got %q, %q, %q", got[0].Value, got[1].Value, got[2].Values)
	}
}

func TestBack(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		back bool
		keys []string
		want error
	}{
		"esc":                       {true, []string{"esc"}, ErrBack},
		"esc on the second field":   {true, []string{"enter", "esc"}, ErrBack},
		"shift+tab on the first":    {true, []string{"shift+tab"}, ErrBack},
		"ctrl+c":                    {true, []string{"ctrl+c"}, ErrCancelled},
		"shift+tab twice":           {true, []string{"enter", "shift+tab", "shift+tab"}, ErrBack},
		"esc closes the help first": {true, []string{"?", "esc", "esc"}, ErrBack},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScreen(t, 80, 24, false, true)
			form := &Form{Back: row.back, Fields: []Field{
				{Key: "a", Title: "First", Help: "Help."},
				{Key: "b", Title: "Second"},
			}}
			s.ask(form)
			s.keys("typed")
			s.keys(row.keys...)
			s.answered(row.want)
			if form.Fields[0].Value != "typed" {
				t.Errorf("%q is left of what was typed", form.Fields[0].Value)
			}
		})
	}
}

func TestNoWayBack(t *testing.T) {
	t.Parallel()
	s := newScreen(t, 80, 24, false, true)
	s.ask(&Form{Fields: []Field{{Key: "a", Title: "First"}}})
	s.keys("esc", "shift+tab")
	s.open()
	s.lacks("back")
}

func TestHelp(t *testing.T) {
	t.Parallel()
	s := newScreen(t, 80, 12, false, true)
	s.page(0, "Title", "the body")
	long := strings.Repeat("A paragraph of help.\n\n", 20) + "The end."
	form := &Form{Fields: []Field{{Key: "a", Title: "First", Help: long}, {Key: "b", Title: "Second", Help: "Other help."}}}
	s.ask(form)
	s.keys("?")
	s.has("About: First", "A paragraph", "PgDn")
	s.lacks("the body")
	for range 40 {
		s.keys("pgdown")
	}
	s.has("The end.")
	s.keys("enter")
	s.has("About: Second", "Other help.")
	s.keys("?")
	s.has("the body")
	if form.Fields[1].Value != "" {
		t.Errorf("the question mark was typed: %q", form.Fields[1].Value)
	}
}

func TestBodyScrolls(t *testing.T) {
	t.Parallel()
	s := newScreen(t, 80, 24, false, true)
	var lines []string
	for i := range 100 {
		lines = append(lines, fmt.Sprintf("line %d.", i+1))
	}
	s.page(5, "Plan", lines...)
	s.has("line 100.")
	s.ask(&Form{FromTop: true, Fields: []Field{{Key: "a", Title: "First"}}})
	s.has("line 1.", "more lines below, PgDn")
	s.keys("pgdown")
	s.lacks("line 1.")
	s.has(" above, ", " below: PgUp, PgDn")
	s.keys("pgup")
	s.has("line 1.")
	s.keys("ctrl+down")
	s.lacks("line 1.")
	s.has("line 2.")
	s.send(tea.WindowSizeMsg{Width: 60, Height: 20})
	s.has("line 2.")
}

func TestBodyFollowsWork(t *testing.T) {
	t.Parallel()
	s := newScreen(t, 80, 24, false, true)
	s.page(6, "Apply")
	s.send(workMsg{"Applying", noCancel()})
	for i := range 100 {
		s.send(linesMsg{[]string{fmt.Sprintf("line %d.", i+1)}})
		s.has(fmt.Sprintf("line %d.", i+1))
	}
}

func TestCtrlCInWorkCancelsOnce(t *testing.T) {
	t.Parallel()
	s := newScreen(t, 80, 24, false, true)
	cancelled := 0
	s.send(workMsg{"Applying", func() { cancelled++ }})
	s.keys("ctrl+c", "ctrl+c")
	s.has("Applying", "finishing the step in hand")
	if cancelled != 1 {
		t.Errorf("cancelled %d times", cancelled)
	}
	s.send(workEndMsg{})
	s.lacks("Applying")
	// The Work has heard of it; the next form has not been asked to end.
	s.ask(&Form{Fields: []Field{{Key: "a", Title: "First"}}})
	s.open()
}

func TestCtrlCBetweenIsNotLost(t *testing.T) {
	t.Parallel()
	s := newScreen(t, 80, 24, false, true)
	s.keys("ctrl+c")
	s.ask(&Form{Fields: []Field{{Key: "a", Title: "First"}}})
	s.answered(ErrCancelled)
	cancelled := 0
	s.keys("ctrl+c")
	s.send(workMsg{"Applying", func() { cancelled++ }})
	if cancelled != 1 {
		t.Errorf("cancelled %d times", cancelled)
	}
}

func TestSettledByItself(t *testing.T) {
	t.Parallel()
	s := newScreen(t, 80, 24, false, true)
	form := &Form{Fields: []Field{{Key: "a", Title: "First"}}}
	s.ask(form)
	s.send(endMsg{&Form{}, ErrSettled})
	s.open()
	s.send(endMsg{form, ErrSettled})
	s.answered(ErrSettled)
}
