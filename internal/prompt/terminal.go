package prompt

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"github.com/tbotctl/tbotctl/internal/ui"
	"github.com/tbotctl/tbotctl/internal/ui/hush"
)

// bubbletea has been initialised by now.
var _ = hush.End()

// Terminal draws the pages on the alternate screen of a terminal, on stderr; stdout is never touched. One program runs from the
// first page to Close. The flow stays in its own goroutine and speaks to the program by messages.
type Terminal struct {
	streams *ui.Streams
	width   atomic.Int64

	mu      sync.Mutex
	program *tea.Program
	// done is closed when the program has ended and the terminal is as it was; err says why it ended.
	done chan struct{}
	err  error
	// partial is a line of the body that has not ended yet.
	partial string
}

// NewTerminal returns a Prompter for streams whose In and Err are terminals (ui.Streams.CanPrompt). Nothing is drawn before its first use.
func NewTerminal(streams *ui.Streams) *Terminal {
	t := &Terminal{streams: streams}
	t.width.Store(int64(streams.Width))
	return t
}

// start starts the program, once.
func (t *Terminal) start() (*tea.Program, chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.program != nil {
		return t.program, t.done
	}
	m := &model{
		look: newLook(t.streams.Err, t.streams.Color, t.streams.Unicode), now: time.Now,
		resized: func(width int) { t.width.Store(int64(width)) },
	}
	t.done = make(chan struct{})
	var program *tea.Program
	in := newKeyboard(t.streams.In, func() { program.Send(goneMsg{}) })
	program = tea.NewProgram(m, tea.WithInput(in), tea.WithOutput(t.streams.Err), tea.WithAltScreen(),
		tea.WithoutSignalHandler(), tea.WithoutCatchPanics())
	t.program = program
	go t.run(program)
	return t.program, t.done
}

// run runs the program to its end. bubbletea would print a panic to stdout; here it becomes the error of whoever waits.
func (t *Terminal) run(program *tea.Program) {
	defer close(t.done)
	defer func() {
		if broken := recover(); broken != nil {
			program.Kill()
			t.err = errors.Join(fmt.Errorf("drawing the screen: %v\n%s", broken, debug.Stack()), program.ReleaseTerminal())
		}
	}()
	if _, err := program.Run(); err != nil {
		t.err = fmt.Errorf("%w: the terminal is gone: %w", ErrCancelled, err)
	}
}

// ended is the error for whoever still asks when the program has ended.
func (t *Terminal) ended() error {
	if t.err != nil {
		return t.err
	}
	return fmt.Errorf("%w: the screen has been closed", ErrCancelled)
}

// Page implements Prompter.
func (t *Terminal) Page(page Page) {
	program, _ := t.start()
	t.mu.Lock()
	t.partial = ""
	t.mu.Unlock()
	program.Send(pageMsg{page})
}

// Body implements Prompter.
func (t *Terminal) Body() Body { return terminalBody{t} }

// Ask implements Prompter.
func (t *Terminal) Ask(ctx context.Context, form *Form) error {
	if len(form.Fields) == 0 {
		return errors.New("a form without a field cannot be answered")
	}
	program, done := t.start()
	reply := make(chan error, 1)
	program.Send(askMsg{form, reply})
	stop := forward(ctx, form, func(field int, choices []Choice) { program.Send(choicesMsg{form, field, choices}) }, func(int) {})
	defer stop()
	settled := form.Settled
	over := ctx.Done()
	for {
		select {
		case err := <-reply:
			return err
		case <-done:
			select {
			case err := <-reply:
				return err
			default:
				return t.ended()
			}
		case <-over:
			over = nil
			program.Send(endMsg{form, ErrCancelled})
		case <-settled:
			settled = nil
			program.Send(endMsg{form, ErrSettled})
		}
	}
}

// forward hands newer choices on, and tells of each field to which no more will come, until stop is called, which leaves the newest
// choices in the form's fields.
func forward(ctx context.Context, form *Form, take func(field int, choices []Choice), complete func(field int)) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	newest := make([][]Choice, len(form.Fields))
	var running sync.WaitGroup
	for i := range form.Fields {
		updates := form.Fields[i].Updates
		if updates == nil {
			continue
		}
		running.Go(func() {
			for {
				select {
				case <-ctx.Done():
					return
				case choices, ok := <-updates:
					if !ok {
						complete(i)
						return
					}
					newest[i] = choices
					take(i, choices)
				}
			}
		})
	}
	return func() {
		cancel()
		running.Wait()
		for i, choices := range newest {
			if choices != nil {
				form.Fields[i].Choices = choices
			}
		}
	}
}

// Work implements Prompter.
func (t *Terminal) Work(ctx context.Context, title string, do func(context.Context) error) error {
	program, done := t.start()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	// A screen that breaks takes the way to cancel with it, so the work is asked to end.
	go func() {
		select {
		case <-done:
			cancel()
		case <-ctx.Done():
		}
	}()
	program.Send(workMsg{title, cancel})
	defer program.Send(workEndMsg{})
	return do(ctx)
}

// Outside implements Prompter.
func (t *Terminal) Outside(do func() error) (err error) {
	t.mu.Lock()
	program := t.program
	t.mu.Unlock()
	if program == nil {
		return do()
	}
	// What is sent is taken only once the program runs, and only then can it let go of the terminal.
	program.Send(redraw{})
	if err := program.ReleaseTerminal(); err != nil {
		return fmt.Errorf("giving the terminal to another program: %w", err)
	}
	defer func() {
		if back := program.RestoreTerminal(); back != nil {
			err = errors.Join(err, fmt.Errorf("taking the terminal back: %w", back))
		}
	}()
	return do()
}

// Close implements Prompter. It may be called more than once, and after a panic of the flow.
func (t *Terminal) Close() error {
	t.mu.Lock()
	program, done := t.program, t.done
	t.mu.Unlock()
	if program == nil {
		return nil
	}
	program.Quit()
	<-done
	return t.err
}

// terminalBody is the page's text.
type terminalBody struct{ t *Terminal }

// Write implements io.Writer; a line is shown when it is whole.
func (b terminalBody) Write(p []byte) (int, error) {
	program, _ := b.t.start()
	b.t.mu.Lock()
	defer b.t.mu.Unlock()
	lines := strings.Split(b.t.partial+string(p), "\n")
	b.t.partial = lines[len(lines)-1]
	if len(lines) > 1 {
		program.Send(linesMsg{lines[:len(lines)-1]})
	}
	return len(p), nil
}

// Passing implements Body.
func (b terminalBody) Passing(text string) {
	program, _ := b.t.start()
	program.Send(passingMsg{text})
}

// Width implements Body.
func (b terminalBody) Width() int { return int(b.t.width.Load()) }

// terminalFile is what bubbletea must find in its input to switch it to raw mode and to cancel a read.
type terminalFile interface {
	io.ReadWriteCloser
	Fd() uintptr
	Name() string
}

// keyboard is the input, which tells when it has ended: bubbletea would wait for ever.
type keyboard struct {
	terminalFile
	gone func()
}

func newKeyboard(in io.Reader, gone func()) io.Reader {
	if file, ok := in.(terminalFile); ok {
		return keyboard{file, gone}
	}
	return in
}

// Read implements io.Reader.
func (k keyboard) Read(p []byte) (int, error) {
	n, err := k.terminalFile.Read(p)
	if err != nil {
		go k.gone()
	}
	return n, err
}
