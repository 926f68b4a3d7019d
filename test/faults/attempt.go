package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/tbotctl/tbotctl/cmd"
	"github.com/tbotctl/tbotctl/internal/testkit/lab"
	"github.com/tbotctl/tbotctl/internal/ui"
)

// attempt is one run of the program.
type attempt struct {
	code           int
	stdout, stderr string
}

func (r attempt) last() string {
	lines := strings.Split(strings.TrimSpace(r.stderr), "\n")
	return lines[len(lines)-1]
}

// want makes an error of a run that did not succeed.
func (r attempt) want(which string) error {
	if r.code == 0 {
		return nil
	}
	return fmt.Errorf("%s ended with %d: %s", which, r.code, r.last())
}

// judge holds a disturbed run to an orderly end: success, or an error in words; a signal ends it with 130.
func (r attempt) judge(f fault) error {
	switch {
	case f.kind == kill || r.code == 0:
		return nil
	case strings.Contains(r.stderr, "panic:") || strings.Contains(r.stderr, "goroutine "):
		return fmt.Errorf("it crashed: %s", r.stderr)
	case (f.kind == interrupt || f.kind == terminate) && r.code != 130:
		return fmt.Errorf("it ended with %d after a signal: %s", r.code, r.last())
	case !strings.Contains(r.stderr, "error:"):
		return fmt.Errorf("it ended with %d and no word: %s", r.code, r.last())
	}
	return nil
}

// disturbed runs the program with the fault: as a process of its own where a signal is to strike it, else in here.
func (s *stand) disturbed(ctx context.Context, args []string) (attempt, error) {
	if !s.fault.kind.isSignal() {
		return inProcess(ctx, args, time.Now), nil
	}
	command := exec.CommandContext(ctx, s.ground.binary, args...)
	var stderr bytes.Buffer
	command.Stderr = &stderr
	if err := command.Start(); err != nil {
		return attempt{}, err
	}
	s.process.Store(command.Process)
	err := command.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return attempt{}, err
	}
	return attempt{code: command.ProcessState.ExitCode(), stderr: stderr.String()}, nil
}

func strike(process *os.Process, k kind) {
	signals := map[kind]os.Signal{interrupt: os.Interrupt, terminate: syscall.SIGTERM, kill: os.Kill}
	if process != nil {
		_ = process.Signal(signals[k])
	}
}

func inProcess(ctx context.Context, args []string, now func() time.Time) attempt {
	var stdout, stderr bytes.Buffer
	streams := &ui.Streams{In: strings.NewReader(""), Out: &stdout, Err: &stderr, Width: 80}
	factory := cmd.NewFactory(streams, func(string) (string, bool) { return "", false })
	factory.Issuer = lab.Nobody()
	factory.Now = now
	code := cmd.Main(ctx, factory, args)
	return attempt{code: code, stdout: stdout.String(), stderr: stderr.String()}
}
