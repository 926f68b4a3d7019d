package cmd_test

import (
	"net"
	"strings"
	"testing"

	"github.com/gravitational/teleport/api/types"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"

	"github.com/tbotctl/tbotctl/internal/teleporttest"
	"github.com/tbotctl/tbotctl/internal/testkit"
)

// silent is the address of a server that takes connections and never says a word.
func silent(t *testing.T) string {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	return "https://" + listener.Addr().String()
}

// kubeconfig writes one in which the plane has the names given, and the current context leads to a server that never answers.
func (b *bench) kubeconfig(t *testing.T, dead string, names ...string) string {
	t.Helper()
	config, err := clientcmd.LoadFromFile(b.plane.KubeconfigFile())
	if err != nil {
		t.Fatal(err)
	}
	live := config.Contexts[config.CurrentContext]
	delete(config.Contexts, config.CurrentContext)
	for _, name := range names {
		config.Contexts[name] = live
	}
	config.Clusters["silent"] = &api.Cluster{Server: silent(t), InsecureSkipTLSVerify: true}
	config.Contexts[dead] = &api.Context{Cluster: "silent", AuthInfo: live.AuthInfo}
	config.CurrentContext = dead
	file := b.path("kubeconfig")
	if err := clientcmd.WriteToFile(*config, file); err != nil {
		t.Fatal(err)
	}
	return file
}

// hostile is a name that would clear the screen, set the window's title, ring, and turn the direction of writing, if it were let.
const hostile = "prod\x1b[5;31m\x1b]0;owned\x07\u202e\u2066\nevil\r"

// harmless fails the test where a part of it reached the terminal as it stood.
func (p *person) harmless() {
	p.t.Helper()
	raw := p.Raw()
	for _, part := range []string{"\x1b[5;31m", "\x1b]", "\x07", "\u202e", "\u2066", "\u009b"} {
		if at := strings.Index(raw, part); at >= 0 {
			p.t.Errorf("%q reached the terminal: %q", part, raw[max(at-80, 0):min(at+40, len(raw))])
		}
	}
}

// TestOnATerminalForeignText goes the way among a context that never answers and names made to harm: the dead one delays nothing,
// and no escape sequence of theirs reaches the terminal.
func TestOnATerminalForeignText(t *testing.T) {
	t.Parallel()
	for name, env := range map[string][]string{"drawn": nil, "line by line": {"ACCESSIBLE=1"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
			role, err := types.NewRole("access-"+strings.ReplaceAll(hostile, "/", ""), types.RoleSpecV6{})
			if err != nil {
				t.Fatal(err)
			}
			meta := role.GetMetadata()
			meta.Description = hostile + "\u009b5;31m"
			role.SetMetadata(meta)
			b.teleport.AddRole(role)
			b.play(t)
			p := b.sit(t, sitting{env: env, rows: 60, kubeconfig: b.kubeconfig(t, "dead", hostile, "staging")})
			if env != nil {
				p.prompted(1, "2. prod evil")
				p.types(keyCtrlC)
				p.ends(130)
				p.harmless()
				return
			}
			// The one that answers is known while the dead one is still being asked.
			p.sees("> dead asking https://127.0.0.1:", "v1.36")
			p.types("/")
			p.sees("/_")
			p.types("evil")
			p.sees("(1 of 3)")
			p.types(keyEnter)
			p.walk(b.way()[len(b.before("proxy")):]...)
			p.sees("What now?")
			p.types(keyCtrlC)
			p.ends(130)
			p.harmless()
		})
	}
}
