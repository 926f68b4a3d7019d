package cmd_test

import (
	"strings"
	"testing"

	"github.com/tbotctl/tbotctl/internal/kube"
	"github.com/tbotctl/tbotctl/internal/teleporttest"
	"github.com/tbotctl/tbotctl/internal/testkit"
)

// namespaceAdmin makes a user who holds the stock ClusterRole admin in the bench's namespace and nothing else, and gives the
// kubeconfig.
func (b *bench) namespaceAdmin(t *testing.T) (kubeconfig string) {
	t.Helper()
	user := "admin-of-" + b.namespace
	b.asAdministrator(t, "kubectl --namespace "+b.namespace+" create rolebinding owner --clusterrole admin --user "+user)
	kubeconfig = b.plane.KubeconfigFor(t, user)
	b.waitFor(t, kubeconfig, kube.Access{Verb: "create", Group: "apps", Resource: "deployments", Namespace: b.namespace})
	return kubeconfig
}

// TestNamespaceAdmin: who administers one namespace and may look at nothing else of the cluster gets the whole of it, by flags and
// again from the answers. The issuer is read as a service account of that namespace.
func TestNamespaceAdmin(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		flavour testkit.Flavour
		join    string
		args    []string
	}{
		"static_jwks":       {testkit.SelfManaged, "static_jwks", nil},
		"oidc":              {testkit.CloudLike, "oidc", nil},
		"without an output": {testkit.SelfManaged, "static_jwks", []string{"--access", "none", "--roles", ""}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, row.flavour, teleporttest.Options{})
			b.play(t)
			kubeconfig := b.namespaceAdmin(t)
			args := append(row.args, "--kubeconfig", kubeconfig)
			got := b.run(t, b.initArgs(append(args, "--save", b.path("answers.yaml"))...)...)
			got.want(t, 0, row.join+": ", "read as a service account", "by its issuer and the thumbprints of its keys")
			for _, once := range []string{"thumbprints of its keys", "may become the bot"} {
				if strings.Count(got.stderr, once) != 1 {
					t.Errorf("%q is not said once:\n%s", once, got.stderr)
				}
			}
			b.noProbePods(t)
			b.noSecrets(t, got)

			from := []string{"--from", b.path("answers.yaml"), "--kubeconfig", kubeconfig, "--identity", b.path("admin.identity"), "--non-interactive", "--timeout", "60s"}
			b.run(t, append([]string{"diff"}, from...)...).want(t, 0)
			before := len(b.kubernetesWrites(t))
			b.run(t, append([]string{"init", "--yes"}, from...)...).want(t, 0, "nothing changed, and it works")
			if writes := b.kubernetesWrites(t); len(writes) != before {
				t.Errorf("the second run wrote to Kubernetes: %v", writes[before:])
			}
			b.run(t, append([]string{"delete", "--yes", "--purge-outputs"}, from...)...).want(t, 0)
		})
	}
}
