package testkit_test

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tbotctl/tbotctl/internal/testkit"
)

func TestAssetsDir(t *testing.T) {
	// The control plane's cache must be empty here, not the compiler's.
	goCache, err := exec.CommandContext(t.Context(), "go", "env", "GOCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("GOCACHE", strings.TrimSpace(string(goCache)))
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv("KUBEBUILDER_ASSETS", "")
	if dir, err := testkit.AssetsDir(t.Context()); !errors.Is(err, testkit.ErrNotBuilt) {
		t.Errorf("with an empty cache: %q, %v; want %v", dir, err, testkit.ErrNotBuilt)
	}

	given := t.TempDir()
	t.Setenv("KUBEBUILDER_ASSETS", given)
	if dir, err := testkit.AssetsDir(t.Context()); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "KUBEBUILDER_ASSETS") {
		t.Errorf("with an empty KUBEBUILDER_ASSETS: %q, %v; want an error that names it", dir, err)
	}
	for _, program := range []string{"etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl", "kwok"} {
		if err := os.WriteFile(filepath.Join(given, program), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if dir, err := testkit.AssetsDir(t.Context()); err != nil || dir != given {
		t.Errorf("with KUBEBUILDER_ASSETS: %q, %v; want %s", dir, err, given)
	}
}
