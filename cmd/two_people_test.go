package cmd_test

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/tbotctl/tbotctl/cmd"
	"github.com/tbotctl/tbotctl/internal/kube"
	"github.com/tbotctl/tbotctl/internal/teleporttest"
	"github.com/tbotctl/tbotctl/internal/testkit"
	"github.com/tbotctl/tbotctl/internal/testkit/lab"
)

// kubernetesArgs are the flags of a command of somebody who has a kubeconfig and no login at Teleport.
func (b *bench) kubernetesArgs(command string, more ...string) []string {
	return append([]string{
		command, "--side", "kubernetes", "--non-interactive", "--kubeconfig", b.plane.KubeconfigFile(), "--context", b.plane.Flavour().String(),
		"--namespace", b.namespace, "--proxy", b.teleport.Addr(), "--proxy-ca", b.path("web-ca.pem"), "--timeout", "60s",
	}, more...)
}

// teleportArgs are those of somebody who has a login at Teleport and the request, and no kubeconfig.
func (b *bench) teleportArgs(command string, more ...string) []string {
	return append([]string{
		command, "--side", "teleport", "--non-interactive", "--from", b.path("req.yaml"), "--identity", b.path("admin.identity"), "--timeout", "60s",
	}, more...)
}

// asKubernetes runs the program with no trace of a Teleport login.
func (b *bench) asKubernetes(t *testing.T, args ...string) outcome {
	t.Helper()
	home := t.TempDir()
	return runWith(t, func(f *cmd.Factory) {
		f.Issuer = lab.Fetcher(b.plane)
		f.LookupEnv = func(name string) (string, bool) { return home, name == "TELEPORT_HOME" }
	}, "", args...)
}

// asTeleport runs the program where there is no way to a Kubernetes cluster: to open one fails the test.
func (b *bench) asTeleport(t *testing.T, args ...string) outcome {
	t.Helper()
	return runWith(t, func(f *cmd.Factory) {
		f.Issuer = lab.Fetcher(b.plane)
		f.Kube = func(kube.Options) (*kube.Cluster, error) {
			t.Error("a Kubernetes cluster was opened")
			return nil, errors.New("no cluster here")
		}
	}, "", args...)
}

// noAdminAtTeleport fails the test where anybody but a bot called the Auth Service.
func (b *bench) noAdminAtTeleport(t *testing.T) {
	t.Helper()
	for _, request := range b.teleport.Requests() {
		if request.Protocol == "grpc" && request.User != "" && !strings.HasPrefix(request.User, "bot-") {
			t.Errorf("%s called %s", request.User, request.Method)
		}
	}
}

// appears waits for a file that another run writes.
func appears(t *testing.T, path string) {
	t.Helper()
	testkit.Eventually(t, "the request", func(context.Context) error {
		_, err := os.Stat(path)
		return err
	})
}

// TestTwoPeople has one person with a kubeconfig and another with a Teleport login set up a tbot, who share nothing but the request: the
// one waits for the other and ends with the proof, and each looks at, mends and removes their own side.
func TestTwoPeople(t *testing.T) {
	t.Parallel()
	for flavour, join := range map[testkit.Flavour]string{testkit.SelfManaged: "static_jwks", testkit.CloudLike: "oidc"} {
		t.Run(join, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, flavour, teleporttest.Options{})
			b.play(t)
			initArgs := b.kubernetesArgs("init", "--yes", "--roles", "access", "--request", b.path("req.yaml"))

			waited := make(chan outcome, 1)
			go func() { waited <- b.asKubernetes(t, append(slices.Clone(initArgs), "--wait-teleport", "2m")...) }()
			appears(t, b.path("req.yaml"))
			granted := b.asTeleport(t, b.teleportArgs("init", "--yes")...)
			granted.want(t, 0, "Join token", "type is "+join, "thumbprints", "The fingerprint of the request is sha256:", b.namespace)
			got := <-waited
			got.want(t, 0, "Proof:", "waiting for the Teleport side", "The request is in "+b.path("req.yaml"))
			b.noSecrets(t, got)
			b.noSecrets(t, granted)
			b.noProbePods(t)
		})
	}
}
