package cmd_test

import (
	"strings"
	"testing"

	"github.com/tbotctl/tbotctl/internal/teleporttest"
	"github.com/tbotctl/tbotctl/internal/testkit"
)

// TestRenderIsTaken holds that what render prints is taken as it stands: its Kubernetes side by the real API server from kubectl,
// its Teleport side by the Auth Service, so that a later init finds all of it as it would have made it.
func TestRenderIsTaken(t *testing.T) {
	t.Parallel()
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
	saved := b.path("answers.yaml")
	// A plan that is declined leaves nothing but the answers.
	asked := b.initArgs("--save", saved, "--no-wait", "--prove", "never")
	b.run(t, asked...).want(t, 0)
	for _, kind := range []string{"deployment,configmap,rolebinding,role", "serviceaccount/tbot"} {
		args := []string{"--namespace", b.namespace, "delete", kind}
		if !strings.Contains(kind, "/") {
			args = append(args, "--selector", "app.kubernetes.io/managed-by=tbotctl")
		}
		if _, stderr, err := b.plane.Kubectl(t.Context(), nil, args...); err != nil {
			t.Fatal(stderr)
		}
	}

	kubernetes := runWith(t, noClusters(t), "", "render", "--from", saved, "--side", "kubernetes")
	kubernetes.want(t, 0, "kind: Deployment")
	if strings.Contains(kubernetes.stdout, "kind: token") {
		t.Error("the Kubernetes side holds the join token")
	}
	if _, stderr, err := b.plane.Kubectl(t.Context(), reader(kubernetes.stdout), "apply", "--server-side", "-f", "-"); err != nil {
		t.Fatal(stderr)
	}
	teleport := runWith(t, noClusters(t), "", "render", "--from", saved, "--side", "teleport")
	teleport.want(t, 0, "kind: bot", "kind: token")
	if strings.Contains(teleport.stdout, "apiVersion") {
		t.Error("the Teleport side holds a Kubernetes object")
	}
	// Once more over what is there, as a pipeline does.
	if _, stderr, err := b.plane.Kubectl(t.Context(), reader(kubernetes.stdout), "apply", "--server-side", "-f", "-"); err != nil {
		t.Fatal(stderr)
	}
	b.teleport.DeleteBot(b.bot(t))
	create(t, b.teleport, teleport.stdout)
	again := b.run(
		t, "init", "--non-interactive", "--yes", "--from", saved, "--kubeconfig", b.plane.KubeconfigFile(), "--identity", b.path("admin.identity"),
		"--no-wait", "-o", "json",
	)
	again.want(t, 0)
	for _, resource := range again.document(t).Resources {
		if resource.Action != "same" {
			t.Errorf("%s %s: %s after kubectl and tctl made it", resource.Kind, resource.Name, resource.Action)
		}
	}
}

// bot is the name that init gives the bench's bot.
func (b *bench) bot(t *testing.T) string {
	t.Helper()
	for _, request := range strings.Split(b.read(t, b.path("answers.yaml")), "\n") {
		if name, found := strings.CutPrefix(strings.TrimSpace(request), "botName: "); found {
			return name
		}
	}
	t.Fatal("the answers name no bot")
	return ""
}

func TestRenderFromFlagsAlone(t *testing.T) {
	t.Parallel()
	args := []string{
		"render", "--namespace", "machines", "--proxy", "example.teleport.sh:443", "--roles", "access", "--cluster-name", "example.teleport.sh",
		"--bot-name", "b", "--token-name", "t", "--tbot-version", "18.2.0", "--join-type", "oidc", "--issuer", "https://oidc.example.com/id/A/",
	}
	first, second := runWith(t, noClusters(t), "", args...), runWith(t, noClusters(t), "", args...)
	first.want(t, 0, `issuer: "https://oidc.example.com/id/A/"`, `audience: "example.teleport.sh"`, "tbot-distroless:18.2.0")
	if first.stdout != second.stdout {
		t.Error("the same flags rendered to other bytes")
	}
}
