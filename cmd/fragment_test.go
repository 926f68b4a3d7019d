package cmd_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tbotctl/tbotctl/internal/teleporttest"
	"github.com/tbotctl/tbotctl/internal/testkit"
)

// TestFragment adds a second output to tbot.yaml: its Secret is in the Role, the proof makes it, and the answers carry it on.
func TestFragment(t *testing.T) {
	t.Parallel()
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
	b.write(t, "more.yaml", []byte("renewal_interval: 10m\noutputs:\n  - {type: identity, name: second, destination: {type: kubernetes_secret, name: more}}\n"))
	args := []string{"--tbot-config", b.path("more.yaml"), "--no-wait", "--save", b.path("answers.yaml")}
	got := b.run(t, b.initArgs(args...)...)
	got.want(t, 0, "join: proven", "to Secret more", "to Secret tbot-output")

	role, err := b.plane.Client().RbacV1().Roles(b.namespace).Get(t.Context(), "tbot-output", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if names := role.Rules[0].ResourceNames; !slices.Equal(names, []string{"tbot-output", "more"}) {
		t.Errorf("the Role names %v", names)
	}
	config, err := b.plane.Client().CoreV1().ConfigMaps(b.namespace).Get(t.Context(), "tbot-config", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if text := config.Data["tbot.yaml"]; !strings.Contains(text, "name: second") || !strings.Contains(text, "renewal_interval: 10m") {
		t.Errorf("tbot.yaml:\n%s", text)
	}

	if err := os.Remove(b.path("more.yaml")); err != nil {
		t.Fatal(err)
	}
	b.run(t, "diff", "--from", b.path("answers.yaml"), "--non-interactive", "--kubeconfig", b.plane.KubeconfigFile(), "--identity", b.path("admin.identity")).want(t, 0)

	b.write(t, "wrong.yaml", []byte("outputs:\n  - {type: identity, destination: {type: kubernetes_secret, name: a, namespace: elsewhere}}\n"))
	b.run(t, b.initArgs("--tbot-config", b.path("wrong.yaml"))...).want(t, 2, "--tbot-config: line 2: outputs[0]", `into namespace "elsewhere"`)
}
