package plan_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/tbotctl/tbotctl/internal/kube"
	"github.com/tbotctl/tbotctl/internal/plan"
	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/internal/teleporttest"
)

// onlooker is a cluster as a login that may only read sees it.
type onlooker struct{ *kube.Cluster }

func (onlooker) Apply(context.Context, *unstructured.Unstructured, bool) (*unstructured.Unstructured, error) {
	return nil, plan.ErrNoDryRun
}

// by compares the Kubernetes side alone as one of the two logins.
func (b bench) by(t *testing.T, cluster plan.Kubernetes, s spec.Setup) plan.Plan {
	t.Helper()
	computed, err := plan.Compute(t.Context(), render(t, s).Side(spec.SideKubernetes), s.InstallID(), cluster, nil)
	if err != nil {
		t.Fatal(err)
	}
	return computed
}

// rich is a setup with every answer that bears upon the objects.
func (b bench) rich() spec.Setup {
	s := b.setup()
	s.Workload.Labels = map[string]string{"team": "platform"}
	s.Workload.Annotations = map[string]string{"example.com/note": "a"}
	s.Workload.Env = map[string]string{"HTTPS_PROXY": "http://proxy.example.com:3128", "NO_PROXY": "localhost"}
	// None of these is written as the API server writes it.
	s.Workload.Requests = map[string]string{"cpu": "0.1", "memory": "0.125Gi"}
	s.Workload.Limits = map[string]string{"cpu": "1000m", "memory": "1024Mi"}
	s.Workload.NodeSelector = map[string]string{"kubernetes.io/os": "linux", "pool": "bots"}
	s.Workload.PullSecret, s.Workload.PriorityClass = "registry", "system-cluster-critical"
	s.Workload.Tolerations = []spec.Toleration{{Key: "bots", Effect: "NoSchedule"}, {Key: "stage", Value: "prod"}}
	return s
}

// To compare by reading finds what the server's own word finds, field by field; a setup that is as it was differs in nothing.
func TestReadingFindsWhatADryRunFinds(t *testing.T) {
	t.Parallel()
	authority := string(teleporttest.New(t, teleporttest.Options{}).WebCAPEM())
	for name, change := range map[string]func(*spec.Setup){
		"nothing":             func(*spec.Setup) {},
		"a limit":             func(s *spec.Setup) { s.Workload.Limits["memory"] = "2Gi" },
		"a limit less":        func(s *spec.Setup) { delete(s.Workload.Limits, "cpu") },
		"the same limit":      func(s *spec.Setup) { s.Workload.Limits["cpu"] = "1" },
		"a variable":          func(s *spec.Setup) { s.Workload.Env["EXTRA"] = "1" },
		"another value":       func(s *spec.Setup) { s.Workload.Env["NO_PROXY"] = "example.com" },
		"a variable less":     func(s *spec.Setup) { delete(s.Workload.Env, "NO_PROXY") },
		"a label less":        func(s *spec.Setup) { s.Workload.Labels = nil },
		"an annotation":       func(s *spec.Setup) { s.Workload.Annotations["example.com/note"] = "b" },
		"nodes":               func(s *spec.Setup) { delete(s.Workload.NodeSelector, "pool") },
		"no pull secret":      func(s *spec.Setup) { s.Workload.PullSecret = "" },
		"another pull secret": func(s *spec.Setup) { s.Workload.PullSecret = "other" },
		"a toleration less":   func(s *spec.Setup) { s.Workload.Tolerations = s.Workload.Tolerations[:1] },
		"no priority":         func(s *spec.Setup) { s.Workload.PriorityClass = "" },
		"another Secret":      func(s *spec.Setup) { s.Output.Secret = "keys" },
		"telemetry":           func(s *spec.Setup) { s.Workload.Telemetry = !s.Workload.Telemetry },
		"a private authority": func(s *spec.Setup) { s.Teleport.ProxyCA = authority },
		"an image":            func(s *spec.Setup) { s.Resolved.Image = s.Workload.ImageFor("18.2.1", false) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, "18.2.0")
			b.apply(t, b.rich())
			wanted := b.rich()
			change(&wanted)
			rehearsed, read := b.by(t, b.kube, wanted), b.by(t, onlooker{b.kube}, wanted)
			if rehearsed.ByReading() || !read.ByReading() {
				t.Errorf("by reading: %v and %v, want false and true", rehearsed.ByReading(), read.ByReading())
			}
			for i, item := range rehearsed.Items {
				if name == "nothing" && item.Action != plan.Same {
					t.Errorf("%s: %s, %v", item.Resource.ID(), item.Action, item.Changes)
				}
				got := read.Items[i]
				if diff := cmp.Diff(sorted(item.Changes), sorted(got.Changes)); diff != "" || got.Action != item.Action {
					t.Errorf("%s: %s by reading and %s by a dry run, with other changes (-dry run +reading):\n%s", item.Resource.ID(), got.Action, item.Action, diff)
				}
			}
		})
	}
}

// sorted brings changes into one order.
func sorted(changes []plan.Change) []plan.Change {
	changes = slices.Clone(changes)
	slices.SortFunc(changes, func(a, b plan.Change) int { return strings.Compare(a.Path, b.Path) })
	return changes
}

// What others changed and added is judged alike by both: a field that somebody holds is named with them.
func TestReadingKnowsOtherManagers(t *testing.T) {
	t.Parallel()
	b := newBench(t, "18.2.0")
	b.apply(t, b.rich())
	b.kubectl(t, "label", "serviceaccount", "tbot", "stage=prod")
	b.kubectl(t, "set", "env", "deployment/tbot", "THEIRS=1")
	b.kubectl(t, "scale", "deployment", "tbot", "--replicas=2")
	b.kubectl(t, "patch", "configmap", "tbot-config", "-p", `{"data":{"tbot.yaml":"version: v1"}}`)
	for name, cluster := range map[string]plan.Kubernetes{"dry run": b.kube, "reading": onlooker{b.kube}} {
		computed := b.by(t, cluster, b.rich())
		for kind, held := range map[string][2]string{"Deployment": {".spec.replicas: ", `"kubectl"`}, "ConfigMap": {".data.tbot.yaml: ", `"kubectl-patch"`}} {
			found := item(t, computed, kind)
			if found.Action != plan.Conflict || found.Reason != plan.HeldFields || !strings.Contains(found.Owner, held[0]+"conflict with "+held[1]) {
				t.Errorf("%s: %+v, want a conflict about %s with %s", name, found, held[0], held[1])
			}
			if len(found.Changes) != 1 || !strings.HasPrefix(found.Changes[0].Manager, held[1]) {
				t.Errorf("%s: changes %+v, want one that %s holds", name, found.Changes, held[1])
			}
		}
		if found := item(t, computed, "ServiceAccount"); found.Action != plan.Same {
			t.Errorf("%s: %+v", name, found)
		}
	}
}
