// Package prompt asks a person questions and gives back answers. It decides neither what is asked nor what follows from it.
package prompt

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
)

// ErrCancelled means that the person broke off: Ctrl-C, or the end of the input.
var ErrCancelled = errors.New("cancelled")

// Prompter asks one question at a time.
type Prompter interface {
	// Confirm asks for yes or no; an empty answer is no.
	Confirm(ctx context.Context, question string) (bool, error)
}

// Line asks line by line over one reader, which also suits screen readers. It is ours and not huh's accessible mode, because
// that takes the end of the input for an answer (docs/adr/0003).
type Line struct {
	in  *bufio.Reader
	out io.Writer
}

// NewLine returns a Prompter that reads from in and draws on out.
func NewLine(in io.Reader, out io.Writer) *Line { return &Line{in: bufio.NewReader(in), out: out} }

// Confirm implements Prompter.
func (l *Line) Confirm(ctx context.Context, question string) (bool, error) {
	for {
		if _, err := fmt.Fprintf(l.out, "%s [y/N] ", question); err != nil {
			return false, fmt.Errorf("asking: %w", err)
		}
		answer, err := l.read(ctx)
		if err != nil {
			return false, err
		}
		switch strings.ToLower(strings.TrimSpace(answer)) {
		case "y", "yes":
			return true, nil
		case "", "n", "no":
			return false, nil
		}
		if _, err := fmt.Fprintln(l.out, "Please answer y or n."); err != nil {
			return false, fmt.Errorf("asking: %w", err)
		}
	}
}

// read gives one line. The reader cannot be interrupted, so it reads beside; a cancelled question leaves it waiting, which
// ends with the process.
func (l *Line) read(ctx context.Context) (string, error) {
	type line struct {
		text string
		err  error
	}
	got := make(chan line, 1)
	go func() {
		text, err := l.in.ReadString('\n')
		got <- line{text, err}
	}()
	select {
	case <-ctx.Done():
		return "", ErrCancelled
	case read := <-got:
		if errors.Is(read.err, io.EOF) {
			return "", ErrCancelled
		}
		return read.text, read.err
	}
}
