package cmd_test

import (
	"strings"
	"testing"
	"time"

	"github.com/tbotctl/tbotctl/cmd"
	"github.com/tbotctl/tbotctl/internal/teleporttest"
	"github.com/tbotctl/tbotctl/internal/testkit"
	"github.com/tbotctl/tbotctl/internal/testkit/lab"
)

// TestDoctorAtATerminal holds that what merely happens to be current narrows nothing: the tbot is found in another namespace than the
// kubeconfig's and judged by the proxy of its own tbot.yaml, although tsh is logged in elsewhere; and no passing line is left behind.
func TestDoctorAtATerminal(t *testing.T) {
	t.Parallel()
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
	b.healthy(t, "--name", "lonely")
	elsewhere := teleporttest.New(t, teleporttest.Options{ClusterName: "elsewhere.example.com"})
	if err := elsewhere.WriteProfile(b.path("tsh"), "admin", time.Hour); err != nil {
		t.Fatal(err)
	}
	got := runWith(t, func(f *cmd.Factory) {
		f.Streams.InTTY, f.Streams.ErrTTY, f.Streams.Unicode = true, true, true
		f.Issuer = lab.Fetcher(b.plane)
		f.LookupEnv = func(name string) (string, bool) {
			if name == "TELEPORT_HOME" {
				return b.path("tsh"), true
			}
			return "", false
		}
	}, "", "doctor", "--kubeconfig", b.plane.KubeconfigFile(), "--context", b.plane.Flavour().String(), "--name", "lonely",
		"--identity", b.path("admin.identity"), "--proxy-ca", b.path("web-ca.pem"), "--timeout", "60s")
	got.want(t, 0, b.namespace+"/lonely: nothing is wrong")
	if !strings.HasSuffix(got.stderr, "\r\x1b[2K") {
		t.Errorf("a line is left standing: %q", got.stderr[max(0, len(got.stderr)-80):])
	}
}
