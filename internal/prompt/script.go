package prompt

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// Script is a Prompter for tests: it answers the questions it expects in their order, as a person would who knows them, and fails
// the test on any other question, on an answer that is refused, and on a question that never came.
type Script struct {
	t     TestingT
	steps []Step

	mu    sync.Mutex
	pages []Page
	shown strings.Builder
	next  int
}

// TestingT is what Script needs of a testing.T.
type TestingT interface {
	Helper()
	Errorf(format string, args ...any)
	Cleanup(func())
}

// Step answers one question.
type Step struct {
	key    string
	take   bool
	values []string
	err    error
	before func()
	seeing string
}

// Answer types or chooses a value.
func Answer(key, value string) Step { return Step{key: key, values: []string{value}} }

// Choose marks these of many, and no others.
func Choose(key string, values ...string) Step { return Step{key: key, values: values} }

// Default takes what is filled in.
func Default(key string) Step { return Step{key: key, take: true} }

// Back goes back to the page before instead of answering.
func Back(key string) Step { return Step{key: key, err: ErrBack} }

// Cancel breaks off at a question, as Ctrl-C does.
func Cancel(key string) Step { return Step{key: key, err: ErrCancelled} }

// Settle gives no answer, and waits for the form to be settled.
func Settle(key string) Step { return Step{key: key, err: ErrSettled} }

// Before calls f when the question is put, before it is answered.
func (s Step) Before(f func()) Step {
	s.before = f
	return s
}

// Seeing waits with the answer until a choice shows part in its label, note or reason.
func (s Step) Seeing(part string) Step {
	s.seeing = part
	return s
}

// scriptPatience is how long a choice may take to arrive, and a form to be settled.
const scriptPatience = 20 * time.Second

var errScript = errors.New("the script has no answer")

// NewScript returns a Script of these steps.
func NewScript(t TestingT, steps ...Step) *Script {
	t.Helper()
	s := &Script{t: t, steps: steps}
	t.Cleanup(func() {
		for _, step := range steps[min(s.next, len(steps)):] {
			t.Errorf("%s was never asked", step.key)
		}
	})
	return s
}

// Pages are the pages so far.
func (s *Script) Pages() []Page {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.pages)
}

// Shown is everything that was shown so far: titles, text, what was passing, questions with their help and choices, works.
func (s *Script) Shown() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.shown.String()
}

func (s *Script) show(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fmt.Fprintf(&s.shown, format, args...)
}

// Page implements Prompter.
func (s *Script) Page(page Page) {
	s.mu.Lock()
	s.pages = append(s.pages, page)
	s.mu.Unlock()
	s.show("# %s\n", page.Title)
}

// Body implements Prompter.
func (s *Script) Body() Body { return scriptBody{s} }

// Work implements Prompter.
func (s *Script) Work(ctx context.Context, title string, do func(context.Context) error) error {
	s.show("%s\n", title)
	return do(ctx)
}

// Outside implements Prompter.
func (s *Script) Outside(do func() error) error { return do() }

// Close implements Prompter.
func (s *Script) Close() error { return nil }

// Ask implements Prompter.
func (s *Script) Ask(ctx context.Context, form *Form) error {
	s.t.Helper()
	for i := range form.Fields {
		if err := s.ask(ctx, form, &form.Fields[i]); err != nil {
			return err
		}
	}
	if ctx.Err() != nil {
		return ErrCancelled
	}
	return nil
}

func (s *Script) ask(ctx context.Context, form *Form, field *Field) error {
	s.t.Helper()
	if s.next >= len(s.steps) {
		return s.fail("%s is asked after the end of the script", field.Key)
	}
	step := s.steps[s.next]
	if step.key != field.Key {
		return s.fail("%s is asked, where the script answers %s", field.Key, step.key)
	}
	s.next++
	s.showField(field)
	if step.before != nil {
		step.before()
	}
	ctx, cancel := context.WithTimeout(ctx, scriptPatience)
	defer cancel()
	switch {
	case errors.Is(step.err, ErrSettled):
		select {
		case <-form.Settled:
			return ErrSettled
		case <-ctx.Done():
			return s.fail("%s: nothing settled it", field.Key)
		}
	case errors.Is(step.err, ErrBack) && !form.Back:
		return s.fail("%s: there is no way back", field.Key)
	case step.err != nil:
		return step.err
	}
	if err := s.answer(ctx, field, step); err != nil {
		return s.fail("%s: %v", field.Key, err)
	}
	return nil
}

// answer puts the step's answer into the field, if a person could give it.
func (s *Script) answer(ctx context.Context, field *Field, step Step) error {
	values := step.values
	if step.take && field.Kind == Many {
		values = field.Values
	} else if step.take {
		values = []string{field.Value}
	}
	if field.Kind != Text {
		if err := s.await(ctx, field, func() error { return seen(field, step.seeing) }); err != nil {
			return err
		}
		for _, value := range values {
			if err := s.await(ctx, field, func() error { return (&menu{choices: field.Choices}).judge(value) }); err != nil {
				return err
			}
		}
	}
	if err := validate(field, strings.Join(values, ",")); err != nil {
		return fmt.Errorf("%q is refused: %w", values, err)
	}
	if field.Kind == Many {
		field.Values = values
		return nil
	}
	field.Value = values[0]
	return nil
}

// seen wants part to be shown by one of the choices.
func seen(field *Field, part string) error {
	for _, c := range field.Choices {
		if strings.Contains(c.label()+"\n"+c.Note+"\n"+c.Refused, part) {
			return nil
		}
	}
	if part == "" {
		return nil
	}
	return fmt.Errorf("no choice shows %q", part)
}

// await takes newer choices until they are as wanted: a value is offered and not refused, say.
func (s *Script) await(ctx context.Context, field *Field, wanted func() error) error {
	for {
		err := wanted()
		if err == nil || field.Updates == nil {
			return err
		}
		select {
		case choices, open := <-field.Updates:
			if !open {
				return err
			}
			field.Choices = choices
			s.showField(field)
		case <-ctx.Done():
			return fmt.Errorf("%w, and no newer choices came", err)
		}
	}
}

func (s *Script) showField(field *Field) {
	s.show("%s: %s\n%s\n", field.Key, field.Title, field.Help)
	for _, c := range field.Choices {
		s.show("- %s | %s | %s\n", c.label(), c.Note, c.Refused)
	}
}

func (s *Script) fail(format string, args ...any) error {
	s.t.Helper()
	s.t.Errorf(format, args...)
	return fmt.Errorf("%w: %s", errScript, fmt.Sprintf(format, args...))
}

// scriptBody records what is said.
type scriptBody struct{ s *Script }

// Write implements io.Writer.
func (b scriptBody) Write(p []byte) (int, error) {
	b.s.show("%s", p)
	return len(p), nil
}

// Passing implements Body.
func (b scriptBody) Passing(text string) {
	if text != "" {
		b.s.show("%s\n", text)
	}
}

// Width implements Body.
func (b scriptBody) Width() int { return 80 }

var (
	_ Prompter = (*Terminal)(nil)
	_ Prompter = (*Lines)(nil)
	_ Prompter = (*Script)(nil)
)
