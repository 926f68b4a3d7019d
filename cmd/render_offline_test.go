package cmd_test

import (
	"bytes"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tbotctl/tbotctl/cmd"
	"github.com/tbotctl/tbotctl/internal/spec"
)

// resolvedAnswers writes answers as init --save leaves them, of a setup that makes every kind of resource.
func resolvedAnswers(t *testing.T) string {
	t.Helper()
	s := spec.Default()
	s.Access, s.Kubernetes.Context, s.Kubernetes.Namespace, s.Kubernetes.CreateNamespace = spec.AccessKubernetes, "prod", "machines", true
	s.Teleport.Proxy = "teleport.example.com:443"
	s.Reach = spec.Reach{Labels: []map[string]string{{"env": "prod"}}, Groups: []string{"tbot-readers"}}
	s.Resolved = &spec.Resolved{
		ClusterName: "main.example.com", ServerVersion: "18.4.2", Image: "public.ecr.aws/gravitational/tbot-distroless:18.4.2",
		JoinType: spec.JoinStaticJWKS, JWKS: `{"keys":[{"kty":"RSA","kid":"a","n":"AQAB","e":"AQAB"}]}`, ClusterID: "1a2b3c4d",
	}
	var text bytes.Buffer
	if err := spec.Save(&text, s.WithClusterID("1a2b3c4d")); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "answers.yaml")
	if err := os.WriteFile(path, text.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// formatArgs are the six formats in three runs.
func formatArgs() map[string][]string {
	return map[string][]string{
		"plain":                  {},
		"kustomize and operator": {"--kube-format", "kustomize", "--teleport-format", "operator", "--operator-namespace", "teleport"},
		"helm and terraform":     {"--kube-format", "helm", "--teleport-format", "terraform"},
	}
}

// nextYear is a Factory that cannot reach a cluster, on another day.
func nextYear(t *testing.T) func(*cmd.Factory) {
	t.Helper()
	return func(f *cmd.Factory) {
		noClusters(t)(f)
		f.Now = func() time.Time { return time.Now().AddDate(1, 2, 3) }
	}
}

// cutOff runs the built program where there is no network, no home and no kubeconfig: in a network namespace of its own, with not even a
// loopback, or where the system gives none with every way out led to a closed port.
func cutOff(t *testing.T, dir string, args ...string) []byte {
	t.Helper()
	words := append([]string{builtProgram(t)}, args...)
	if unshare, err := exec.LookPath("unshare"); err == nil && exec.CommandContext(t.Context(), unshare, "-rn", "true").Run() == nil {
		words = append([]string{unshare, "-rn"}, words...)
	}
	command := exec.CommandContext(t.Context(), words[0], words[1:]...)
	closed := "http://127.0.0.1:1"
	command.Dir = dir
	command.Env = []string{"HOME=/nowhere", "KUBECONFIG=/nowhere/config", "HTTP_PROXY=" + closed, "HTTPS_PROXY=" + closed, "ALL_PROXY=" + closed, "TZ=Pacific/Kiritimati", "LANG=tr_TR.UTF-8"}
	var said bytes.Buffer
	command.Stderr = &said
	out, err := command.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, said.String())
	}
	return out
}

// TestRenderNeedsNothing holds that answers with a resolved block give the same bytes in every format, printed and in files, on any day and
// where nothing can be reached.
func TestRenderNeedsNothing(t *testing.T) {
	t.Parallel()
	answers := resolvedAnswers(t)
	for name, formats := range formatArgs() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			args := append([]string{"render", "--from", answers}, formats...)
			here, there, alone := filepath.Join(t.TempDir(), "out"), filepath.Join(t.TempDir(), "out"), t.TempDir()
			runWith(t, noClusters(t), "", append(args, "--out-dir", here)...).want(t, 0)
			runWith(t, nextYear(t), "", append(args, "--out-dir", there)...).want(t, 0)
			cutOff(t, alone, append(args, "--out-dir", "out")...)
			want := tree(t, here)
			for which, dir := range map[string]string{"on another day": there, "cut off": filepath.Join(alone, "out")} {
				if diff := cmp.Diff(want, tree(t, dir)); diff != "" {
					t.Errorf("%s other files (-first +now):\n%s", which, diff)
				}
			}
			if len(want) < 4 {
				t.Errorf("only %v were written", slices.Collect(maps.Keys(want)))
			}
			printed := append(args, "--side", "teleport")
			first, second := runWith(t, noClusters(t), "", printed...), runWith(t, nextYear(t), "", printed...)
			if first.want(t, 0); first.stdout != second.stdout || first.stdout != string(cutOff(t, alone, printed...)) {
				t.Error("what is printed differs")
			}
			var ofTeleport string
			for path, text := range want {
				if filepath.Dir(path) == "teleport" {
					ofTeleport = text
				}
			}
			if first.stdout != ofTeleport {
				t.Error("what is printed for Teleport is not what is in its file")
			}
		})
	}
}

// tree is what is in a folder, by path.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		relative, _ := filepath.Rel(dir, path)
		all[relative] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}
