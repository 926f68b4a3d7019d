package cmd_test

import (
	"context"
	"errors"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gravitational/teleport/api/client"
	"github.com/gravitational/teleport/api/types"
	"github.com/gravitational/trace"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tbotctl/tbotctl/internal/teleporttest"
	"github.com/tbotctl/tbotctl/internal/testkit"
)

// newReachBench is a bench whose Teleport cluster has two Kubernetes clusters enrolled; alpha is a control plane of its own.
func newReachBench(t *testing.T, options teleporttest.Options) (b *bench, target *testkit.ControlPlane) {
	t.Helper()
	target = testkit.Shared(t, testkit.CloudLike)
	options.KubeClusters = []teleporttest.KubeCluster{
		{Name: "alpha", Labels: map[string]string{"env": "prod"}, Upstream: target.RESTConfig()}, {Name: "beta", Labels: map[string]string{"env": "dev"}},
	}
	return newBench(t, testkit.SelfManaged, options), target
}

func (b *bench) reachArgs(more ...string) []string {
	args := b.initArgs("--access", "kubernetes", "--save", b.path("answers.yaml"))
	i := slices.Index(args, "--roles")
	return append(slices.Delete(args, i, i+2), more...)
}

// role is what Teleport holds under a name; nil where that is nothing.
func (b *bench) role(t *testing.T, name string) types.Role {
	t.Helper()
	admin, err := client.New(t.Context(), client.Config{
		Addrs: []string{b.teleport.Addr()}, Credentials: []client.Credentials{client.LoadIdentityFile(b.path("admin.identity"))},
		ALPNSNIAuthDialClusterName: b.teleport.ClusterName(), DialInBackground: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = admin.Close() }()
	role, err := admin.GetRole(t.Context(), name)
	if trace.IsNotFound(err) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	return role
}

// TestGuideKubernetesAccess reaches the end of Teleport's guide for Kubernetes access by one command and the binding that it prints: a
// kubeconfig in a Secret with which kubectl reads in the target cluster. Its traps: the role is v8 and not v6 with kind * (16, 18), the
// output goes to a Secret without an exec plugin and not to a directory (17), and the group is bound to view and not to edit (19).
func TestGuideKubernetesAccess(t *testing.T) {
	b, target := newReachBench(t, teleporttest.Options{})
	namespace := target.Namespace(t)
	b.node(t)
	b.play(t)
	got := b.run(t, b.reachArgs("--kube-labels", "env=prod", "--kube-groups", b.namespace+"-readers", "-o", "json")...)
	got.want(t, 0)
	b.noSecrets(t, got)
	bot := b.bot(t)
	made := b.role(t, bot+"-kubernetes")
	if made == nil {
		t.Fatal("Teleport has no role " + bot + "-kubernetes")
	}
	if made.GetVersion() != types.V8 || !slices.Equal(made.GetKubeGroups(types.Allow), []string{b.namespace + "-readers"}) {
		t.Errorf("the role is %s for groups %v", made.GetVersion(), made.GetKubeGroups(types.Allow))
	}
	stored, _ := b.teleport.Bot(bot)
	if !slices.Equal(stored.GetSpec().GetRoles(), []string{bot + "-kubernetes"}) {
		t.Errorf("the bot has the roles %v", stored.GetSpec().GetRoles())
	}
	document := got.document(t)
	i := slices.IndexFunc(document.Next, func(line string) bool { return strings.Contains(line, "create clusterrolebinding") })
	if i < 0 || !strings.Contains(document.Next[i], "--clusterrole=view") {
		t.Fatalf("no binding among %q", document.Next)
	}
	kubeconfig := b.kubeconfigOfSecret(t, "tbot-output")
	if strings.Contains(string(kubeconfig), "exec:") {
		t.Error("the kubeconfig calls a program that the consumer's image does not have")
	}
	b.write(t, "bot.kubeconfig", kubeconfig)
	reads := func(ctx context.Context) error {
		assets, err := testkit.AssetsDir(ctx)
		if err != nil {
			return err
		}
		said, err := exec.CommandContext(ctx, filepath.Join(assets, "kubectl"), "--kubeconfig", b.path("bot.kubeconfig"), "--namespace", namespace, "get", "configmaps").CombinedOutput()
		if err != nil {
			return errors.New(string(said))
		}
		return nil
	}
	if reads(t.Context()) == nil {
		t.Error("the bot reads the target cluster before anybody has bound its group")
	}
	words := strings.Fields(strings.Replace(document.Next[i], "kubectl --context CLUSTER ", "", 1))
	if _, said, err := target.Kubectl(t.Context(), nil, words...); err != nil {
		t.Fatalf("%s: %v: %s", document.Next[i], err, said)
	}
	t.Cleanup(func() {
		_, _, _ = target.Kubectl(context.Background(), nil, "delete", "clusterrolebinding", bot+"-kubernetes")
	})
	testkit.Eventually(t, "the binding to be seen", reads)
	b.run(t, b.verifyArgs()...).want(t, 0, "kubernetes-v2-1 to Secret tbot-output", "alpha", "groups "+b.namespace+"-readers")
	b.run(t, b.reachArgs("--from", b.path("answers.yaml"), "--kube-labels", "env=prod", "--kube-groups", b.namespace+"-readers")...).want(t, 0, "evidence")
}

func TestAccessKubernetesBadInput(t *testing.T) {
	b, _ := newReachBench(t, teleporttest.Options{})
	for name, row := range map[string]struct {
		args []string
		code int
		says []string
	}{
		"a cluster that Teleport does not know": {[]string{"--kube-cluster", "gamma", "--kube-groups", "readers"}, 3, []string{"TBC313", `no cluster "gamma"`, "alpha, beta"}},
		"labels that match nothing":             {[]string{"--kube-labels", "env=staging", "--kube-groups", "readers"}, 3, []string{"TBC313", "env=staging"}},
		"no cluster":                            {[]string{"--kube-groups", "readers"}, 2, []string{"--kube-cluster"}},
		"nobody to act as":                      {[]string{"--kube-cluster", "alpha"}, 2, []string{"--kube-groups"}},
		"a namespace for nobody yet":            {[]string{"--kube-cluster", "alpha", "--target-namespace", "apps"}, 2, []string{"--kube-groups or --kube-users or --roles"}},
		"a namespace for nobody":                {[]string{"--kube-cluster", "alpha", "--target-namespace", "apps", "--roles", "access"}, 2, []string{"--target-namespace: given, but neither"}},
		"a context for another access":          {[]string{"--access", "identity", "--target-context", "prod", "--roles", "access"}, 2, []string{"--target-context", "--access identity"}},
		"system:masters":                        {[]string{"--kube-cluster", "alpha", "--kube-groups", "system:masters"}, 2, []string{"--kube-groups", "system:masters"}},
		"another access":                        {[]string{"--access", "identity", "--kube-cluster", "alpha", "--roles", "access"}, 2, []string{"--kube-cluster", "--access identity"}},
	} {
		t.Run(name, func(t *testing.T) {
			b.run(t, b.reachArgs(row.args...)...).want(t, row.code, row.says...)
			b.nothingWritten(t)
		})
	}
}

// A role of that name that somebody else made is shown with what differs, and never written over.
func TestAccessKubernetesForeignRole(t *testing.T) {
	b, _ := newReachBench(t, teleporttest.Options{})
	foreign, err := types.NewRole("robot-kubernetes", types.RoleSpecV6{Allow: types.RoleConditions{KubeGroups: []string{"others"}}})
	if err != nil {
		t.Fatal(err)
	}
	b.teleport.AddRole(foreign)
	b.run(t, b.reachArgs("--bot-name", "robot", "--kube-cluster", "alpha", "--kube-groups", "readers")...).want(t, 3, "role robot-kubernetes", "others", "nothing was applied")
	if held := b.role(t, "robot-kubernetes"); !slices.Equal(held.GetKubeGroups(types.Allow), []string{"others"}) {
		t.Errorf("the role was written over: %v", held.GetKubeGroups(types.Allow))
	}
}

// A bot that has roles already keeps them.
func TestAccessKubernetesKeepsRoles(t *testing.T) {
	b, _ := newReachBench(t, teleporttest.Options{})
	b.run(t, b.initArgs("--no-wait", "--save", b.path("answers.yaml"))...).want(t, 0)
	b.run(t, b.reachArgs("--no-wait", "--kube-cluster", "alpha", "--kube-groups", "readers")...).want(t, 0, "keeps them")
	stored, _ := b.teleport.Bot(b.bot(t))
	if roles := stored.GetSpec().GetRoles(); !slices.Contains(roles, "access") || len(roles) != 2 {
		t.Errorf("the bot has the roles %v", roles)
	}
	b.run(t, b.deleteArgs()...).want(t, 0, "role "+b.bot(t)+"-kubernetes")
	if b.role(t, b.bot(t)+"-kubernetes") != nil {
		t.Error("the role is left behind")
	}
}

// Servers before 17.2.7 have one output a cluster and roles of version v7.
func TestAccessKubernetesOldServer(t *testing.T) {
	b, _ := newReachBench(t, teleporttest.Options{Version: "16.4.0"})
	b.run(t, b.reachArgs("--no-wait", "--kube-cluster", "alpha", "--kube-groups", "readers")...).want(t, 0)
	if made := b.role(t, b.bot(t)+"-kubernetes"); made == nil || made.GetVersion() != types.V7 {
		t.Errorf("the role is %v", made)
	}
	config, err := b.plane.Client().CoreV1().ConfigMaps(b.namespace).Get(t.Context(), "tbot-config", metav1.GetOptions{})
	if err != nil || !strings.Contains(config.Data["tbot.yaml"], "kubernetes_cluster: alpha") {
		t.Errorf("%v: %v", err, config.Data)
	}
	b.run(t, b.reachArgs("--no-wait", "--kube-labels", "env=prod", "--kube-groups", "readers")...).want(t, 2, "--kube-labels", "16.4.0")
}

// kubeconfigOfSecret is what a consumer mounts.
func (b *bench) kubeconfigOfSecret(t *testing.T, name string) []byte {
	t.Helper()
	secret, err := b.plane.Client().CoreV1().Secrets(b.namespace).Get(t.Context(), name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return secret.Data["kubeconfig.yaml"]
}
