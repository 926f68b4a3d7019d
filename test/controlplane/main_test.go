package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
)

func TestRecipe(t *testing.T) {
	t.Parallel()
	r, err := readRecipe(".")
	if err != nil {
		t.Fatal(err)
	}
	if r.version != "v1.36.3" || !strings.HasPrefix(r.folder(), "v1.36.3-") {
		t.Errorf("version %s, folder %s; want v1.36.3", r.version, r.folder())
	}
	if args := strings.Join(r.arguments(), " "); !strings.Contains(args, "component-base/version.gitVersion=v1.36.3") || !strings.Contains(args, ".gitMinor=36") {
		t.Errorf("the linker is not told the version: %s", args)
	}
	again, err := readRecipe(".")
	if err != nil || again.hash != r.hash {
		t.Errorf("read twice: %s and %s, %v; want the same hash", r.hash, again.hash, err)
	}

	// Any change of a dependency is another folder.
	source := t.TempDir()
	for _, file := range []string{"go.mod", "go.sum"} {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if file == "go.sum" {
			content = append(content, "example.com/new v1.0.0 h1:x=\n"...)
		}
		if err := os.WriteFile(filepath.Join(source, file), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	changed, err := readRecipe(source)
	if err != nil || changed.hash == r.hash {
		t.Errorf("with another go.sum: hash %s, %v; want one that is not %s", changed.hash, err, r.hash)
	}

	if _, err := readRecipe(t.TempDir()); err == nil || !strings.Contains(err.Error(), "go -C test/controlplane run .") {
		t.Errorf("elsewhere: %v, want an error that says how to run it", err)
	}
}

func TestRun(t *testing.T) {
	root := filepath.Join(t.TempDir(), "cache")
	r, err := readRecipe(".")
	if err != nil {
		t.Fatal(err)
	}
	fresh := filepath.Join(root, "tbotctl", "controlplane", r.folder())
	given, empty := t.TempDir(), t.TempDir()
	for _, dir := range []string{fresh, given} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		for _, p := range programs() {
			if err := counting(new(atomic.Int32))(t.Context(), r, p, filepath.Join(dir, p.name)); err != nil {
				t.Fatal(err)
			}
		}
	}

	tests := []struct {
		name, cache, assets string
		args                []string
		code                int
		stdout, stderr      string
	}{
		{name: "fresh cache", cache: root, stdout: fresh + "\n"},
		{name: "fresh cache, -cached", cache: root, args: []string{"-cached"}, stdout: fresh + "\n"},
		{name: "not built, -cached", cache: empty, args: []string{"-cached"}, code: exitNotBuilt, stderr: "make controlplane"},
		{name: "KUBEBUILDER_ASSETS", cache: empty, assets: given, stdout: given + "\n"},
		{name: "KUBEBUILDER_ASSETS without kwok", cache: root, assets: empty, code: 1, stderr: "lacks kube-apiserver, "},
		{name: "relative cache", cache: "cache", code: 1, stderr: "must be an absolute path"},
		{name: "bad flag", cache: root, args: []string{"-rebuild"}, code: exitUsage, stderr: "-rebuild"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Setenv("XDG_CACHE_HOME", test.cache)
			t.Setenv("KUBEBUILDER_ASSETS", test.assets)
			var stdout, stderr bytes.Buffer
			code := run(t.Context(), test.args, &stdout, &stderr)
			if code != test.code || stdout.String() != test.stdout || !strings.Contains(stderr.String(), test.stderr) {
				t.Errorf("exit %d, stdout %q, stderr %q; want %d, %q, %q", code, &stdout, &stderr, test.code, test.stdout, test.stderr)
			}
		})
	}
}

func TestCompilerErrorSaysWhy(t *testing.T) {
	t.Parallel()
	r, err := readRecipe(".")
	if err != nil {
		t.Fatal(err)
	}
	p := program{name: "nothing", pkg: "github.com/tbotctl/tbotctl/test/controlplane/nothing"}
	err = show(io.Discard, p.name, func() error { return goBuild(t.Context(), r, p, filepath.Join(t.TempDir(), p.name)) })
	if err == nil || !strings.Contains(err.Error(), "building nothing") || !strings.Contains(err.Error(), p.pkg) {
		t.Errorf("error %v, want the compiler's words", err)
	}
}
