package cmd_test

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tbotctl/tbotctl/cmd"
	"github.com/tbotctl/tbotctl/internal/teleporttest"
	"github.com/tbotctl/tbotctl/internal/testkit"
)

// TestReviewNamesThisCluster holds that the page is of the manifests that render prints, that it names who can become the bot in the
// cluster of --context, groups and service accounts too, and that a look that is forbidden is unknown.
func TestReviewNamesThisCluster(t *testing.T) {
	t.Parallel()
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
	answers := b.path("answers.yaml")
	b.run(t, b.initArgs("--no-wait", "--prove", "never", "--save", answers)...).want(t, 0)

	rendered := runWith(t, noClusters(t), "", "render", "--from", answers)
	page := runWith(t, noClusters(t), "", "render", "--from", answers, "--review")
	page.want(t, 0, fmt.Sprintf("%x", sha256.Sum256([]byte(rendered.stdout))), "tbotctl render --from "+answers+" | sha256sum",
		"tbotctl permissions init --from "+answers+" --as-yaml", "Who that is today was not looked up")
	b.noSecrets(t, page)
	if again := runWith(t, noClusters(t), "", "render", "--from", answers, "--review"); again.stdout != page.stdout {
		t.Error("the same answers gave another page")
	}

	devs, deployer := "devs-"+b.namespace, "deployer"
	for name, subject := range map[string]rbacv1.Subject{
		"to-devs":     {APIGroup: rbacv1.GroupName, Kind: rbacv1.GroupKind, Name: devs},
		"to-deployer": {Kind: rbacv1.ServiceAccountKind, Name: deployer, Namespace: "ci"},
	} {
		binding := &rbacv1.RoleBinding{
			ObjectMeta: metav1.ObjectMeta{Name: name}, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "edit"},
			Subjects: []rbacv1.Subject{subject},
		}
		if _, err := b.plane.Client().RbacV1().RoleBindings(b.namespace).Create(t.Context(), binding, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	named := []string{"render", "--from", answers, "--review", "--context", b.plane.Flavour().String()}
	page = b.run(t, append(named, "--kubeconfig", b.plane.KubeconfigFile())...)
	page.want(t, 0)
	text := strings.Join(strings.Fields(page.stdout), " ")
	for _, part := range []string{
		"- `group " + devs + "`: may make pods there and mint the account's tokens; by `RoleBinding to-devs`",
		"- `service account ci/deployer`: may make pods there and mint the account's tokens; by `RoleBinding to-deployer`",
	} {
		if !strings.Contains(text, part) {
			t.Errorf("the page lacks %q:\n%s", part, page.stdout)
		}
	}
	// The cluster's identity may be seen and its bindings not: the page stands, and says what is unknown.
	viewer := b.userWith(t, "reviewer-"+b.namespace, rightsToIdentify())
	b.run(t, append(named, "--kubeconfig", viewer)...).want(t, 5, "**Not known** is who that is today", "## Signed", "the page does not say who can become the bot today")

	other := testkit.Shared(t, testkit.CloudLike)
	b.run(t, "render", "--from", answers, "--review", "--context", other.Flavour().String(), "--kubeconfig", other.KubeconfigFile()).
		want(t, 3, "leads to another; nobody was looked up")
}

// rightsToIdentify tell the cluster by its UID.
func rightsToIdentify() []right {
	identify := rightOn("", "namespaces", "kube-system", "get")
	identify[0].everywhere = true
	return identify
}

// TestReviewAsksWhereItIsTold holds that only --review asks a cluster, and only one that is named.
func TestReviewAsksWhereItIsTold(t *testing.T) {
	t.Parallel()
	flags := []string{
		"render", "--namespace", "machines", "--proxy", "example.teleport.sh:443", "--roles", "access", "--cluster-name", "example.teleport.sh",
		"--bot-name", "b", "--token-name", "t", "--tbot-version", "18.2.0", "--join-type", "oidc", "--issuer", "https://oidc.example.com/id/A",
	}
	for name, row := range map[string]struct {
		more []string
		code int
		says string
	}{
		"a context without a page":       {[]string{"--context", "prod"}, 2, "--context goes with --review"},
		"a kubeconfig without a page":    {[]string{"--kubeconfig", "/none"}, 2, "--kubeconfig goes with --review"},
		"a kubeconfig without a context": {[]string{"--review", "--kubeconfig", "/none"}, 2, "--kubeconfig goes with --context"},
		"a page of Helm's values":        {[]string{"--review", "--values", "--workload", "agent"}, 2, "give one of them"},
		"a page from flags alone":        {[]string{"--review"}, 0, "tbotctl permissions init --namespace machines --proxy example.teleport.sh:443 --cluster-name"},
		"one side's page":                {[]string{"--review", "--side", "teleport"}, 0, "token `t`, in Teleport"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			runWith(t, noClusters(t), "", append(flags, row.more...)...).want(t, row.code, row.says)
		})
	}
	t.Run("the environment is for others", func(t *testing.T) {
		t.Parallel()
		got := runWith(t, func(f *cmd.Factory) {
			noClusters(t)(f)
			f.LookupEnv = func(name string) (string, bool) {
				return "prod", name == "TBOTCTL_CONTEXT" || name == "TBOTCTL_KUBECONFIG"
			}
		}, "", flags...)
		got.want(t, 0, "kind: Deployment")
	})
}
