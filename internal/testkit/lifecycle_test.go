package testkit_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
	corev1 "k8s.io/api/core/v1"

	"github.com/tbotctl/tbotctl/internal/testkit"
)

// processes lists those that have the folder in their arguments.
func processes(t *testing.T, dir string) []string {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil || len(files) == 0 {
		t.Skip("no /proc here")
	}
	var found []string
	for _, file := range files {
		// A process that has just ended is none.
		if args, err := os.ReadFile(file); err == nil && bytes.Contains(args, []byte(dir)) {
			found = append(found, strings.ReplaceAll(string(args), "\x00", " "))
		}
	}
	return found
}

func TestRotateKeysAndStop(t *testing.T) {
	t.Parallel()
	c, err := testkit.Start(t.Context(), testkit.Options{Flavour: testkit.CloudLike})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Stop(); err != nil {
			t.Error(err)
		}
	})
	namespace := c.Namespace(t)
	before := mint(t, c, namespace, nil)
	if err := c.RotateKeys(t.Context()); err != nil {
		t.Fatal(err)
	}
	after := mint(t, c, namespace, nil)

	for name, read := range map[string]func(*jose.JSONWebKeySet){
		"the API server":    func(keys *jose.JSONWebKeySet) { fromAPIServer(t, c, "/openid/v1/jwks", keys) },
		"the issuer server": func(keys *jose.JSONWebKeySet) { fromIssuer(t, c, keys) },
	} {
		var keys jose.JSONWebKeySet
		read(&keys)
		if len(keys.Keys) != 2 {
			t.Errorf("%s publishes %d keys, want 2", name, len(keys.Keys))
		}
		oldKid, _ := claims(t, before, &keys)
		newKid, _ := claims(t, after, &keys)
		if oldKid == newKid {
			t.Errorf("the kid is %s before and after the rotation", oldKid)
		}
	}
	deploy(t, c, namespace, corev1.Container{Image: "registry.example.com/web:1.2.3"})
	eventuallyReady(t, c, namespace) // the controllers have found the restarted API server

	dir := filepath.Dir(filepath.Dir(c.KubeconfigFile()))
	if running := processes(t, dir); len(running) != 5 {
		t.Errorf("%d processes, want 5: %q", len(running), running)
	}
	if err := c.Stop(); err != nil {
		t.Error(err)
	}
	if left := processes(t, dir); len(left) > 0 {
		t.Errorf("left running after Stop: %q", left)
	}
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("left on disk after Stop: %s (%v)", dir, err)
	}
}

func TestSharedKeysAreNotRotated(t *testing.T) {
	t.Parallel()
	if err := testkit.Shared(t, testkit.CloudLike).RotateKeys(t.Context()); err == nil {
		t.Error("the keys of a shared control plane were rotated")
	}
}

// A test binary that is killed takes its control plane along.
func TestGuard(t *testing.T) {
	t.Parallel()
	victim := exec.CommandContext(t.Context(), os.Args[0])
	victim.Env = append(os.Environ(), victimVar+"=1")
	victim.Stderr = os.Stderr
	stdout, err := victim.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := victim.Start(); err != nil {
		t.Fatal(err)
	}
	kubeconfig, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Dir(filepath.Dir(strings.TrimSpace(kubeconfig)))
	if running := processes(t, dir); len(running) != 5 {
		t.Errorf("%d processes, want 5: %q", len(running), running)
	}
	if err := victim.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = victim.Wait() // "signal: killed"
	testkit.Eventually(t, "the control plane to end", func(context.Context) error {
		if left := processes(t, dir); len(left) > 0 {
			return fmt.Errorf("still running: %q", left)
		}
		if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("still on disk: %s (%w)", dir, err)
		}
		return nil
	})
}

func TestStartFails(t *testing.T) {
	t.Parallel()
	_, err := testkit.Start(t.Context(), testkit.Options{ExtraAPIServerArgs: map[string][]string{"no-such-flag": {"1"}}})
	if err == nil || !strings.Contains(err.Error(), "no-such-flag") {
		t.Errorf("starting with a bad flag: %v, want the API server's own words", err)
	}
}
