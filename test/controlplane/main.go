// Command controlplane builds the Kubernetes control plane that the tests and the demo start: it owns the
// pinned versions (go.mod beside it) and the folder in the user's cache, and starts nothing itself.
//
//	go -C test/controlplane run .           build what is missing, print the folder
//	go -C test/controlplane run . -cached   print the folder, or fail (exit 3) if it would have to be built
//
// Progress goes to stderr; stdout has one line, the folder.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
)

// Exit codes besides 0 and 1.
const (
	exitUsage    = 2
	exitNotBuilt = 3 // with -cached: the folder has to be built first
)

// errNotBuilt is what -cached reports when there is no fresh folder.
var errNotBuilt = errors.New("the control plane is not built yet: run `make controlplane` (some minutes, once a machine)")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("controlplane", flag.ContinueOnError)
	flags.SetOutput(stderr)
	cached := flags.Bool("cached", false, "build nothing: exit 3 unless the folder is there")
	if err := flags.Parse(args); err != nil {
		return exitUsage
	}

	dir, err := assets(ctx, *cached, stderr)
	switch {
	case errors.Is(err, errNotBuilt):
		say(stderr, "controlplane: %v\n", err)
		return exitNotBuilt
	case err != nil:
		say(stderr, "controlplane: %v\n", err)
		return 1
	}
	if _, err := fmt.Fprintln(stdout, dir); err != nil {
		say(stderr, "controlplane: %v\n", err)
		return 1
	}
	return 0
}

// assets returns the folder with the six programs, building it unless cached is set.
func assets(ctx context.Context, cached bool, stderr io.Writer) (string, error) {
	if dir := os.Getenv("KUBEBUILDER_ASSETS"); dir != "" {
		if missing := missingPrograms(dir); len(missing) > 0 {
			return "", fmt.Errorf("KUBEBUILDER_ASSETS=%s lacks %s: complete it, or unset the variable to use the programs built from go.mod",
				dir, strings.Join(missing, ", "))
		}
		return dir, nil
	}

	recipe, err := readRecipe(".")
	if err != nil {
		return "", err
	}
	root, err := cacheRoot()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(root, recipe.folder())
	if len(missingPrograms(dir)) == 0 {
		return dir, nil
	}
	if cached {
		return "", errNotBuilt
	}
	return dir, build(ctx, root, recipe, goBuild, stderr)
}

// cacheRoot is where all builds of all clones live: tbotctl/controlplane in the user's cache folder.
func cacheRoot() (string, error) {
	base := os.Getenv("XDG_CACHE_HOME") // os.UserCacheDir reads it on Linux only
	if base == "" {
		var err error
		if base, err = os.UserCacheDir(); err != nil {
			return "", fmt.Errorf("no cache folder: %w (set XDG_CACHE_HOME)", err)
		}
	}
	if !filepath.IsAbs(base) {
		return "", fmt.Errorf("XDG_CACHE_HOME must be an absolute path, not %q", base)
	}
	return filepath.Join(base, "tbotctl", "controlplane"), nil
}
