package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// tempPrefix starts the name of a folder that is being filled. Only the holder of the lock makes or
// removes such folders, so whoever holds it may take those he finds for dead.
const tempPrefix = ".building-"

// compiler builds one program into the file out.
type compiler func(ctx context.Context, r recipe, p program, out string) error

// build fills the recipe's folder under root, unless another process did so while this one waited for the
// lock. The folder appears by one rename: it is whole or not there.
func build(ctx context.Context, root string, r recipe, compile compiler, stderr io.Writer) (err error) {
	if err := os.MkdirAll(root, 0o700); err != nil {
		return fmt.Errorf("making the cache folder: %w", err)
	}
	lock, err := acquire(ctx, filepath.Join(root, ".lock"), stderr)
	if err != nil {
		return err
	}
	defer lock.release()
	if err := sweep(root); err != nil {
		return err
	}
	dir := filepath.Join(root, r.folder())
	if len(missingPrograms(dir)) == 0 {
		return nil
	}

	temp, err := os.MkdirTemp(root, tempPrefix)
	if err != nil {
		return fmt.Errorf("making a folder to build in: %w", err)
	}
	defer func() {
		if err != nil {
			_ = os.RemoveAll(temp) // else the next build sweeps it
		}
	}()

	started := time.Now()
	say(stderr, "building the Kubernetes %s control plane, once for this machine, into %s\n", r.version, dir)
	for i, p := range programs() {
		title := fmt.Sprintf("[%d of %d] %s", i+1, len(programs()), p.name)
		if err := show(stderr, title, func() error { return compile(ctx, r, p, filepath.Join(temp, p.name)) }); err != nil {
			return err
		}
	}

	// What is left under the final name lacks a program: somebody cleaned up by hand.
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("removing an incomplete control plane: %w", err)
	}
	if err := os.Rename(temp, dir); err != nil {
		return fmt.Errorf("putting the control plane in its place: %w", err)
	}
	say(stderr, "built in %s\n", time.Since(started).Round(time.Second))
	return nil
}

// sweep removes what builds left behind that were killed.
func sweep(root string) error {
	stale, err := filepath.Glob(filepath.Join(root, tempPrefix+"*"))
	if err != nil {
		return fmt.Errorf("looking for half-built folders: %w", err)
	}
	for _, dir := range stale {
		if err := os.RemoveAll(dir); err != nil {
			return fmt.Errorf("removing a half-built folder: %w", err)
		}
	}
	return nil
}

// goBuild is the real compiler.
func goBuild(ctx context.Context, r recipe, p program, out string) error {
	// Two compilers at once keep the memory below what a small machine has.
	args := append([]string{"build", "-p=2", "-o", out}, r.arguments()...)
	cmd := exec.CommandContext(ctx, "go", append(args, p.pkg)...)
	cmd.Dir = r.source
	// The caller's Go settings must not leak into programs that all clones share.
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off", "GOFLAGS=-mod=readonly -buildvcs=false")
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return fmt.Errorf("building %s: %w", p.name, context.Cause(ctx))
		}
		return fmt.Errorf("building %s: %w\n%s", p.name, err, lastLines(output.String(), 20))
	}
	return nil
}

func lastLines(text string, n int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
