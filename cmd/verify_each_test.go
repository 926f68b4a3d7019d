package cmd_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	teleporttypes "github.com/gravitational/teleport/api/types"

	"github.com/tbotctl/tbotctl/internal/teleporttest"
	"github.com/tbotctl/tbotctl/internal/testkit"
)

// askedCluster is what a script reads of a cluster in `verify --each-cluster -o json`.
type askedCluster struct {
	Cluster, Output, Status, Reachable, Version, User, AnyUser, Means string
	Groups, Lists, Impersonates                                       []string
	ListsKnown                                                        bool
	Cause                                                             *verifiedCause
}

// eachCluster runs verify over the clusters of some outputs and reads its JSON.
func (b *bench) eachCluster(t *testing.T, code int, outputs string, more ...string) map[string]askedCluster {
	t.Helper()
	got := b.run(t, b.verifyArgs(append([]string{"--each-cluster", "-o", "json", "--config", b.tbotYAML(t, outputs)}, more...)...)...)
	got.want(t, code)
	b.noSecrets(t, got)
	var document struct{ Clusters []askedCluster }
	if err := json.Unmarshal([]byte(got.stdout), &document); err != nil {
		t.Fatalf("%v in %s", err, got.stdout)
	}
	clusters := map[string]askedCluster{}
	for _, c := range document.Clusters {
		clusters[c.Output+" "+c.Cluster] = c
	}
	return clusters
}

// bindGroup lets a group look around everywhere or, with a namespace, there.
func (b *bench) bindGroup(t *testing.T, namespace, role, subject string) {
	t.Helper()
	name := b.namespace + "-" + strings.NewReplacer("=", "-", "--", "").Replace(subject)
	if namespace != "" {
		b.kubectl(t, "--namespace", namespace, "create", "rolebinding", name, "--clusterrole="+role, subject)
		return
	}
	b.kubectl(t, "create", "clusterrolebinding", name, "--clusterrole="+role, subject)
	t.Cleanup(func() {
		// The test's context has ended by now.
		_, _, _ = b.plane.Kubectl(context.WithoutCancel(t.Context()), nil, "delete", "clusterrolebinding", name)
	})
}

const inMemory = "    destination: {type: memory}\n"

// live is a cluster whose API server is the bench's.
func live(t *testing.T, name string) teleporttest.KubeCluster {
	t.Helper()
	return teleporttest.KubeCluster{Name: name, Labels: map[string]string{"env": "prod"}, Upstream: testkit.Shared(t, testkit.SelfManaged).RESTConfig()}
}

// Each cluster says for itself whether it is there, whom it sees, and what it allows, by whatever credentials an output made; nothing
// stays behind in any of them.
func TestVerifyEachCluster(t *testing.T) {
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{KubeClusters: []teleporttest.KubeCluster{
		live(t, "alpha"), {Name: "gone", Labels: map[string]string{"env": "prod"}},
	}})
	group := b.namespace + "-readers"
	b.teleport.AddRole(kubeRole([]string{group}, nil))
	b.healthy(t, "--save", b.path("answers.yaml"), "--roles", "kube")
	bot := b.bot(t)
	v2 := "  - type: kubernetes/v2\n    selectors:\n      - labels: {env: prod}\n"
	// The kubeconfig of a folder names a program that only the pod has.
	folder := "    destination: {type: directory, path: /opt/machine-id}\n"

	t.Run("a group that is bound to nothing", func(t *testing.T) {
		clusters := b.eachCluster(t, 3, v2+inMemory)
		alpha, gone := clusters["kubernetes-v2-1 alpha"], clusters["kubernetes-v2-1 gone"]
		if alpha.Status != "fail" || alpha.Reachable != "yes" || alpha.Cause == nil || alpha.Cause.ID != "P25" ||
			!strings.Contains(alpha.Cause.Fix, "kubectl --context CLUSTER create clusterrolebinding "+bot+"-kubernetes --clusterrole=view --group="+group) {
			t.Errorf("alpha: %+v, %+v", alpha, alpha.Cause)
		}
		if gone.Status != "fail" || gone.Reachable != "no" || gone.Cause == nil || !strings.Contains(gone.Cause.Observed, "offline") || gone.AnyUser != "unknown" || gone.ListsKnown {
			t.Errorf("gone: %+v, %+v", gone, gone.Cause)
		}
	})

	t.Run("bound in one namespace", func(t *testing.T) {
		b.bindGroup(t, b.namespace, "view", "--group="+group)
		output := "  - type: kubernetes/v2\n    selectors:\n      - name: alpha\n        default_namespace: " + b.namespace + "\n" + folder
		alpha := b.eachCluster(t, 0, output)["kubernetes-v2-1 alpha"]
		named := b.eachCluster(t, 0, "  - type: kubernetes\n    kubernetes_cluster: alpha\n"+inMemory, "--in-namespace", b.namespace)["kubernetes-1 alpha"]
		if named.Status != "pass" || len(named.Lists) != 1 {
			t.Errorf("with --in-namespace: %+v", named)
		}
		if len(alpha.Lists) != 1 || alpha.Lists[0] != "pods in "+b.namespace || alpha.AnyUser != "no" || alpha.Means != "" {
			t.Errorf("%+v", alpha)
		}
	})

	t.Run("bound everywhere", func(t *testing.T) {
		b.bindGroup(t, "", "view", "--group="+group)
		outputs := "  - type: kubernetes/v2\n    selectors:\n      - name: alpha\n" + folder +
			"  - type: kubernetes\n    kubernetes_cluster: alpha\n" + folder +
			"  - type: kubernetes/argo-cd\n    selectors:\n      - name: alpha\n    secret_namespace: " + b.namespace + "\n"
		var clusters map[string]askedCluster
		b.leavesNothing(t, bot, func() {
			// The pod may not write Argo CD's Secret, which is another finding.
			clusters = b.eachCluster(t, 3, outputs)
		})
		for _, output := range []string{"kubernetes-v2-1", "kubernetes-1", "kubernetes-argo-cd-1"} {
			c := clusters[output+" alpha"]
			if c.Status != "pass" || c.User != "bot-"+bot || !strings.HasPrefix(c.Version, "v1.") || len(c.Lists) != 2 || !c.ListsKnown || c.AnyUser != "no" {
				t.Errorf("by %s: %+v", output, c)
			}
		}
	})

	t.Run("a bot that is cluster-admin", func(t *testing.T) {
		b.bindGroup(t, "", "cluster-admin", "--group="+b.namespace+"-admins")
		b.teleport.AddRole(kubeRole([]string{b.namespace + "-admins"}, nil))
		alpha := b.eachCluster(t, 0, "  - type: kubernetes\n    kubernetes_cluster: alpha\n"+inMemory)["kubernetes-1 alpha"]
		if len(alpha.Impersonates) != 2 || alpha.AnyUser != "no" || !strings.Contains(alpha.Means, "treat it as cluster-admin") {
			t.Errorf("%+v", alpha)
		}
	})

	t.Run("any user", func(t *testing.T) {
		b.bindGroup(t, "", "view", "--user=bot-"+bot)
		b.teleport.AddRole(kubeRole(nil, []string{"*"}))
		got := b.run(t, b.verifyArgs("--each-cluster", "--config", b.tbotYAML(t, "  - type: kubernetes\n    kubernetes_cluster: alpha\n"+inMemory))...)
		got.want(t, 0, "any user", "bot-"+bot, "treat it as", "act as user tbotctl-verify")
	})

	t.Run("several users", func(t *testing.T) {
		b.teleport.AddRole(kubeRole(nil, []string{"alice", "bob"}))
		alpha := b.eachCluster(t, 3, "  - type: kubernetes\n    kubernetes_cluster: alpha\n"+inMemory)["kubernetes-1 alpha"]
		if alpha.Reachable != "no" || alpha.Cause == nil || alpha.Cause.ID != "P26" {
			t.Errorf("%+v, %+v", alpha, alpha.Cause)
		}
	})

	t.Run("nobody to act as", func(t *testing.T) {
		b.teleport.AddRole(kubeRole(nil, nil))
		alpha := b.eachCluster(t, 3, "  - type: kubernetes\n    kubernetes_cluster: alpha\n"+inMemory)["kubernetes-1 alpha"]
		if alpha.Cause == nil || alpha.Cause.ID != "P25" || !strings.Contains(alpha.Cause.Observed, "kubernetes_groups") {
			t.Errorf("%+v, %+v", alpha, alpha.Cause)
		}
	})

	t.Run("one name for two", func(t *testing.T) {
		b.teleport.AddRole(kubeRole([]string{group}, nil))
		clusters := b.eachCluster(t, 3, v2+"    context_name_template: same\n"+inMemory)
		alpha, gone := clusters["kubernetes-v2-1 alpha"], clusters["kubernetes-v2-1 gone"]
		if alpha.Status != "unknown" || !strings.Contains(alpha.Cause.Observed, "context_name_template") || gone.Status != "fail" {
			t.Errorf("%+v %+v\n%+v", alpha, alpha.Cause, gone)
		}
	})
	b.noProbePods(t)
}

// Thirty clusters with names of all kinds stand in one table of 80 columns.
func TestVerifyThirtyClusters(t *testing.T) {
	options := teleporttest.Options{}
	// Teleport takes no other letters, and up to 255 of them.
	names := []string{"production-of-everything-that-there-is.and-more_" + strings.Repeat("x", 60), "-rf", "..", "DEV"}
	for len(names) < 30 {
		names = append(names, fmt.Sprintf("cluster-%02d", len(names)))
	}
	for _, name := range names {
		options.KubeClusters = append(options.KubeClusters, live(t, name))
	}
	b := newBench(t, testkit.SelfManaged, options)
	group := b.namespace + "-readers"
	b.teleport.AddRole(kubeRole([]string{group}, nil))
	b.bindGroup(t, "", "view", "--group="+group)
	b.healthy(t, "--save", b.path("answers.yaml"), "--roles", "kube")
	config := b.tbotYAML(t, "  - type: kubernetes/v2\n    selectors:\n      - labels: {env: prod}\n"+inMemory)
	got := b.run(t, b.verifyArgs("--each-cluster", "--config", config)...)
	got.want(t, 0, "CLUSTER", "IMPERSONATE", "PROVEN")
	b.noSecrets(t, got)
	for _, name := range names {
		if !strings.Contains(got.stdout, " "+name[:min(len(name), 60)]) {
			t.Errorf("%s is not in the table:\n%s", name, got.stdout)
		}
	}
	if n := strings.Count(got.stdout, "namespaces, pods"); n != 30 {
		t.Errorf("%d rows, want 30:\n%s", n, got.stdout)
	}
	_, table, _ := strings.Cut(got.stdout, "CLUSTER ")
	for line := range strings.Lines(table) {
		if len([]rune(strings.TrimRight(line, "\n"))) > 80 {
			t.Errorf("wider than 80 columns: %q", line)
		}
	}
}

// The role that this program makes for reading, on a server with rules for every kind, answers all that matters: what Teleport keeps
// from the bot hides no binding that is missing.
func TestVerifyEachClusterReader(t *testing.T) {
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{Version: "18.2.0", KubeClusters: []teleporttest.KubeCluster{live(t, "alpha")}})
	group := b.namespace + "-readers"
	role := kubeRole([]string{group}, nil)
	role.Version = teleporttypes.V8
	role.Spec.Allow.KubernetesResources = []teleporttypes.KubernetesResource{
		{Kind: "*", APIGroup: "*", Namespace: "*", Name: "*", Verbs: []string{"get", "list", "watch"}},
	}
	b.teleport.AddRole(role)
	b.healthy(t, "--save", b.path("answers.yaml"), "--roles", "kube")
	output := "  - type: kubernetes/v2\n    selectors:\n      - name: alpha\n" + inMemory
	if alpha := b.eachCluster(t, 3, output)["kubernetes-v2-1 alpha"]; alpha.Cause == nil || alpha.Cause.ID != "P25" || alpha.Reachable != "yes" {
		t.Errorf("unbound: %+v, %+v", alpha, alpha.Cause)
	}
	b.bindGroup(t, "", "view", "--group="+group)
	if alpha := b.eachCluster(t, 0, output)["kubernetes-v2-1 alpha"]; len(alpha.Lists) != 2 || alpha.AnyUser != "no" {
		t.Errorf("bound: %+v", alpha)
	}
}

// Where a load balancer ends TLS nobody gets through with a certificate; that is said, and no verdict made of it.
func TestVerifyEachClusterBehindLoadBalancer(t *testing.T) {
	options := teleporttest.Options{KubeClusters: []teleporttest.KubeCluster{live(t, "alpha")}}
	b := newBench(t, testkit.SelfManaged, options)
	role := kubeRole([]string{"readers"}, nil)
	b.teleport.AddRole(role)
	b.healthy(t, "--save", b.path("answers.yaml"), "--roles", "kube")
	// The same bot and token in a cluster behind one: the login that init needs is not what this is about.
	options.BehindL7LB = true
	behind := newBench(t, testkit.SelfManaged, options)
	bot, _ := b.teleport.Bot(b.bot(t))
	token, _ := b.teleport.Token(b.bot(t))
	behind.teleport.AddRole(role)
	behind.teleport.PutBot(bot)
	behind.teleport.PutToken(token)
	config := b.tbotYAML(t, "  - type: kubernetes/v2\n    selectors:\n      - name: alpha\n"+inMemory)
	b.write(t, "behind.yaml", []byte(strings.ReplaceAll(b.read(t, config), b.teleport.Addr(), behind.teleport.Addr())))
	got := b.run(t, b.verifyArgs("--each-cluster", "--config", b.path("behind.yaml"), "--proxy-ca", behind.path("web-ca.pem"), "--identity", b.path("none"))...)
	got.want(t, 5, "UNSURE", "? alpha", "a load balancer in front of", "tbot proxy kube",
		"! note ")
}

// A server in trouble proves nothing against the bot.
func TestVerifyEachClusterTrouble(t *testing.T) {
	broken := false
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{
		KubeClusters: []teleporttest.KubeCluster{live(t, "alpha")},
		Before: func(_ context.Context, r teleporttest.Request) error {
			if broken && r.Protocol == "kube" {
				return errors.New("the backend is not available")
			}
			return nil
		},
	})
	b.teleport.AddRole(kubeRole([]string{"readers"}, nil))
	b.healthy(t, "--save", b.path("answers.yaml"), "--roles", "kube")
	broken = true
	alpha := b.eachCluster(t, 5, "  - type: kubernetes\n    kubernetes_cluster: alpha\n"+inMemory)["kubernetes-1 alpha"]
	if alpha.Status != "unknown" || alpha.Reachable != "unknown" || !strings.Contains(alpha.Cause.Observed, "backend") {
		t.Errorf("%+v, %+v", alpha, alpha.Cause)
	}
}

func TestVerifyEachClusterUsage(t *testing.T) {
	for _, args := range [][]string{{"--evidence"}, {"--runtime", "binary"}, {"--runtime", "pod"}, {"--lint", "--config", "x"}, {"--in-namespace", "../x"}, {"--in-namespace", "a,,b"}} {
		got := runWith(t, noClusters(t), "", append([]string{"verify", "--each-cluster", "--non-interactive", "--context", "c"}, args...)...)
		if got.code != 2 || !strings.Contains(got.stderr, "--each-cluster") && !strings.Contains(got.stderr, "--in-namespace") {
			t.Errorf("verify --each-cluster %v: exit code %d\n%s", args, got.code, got.stderr)
		}
	}
	runWith(t, noClusters(t), "", "verify", "--in-namespace", "apps", "--non-interactive", "--context", "c").want(t, 2, "goes with --each-cluster")
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
	b.healthy(t, "--save", b.path("answers.yaml"))
	b.run(t, b.verifyArgs("--each-cluster")...).want(t, 2, "no output of ConfigMap")
}
