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

// ErrBack means that the person wants the page before.
var ErrBack = errors.New("back")

// ErrSettled means that a form ended without an answer, for what it asked about has come about by itself.
var ErrSettled = errors.New("settled")

// Confirmer asks for a yes outside of any page.
type Confirmer interface {
	// Confirm asks for yes or no; an empty answer is no.
	Confirm(ctx context.Context, question string) (bool, error)
}

// Line asks line by line over one reader, which also suits screen readers. It is ours and not huh's accessible mode, because
// that takes the end of the input for an answer (docs/adr/0003).
type Line struct {
	in  *bufio.Reader
	out io.Writer
	// pending is a read under way.
	pending chan line
}

// line is what was typed, with its line end.
type line struct {
	text string
	err  error
}

// NewLine returns a Confirmer that reads from in and draws on out.
func NewLine(in io.Reader, out io.Writer) *Line { return &Line{in: bufio.NewReader(in), out: out} }

// Confirm implements Confirmer.
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

// read gives one line. The reader cannot be interrupted, so it reads beside; a question that ends before its answer leaves it
// waiting, and the next one takes what comes.
func (l *Line) read(ctx context.Context) (string, error) {
	if l.pending == nil {
		pending := make(chan line, 1)
		l.pending = pending
		go func() {
			text, err := l.in.ReadString('\n')
			pending <- line{text, err}
		}()
	}
	select {
	case <-ctx.Done():
		return "", ErrCancelled
	case read := <-l.pending:
		l.pending = nil
		if errors.Is(read.err, io.EOF) {
			return "", ErrCancelled
		}
		return read.text, read.err
	}
}
