package cmd_test

import (
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	authenticationv1 "k8s.io/api/authentication/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tbotctl/tbotctl/internal/teleporttest"
	"github.com/tbotctl/tbotctl/internal/testkit"
)

// TestNothingSecretGetsOut runs every command, the failing ones too, with a home, a temporary folder and a working directory of its
// own and a login by a credential plugin, and searches all that is left and said, and what children are given, for tokens and keys.
// It cannot run beside others: HOME and TMPDIR are the process's.
func TestNothingSecretGetsOut(t *testing.T) {
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
	b.node(t)
	b.play(t)
	home, temporary, work := t.TempDir(), t.TempDir(), t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("TMPDIR", temporary)
	t.Chdir(work)
	secrets := b.pluginLogin(t)
	identity := b.read(t, b.path("admin.identity"))
	block, _ := pem.Decode([]byte(identity))
	secrets = append(secrets, base64.StdEncoding.EncodeToString(block.Bytes)[:60], "eyJhbGciOi", "PRIVATE KEY-----", "-cert-v01@openssh.com")

	saved := filepath.Join(work, "answers.yaml")
	login := []string{"--kubeconfig", b.path("plugin.kubeconfig"), "--context", "plugin"}
	from := append([]string{"--non-interactive", "--from", saved, "--identity", b.path("admin.identity")}, login[:2]...)
	var said strings.Builder
	for _, run := range []struct {
		args []string
		code int
	}{
		{b.initArgs(append(login, "--bot-name", "x y")...), 2},
		{b.initArgs(append(login, "--identity", b.path("absent"))...), 4},
		{b.initArgs(append(login, "--roles", "nobody")...), 3},
		{b.initArgs(append(login, "--save", saved, "-o", "json")...), 0},
		{b.initArgs(append(login, "--prove", "always")...), 0},
		{append([]string{"init", "--yes"}, from...), 0},
		{append([]string{"diff", "-o", "json"}, from...), 0},
		{[]string{"render", "--from", saved}, 0},
		{b.lookArgs(login...), 0},
		{b.lookArgs(append(login, "--prove", "-o", "json", "--bundle", filepath.Join(work, "seen.tgz"))...), 0},
		{b.lookArgs(append(login, "--before", "-o", "short")...), 0},
		{b.lookArgs(append(login, "--namespace", "default", "-o", "junit")...), 3},
		{[]string{"explain", "TBC403"}, 0},
		{append([]string{"delete", "--yes", "--purge-outputs", "-o", "json"}, from...), 0},
		{[]string{"version", "-o", "json"}, 0},
	} {
		got := b.run(t, run.args...)
		got.want(t, run.code)
		fmt.Fprintf(&said, "%s\n%s\n", got.stdout, got.stderr)
	}
	search := map[string]string{"what was said": said.String(), "what the plugin was given": b.read(t, b.path("plugin.given"))}
	for name, folder := range map[string]string{"the home": home, "the temporary folder": temporary, "the working directory": work} {
		for path, content := range files(t, folder) {
			search[name+", "+path] = content
		}
	}
	for where, content := range search {
		for _, secret := range secrets {
			if strings.Contains(content, secret) {
				t.Errorf("%s holds %q", where, secret[:min(len(secret), 12)])
			}
		}
	}
	if left := files(t, temporary); len(left) > 0 {
		t.Errorf("temporary files are left: %v", left)
	}
}

// pluginLogin writes a kubeconfig whose credential plugin gives an administrator's token, and records what the plugin is given. It
// returns what must not get out.
func (b *bench) pluginLogin(t *testing.T) []string {
	t.Helper()
	client := b.plane.Client()
	binding := &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: b.namespace},
		Subjects:   []rbacv1.Subject{{Kind: "ServiceAccount", Name: "default", Namespace: b.namespace}},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "cluster-admin"},
	}
	if _, err := client.RbacV1().ClusterRoleBindings().Create(t.Context(), binding, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	granted, err := client.CoreV1().ServiceAccounts(b.namespace).CreateToken(t.Context(), "default", &authenticationv1.TokenRequest{}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	token := granted.Status.Token
	credential, err := json.Marshal(map[string]any{
		"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": map[string]string{"token": token},
	})
	if err != nil {
		t.Fatal(err)
	}
	b.write(t, "credential.json", credential)
	script := fmt.Sprintf("{ env; tr '\\\\0' ' ' < /proc/$PPID/cmdline; } >> %s; cat %s", b.path("plugin.given"), b.path("credential.json"))
	b.write(t, "plugin.kubeconfig", []byte(strings.ReplaceAll(withPlugin(b, script), "prod", "plugin")))
	return []string{token, token[strings.LastIndex(token, ".")+1:]}
}

// files reads every file below a folder.
func files(t *testing.T, folder string) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || slices.Contains([]string{".", ".."}, entry.Name()) {
			return err
		}
		content, err := os.ReadFile(path)
		found[entry.Name()] = string(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// TestHomeThatCannotBeWritten holds that tbotctl keeps nothing in a home.
func TestHomeThatCannotBeWritten(t *testing.T) {
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
	t.Setenv("HOME", "/dev/null")
	t.Setenv("XDG_CACHE_HOME", "/dev/null")
	t.Setenv("XDG_CONFIG_HOME", "/dev/null")
	b.run(t, b.initArgs("--no-wait")...).want(t, 0)
}
