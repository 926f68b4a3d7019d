package testkit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// ErrNotBuilt says that the control plane's programs are not there and take minutes to build.
var ErrNotBuilt = errors.New("the Kubernetes control plane is not built: run `make controlplane` first (some minutes, once a machine)")

// modulePath tells this repository's root from other folders with a go.mod.
const modulePath = "github.com/tbotctl/tbotctl"

// AssetsDir is the folder with etcd, kube-apiserver, kube-controller-manager, kube-scheduler, kubectl and
// kwok: KUBEBUILDER_ASSETS if set, else what test/controlplane has built into the user's cache. It builds
// nothing itself: ErrNotBuilt.
func AssetsDir(ctx context.Context) (string, error) {
	if dir := os.Getenv("KUBEBUILDER_ASSETS"); dir != "" {
		// A folder made by others often holds only what envtest itself needs.
		for _, program := range []string{"etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl", "kwok"} {
			if _, err := os.Stat(filepath.Join(dir, program)); err != nil {
				return "", fmt.Errorf("KUBEBUILDER_ASSETS is incomplete: %w", err)
			}
		}
		return dir, nil
	}
	root, err := repositoryRoot()
	if err != nil {
		return "", err
	}
	cmd := exec.CommandContext(ctx, "go", "-C", filepath.Join(root, "test", "controlplane"), "run", ".", "-cached")
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		// go run turns the program's exit code into a 1 and a line of its own.
		if strings.Contains(stderr.String(), "exit status 3") {
			return "", ErrNotBuilt
		}
		return "", fmt.Errorf("asking for the control plane's programs: %w: %s", err, strings.TrimSpace(stderr.String()))
	}
	return strings.TrimSpace(stdout.String()), nil
}

// repositoryRoot looks upwards from the working folder: a test runs in its package's.
func repositoryRoot() (string, error) {
	start, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("looking for the repository: %w", err)
	}
	for dir := start; ; dir = filepath.Dir(dir) {
		mod, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil && bytes.HasPrefix(mod, []byte("module "+modulePath+"\n")) {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", fmt.Errorf("looking for the repository: %s is in no folder of module %s (set KUBEBUILDER_ASSETS to do without)", start, modulePath)
		}
	}
}
