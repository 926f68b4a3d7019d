// Package tctl hands Teleport resources to the tctl on PATH, which can ask its user for a touch of a hardware key where tbotctl
// cannot. What is handed over, and whether, is its callers' business.
package tctl

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/tbotctl/tbotctl/manifests"
)

// graceTime is how long a tctl that was asked to end may take for it.
const graceTime = 5 * time.Second

// Tctl is the tctl of a person, told to use the same login as tbotctl.
type Tctl struct {
	// Path is the executable; Look finds it.
	Path string
	// Proxy is host:port.
	Proxy string
	// IdentityFile is the login; empty means the tsh profile in ProfileDir, which empty means ~/.tsh.
	IdentityFile, ProfileDir string
	// ProxyCA is the proxy's own authority in PEM form; empty means the system's roots. On macOS and Windows tctl knows the
	// system's roots alone.
	ProxyCA string
	// Insecure accepts any certificate of the proxy.
	Insecure bool
	// In is where tctl reads a PIN; Out gets all that it says, made safe to show.
	In  io.Reader
	Out io.Writer
}

// Look finds tctl on PATH. Only what stands in a folder of it by its absolute path is run.
func Look() (string, error) { return exec.LookPath("tctl") }

// Failed is a tctl that ended otherwise than well.
type Failed struct {
	// Said is why, in its own words, on one line.
	Said string
	Err  error
}

func (f *Failed) Error() string {
	if f.Said == "" {
		return fmt.Sprintf("tctl failed: %v", f.Err)
	}
	return fmt.Sprintf("tctl failed: %s (%v)", f.Said, f.Err)
}

func (f *Failed) Unwrap() error { return f.Err }

// Create gives the Teleport resources of the set to one `tctl create`, in one file and so for one touch (teleport-facts 5.4).
// replace lets it replace a role or a bot that is there; a token it replaces in any case. The file is private, holds no secret, and is gone
// afterwards, also where ctx ends the work; where the process is killed, the next run removes it.
func (t Tctl) Create(ctx context.Context, set manifests.Set, replace bool) (err error) {
	folder, err := makeFolder()
	if err != nil {
		return fmt.Errorf("making a folder for tctl's file: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	var text bytes.Buffer
	if err := set.Write(&text); err != nil {
		return err
	}
	file := filepath.Join(folder, resourcesFile)
	if err := os.WriteFile(file, text.Bytes(), 0o600); err != nil {
		return fmt.Errorf("writing the file for tctl: %w", err)
	}
	env, err := t.env(folder)
	if err != nil {
		return err
	}
	return t.run(ctx, env, t.args(file, replace))
}

// args hold addresses and paths, nothing that is secret: everybody on the machine can read them.
func (t Tctl) args(file string, replace bool) []string {
	args := []string{"--auth-server=" + t.Proxy}
	if t.IdentityFile != "" {
		args = append(args, "--identity="+t.IdentityFile)
	}
	if t.Insecure {
		args = append(args, "--insecure")
	}
	args = append(args, "create")
	if replace {
		args = append(args, "-f")
	}
	return append(args, file)
}

// env is what tctl gets beside this process's own environment.
func (t Tctl) env(folder string) ([]string, error) {
	var env []string
	if t.ProfileDir != "" {
		env = append(env, "TELEPORT_HOME="+t.ProfileDir)
	}
	if t.ProxyCA != "" {
		path := filepath.Join(folder, authorityFile)
		if err := os.WriteFile(path, []byte(t.ProxyCA), 0o600); err != nil {
			return nil, fmt.Errorf("writing the proxy's authority for tctl: %w", err)
		}
		env = append(env, "SSL_CERT_FILE="+path)
	}
	return env, nil
}

func (t Tctl) run(ctx context.Context, env, args []string) error {
	said := &output{to: t.Out}
	command := exec.CommandContext(ctx, t.Path, args...) //nolint:gosec // the user's own tctl, with arguments made above
	command.Env = append(command.Environ(), env...)
	command.Stdin = t.In
	// One writer for both: the package then never writes to it from two goroutines.
	command.Stdout, command.Stderr = said, said
	command.Cancel = func() error { return command.Process.Signal(os.Interrupt) }
	command.WaitDelay = graceTime
	err := command.Run()
	said.end()
	if ctx.Err() != nil {
		return fmt.Errorf("tctl was ended before it was done: %w", ctx.Err())
	}
	if err != nil {
		return &Failed{Said: said.reason(), Err: err}
	}
	return nil
}
