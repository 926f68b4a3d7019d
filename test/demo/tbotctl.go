package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/tbotctl/tbotctl/cmd"
	"github.com/tbotctl/tbotctl/internal/testkit"
	"github.com/tbotctl/tbotctl/internal/testkit/lab"
	"github.com/tbotctl/tbotctl/internal/ui"
)

// namespace is where tbot is deployed.
const namespace = "machines"

// document is what the demo reads of `init -o json`.
type document struct {
	JoinType struct{ Chosen string }
	Proof    struct{ Status string }
	Checks   []struct{ ID, Title, Status, Observed string }
}

// initialise runs tbotctl init and gives its result.
func (s stage) initialise(ctx context.Context, plane *testkit.ControlPlane, t *teleport) (document, error) {
	args := []string{
		"init", "--non-interactive", "--yes", "--context", plane.Flavour().String(), "--namespace", namespace, "--create-namespace",
		"--proxy", t.Proxy, "--proxy-ca", filepath.Join(t.Dir, "web-ca.pem"), "--identity", filepath.Join(t.Dir, "admin.identity"),
		"--roles", "access", "--output", "json",
	}
	s.say("\n   $ tbotctl " + strings.Join(args, " "))
	args = append(args, "--kubeconfig", plane.KubeconfigFile())
	var stdout bytes.Buffer
	var code int
	if plane.IssuerServer() == nil {
		code = s.binary(ctx, args, &stdout)
	} else {
		s.say("   (tbotctl runs inside the demo here: the built program can't be told that a public name leads to this machine, by design)")
		code = inProcess(ctx, plane, args, &stdout)
	}
	var result document
	if code != 0 {
		return result, fmt.Errorf("tbotctl init ended with exit code %d", code)
	}
	if err := json.Unmarshal(stdout.Bytes(), &result); err != nil {
		return result, fmt.Errorf("the result of tbotctl init: %w", err)
	}
	return result, nil
}

// verify lets tbotctl verify the setup once by doing what its pod does, and once by looking alone.
func (s stage) verify(ctx context.Context, plane *testkit.ControlPlane) error {
	for _, way := range [][]string{nil, {"--evidence"}} {
		args := append([]string{"verify", "--non-interactive", "--context", plane.Flavour().String(), "--namespace", namespace}, way...)
		s.say("\n   $ tbotctl " + strings.Join(args, " "))
		if code := s.binary(ctx, append(args, "--kubeconfig", plane.KubeconfigFile()), s.out); code != 0 {
			return fmt.Errorf("tbotctl verify ended with exit code %d", code)
		}
	}
	return nil
}

func (s stage) binary(ctx context.Context, args []string, stdout io.Writer) int {
	command := exec.CommandContext(ctx, s.tbotctl, args...)
	command.Stdout, command.Stderr = stdout, s.out
	if err := command.Run(); err != nil {
		s.say("   " + err.Error())
		return max(command.ProcessState.ExitCode(), 1)
	}
	return 0
}

// inProcess runs the same program with a resolver and a dialer that lead the issuer's public name to the control plane's server.
func inProcess(ctx context.Context, plane *testkit.ControlPlane, args []string, stdout io.Writer) int {
	streams := ui.System(os.Getenv)
	streams.In, streams.Out, streams.InTTY = strings.NewReader(""), stdout, false
	factory := cmd.NewFactory(streams, os.LookupEnv)
	factory.Issuer = lab.Fetcher(plane)
	return cmd.Main(ctx, factory, args)
}

// judge holds the result to what the demo shows.
func (d document) judge(wanted string) error {
	if d.JoinType.Chosen != wanted {
		return fmt.Errorf("join type %s was chosen, not %s", d.JoinType.Chosen, wanted)
	}
	if d.Proof.Status != "proven" {
		return fmt.Errorf("the join is %q, not proven", d.Proof.Status)
	}
	for _, check := range d.Checks {
		if check.Status != "pass" {
			return fmt.Errorf("%s %s is %s: %s", check.ID, check.Title, check.Status, check.Observed)
		}
	}
	return nil
}

// play plays the tbot pods, which kwok does not run, and says so.
func (s stage) play(ctx context.Context, plane *testkit.ControlPlane) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	player := lab.Player{Plane: plane, Namespace: namespace, Say: func(line string) {
		s.say("  [demo] " + line + " (no container runs here, so the demo plays it)")
	}}
	go func() {
		defer close(ended)
		player.Play(ctx)
	}()
	return func() { cancel(); <-ended }
}
