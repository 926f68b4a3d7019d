package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"

	"github.com/tbotctl/tbotctl/internal/testkit"
	"github.com/tbotctl/tbotctl/internal/testkit/tty"
)

// What somebody at a terminal may wait for: for the first screen, and for the answer to a key.
const (
	mostStart = 150 * time.Millisecond
	mostKey   = 50 * time.Millisecond
)

const (
	// contexts are in the kubeconfig; every second one leads to a server that takes the connection and never says a word.
	contexts = 20
	// keys are pressed in each round, as fast as each is answered.
	keys = 10
)

// seat is where the wizard is started: a kubeconfig full of contexts, and nobody logged in.
type seat struct {
	binary, dir string
	silent      net.Listener
}

func newSeat(ctx context.Context, plane *testkit.ControlPlane, binary string) (s *seat, err error) {
	s = &seat{binary: binary}
	if s.dir, err = os.MkdirTemp("", "tbotctl-bench-"); err != nil {
		return nil, err
	}
	if s.silent, err = new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0"); err != nil {
		return nil, errors.Join(err, os.RemoveAll(s.dir))
	}
	config, err := clientcmd.LoadFromFile(plane.KubeconfigFile())
	if err != nil {
		return nil, errors.Join(err, s.close())
	}
	live := config.Contexts[config.CurrentContext]
	config.Clusters["silent"] = &api.Cluster{Server: "https://" + s.silent.Addr().String(), InsecureSkipTLSVerify: true}
	config.Contexts = map[string]*api.Context{}
	for i := range contexts {
		config.Contexts[named(i)] = live
		if i%2 == 1 {
			config.Contexts[named(i)] = &api.Context{Cluster: "silent", AuthInfo: live.AuthInfo}
		}
	}
	config.CurrentContext = named(0)
	if err := clientcmd.WriteToFile(*config, s.kubeconfig()); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

func named(i int) string { return fmt.Sprintf("cluster-%02d", i) }

func (s *seat) kubeconfig() string { return filepath.Join(s.dir, "kubeconfig") }

func (s *seat) close() error { return errors.Join(s.silent.Close(), os.RemoveAll(s.dir)) }

// wizardTimes measures both.
func wizardTimes(ctx context.Context, plane *testkit.ControlPlane, binary string, rounds int) (bounds []bound, err error) {
	s, err := newSeat(ctx, plane, binary)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	var starts, answers []int64
	for i := range rounds + 1 {
		first, pressed, err := s.sit(ctx)
		if err != nil {
			return nil, err
		}
		if i == 0 {
			continue // the first round warms the file cache
		}
		starts, answers = append(starts, first), append(answers, pressed...)
	}
	slices.Sort(answers)
	of95 := answers[len(answers)*95/100]
	fmt.Printf("init on a terminal: first screen after %v (median of %d); a key is answered after %v, 95 of 100 within %v, the slowest of %d after %v\n",
		milliseconds(median(starts)), len(starts), milliseconds(median(answers)), milliseconds(of95), len(answers), milliseconds(answers[len(answers)-1]))
	return []bound{
		{"from the start to the first screen / 150 ms", float64(median(starts)) / float64(mostStart), 1.0},
		{"from a key to the changed screen, 95 of 100 / 50 ms", float64(of95) / float64(mostKey), 1.0},
	}, nil
}

// sit starts the wizard and moves the cursor down the list of contexts while they are being probed.
func (s *seat) sit(ctx context.Context) (first int64, pressed []int64, err error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	begin := time.Now()
	terminal, err := tty.Start(ctx, tty.Command{
		Path: s.binary, Args: []string{"init", "--kubeconfig", s.kubeconfig()},
		Env: []string{"HOME=" + s.dir, "TELEPORT_HOME=" + s.dir, "TERM=xterm-256color", "LANG=C.UTF-8"},
	})
	if err != nil {
		return 0, nil, err
	}
	defer func() { err = errors.Join(err, terminal.Close()) }()
	if err := terminal.Wait(ctx, "> "+named(0), "ctrl+c quit"); err != nil {
		return 0, nil, err
	}
	first = time.Since(begin).Nanoseconds()
	for i := range keys {
		begin := time.Now()
		if err := terminal.Type("\x1b[B"); err != nil {
			return 0, nil, err
		}
		if err := terminal.Wait(ctx, "> "+named(i+1)); err != nil {
			return 0, nil, err
		}
		pressed = append(pressed, time.Since(begin).Nanoseconds())
	}
	if !strings.Contains(terminal.Screen(), "asking https://") {
		return 0, nil, errors.New("no context was being probed any more when the keys were pressed")
	}
	return first, pressed, nil
}
