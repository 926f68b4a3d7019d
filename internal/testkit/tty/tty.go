// Package tty is a terminal with somebody at it: it runs a program on a pseudo-terminal of the kernel's, keeps the screen that
// the program draws, types, and waits for what is to be read. It knows nothing of what the program asks.
package tty

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"reflect"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/creack/pty"
	"golang.org/x/term"
)

// Command is a program and the terminal that it gets: stdin and stderr are the terminal, stdout is a pipe, as where its result is
// kept in a file.
type Command struct {
	Path string
	Args []string
	// Env is the whole environment; nothing is taken from this process.
	Env []string
	// Cols and Rows are the window; zero means 80 by 24.
	Cols, Rows int
	// Dir is where it runs; empty means here.
	Dir string
}

// Terminal is a program that runs on one.
type Terminal struct {
	master, slave *os.File
	before        *term.State
	process       *exec.Cmd
	stdout        bytes.Buffer

	// ended is closed when the process has ended and all that it drew has been read, drained by the second of these.
	ended, drained chan struct{}
	failed         error
	modes          bool

	lock   sync.Mutex
	screen *screen
	// changed is closed, and made anew, when something has been drawn.
	changed chan struct{}
}

// stopDelay is how long the ends of a killed program's pipes are waited for.
const stopDelay = 2 * time.Second

// Start starts a program; whoever does has to call Close. The context ends it by force.
func Start(ctx context.Context, c Command) (_ *Terminal, err error) {
	if c.Cols == 0 {
		c.Cols, c.Rows = 80, 24
	}
	t := &Terminal{
		ended: make(chan struct{}), drained: make(chan struct{}), changed: make(chan struct{}), screen: newScreen(c.Cols, c.Rows),
	}
	if t.master, t.slave, err = open(); err != nil {
		return nil, fmt.Errorf("opening a pseudo-terminal: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, t.master.Close(), t.slave.Close())
		}
	}()
	if err := pty.Setsize(t.slave, &pty.Winsize{Rows: uint16(c.Rows), Cols: uint16(c.Cols)}); err != nil {
		return nil, fmt.Errorf("giving the terminal its size: %w", err)
	}
	if t.before, err = term.GetState(int(t.slave.Fd())); err != nil {
		return nil, fmt.Errorf("reading the terminal's modes: %w", err)
	}
	t.process = exec.CommandContext(ctx, c.Path, c.Args...)
	t.process.Env, t.process.Dir, t.process.WaitDelay = c.Env, c.Dir, stopDelay
	t.process.Stdin, t.process.Stdout, t.process.Stderr = t.slave, &t.stdout, t.slave
	// A session of its own, whose terminal this is: so Ctrl-C, resizing and hanging up reach it as they do anywhere.
	t.process.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	// A program inherits it if a hang-up is ignored here, as under nohup; what is caught instead is its own to decide on.
	hungUp := make(chan os.Signal, 1)
	signal.Notify(hungUp, syscall.SIGHUP)
	defer signal.Stop(hungUp)
	if err := t.process.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", c.Path, err)
	}
	go t.read()
	go t.wait()
	return t, nil
}

// open opens a pseudo-terminal whose master can be closed while it is read from, which hangs the other side up: the file that pty
// gives would stay open until something comes.
func open() (master, slave *os.File, err error) {
	blocking, slave, err := pty.Open()
	if err != nil {
		return nil, nil, err
	}
	fd, err := syscall.Dup(int(blocking.Fd()))
	err = errors.Join(err, blocking.Close())
	if err == nil {
		syscall.CloseOnExec(fd)
		err = syscall.SetNonblock(fd, true)
	}
	if err != nil {
		return nil, nil, errors.Join(err, slave.Close())
	}
	return os.NewFile(uintptr(fd), "terminal"), slave, nil
}

// read keeps what is drawn until nobody can draw any more.
func (t *Terminal) read() {
	defer close(t.drained)
	buffer := make([]byte, 1<<16)
	for {
		n, err := t.master.Read(buffer)
		t.lock.Lock()
		t.screen.draw(buffer[:n])
		close(t.changed)
		t.changed = make(chan struct{})
		t.lock.Unlock()
		if err != nil {
			return
		}
	}
}

// wait waits for the process's end. This side's end of the terminal is kept until then, for the modes that are left behind.
func (t *Terminal) wait() {
	defer close(t.ended)
	t.failed = t.process.Wait()
	t.lock.Lock() // against a HangUp at this moment
	after, err := term.GetState(int(t.slave.Fd()))
	t.modes = err == nil && reflect.DeepEqual(t.before, after)
	t.failed = errors.Join(t.failed, ignoreClosed(t.slave.Close()))
	t.lock.Unlock()
	<-t.drained
}

// now is the screen of this moment, and the channel that tells of the next one.
func (t *Terminal) now() (text string, next <-chan struct{}) {
	t.lock.Lock()
	defer t.lock.Unlock()
	return t.screen.text(), t.changed
}

// Screen is what stands on the screen: its rows without the spaces at their ends.
func (t *Terminal) Screen() string {
	text, _ := t.now()
	return text
}

// Raw is every byte that was drawn so far, escape sequences and all.
func (t *Terminal) Raw() string {
	t.lock.Lock()
	defer t.lock.Unlock()
	return t.screen.raw.String()
}

// Wait waits until all parts stand on the screen at the same time, wherever its lines are broken.
func (t *Terminal) Wait(ctx context.Context, parts ...string) error {
	return t.Until(ctx, fmt.Sprintf("%q on the screen", parts), func(screen string) bool {
		flat := Flat(screen)
		for _, part := range parts {
			if !strings.Contains(flat, part) {
				return false
			}
		}
		return true
	})
}

// Until waits for a screen; its error says which stood there instead.
func (t *Terminal) Until(ctx context.Context, what string, is func(screen string) bool) error {
	for {
		screen, next := t.now()
		if is(screen) {
			return nil
		}
		select {
		case <-next:
		case <-t.ended:
			if screen, _ = t.now(); is(screen) {
				return nil
			}
			return fmt.Errorf("waiting for %s: the program has ended with code %d; the screen was\n%s", what, t.process.ProcessState.ExitCode(), screen)
		case <-ctx.Done():
			return fmt.Errorf("waiting for %s: %w; the screen was\n%s", what, ctx.Err(), screen)
		}
	}
}

// Flat is text with all white space, line breaks too, made one space, and without the bar at a field's left.
func Flat(text string) string {
	return strings.Join(strings.Fields(strings.ReplaceAll(text, "┃", " ")), " ")
}

// Type presses keys, one after the other and as fast as the terminal takes them.
func (t *Terminal) Type(keys string) error {
	if _, err := t.master.WriteString(keys); err != nil {
		return fmt.Errorf("typing %q: %w", keys, err)
	}
	return nil
}

// Resize gives the window another size; the kernel tells the program.
func (t *Terminal) Resize(cols, rows int) error {
	t.lock.Lock()
	defer t.lock.Unlock()
	t.screen.resize(cols, rows)
	if err := pty.Setsize(t.slave, &pty.Winsize{Rows: uint16(rows), Cols: uint16(cols)}); err != nil {
		return fmt.Errorf("resizing: %w", err)
	}
	return nil
}

// Signal sends the program a signal.
func (t *Terminal) Signal(signal os.Signal) error { return t.process.Process.Signal(signal) }

// HangUp takes the terminal away, as where a window is closed or a connection breaks.
func (t *Terminal) HangUp() error {
	t.lock.Lock()
	err := t.slave.Close()
	t.lock.Unlock()
	return errors.Join(err, t.master.Close())
}

// Ended is how a program ended.
type Ended struct {
	Code   int
	Stdout string
	// Restored tells that the terminal is as it was: its modes, the ordinary screen, and the cursor.
	Restored bool
}

// End waits for the program's end and for all that it drew.
func (t *Terminal) End(ctx context.Context) (Ended, error) {
	select {
	case <-t.ended:
	case <-ctx.Done():
		return Ended{}, fmt.Errorf("waiting for the program's end: %w; the screen was\n%s", ctx.Err(), t.Screen())
	}
	var exit *exec.ExitError
	if t.failed != nil && !errors.As(t.failed, &exit) {
		return Ended{}, t.failed
	}
	t.lock.Lock()
	defer t.lock.Unlock()
	return Ended{
		Code: t.process.ProcessState.ExitCode(), Stdout: t.stdout.String(),
		Restored: t.modes && !t.screen.own() && !t.screen.hidden(),
	}, nil
}

// Close ends the program, if it has not ended, and gives the terminal back to the kernel.
func (t *Terminal) Close() error {
	err := t.process.Process.Kill()
	if errors.Is(err, os.ErrProcessDone) {
		err = nil
	}
	<-t.ended
	return errors.Join(err, ignoreClosed(t.master.Close()))
}

func ignoreClosed(err error) error {
	if errors.Is(err, os.ErrClosed) {
		return nil
	}
	return err
}
