// Command demo runs tbotctl's main job on both kinds of cluster: real Kubernetes control planes, a Teleport test cluster in a
// process of its own, and tbotctl as a user would call it. It leaves nothing running.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/tbotctl/tbotctl/cmd"
	"github.com/tbotctl/tbotctl/internal/testkit"
)

func main() {
	cmd.Quiet()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	binary := flag.String("tbotctl", "bin/tbotctl", "the built `program`")
	teleportd := flag.String("teleportd", "bin/teleportd", "the Teleport test cluster's `program`")
	flag.Parse()
	err := run(ctx, stage{out: os.Stderr, tbotctl: *binary, teleportd: *teleportd})
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

// stage is what the acts share.
type stage struct {
	out                io.Writer
	tbotctl, teleportd string
}

func run(ctx context.Context, s stage) error {
	start := time.Now()
	acts := []struct {
		flavour testkit.Flavour
		wanted  string
		text    string
	}{
		{testkit.SelfManaged, "static_jwks", "A self-managed cluster: its issuer is an address of its own network, so Teleport gets a copy of the keys."},
		{testkit.CloudLike, "oidc", "A cluster as clouds run them: its issuer is public, so Teleport reads the keys itself."},
	}
	for i, act := range acts {
		s.say(fmt.Sprintf("\n══ %d of %d ══ %s", i+1, len(acts), act.text))
		if err := s.act(ctx, act.flavour, act.wanted); err != nil {
			return err
		}
	}
	s.say(fmt.Sprintf("\nBoth done in %s. Nothing is left running.", time.Since(start).Round(time.Second)))
	return nil
}

// act plays one flavour from start to stop.
func (s stage) act(ctx context.Context, flavour testkit.Flavour, wanted string) (err error) {
	start := time.Now()
	plane, err := testkit.Start(ctx, testkit.Options{Flavour: flavour})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, plane.Stop()) }()
	s.say(fmt.Sprintf("   Kubernetes control plane up in %.1f s (real API server, controllers and scheduler; kwok stands in for the nodes)", time.Since(start).Seconds()))
	teleport, err := s.startTeleport(ctx, plane)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, teleport.stop()) }()
	s.say(fmt.Sprintf("   Teleport test cluster %s at %s", teleport.ClusterName, teleport.Proxy))

	stopPlaying := s.play(ctx, plane)
	document, err := s.initialise(ctx, plane, teleport)
	stopPlaying()
	if err != nil {
		return err
	}
	if err := document.judge(wanted); err != nil {
		return err
	}
	s.say(fmt.Sprintf("\n   As it had to be: %s chosen, join proven, Deployment ready.", wanted))
	if err := s.show(ctx, plane); err != nil {
		return err
	}
	return s.verify(ctx, plane)
}

// show lets kubectl have the last word.
func (s stage) show(ctx context.Context, plane *testkit.ControlPlane) error {
	args := []string{"--namespace", namespace, "get", "deployment,pod,secret"}
	s.say("   $ kubectl " + strings.Join(args, " "))
	stdout, stderr, err := plane.Kubectl(ctx, nil, args...)
	if err != nil {
		return fmt.Errorf("kubectl: %w: %s", err, stderr)
	}
	s.say("   " + strings.ReplaceAll(strings.TrimSpace(stdout), "\n", "\n   "))
	return nil
}

func (s stage) say(text string) { _, _ = fmt.Fprintln(s.out, text) }
