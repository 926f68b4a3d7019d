package cmd_test

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tbotctl/tbotctl/cmd"
	"github.com/tbotctl/tbotctl/internal/teleporttest"
	"github.com/tbotctl/tbotctl/internal/testkit"
)

// TestBadUsage needs no cluster: what is wrong with a command line is said before anything is asked of one.
func TestBadUsage(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	complete := []string{"init", "--non-interactive", "--yes", "--context", "c", "--namespace", "n", "--proxy", "example.com:443", "--roles", "access"}
	offline := []string{
		"render", "--namespace", "n", "--proxy", "example.com:443", "--roles", "access", "--cluster-name", "example.com",
		"--bot-name", "b", "--token-name", "t", "--tbot-version", "18.2.0", "--join-type", "static_jwks",
	}
	for name, row := range map[string]struct {
		args []string
		want []string
	}{
		"unknown command":          {[]string{"instal"}, []string{`no command "instal"`}},
		"unknown flag":             {[]string{"init", "--rolse", "x"}, []string{"--rolse"}},
		"an argument":              {[]string{"init", "prod"}, []string{`"prod"`}},
		"all missing answers":      {[]string{"init"}, []string{"--context: ", "--namespace: ", "--proxy: ", "--roles: ", "--yes: "}},
		"yes is missing":           {append(complete[:1:1], complete[3:]...), []string{"--yes: "}},
		"no kubeconfig":            {append(complete[:0:0], append(complete, "--kubeconfig", filepath.Join(dir, "absent"))...), []string{"--kubeconfig", "no such file"}},
		"unknown context":          {append(complete[:0:0], append(complete, "--kubeconfig", file("kubeconfig", kubeconfig))...), []string{`context "c" does not exist`, `"prod"`}},
		"proxy without port":       {append(complete[:0:0], append(complete, "--proxy", "example.com")...), []string{"has no port", "example.com:443"}},
		"proxy with a scheme":      {append(complete[:0:0], append(complete, "--proxy", "https://example.com:3080/web")...), []string{"write host:port alone", "example.com:3080"}},
		"bad names together":       {append(complete[:0:0], append(complete, "--namespace", "Prod", "--name", "a b", "--bot-name", "x/y")...), []string{"3 answers", `"Prod"`, `"a b"`, `"x/y"`}},
		"unknown join type":        {append(complete[:0:0], append(complete, "--join-type", "kubernetes")...), []string{"oidc, static_jwks, in_cluster"}},
		"control characters":       {append(complete[:0:0], append(complete, "--namespace", "a\x1b[2Jb")...), []string{`"a\x1b[2Jb"`}},
		"unknown prove":            {append(complete[:0:0], append(complete, "--prove", "maybe")...), []string{"auto, always or never"}},
		"unknown output":           {[]string{"init", "-o", "yaml"}, []string{"table or json"}},
		"unknown format":           {append(offline[:0:0], append(offline, "--kube-format", "chart")...), []string{`"chart" is not known; use one of manifests, kustomize, helm`}},
		"http issuer":              {append(offline[:len(offline)-1:len(offline)-1], "oidc", "--issuer", "http://issuer.example.com"), []string{"https://"}},
		"no key set":               {offline, []string{"--jwks-file"}},
		"empty key set file":       {append(offline[:0:0], append(offline, "--jwks-file", file("empty", ""))...), []string{"is empty"}},
		"broken key set":           {append(offline[:0:0], append(offline, "--jwks-file", file("broken", "# paste here\n{\"keys\":[]}"))...), []string{"line 1"}},
		"key set without keys":     {append(offline[:0:0], append(offline, "--jwks-file", file("none", `{"keys":[]}`))...), []string{"--jwks-file"}},
		"key set that is absent":   {append(offline[:0:0], append(offline, "--jwks-file", filepath.Join(dir, "nowhere"))...), []string{"no such file"}},
		"answers of another kind":  {[]string{"render", "--from", file("other", "kind: Pod\napiVersion: v1\n")}, []string{"kind Setup"}},
		"answers with a wrong key": {[]string{"render", "--from", file("typo", "apiVersion: tbotctl.dev/v1\nkind: Setup\nrolse: x\n")}, []string{"line 3", "rolse"}},
		"render without a terminal for bytes that need a cluster": {[]string{"render", "--namespace", "n"}, []string{"--cluster-name", "--tbot-version", "--join-type"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := runWith(t, nil, "", row.args...)
			got.want(t, 2, row.want...)
			if got.stdout != "" {
				t.Errorf("stdout holds %q", got.stdout)
			}
			if strings.ContainsRune(got.stderr, 0x1b) {
				t.Errorf("an escape sequence reached the terminal: %q", got.stderr)
			}
		})
	}
}

const kubeconfig = `apiVersion: v1
kind: Config
clusters: [{name: prod, cluster: {server: "https://127.0.0.1:1"}}]
contexts: [{name: prod, context: {cluster: prod, user: me}}]
users: [{name: me, user: {token: none}}]
`

// TestUnusableClusters holds the exit codes of clusters that cannot be used, and that nothing is written meanwhile.
func TestUnusableClusters(t *testing.T) {
	t.Parallel()
	closed := closedPort(t)
	for name, row := range map[string]struct {
		change func(*testing.T, *bench) []string
		code   int
		want   []string
	}{
		"API server unreachable": {func(t *testing.T, b *bench) []string {
			t.Helper()
			b.write(t, "dead", []byte(strings.ReplaceAll(kubeconfig, "127.0.0.1:1", closed)))
			return []string{"--kubeconfig", b.path("dead"), "--context", "prod"}
		}, 1, []string{"TBC101", "cannot be reached"}},
		"credentials refused": {func(t *testing.T, b *bench) []string {
			t.Helper()
			broken := strings.ReplaceAll(kubeconfig, "https://127.0.0.1:1\"", b.plane.RESTConfig().Host+"\", insecure-skip-tls-verify: true")
			b.write(t, "stale", []byte(broken))
			return []string{"--kubeconfig", b.path("stale"), "--context", "prod"}
		}, 4, []string{"TBC101"}},
		"credential plugin that fails": {func(t *testing.T, b *bench) []string {
			t.Helper()
			b.write(t, "plugin", []byte(withPlugin(b, "echo no session >&2; exit 1")))
			return []string{"--kubeconfig", b.path("plugin"), "--context", "prod"}
		}, 4, []string{"TBC101", "executable sh failed"}},
		"credential plugin that hangs": {func(t *testing.T, b *bench) []string {
			t.Helper()
			b.write(t, "plugin", []byte(withPlugin(b, "exec sleep 5")))
			return []string{"--kubeconfig", b.path("plugin"), "--context", "prod", "--request-timeout", "1s"}
		}, 1, []string{"TBC101", "credential plugin sh"}},
		"proxy unreachable": {func(_ *testing.T, _ *bench) []string {
			return []string{"--proxy", closed}
		}, 1, []string{"TBC301", "cannot be reached"}},
		"proxy is another server": {func(t *testing.T, b *bench) []string {
			t.Helper()
			b.write(t, "web-ca.pem", b.plane.RESTConfig().CAData)
			return []string{"--proxy", strings.TrimPrefix(strings.TrimSuffix(b.plane.RESTConfig().Host, "/"), "https://")}
		}, 1, []string{"TBC301", "no Teleport Proxy Service"}},
		"proxy's authority not trusted": {func(t *testing.T, b *bench) []string {
			t.Helper()
			b.write(t, "web-ca.pem", b.plane.RESTConfig().CAData)
			return nil
		}, 1, []string{"TBC301", "certificate", "--proxy-ca"}},
		"wrong cluster name": {func(_ *testing.T, _ *bench) []string {
			return []string{"--cluster-name", "lab.example.com:443"}
		}, 3, []string{"TBC302", `"lab.example.com:443"`, `"lab.example.com"`}},
		"a role that does not exist": {func(_ *testing.T, _ *bench) []string {
			return []string{"--roles", "access,nobody"}
		}, 3, []string{"TBC305", "no role nobody"}},
		"no right to make a bot": {func(t *testing.T, b *bench) []string {
			t.Helper()
			identity, err := b.teleport.IdentityFile("plain", time.Hour)
			if err != nil {
				t.Fatal(err)
			}
			b.write(t, "admin.identity", identity)
			return nil
		}, 3, []string{"TBC602", "plain may not: read, create, update bot; read, create, update token"}},
		"tbot newer than the server": {func(_ *testing.T, _ *bench) []string {
			return []string{"--tbot-version", "19.0.0"}
		}, 3, []string{"TBC303", "tbot 19.0.0", "18.2.0"}},
		"oidc on a private issuer is allowed by hand and refused by Teleport": {func(_ *testing.T, _ *bench) []string {
			return []string{"--join-type", "oidc"}
		}, 3, []string{"whether Teleport reaches it is not known from here", "Teleport refused the join"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
			args := b.initArgs(row.change(t, b)...)
			b.teleport.Reset()
			got := b.run(t, args...)
			got.want(t, row.code, row.want...)
			if !strings.HasPrefix(name, "oidc") {
				b.nothingWritten(t)
			}
			b.noSecrets(t, got)
		})
	}
}

// withPlugin is a kubeconfig whose login is what a shell script prints.
func withPlugin(b *bench, script string) string {
	return `apiVersion: v1
kind: Config
clusters: [{name: prod, cluster: {server: "` + b.plane.RESTConfig().Host + `", insecure-skip-tls-verify: true}}]
contexts: [{name: prod, context: {cluster: prod, user: me}}]
users: [{name: me, user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: sh, args: [-c, "` + script + `"], interactiveMode: Never}}}]
`
}

// closedPort is an address at which nobody listens.
func closedPort(t *testing.T) string {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	return listener.Addr().String()
}

// TestConfirmation holds that a person at a terminal who has given every answer is still asked, line by line where the terminal can
// do no more, and that nothing but a plain yes changes anything.
func TestConfirmation(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		answer string
		code   int
		want   string
	}{
		"quit":          {"Quit\n", 130, "nothing has been changed"},
		"an empty line": {"\n", 130, "nothing has been changed"},
		"end of input":  {"", 130, "nothing has been changed"},
		"apply":         {"apply\nfinish\n", 0, "created"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
			b.teleport.Reset()
			args := b.initArgs("--no-wait", "--workload", "tbot", "--join-type", "static_jwks", "--access", "identity", "--output-secret", "creds",
				"--service-account", "tbot", "--bot-name", "b1", "--token-name", "t1")
			args = append(args[:1:1], args[3:]...) // without --non-interactive and --yes
			got := runWith(t, func(f *cmd.Factory) {
				f.Streams.InTTY, f.Streams.ErrTTY = true, true
			}, row.answer, args...)
			got.want(t, row.code, "What this grants", "What now?", row.want)
			if row.code != 0 {
				b.nothingWritten(t)
			}
		})
	}
}
