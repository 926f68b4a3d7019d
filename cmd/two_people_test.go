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

// knocks waits until somebody asked to be let in.
func (b *bench) knocks(t *testing.T) {
	t.Helper()
	testkit.Eventually(t, "a join", func(context.Context) error {
		for _, request := range b.teleport.Requests() {
			if strings.Contains(request.Method, "RegisterUsingToken") {
				return nil
			}
		}
		return errors.New("nobody asked to be let in")
	})
}

// noAdminAtTeleport fails the test where anybody but a bot has called the Auth Service.
func (b *bench) noAdminAtTeleport(t *testing.T) {
	t.Helper()
	for _, request := range b.teleport.Requests() {
		if request.User != "" && !strings.HasPrefix(request.User, "bot-") {
			t.Errorf("%s called %s", request.User, request.Method)
		}
	}
}

// nothingGranted fails the test where Teleport saw a write.
func (b *bench) nothingGranted(t *testing.T) {
	t.Helper()
	for _, request := range b.teleport.Requests() {
		if request.Write {
			t.Errorf("Teleport was written to: %s", request.Method)
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
			b.node(t)
			b.play(t)
			initArgs := b.kubernetesArgs("init", "--yes", "--roles", "access", "--request", b.path("req.yaml"))

			waited := make(chan outcome, 1)
			go func() { waited <- b.asKubernetes(t, append(slices.Clone(initArgs), "--wait-teleport", "2m")...) }()
			appears(t, b.path("req.yaml"))
			b.knocks(t)
			granted := b.asTeleport(t, b.teleportArgs("init", "--yes")...)
			granted.want(t, 0, "Join token", "type is "+join, "thumbprints", "The fingerprint of the request is sha256:", b.namespace)
			got := <-waited
			got.want(t, 0, "Proof:", "waiting for the Teleport side", "The request is in "+b.path("req.yaml"))
			b.noSecrets(t, got)
			b.noSecrets(t, granted)
			b.noProbePods(t)

			// Each looks at their own side alone, and sees that all is well.
			b.teleport.Reset()
			b.asKubernetes(t, initArgs...).want(t, 0, "nothing changed, and it works")
			b.asKubernetes(t, append(slices.Clone(initArgs), "--prove", "always")...).want(t, 0, "Proof:")
			b.noAdminAtTeleport(t)
			b.teleport.Reset()
			b.asTeleport(t, b.teleportArgs("init", "--yes")...).want(t, 0)
			b.nothingGranted(t)
			b.asTeleport(t, b.teleportArgs("diff")...).want(t, 0)
			b.teleport.Reset()
			b.asKubernetes(t, b.kubernetesArgs("diff", "--roles", "access")...).want(t, 0)
			b.asKubernetes(t, b.kubernetesArgs("verify")...).want(t, 0, "verify --side teleport --evidence")
			b.asKubernetes(t, b.kubernetesArgs("verify", "--evidence")...).want(t, 0)
			b.noAdminAtTeleport(t)
			b.asTeleport(t, b.teleportArgs("verify", "--evidence")...).want(t, 0, "TBC902")
			b.asTeleport(t, b.teleportArgs("verify")...).want(t, 2, "has no join to prove")
			b.teleport.Reset()
			b.asKubernetes(t, b.kubernetesArgs("doctor", "-o", "json")...).want(t, 0, "--side kubernetes uses none")
			b.noAdminAtTeleport(t)
			b.asTeleport(t, b.teleportArgs("doctor", "--bundle", b.path("teleport.tgz"))...).want(t, 0, "nothing is wrong")

			// And each takes away their own.
			gone := b.asTeleport(t, b.teleportArgs("delete", "--yes")...)
			gone.want(t, 0, "in Teleport", "tbotctl delete --side kubernetes")
			b.asTeleport(t, b.teleportArgs("diff")...).want(t, 3, "2 of 2 resources differ")
			b.asKubernetes(t, b.kubernetesArgs("diff", "--roles", "access")...).want(t, 0)
			b.teleport.Reset()
			gone = b.asKubernetes(t, b.kubernetesArgs("delete", "--yes")...)
			b.noAdminAtTeleport(t)
			gone.want(t, 0, "in Kubernetes", "tctl rm token/tbot-", "tctl bots rm tbot-")
			b.asKubernetes(t, b.kubernetesArgs("diff", "--roles", "access")...).want(t, 3)
		})
	}
}
