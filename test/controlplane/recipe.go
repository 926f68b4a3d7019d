package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
)

// program is one thing to build: the name of the file and the package of its main.
type program struct{ name, pkg string }

// programs lists what the test kit starts. The slowest comes first: most of its packages serve the others too.
func programs() []program {
	return []program{
		{"kube-apiserver", "k8s.io/kubernetes/cmd/kube-apiserver"},
		{"kube-controller-manager", "k8s.io/kubernetes/cmd/kube-controller-manager"},
		{"kube-scheduler", "k8s.io/kubernetes/cmd/kube-scheduler"},
		{"kubectl", "k8s.io/kubernetes/cmd/kubectl"},
		{"etcd", "go.etcd.io/etcd/server/v3"},
		{"kwok", "sigs.k8s.io/kwok/cmd/kwok"},
	}
}

// missingPrograms names the programs that are not executable files in dir.
func missingPrograms(dir string) []string {
	var missing []string
	for _, p := range programs() {
		info, err := os.Stat(filepath.Join(dir, p.name))
		if err != nil || !info.Mode().IsRegular() || info.Size() == 0 || info.Mode().Perm()&0o111 == 0 {
			missing = append(missing, p.name)
		}
	}
	return missing
}

// recipe is all that decides what the built programs are.
type recipe struct {
	source  string // folder of go.mod
	version string // of Kubernetes, "v1.36.3"
	hash    string // hex, over go.mod, go.sum, the build arguments and the platform
}

var kubernetesRequirement = regexp.MustCompile(`(?m)^\s*(?:require\s+)?k8s\.io/kubernetes (v\d+\.\d+\.\d+)(?:\s*//.*)?$`)

// readRecipe reads go.mod and go.sum in source, the folder of this program.
func readRecipe(source string) (recipe, error) {
	mod, err := os.ReadFile(filepath.Join(source, "go.mod"))
	if err != nil || !bytes.HasPrefix(mod, []byte("module github.com/tbotctl/tbotctl/test/controlplane\n")) {
		return recipe{}, fmt.Errorf("not in the folder of the control plane's go.mod: run it as `go -C test/controlplane run .`")
	}
	sum, err := os.ReadFile(filepath.Join(source, "go.sum"))
	if err != nil {
		return recipe{}, fmt.Errorf("reading the control plane's go.sum: %w", err)
	}
	match := kubernetesRequirement.FindSubmatch(mod)
	if match == nil {
		return recipe{}, fmt.Errorf("the control plane's go.mod requires no release of k8s.io/kubernetes")
	}

	r := recipe{source: source, version: string(match[1])}
	h := sha256.New()
	h.Write(fmt.Appendf(nil, "%s/%s\n%q\n%q\n", runtime.GOOS, runtime.GOARCH, programs(), r.arguments()))
	h.Write(mod)
	h.Write(sum)
	r.hash = hex.EncodeToString(h.Sum(nil))
	return r, nil
}

// folder is the name of the built programs' folder in the cache.
func (r recipe) folder() string { return r.version + "-" + r.hash[:12] }

// arguments are those of every `go build`. Kubernetes takes its version from the linker; without it the
// API server calls itself v0.0.0-master and clients treat it as ancient. grpcnotrace lets the linker drop
// dead code, as in the official release builds (hack/lib/golang.sh).
func (r recipe) arguments() []string {
	release := strings.Split(strings.TrimPrefix(r.version, "v"), ".")
	link := []string{"-s", "-w"}
	for _, pkg := range []string{"k8s.io/component-base/version", "k8s.io/client-go/pkg/version"} {
		link = append(link,
			"-X", pkg+".gitVersion="+r.version,
			"-X", pkg+".gitMajor="+release[0],
			"-X", pkg+".gitMinor="+release[1],
			"-X", pkg+".gitTreeState=clean",
			"-X", pkg+".gitCommit=",
		)
	}
	return []string{"-trimpath", "-tags=grpcnotrace", "-ldflags=" + strings.Join(link, " ")}
}
