package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/tbotctl/tbotctl/internal/testkit"
)

// teleport is the test cluster's process.
type teleport struct {
	Proxy       string `json:"proxy"`
	ClusterName string `json:"clusterName"`
	Dir         string `json:"dir"`

	process *exec.Cmd
	stdin   io.Closer
}

// startTeleport starts the process and waits for the line that says that it serves. It ends when its stdin does, so also when
// this program is killed.
func (s stage) startTeleport(ctx context.Context, plane *testkit.ControlPlane) (*teleport, error) {
	dir, err := os.MkdirTemp("", "tbotctl-demo-")
	if err != nil {
		return nil, err
	}
	args := []string{"--dir", dir}
	if issuer := plane.IssuerServer(); issuer != nil {
		ca := filepath.Join(dir, "issuer-ca.pem")
		if err := os.WriteFile(ca, issuer.CACertPEM(), 0o600); err != nil {
			return nil, errors.Join(err, os.RemoveAll(dir))
		}
		args = append(args, "--oidc-map", issuer.Host()+"="+issuer.Addr(), "--oidc-ca", ca)
	}
	t := &teleport{Dir: dir, process: exec.CommandContext(ctx, s.teleportd, args...)}
	t.process.Stderr = io.Discard
	if t.stdin, err = t.process.StdinPipe(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	stdout, err := t.process.StdoutPipe()
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	if err := t.process.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("starting %s (make demo builds it): %w", s.teleportd, err), os.RemoveAll(dir))
	}
	line, err := bufio.NewReader(stdout).ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, t)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("the Teleport test cluster did not come up: %w", err), t.stop())
	}
	return t, nil
}

func (t *teleport) stop() error {
	return errors.Join(t.stdin.Close(), ended(t.process.Wait()), os.RemoveAll(t.Dir))
}

// ended forgives the exit code of a process that was told to stop.
func ended(err error) error {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return nil
	}
	return err
}
