package prompt

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/tbotctl/tbotctl/internal/ui"
)

// Lines asks the same as Terminal, line by line: for screen readers, for terminals that cannot move their cursor, and for whoever
// prefers it. It prints no line twice to change it.
type Lines struct {
	streams *ui.Streams
	line    *Line
	look    look
	now     func() time.Time
	after   func(time.Duration) <-chan time.Time

	mu      sync.Mutex
	partial string
	// told is the passing text that was printed last, at is when.
	told string
	at   time.Time
	// broken is the first failure to write.
	broken error
}

const (
	// passingEvery is the least time between two texts of what is going on: a screen reader reads each of them out.
	passingEvery = 3 * time.Second
	// choicesWithin is how long newer choices are waited for before a question is put.
	choicesWithin = 1500 * time.Millisecond
)

// NewLines returns a Prompter that prints on streams.Err and reads by line, whose reader is to be the only one of the input.
func NewLines(streams *ui.Streams, line *Line) *Lines {
	return &Lines{
		streams: streams, line: line, look: newLook(streams.Err, streams.Color, streams.Unicode), now: time.Now, after: time.After,
	}
}

// Page implements Prompter.
func (l *Lines) Page(page Page) {
	title := tame(page.Title)
	if page.Step >= 0 && page.Step < len(page.Steps) {
		title = fmt.Sprintf("Step %d of %d, %s: %s", page.Step+1, len(page.Steps), page.Steps[page.Step], title)
	}
	l.printf("\n%s\n\n", l.look.Bold(title))
}

// Body implements Prompter.
func (l *Lines) Body() Body { return linesBody{l} }

// Work implements Prompter. Ctrl-C is a signal here, which ends ctx.
func (l *Lines) Work(ctx context.Context, title string, do func(context.Context) error) error {
	l.printf("%s\n", ui.Wrap(tame(title), l.streams.Width, "  "))
	return do(ctx)
}

// Outside implements Prompter; the terminal is nobody's here.
func (l *Lines) Outside(do func() error) error { return do() }

// Close implements Prompter.
func (l *Lines) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.broken
}

// Ask implements Prompter.
func (l *Lines) Ask(ctx context.Context, form *Form) error {
	q := newQuestions(l, form)
	stop := forward(ctx, form, q.take, q.complete)
	defer stop()
	for i := 0; i < len(form.Fields); {
		err := q.ask(ctx, i)
		switch {
		case err == nil:
			i++
		case errors.Is(err, ErrBack) && i > 0:
			i--
		case errors.Is(err, ErrBack) && !form.Back:
			l.printf("This is the first question; there is none to go back to.\n")
		default:
			return err
		}
	}
	return nil
}

// read gives the answer to a question without the spaces around it.
func (l *Lines) read(ctx context.Context, settled <-chan struct{}) (string, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() {
		select {
		case <-settled:
			cancel(ErrSettled)
		case <-ctx.Done():
		}
	}()
	text, err := l.line.read(ctx)
	if errors.Is(context.Cause(ctx), ErrSettled) && err != nil {
		l.printf("\nNo answer is needed any more.\n")
		return "", ErrSettled
	}
	if errors.Is(err, ErrCancelled) {
		// What comes next does not stand behind the question.
		l.printf("\n")
	}
	return strings.TrimSpace(text), err
}

// printf prints; the first failure is kept, for the questions to end by.
func (l *Lines) printf(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.print(fmt.Sprintf(format, args...))
}

func (l *Lines) print(text string) {
	if l.broken != nil {
		return
	}
	if _, err := fmt.Fprint(l.streams.Err, text); err != nil {
		l.broken = fmt.Errorf("asking: %w", err)
	}
}

// linesBody prints the page's text.
type linesBody struct{ l *Lines }

// Write implements io.Writer; a line is printed when it is whole, so that writers do not mix theirs.
func (b linesBody) Write(p []byte) (int, error) {
	b.l.mu.Lock()
	defer b.l.mu.Unlock()
	lines := strings.Split(b.l.partial+string(p), "\n")
	b.l.partial = lines[len(lines)-1]
	for _, text := range lines[:len(lines)-1] {
		b.l.print(tame(text) + "\n")
	}
	if b.l.broken != nil {
		return 0, b.l.broken
	}
	return len(p), nil
}

// Passing implements Body: only what has changed is printed, and not more often than somebody can listen to.
func (b linesBody) Passing(text string) {
	text = tame(text)
	b.l.mu.Lock()
	defer b.l.mu.Unlock()
	now := b.l.now()
	if text == "" || text == b.l.told || !b.l.at.IsZero() && now.Sub(b.l.at) < passingEvery {
		return
	}
	b.l.told, b.l.at = text, now
	b.l.print(text + "\n")
}

// Width implements Body.
func (b linesBody) Width() int { return b.l.streams.Width }
