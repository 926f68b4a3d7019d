package testkit

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// child is one process of the control plane that envtest does not start.
type child struct {
	name string
	log  string
	cmd  *exec.Cmd
	done chan struct{} // closed when the process has ended
}

// startChild runs a program of the assets folder. dir must be part of args, for the guard. ctx does not end
// the child: it outlives the start.
func (c *ControlPlane) startChild(ctx context.Context, name string, env, args []string) error {
	logFile, err := os.Create(c.logFile(name))
	if err != nil {
		return fmt.Errorf("making the log of %s: %w", name, err)
	}
	defer func() { _ = logFile.Close() }() // the child has a descriptor of its own
	cmd := exec.CommandContext(context.WithoutCancel(ctx), filepath.Join(c.assets, name), args...)
	cmd.Env = append(childEnv(c.dir), env...)
	cmd.Stdout, cmd.Stderr = logFile, logFile
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C is for us: the guard ends the child
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("starting %s: %w", name, err)
	}
	ch := &child{name: name, log: logFile.Name(), cmd: cmd, done: make(chan struct{})}
	go func() {
		_ = cmd.Wait() // its result stays in cmd.ProcessState
		close(ch.done)
	}()
	c.children = append(c.children, ch)
	return nil
}

func (ch *child) kill() {
	_ = ch.cmd.Process.Kill() // the only error is that it has ended
	<-ch.done
}

// death is nil while the child runs.
func (ch *child) death() error {
	select {
	case <-ch.done:
		return fmt.Errorf("%s has ended by itself: %s; its last words:\n%s", ch.name, ch.cmd.ProcessState, tail(ch.log))
	default:
		return nil
	}
}

// deaths reports the first child that has ended.
func (c *ControlPlane) deaths() error {
	for _, child := range c.children {
		if err := child.death(); err != nil {
			return err
		}
	}
	return nil
}

func (c *ControlPlane) logFile(name string) string {
	return filepath.Join(c.dir, "logs", name+".log")
}

// childEnv keeps the user's proxies, kubeconfigs and settings files away from the children.
func childEnv(dir string) []string {
	return []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "TMPDIR=" + dir}
}

// tail is the end of a log, for error messages.
func tail(file string) string {
	text, err := os.ReadFile(file)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return strings.Join(lines[max(0, len(lines)-15):], "\n")
}
