//go:build unix

package cmd_test

import (
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/tbotctl/tbotctl/internal/teleporttest"
	"github.com/tbotctl/tbotctl/internal/testkit"
)

// TestVerifyKeepsSecrets goes all ways of verify, the failing ones too, with a home, a temporary folder and a working directory of its
// own, and searches all that is said and left, and what children are given. Keys are written into the folder of --write alone. It runs
// alone: HOME, TMPDIR and PATH are the process's.
func TestVerifyKeepsSecrets(t *testing.T) {
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{KubeClusters: enrolled()})
	b.teleport.AddRole(kubeRole([]string{"readers"}, nil))
	b.healthy(t, "--save", b.path("answers.yaml"), "--roles", "access,kube")
	home, temporary, work := t.TempDir(), t.TempDir(), t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("TMPDIR", temporary)
	t.Chdir(work)
	secrets := b.pluginLogin(t)
	block, _ := pem.Decode([]byte(b.read(t, b.path("admin.identity"))))
	secrets = append(secrets, string(block.Bytes[:32]), "eyJhbGciOi", "eyJ0eXAiOi", "PRIVATE KEY-----", "-cert-v01@openssh.com", "client-key-data")

	memory := "    destination: {type: memory}\n"
	config := b.tbotYAML(t, "  - type: identity\n    roles: [access]\n"+memory+"  - type: kubernetes/v2\n    selectors:\n      - name: alpha\n"+memory)
	wrong := filepath.Join(b.dir, "wrong.yaml")
	b.write(t, "wrong.yaml", []byte(strings.ReplaceAll(b.read(t, config), "roles: [access]", "roles: [editor]")))
	unknown := filepath.Join(b.dir, "unknown.yaml")
	b.write(t, "unknown.yaml", []byte(strings.ReplaceAll(b.read(t, config), b.bot(t), "nobody")))

	record := stubTbot(t, "18.2.0", logging(wholeLog(b.bot(t))...))
	written := filepath.Join(work, "written")
	var said strings.Builder
	login := []string{"--kubeconfig", b.path("plugin.kubeconfig"), "--context", "plugin"}
	for _, run := range []struct {
		args []string
		code int
	}{
		{nil, 0},
		{[]string{"-o", "json"}, 0},
		{[]string{"--config", config, "-o", "json"}, 0},
		{[]string{"--config", wrong}, 3},
		{[]string{"--config", unknown}, 3},
		{[]string{"--config", unknown, "-o", "json"}, 3},
		{[]string{"--config", config, "--write", written, "--yes"}, 0},
		{[]string{"--config", config, "--write", written, "--yes"}, 2},
		{[]string{"--config", config, "--lint"}, 0},
		{[]string{"--evidence"}, 0},
		{[]string{"--evidence", "-o", "json", "--max-age", "1ms"}, 3},
		{[]string{"--runtime", "binary"}, 0},
		{[]string{"--runtime", "pod"}, 2},
	} {
		got := b.run(t, append(b.verifyArgs(login...), run.args...)...)
		got.want(t, run.code)
		fmt.Fprintf(&said, "%s\n%s\n", got.stdout, got.stderr)
	}
	pod := b.runsInPod(t, func(pod corev1.Pod) { b.ends(t, pod, 0, wholeLog(b.bot(t))...) }, b.verifyArgs(append(login, "--runtime", "pod", "--yes", "-o", "json")...)...)
	pod.want(t, 0)
	fmt.Fprintf(&said, "%s\n%s\n", pod.stdout, pod.stderr)

	search := map[string]string{"what was said": said.String(), "what the plugin was given": b.read(t, b.path("plugin.given"))}
	for _, given := range []string{"argv", "env", "config"} {
		search["tbot's "+given] = b.read(t, filepath.Join(record, given))
	}
	for where, content := range search {
		for _, secret := range append(slices.Clone(secrets), b.read(t, filepath.Join(record, "token"))) {
			if strings.Contains(content, secret) {
				t.Errorf("%s holds %q", where, secret[:min(len(secret), 12)])
			}
		}
	}
	for name, folder := range map[string]string{"the home": home, "the temporary folder": temporary} {
		if left := files(t, folder); len(left) > 0 {
			t.Errorf("%d files are left in %s", len(left), name)
		}
	}
	entries, err := os.ReadDir(work)
	if err != nil || len(entries) != 1 || entries[0].Name() != "written" {
		t.Errorf("the working directory holds %v, error %v", entries, err)
	}
	if keys := files(t, written); !strings.Contains(keys["key"], "PRIVATE KEY-----") || !strings.Contains(keys["kubeconfig.yaml"], "client-key-data") {
		t.Error("--write wrote no credentials")
	}
}
