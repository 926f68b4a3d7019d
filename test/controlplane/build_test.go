package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
)

// counting is a compiler that writes files which count as programs, and counts them.
func counting(count *atomic.Int32) compiler {
	return func(_ context.Context, _ recipe, p program, out string) error {
		count.Add(1)
		return os.WriteFile(out, []byte(p.name), 0o700)
	}
}

func testRecipe() recipe {
	return recipe{source: ".", version: "v1.2.3", hash: strings.Repeat("ab", 32)}
}

// names lists what is in a folder, without the lock file.
func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, entry := range entries {
		if entry.Name() != ".lock" {
			found = append(found, entry.Name())
		}
	}
	return found
}

func TestBuildOnce(t *testing.T) {
	t.Parallel()
	root := filepath.Join(t.TempDir(), "cache")
	var count atomic.Int32
	var progress bytes.Buffer
	for range 2 {
		if err := build(t.Context(), root, testRecipe(), counting(&count), &progress); err != nil {
			t.Fatal(err)
		}
	}
	if missing := missingPrograms(filepath.Join(root, testRecipe().folder())); len(missing) > 0 {
		t.Errorf("missing after a build: %v", missing)
	}
	if got := int(count.Load()); got != len(programs()) {
		t.Errorf("%d programs compiled in two builds, want %d", got, len(programs()))
	}
	for _, want := range []string{"[1 of 6] kube-apiserver", "[6 of 6] kwok done in", "built in"} {
		if !strings.Contains(progress.String(), want) {
			t.Errorf("progress lacks %q:\n%s", want, progress.String())
		}
	}
}

func TestFailedBuildLeavesNothing(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	broken := errors.New("no memory")
	var count atomic.Int32
	half := func(ctx context.Context, r recipe, p program, out string) error {
		if count.Load() == 3 {
			return broken
		}
		return counting(&count)(ctx, r, p, out)
	}
	if err := build(t.Context(), root, testRecipe(), half, io.Discard); !errors.Is(err, broken) {
		t.Fatalf("error %v, want %v", err, broken)
	}
	if left := names(t, root); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestBuildAfterKilledOne(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	// A build that was killed, and a folder that somebody has cleaned up by hand.
	for _, dir := range []string{tempPrefix + "123", testRecipe().folder()} {
		if err := os.Mkdir(filepath.Join(root, dir), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, dir, "etcd"), []byte("half"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	var count atomic.Int32
	if err := build(t.Context(), root, testRecipe(), counting(&count), io.Discard); err != nil {
		t.Fatal(err)
	}
	if got := names(t, root); len(got) != 1 || got[0] != testRecipe().folder() {
		t.Errorf("the cache has %v, want %s alone", got, testRecipe().folder())
	}
	content, err := os.ReadFile(filepath.Join(root, testRecipe().folder(), "etcd"))
	if err != nil || string(content) != "etcd" {
		t.Errorf("etcd is %q, %v; want the new one", content, err)
	}
}

func TestMissingPrograms(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if got := missingPrograms(dir); len(got) != len(programs()) {
		t.Errorf("an empty folder misses %v, want all", got)
	}
	for name, write := range map[string]func(string) error{
		"kwok":           func(file string) error { return os.WriteFile(file, nil, 0o700) },
		"kubectl":        func(file string) error { return os.WriteFile(file, []byte("x"), 0o600) },
		"etcd":           func(file string) error { return os.Mkdir(file, 0o700) },
		"kube-scheduler": func(file string) error { return os.WriteFile(file, []byte("x"), 0o700) },
	} {
		if err := write(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{"kube-apiserver", "kube-controller-manager", "kubectl", "etcd", "kwok"}
	if got := missingPrograms(dir); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("missing %v, want %v (empty, not executable and a folder are no programs)", got, want)
	}
}

// Two builds at once: the second waits, says so, and finds the work done.
func TestTwoBuilds(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	var count atomic.Int32
	compiling, proceed := make(chan struct{}), make(chan struct{})
	slow := func(ctx context.Context, r recipe, p program, out string) error {
		if count.Load() == 0 {
			close(compiling)
			<-proceed
		}
		return counting(&count)(ctx, r, p, out)
	}
	first := make(chan error, 1)
	go func() { first <- build(t.Context(), root, testRecipe(), slow, io.Discard) }()
	<-compiling

	said, says := io.Pipe()
	second := make(chan error, 1)
	go func() { second <- build(t.Context(), root, testRecipe(), counting(&count), says) }()
	line := make([]byte, 200)
	n, err := said.Read(line)
	if want := fmt.Sprintf("another build is running (process %d)", os.Getpid()); err != nil || !strings.HasPrefix(string(line[:n]), want) {
		t.Errorf("the second build says %q, %v; want %q", line[:n], err, want)
	}

	// A third one that is told to stop does not wait on.
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := build(ctx, root, testRecipe(), counting(&count), io.Discard); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled build that waits: %v, want %v", err, context.Canceled)
	}

	close(proceed)
	if err := <-first; err != nil {
		t.Error(err)
	}
	if n, err = said.Read(line); err != nil || !strings.HasPrefix(string(line[:n]), "the other build is over") {
		t.Errorf("then it says %q, %v", line[:n], err)
	}
	if err := <-second; err != nil {
		t.Error(err)
	}
	if got := int(count.Load()); got != len(programs()) {
		t.Errorf("%d programs compiled, want %d", got, len(programs()))
	}
}
