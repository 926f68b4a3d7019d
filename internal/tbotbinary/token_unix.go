//go:build unix

package tbotbinary

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"github.com/tbotctl/tbotctl/internal/spec"
)

// askAgainAfter is the pause between two looks whether somebody reads.
const askAgainAfter = 10 * time.Millisecond

// serveToken makes a named pipe at path and gives the token to everybody who opens it, until ctx ends. tbot reads the file anew for
// each join (teleport-facts 2.1). What goes through a pipe is never on a disk. ready is called when the pipe is there; an error is that
// it could not be made.
func serveToken(ctx context.Context, path string, token spec.Secret, ready func()) error {
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		return fmt.Errorf("making a pipe for the token: %w", err)
	}
	ready()
	ticker := time.NewTicker(askAgainAfter)
	defer ticker.Stop()
	for {
		// Without a reader this fails at once (ENXIO), where a plain open would wait beyond the end of ctx.
		pipe, err := os.OpenFile(path, os.O_WRONLY|syscall.O_NONBLOCK, 0) //nolint:gosec // made above
		switch {
		case err == nil:
			// The reader keeps the pipe that it has; the next one gets another, and not what is left of this.
			replaced := replace(path)
			_, err = pipe.WriteString(token.Reveal())
			// A reader that goes away does not want it.
			if err = errors.Join(replaced, ignoring(err, syscall.EPIPE), pipe.Close()); err != nil {
				return fmt.Errorf("handing over the token: %w", err)
			}
		case !errors.Is(err, syscall.ENXIO):
			return fmt.Errorf("handing over the token: %w", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// replace puts a new pipe in the place of the one at path.
func replace(path string) error {
	next := path + ".next"
	if err := syscall.Mkfifo(next, 0o600); err != nil {
		return err
	}
	return os.Rename(next, path)
}

func ignoring(err, this error) error {
	if errors.Is(err, this) {
		return nil
	}
	return err
}

// interrupt asks a process to end.
func interrupt(process *os.Process) error { return process.Signal(os.Interrupt) }
