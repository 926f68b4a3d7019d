package testkit

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"
)

//go:embed guard.sh
var guardScript string

// guard ends the control plane together with this process. It is a shell that waits on a pipe whose other
// end only we hold: the kernel closes that end when we end, also by SIGKILL, a panic or Ctrl-C, and the
// guard then kills every process that has the control plane's folder in its arguments, and removes the
// folder. PR_SET_PDEATHSIG would do for our own children, but envtest starts etcd and the API server
// without it; and it removes no files.
type guard struct {
	cmd  *exec.Cmd
	pipe io.WriteCloser
}

// startGuard comes before any other process of the control plane in dir.
func startGuard(ctx context.Context, dir string) (*guard, error) {
	cmd := exec.CommandContext(context.WithoutCancel(ctx), "/bin/sh", "-c", guardScript)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C is for us, not for the guard
	cmd.Env = childEnv(dir)
	pipe, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("making the guard's pipe: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting the guard: %w", err)
	}
	g := &guard{cmd: cmd, pipe: pipe}
	// The folder's name must not stand among the guard's own arguments, or it would kill itself.
	if _, err := fmt.Fprintln(pipe, dir); err != nil {
		return nil, errors.Join(fmt.Errorf("telling the guard its folder: %w", err), g.release())
	}
	return g, nil
}

// release lets the guard do its work now, and waits for it.
func (g *guard) release() error {
	closed := g.pipe.Close()
	if errors.Is(closed, os.ErrClosed) {
		closed = nil
	}
	timeout := time.AfterFunc(30*time.Second, func() { _ = g.cmd.Process.Kill() })
	defer timeout.Stop()
	if err := g.cmd.Wait(); err != nil {
		return errors.Join(closed, fmt.Errorf("ending the control plane: the guard failed: %w", err))
	}
	return closed
}
