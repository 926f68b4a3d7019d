package cmd_test

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gravitational/teleport/api/types"

	"github.com/tbotctl/tbotctl/cmd"
	"github.com/tbotctl/tbotctl/internal/teleporttest"
	"github.com/tbotctl/tbotctl/internal/testkit"
	"github.com/tbotctl/tbotctl/internal/testkit/lab"
)

// hands has the Kubernetes side fail for want of the other one, has that grant the request, and has the first go on to its end.
func (b *bench) hands(t *testing.T, initArgs []string) (request string) {
	t.Helper()
	initArgs = append(slices.Clone(initArgs), "--yes", "--request", b.path("req.yaml"))
	b.asKubernetes(t, initArgs...).want(t, 3, "tbotctl init --side teleport --from req.yaml")
	b.noAdminAtTeleport(t)
	b.asTeleport(t, b.teleportArgs("init", "--yes")...).want(t, 0)
	b.teleport.Reset()
	b.asKubernetes(t, initArgs...).want(t, 0, "Proof:")
	b.noAdminAtTeleport(t)
	b.asTeleport(t, b.teleportArgs("diff")...).want(t, 0)
	return b.read(t, b.path("req.yaml"))
}

// TestHandOffAgent hands off what an agent joins with: the request names its system roles and nothing of what it serves.
func TestHandOffAgent(t *testing.T) {
	t.Parallel()
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
	request := b.hands(t, b.kubernetesArgs("init", "--workload", "agent", "--agent-roles", "App,Kube", "--agent-kube-name", "prod",
		"--agent-app", "shop=http://shop.svc:80", "--agent-values", b.path("values.yaml")))
	if strings.Contains(request, "shop") || !strings.Contains(request, "- Kube") {
		t.Errorf("the request is\n%s", request)
	}
	gone := b.asTeleport(t, b.teleportArgs("delete", "--yes")...)
	gone.want(t, 0, "Removed 1 resource")
	b.asKubernetes(t, b.kubernetesArgs("delete", "--yes", "--from", b.path("req.yaml"))...).want(t, 0, "Removed 2 resources", "tctl rm token/")
}

// TestHandOffTakesLong waits for longer than one token lives: it is made anew, and nothing of it is left behind.
func TestHandOffTakesLong(t *testing.T) {
	t.Parallel()
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
	args := b.kubernetesArgs("init", "--yes", "--roles", "access", "--request", b.path("req.yaml"), "--wait-teleport", "6s")
	got := runWith(t, func(f *cmd.Factory) {
		f.Issuer, f.OneToken = lab.Fetcher(b.plane), time.Second
	}, "", args...)
	got.want(t, 3, "waiting for the Teleport side")
	pods := slices.DeleteFunc(b.kubernetesWrites(t), func(write string) bool { return !strings.HasPrefix(write, "create pods") })
	if len(pods) < 2 {
		t.Errorf("made %v, want a pod for each token", pods)
	}
	b.noProbePods(t)
}

// TestHandOffKubernetes hands off access to clusters: whoever sees them in Teleport makes the role of their labels, which the other
// person cannot look up.
func TestHandOffKubernetes(t *testing.T) {
	t.Parallel()
	b, target := newReachBench(t, teleporttest.Options{})
	target.Namespace(t)
	b.play(t)
	b.node(t)
	args := b.kubernetesArgs("init", "--access", "kubernetes", "--kube-cluster", "alpha", "--kube-groups", b.namespace+"-readers", "--target-namespace", "default",
		"--save", b.path("answers.yaml"))
	b.hands(t, args)
	bot := b.bot(t)
	role := b.role(t, bot+"-kubernetes")
	if role == nil || !slices.Equal(role.GetKubernetesLabels(types.Allow)["env"], []string{"prod"}) {
		t.Errorf("role %v", role)
	}
	b.asTeleport(t, b.teleportArgs("delete", "--yes")...).want(t, 0, "Removed 3 resources")
	if b.role(t, bot+"-kubernetes") != nil {
		t.Error("the role stayed")
	}
}

// TestHandOffReviewed hands off a join that the Auth Service's own cluster reviews: the request names no keys that Teleport goes by.
func TestHandOffReviewed(t *testing.T) {
	t.Parallel()
	b := newBenchReviewed(t, testkit.SelfManaged)
	b.play(t)
	b.hands(t, b.kubernetesArgs("init", "--roles", "access", "--join-type", "in_cluster"))
	b.noProbePods(t)
}

// TestHandOffFiles renders a request for tctl: the same resources that the run for the Teleport side makes.
func TestHandOffFiles(t *testing.T) {
	t.Parallel()
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
	b.play(t)
	dir := filepath.Join(t.TempDir(), "out")
	b.asKubernetes(t, b.kubernetesArgs("init", "--roles", "access", "--request", b.path("req.yaml"), "--out-dir", dir)...).want(t, 0, "kubectl")
	if found, err := filepath.Glob(filepath.Join(dir, "teleport", "*")); err != nil || len(found) > 0 {
		t.Errorf("the other side's files: %v, %v", found, err)
	}
	b.nothingWritten(t)
	rendered := runWith(t, noClusters(t), "", "render", "--side", "teleport", "--from", b.path("req.yaml"))
	rendered.want(t, 0, "kind: bot", "kind: token")
	runWith(t, noClusters(t), "", "render", "--from", b.path("req.yaml")).want(t, 2, "print that with --side teleport")
	if err := b.make([]byte(rendered.stdout)); err != nil {
		t.Fatal(err)
	}
	b.asTeleport(t, b.teleportArgs("diff")...).want(t, 0)
	b.asKubernetes(t, b.kubernetesArgs("init", "--yes", "--roles", "access")...).want(t, 0, "Proof:")

	// Answers that were saved do for the other side as well as a request.
	b.asKubernetes(t, b.kubernetesArgs("init", "--yes", "--roles", "access", "--save", b.path("answers.yaml"))...).want(t, 0)
	b.asTeleport(t, b.teleportArgs("diff", "--from", b.path("answers.yaml"))...).want(t, 0)
}

// TestHandOffTouch has administrators confirm by a hardware key: tctl writes for whoever is at a terminal, and elsewhere a file is left.
func TestHandOffTouch(t *testing.T) {
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{AdminMFA: true})
	b.play(t)
	b.requests(t)
	stub := b.stubTctl(t, false)
	args := []string{"init", "--side", "teleport", "--yes", "--from", b.path("req.yaml"), "--identity", b.path("admin.identity")}
	b.atTerminal(t, stub, args...).want(t, 0, "will ask for one touch", "tctl says:")
	if len(stub.given()) != 1 {
		t.Errorf("tctl was called %d times", len(stub.given()))
	}
	b.asKubernetes(t, b.kubernetesArgs("init", "--yes", "--roles", "access")...).want(t, 0, "Proof:")

	other := newBench(t, testkit.SelfManaged, teleporttest.Options{AdminMFA: true})
	other.requests(t)
	t.Chdir(t.TempDir())
	got := other.asTeleport(t, other.teleportArgs("init", "--yes", "-o", "json")...)
	got.want(t, 3, "without a terminal nobody can be asked for it")
	var document struct{ Next []string }
	if err := json.Unmarshal([]byte(got.stdout), &document); err != nil || len(document.Next) != 1 || !strings.HasPrefix(document.Next[0], "tctl create -f ./tbotctl-tbot-") {
		t.Errorf("next is %v, %v", document.Next, err)
	}
}
