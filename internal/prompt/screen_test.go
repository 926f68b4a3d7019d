package prompt

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/x/ansi"
)

// screen drives a model by its messages, in one goroutine, on a clock of its own. No command of the model is run: nothing that the
// screen shows may hang on one, but for the turning of the spinner.
type screen struct {
	t     *testing.T
	m     *model
	clock time.Time
	reply chan error
}

func newScreen(t *testing.T, width, height int, color, unicode bool) *screen {
	t.Helper()
	s := &screen{t: t, clock: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	s.m = &model{
		look: newLook(&bytes.Buffer{}, color, unicode), now: func() time.Time { return s.clock }, resized: func(int) {},
	}
	s.send(tea.WindowSizeMsg{Width: width, Height: height})
	return s
}

func (s *screen) send(msgs ...tea.Msg) {
	for _, msg := range msgs {
		s.m.Update(msg)
	}
}

// steps are those of the wizard, by which the trail is drawn.
func steps() []string {
	return []string{"Kubernetes", "Teleport", "Discovery", "Names", "Access", "Plan", "Apply", "Done"}
}

func (s *screen) page(step int, title string, lines ...string) {
	s.send(pageMsg{Page{Steps: steps(), Step: step, Title: title}}, linesMsg{lines})
}

func (s *screen) ask(form *Form) {
	s.reply = make(chan error, 1)
	s.send(askMsg{form, s.reply})
}

// keys presses keys by their names; what is no name is typed rune by rune.
func (s *screen) keys(keys ...string) {
	s.t.Helper()
	named := map[string]tea.KeyType{
		"enter": tea.KeyEnter, "esc": tea.KeyEsc, "up": tea.KeyUp, "down": tea.KeyDown, "pgup": tea.KeyPgUp, "pgdown": tea.KeyPgDown,
		"tab": tea.KeyTab, "shift+tab": tea.KeyShiftTab, "ctrl+c": tea.KeyCtrlC, "ctrl+u": tea.KeyCtrlU, "ctrl+a": tea.KeyCtrlA,
		"ctrl+d": tea.KeyCtrlD, "ctrl+down": tea.KeyCtrlDown, "ctrl+up": tea.KeyCtrlUp, "backspace": tea.KeyBackspace,
		"home": tea.KeyHome, "end": tea.KeyEnd,
	}
	for _, key := range keys {
		if kind, ok := named[key]; ok {
			s.send(tea.KeyMsg{Type: kind})
			continue
		}
		for _, r := range key {
			if r == ' ' {
				s.send(tea.KeyMsg{Type: tea.KeySpace, Runes: []rune{' '}})
				continue
			}
			s.send(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune{r}})
		}
	}
}

// plain is what can be read on the screen.
func (s *screen) plain() string { return ansi.Strip(s.m.View()) }

func (s *screen) has(parts ...string) {
	s.t.Helper()
	for _, part := range parts {
		if !strings.Contains(s.plain(), part) {
			s.t.Fatalf("the screen does not show %q:\n%s", part, s.plain())
		}
	}
}

func (s *screen) lacks(parts ...string) {
	s.t.Helper()
	for _, part := range parts {
		if strings.Contains(s.plain(), part) {
			s.t.Fatalf("the screen shows %q:\n%s", part, s.plain())
		}
	}
}

// answered wants the form to have ended with err, nil for answers.
func (s *screen) answered(want error) {
	s.t.Helper()
	select {
	case err := <-s.reply:
		if !errors.Is(err, want) {
			s.t.Fatalf("the form ended with %v, want %v", err, want)
		}
	default:
		s.t.Fatalf("the form still stands:\n%s", s.plain())
	}
	if s.m.ask != nil {
		s.t.Fatal("the form has ended and is still on the screen")
	}
}

func (s *screen) open() {
	s.t.Helper()
	select {
	case err := <-s.reply:
		s.t.Fatalf("the form ended with %v", err)
	default:
	}
}

// numbered gives n choices c0, c1 and so on.
func numbered(n int) []Choice {
	choices := make([]Choice, n)
	for i := range choices {
		choices[i] = Choice{Value: fmt.Sprintf("c%d", i), Label: fmt.Sprintf("cluster-%d", i), Note: "v1.35.2 kind"}
	}
	return choices
}

func noCancel() context.CancelFunc { return func() {} }
