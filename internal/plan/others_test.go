package plan_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gravitational/teleport/api/types"
	apiutils "github.com/gravitational/teleport/api/utils"

	"github.com/tbotctl/tbotctl/internal/kube"
	"github.com/tbotctl/tbotctl/internal/plan"
	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/internal/testkit"
)

// A field that somebody set by hand is theirs: it is a conflict with their name, and won only where that is allowed.
func TestFieldOfAnotherManager(t *testing.T) {
	t.Parallel()
	b := newBench(t, "18.2.0")
	b.apply(t, b.setup())
	b.kubectl(t, "patch", "configmap", "tbot-config", "-p", `{"data":{"tbot.yaml":"version: v1"}}`)
	computed := b.compute(t, b.setup())
	held := item(t, computed, "ConfigMap")
	if held.Action != plan.Conflict || held.Reason != plan.HeldFields || !strings.Contains(held.Owner, `conflict with "kubectl-patch"`) || !strings.Contains(held.Owner, "tbot.yaml") {
		t.Errorf("item %+v, want a conflict that names manager and field", held)
	}
	if left := item(t, computed.Allow(true, false), "ConfigMap"); left.Action != plan.Conflict {
		t.Errorf("taking over foreign objects won a held field: %s", left.Action)
	}
	if won := item(t, computed.Allow(false, true), "ConfigMap"); won.Action != plan.Update || !won.Force {
		t.Errorf("forcing conflicts gave %s, force %v", won.Action, won.Force)
	}

	// What others added beside ours is neither a conflict nor a change.
	b = newBench(t, "18.2.0")
	b.apply(t, b.setup())
	b.kubectl(t, "annotate", "deployment", "tbot", "example.com/owner=ann")
	b.kubectl(t, "label", "serviceaccount", "tbot", "team=platform")
	wantActions(t, b.compute(t, b.setup()), every(plan.Same))
}

func TestConflicts(t *testing.T) {
	t.Parallel()
	b := newBench(t, "18.2.0")
	theirs := b.setup()
	theirs.Name, theirs.Teleport.BotName, theirs.Teleport.TokenName = "other", "shared", "shared"
	b.apply(t, theirs)
	b.kubectl(t, "create", "configmap", "tbot-config", "--from-literal=tbot.yaml=version: v2")
	b.kubectl(t, "create", "deployment", "tbot", "--image=registry.example.com/web:1.2.3")

	ours := b.setup()
	ours.Kubernetes.ServiceAccount = "other"
	ours.Teleport.BotName, ours.Teleport.TokenName = "shared", "shared"
	got := b.compute(t, ours)
	wantActions(t, got, with(every(plan.Create), plan.Conflict, "ServiceAccount", "bot", "token", "ConfigMap", "Deployment"))
	conflicts := got.Conflicts()
	if len(conflicts) != 5 || !got.Changed() {
		t.Errorf("conflicts %v", conflicts)
	}
	madeForOther := `made by tbotctl for "1a2b3c4d/lab.example.com/` + b.namespace + `/other"`
	for kind, owner := range map[string]string{
		"ServiceAccount": madeForOther, "bot": madeForOther, "token": madeForOther,
		"ConfigMap": "not made by tbotctl", "Deployment": "not made by tbotctl",
	} {
		if found := item(t, got, kind); found.Owner != owner {
			t.Errorf("%s: owner %q, want %q", kind, found.Owner, owner)
		}
	}
	wantFields(t, paths(item(t, got, "ConfigMap")), "data.tbot.yaml", "metadata.annotations.tbotctl.dev/install")
	deployment := paths(item(t, got, "Deployment"))
	wantFields(t, deployment, "spec.template.spec.containers[0].image", "spec.selector.matchLabels.app.kubernetes.io/name")
	for _, path := range deployment {
		if strings.Contains(path, "terminationMessagePath") || strings.Contains(path, "imagePullPolicy") || strings.HasPrefix(path, "status") {
			t.Errorf("%s is what the server filled in, not what we would change", path)
		}
	}
}

func wantFields(t *testing.T, got []string, want ...string) {
	t.Helper()
	for _, path := range want {
		if !slices.Contains(got, path) {
			t.Errorf("the changes %v lack %s", got, path)
		}
	}
}

func TestNamespace(t *testing.T) {
	t.Parallel()
	b := newBench(t, "18.2.0")
	s := b.setup()
	s.Kubernetes.CreateNamespace = true

	// One that is there already is taken as it is, whoever made it.
	got := b.compute(t, s)
	wantActions(t, got, with(every(plan.Create), plan.Same, "Namespace"))

	// In one that is not there yet nothing can be looked for.
	s.Kubernetes.Namespace = "new-" + b.namespace
	s.Resolved.ClusterID = "ffffffff"
	got = b.compute(t, s)
	wantActions(t, got, with(every(plan.Create), plan.Create, "Namespace"))

	t.Cleanup(func() {
		_, _, err := b.plane.Kubectl(context.WithoutCancel(t.Context()), nil, "delete", "namespace", s.Kubernetes.Namespace, "--wait=false")
		if err != nil {
			t.Error(err)
		}
	})
	b.apply(t, s)
	wantActions(t, b.compute(t, s), with(every(plan.Same), plan.Same, "Namespace"))
	s.Workload.Labels = map[string]string{"team": "platform"}
	if found := item(t, b.compute(t, s), "Namespace"); found.Action != plan.Update || !slices.Equal(paths(found), []string{"metadata.labels.team"}) {
		t.Errorf("action %s, changes %v; want our own namespace to follow the answers", found.Action, paths(found))
	}
}

// Whoever may make a namespace may have no right in it before it is there.
func TestRightsInANewNamespace(t *testing.T) {
	t.Parallel()
	b := newBench(t, "18.2.0")
	user := "founder-" + b.namespace
	for _, args := range [][]string{
		{"create", "clusterrole", user, "--verb=get,create,patch", "--resource=namespaces"},
		{"create", "clusterrolebinding", user, "--clusterrole=" + user, "--user=" + user},
	} {
		b.kubectl(t, args...)
	}
	t.Cleanup(func() {
		_, _, err := b.plane.Kubectl(context.WithoutCancel(t.Context()), nil, "delete", "clusterrole,clusterrolebinding", user)
		if err != nil {
			t.Error(err)
		}
	})
	founder, err := kube.Connect(kube.Options{Kubeconfig: b.plane.KubeconfigFor(t, user)})
	if err != nil {
		t.Fatal(err)
	}
	s := b.setup()
	s.Kubernetes.CreateNamespace, s.Kubernetes.Namespace = true, "new-"+b.namespace
	testkit.Eventually(t, "the rights to count", func(ctx context.Context) error {
		_, err := founder.NamespaceUID(ctx, b.namespace)
		return err
	})
	got, err := plan.Compute(t.Context(), render(t, s), s.InstallID(), founder, b.teleport)
	if err != nil {
		t.Fatal(err)
	}
	wantActions(t, got, with(every(plan.Create), plan.Create, "Namespace"))
}

// stored is a Teleport that holds one token as some older version of it wrote it down.
type stored struct {
	plan.Teleport
	token *types.ProvisionTokenV2
}

func (s stored) Token(context.Context, string) (*types.ProvisionTokenV2, error) { return s.token, nil }

// A token that holds less than today's servers write down, or what they would refuse, is compared as it is.
func TestTokensOfOlderServers(t *testing.T) {
	t.Parallel()
	b := newBench(t, "18.2.0")
	s := b.setup()
	s.Resolved.JoinType, s.Resolved.Issuer = spec.JoinInCluster, ""
	set := render(t, s).Side(spec.SideTeleport)[1:]
	for name, row := range map[string]struct {
		change func(*types.ProvisionTokenV2)
		want   []string
	}{
		"as we would":      {func(*types.ProvisionTokenV2) {}, nil},
		"a default left":   {func(token *types.ProvisionTokenV2) { token.Spec.Kubernetes.Type = types.KubernetesJoinTypeUnspecified }, nil},
		"ends never, 1970": {func(token *types.ProvisionTokenV2) { end := time.Unix(0, 0).UTC(); token.Metadata.Expires = &end }, nil},
		"ends never, zero": {func(token *types.ProvisionTokenV2) { token.Metadata.Expires = &time.Time{} }, nil},
		"no bot":           {func(token *types.ProvisionTokenV2) { token.Spec.BotName = "" }, []string{"spec.bot_name"}},
		"no rule":          {func(token *types.ProvisionTokenV2) { token.Spec.Kubernetes.Allow = nil }, []string{"spec.kubernetes.allow[0].service_account"}},
	} {
		token := apiutils.CloneProtoMsg(set[0].Token)
		row.change(token)
		got, err := plan.Compute(t.Context(), set, s.InstallID(), nil, stored{b.teleport, token})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if found := paths(got.Items[0]); !slices.Equal(found, row.want) {
			t.Errorf("%s: changes %v, want %v", name, found, row.want)
		}
	}
}

// A look that failed is an error and never `create`.
func TestFailedLooks(t *testing.T) {
	t.Parallel()
	b := newBench(t, "18.2.0")
	s := b.setup()
	nobody, err := kube.Connect(kube.Options{Kubeconfig: b.plane.KubeconfigFor(t, "nobody-"+b.namespace)})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := plan.Compute(t.Context(), render(t, s), s.InstallID(), nobody, b.teleport); !kube.Is(err, kube.Forbidden) || len(got.Items) != 0 {
		t.Errorf("plan %v, error %v; want none and one of kind Forbidden", got, err)
	}
	if err := b.teleport.Close(); err != nil {
		t.Fatal(err)
	}
	if got, err := plan.Compute(t.Context(), render(t, s).Side(spec.SideTeleport), s.InstallID(), b.kube, b.teleport); err == nil || !strings.Contains(err.Error(), "reading bot") || len(got.Items) != 0 {
		t.Errorf("plan %v, error %v; want none and one about the bot", got, err)
	}
}
