package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tbotctl/tbotctl/cmd"
	"github.com/tbotctl/tbotctl/internal/teleporttest"
	"github.com/tbotctl/tbotctl/internal/testkit/lab"
	"github.com/tbotctl/tbotctl/internal/ui"
)

// outcome is what a clean run cost.
type outcome struct{ kubernetes, teleport int }

// probeAge is past the age at which a left-over probe pod is swept.
const probeAge = 11 * time.Minute

// try runs init once with the fault and once without, and holds what is there afterwards to a whole setup.
func (g *ground) try(ctx context.Context, f fault) (result outcome, err error) {
	dir, err := os.MkdirTemp("", "tbotctl-faults-")
	if err != nil {
		return outcome{}, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	namespace, err := g.namespace(ctx)
	if err != nil {
		return outcome{}, err
	}
	var process atomic.Pointer[os.Process]
	kubernetes := &injector{fault: f, side: sideKubernetes}
	teleport := &injector{fault: f, side: sideTeleport}
	kubernetes.signal = func(k kind) { strike(process.Load(), k) }
	teleport.signal = kubernetes.signal
	kubeconfig, stop, err := g.kubernetes(dir, kubernetes)
	if err != nil {
		return outcome{}, err
	}
	defer stop()
	cluster, err := g.teleport(dir, teleport)
	if err != nil {
		return outcome{}, err
	}
	defer func() { err = errors.Join(err, cluster.Close()) }()

	args := []string{
		"init", "--non-interactive", "--yes", "--kubeconfig", kubeconfig, "--context", "c", "--namespace", namespace, "--proxy", cluster.Addr(),
		"--proxy-ca", filepath.Join(dir, "web-ca.pem"), "--identity", filepath.Join(dir, "admin.identity"), "--roles", "access",
		"--no-wait", "--prove", "always", "--request-timeout", "2s", "--timeout", "20s",
	}
	first, err := g.disturbed(ctx, f, args, &process)
	if err != nil {
		return outcome{}, err
	}
	if err := first.judge(f); err != nil {
		return outcome{}, err
	}
	seen := outcome{kubernetes: kubernetes.count(), teleport: teleport.count()}
	if f.kind != kill {
		if err := g.noProbes(ctx, namespace); err != nil {
			return outcome{}, err
		}
	}
	if second := inProcess(ctx, args, time.Now); second.code != 0 {
		return outcome{}, fmt.Errorf("the run after it ended with %d: %s", second.code, second.last())
	}
	if f.kind == kill {
		later := func() time.Time { return time.Now().Add(probeAge) }
		if third := inProcess(ctx, args, later); third.code != 0 {
			return outcome{}, fmt.Errorf("the sweeping run ended with %d: %s", third.code, third.last())
		}
	}
	return seen, g.whole(ctx, namespace, cluster)
}

func (g *ground) namespace(ctx context.Context) (string, error) {
	made, err := g.plane.Client().CoreV1().Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "faults-"}}, metav1.CreateOptions{})
	if err != nil {
		return "", err
	}
	for range 100 {
		_, err = g.plane.Client().CoreV1().ServiceAccounts(made.Name).Get(ctx, "default", metav1.GetOptions{})
		if err == nil {
			return made.Name, nil
		}
		select {
		case <-ctx.Done():
			return "", ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
	return "", err
}

// attempt is one run of the program.
type attempt struct {
	code   int
	stderr string
}

func (r attempt) last() string {
	lines := strings.Split(strings.TrimSpace(r.stderr), "\n")
	return lines[len(lines)-1]
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

// disturbed runs init with the fault: as a process of its own where a signal is to strike it, else in here.
func (g *ground) disturbed(ctx context.Context, f fault, args []string, process *atomic.Pointer[os.Process]) (attempt, error) {
	if !f.kind.isSignal() {
		return inProcess(ctx, args, time.Now), nil
	}
	command := exec.CommandContext(ctx, g.binary, args...)
	var stderr bytes.Buffer
	command.Stderr = &stderr
	if err := command.Start(); err != nil {
		return attempt{}, err
	}
	process.Store(command.Process)
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
	return attempt{code: code, stderr: stderr.String()}
}

// whole holds the namespace and the Teleport cluster to one setup, neither less nor more.
func (g *ground) whole(ctx context.Context, namespace string, cluster *teleporttest.Cluster) error {
	client := g.plane.Client()
	ours := metav1.ListOptions{LabelSelector: "app.kubernetes.io/managed-by=tbotctl"}
	deployments, err := client.AppsV1().Deployments(namespace).List(ctx, ours)
	if err != nil {
		return err
	}
	configs, err := client.CoreV1().ConfigMaps(namespace).List(ctx, ours)
	if err != nil {
		return err
	}
	roles, err := client.RbacV1().Roles(namespace).List(ctx, ours)
	if err != nil {
		return err
	}
	if len(deployments.Items) != 1 || len(configs.Items) != 1 || len(roles.Items) != 1 {
		return fmt.Errorf("%d Deployments, %d ConfigMaps and %d Roles are there", len(deployments.Items), len(configs.Items), len(roles.Items))
	}
	bots := map[string]bool{}
	for _, request := range cluster.Events() {
		bots[request.GetType()] = true
	}
	if !bots["bot.join"] {
		return errors.New("no join was ever accepted")
	}
	return g.noProbes(ctx, namespace)
}

func (g *ground) noProbes(ctx context.Context, namespace string) error {
	pods, err := g.plane.Client().CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{LabelSelector: "tbotctl.dev/probe"})
	if err != nil {
		return err
	}
	for i := range pods.Items {
		if pods.Items[i].DeletionTimestamp == nil {
			return fmt.Errorf("probe pod %s is left behind", pods.Items[i].Name)
		}
	}
	return nil
}
