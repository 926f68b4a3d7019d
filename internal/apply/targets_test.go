package apply_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/tbotctl/tbotctl/internal/apply"
	"github.com/tbotctl/tbotctl/internal/plan"
	"github.com/tbotctl/tbotctl/manifests"
)

// bound is a whole plan with the binding in these contexts.
func bound(contexts ...string) plan.Plan {
	var there plan.Plan
	for _, name := range contexts {
		object := &unstructured.Unstructured{Object: map[string]any{"kind": "ClusterRoleBinding"}}
		there.Items = append(there.Items, plan.Item{Action: plan.Create, Resource: manifests.Resource{
			System: manifests.Target, Stage: manifests.StageTarget, Kind: "ClusterRoleBinding", Name: "tbot-kubernetes", Context: name, Object: object,
		}})
	}
	return planned(nil).With(there)
}

// A binding goes to the cluster of its context, after the proof and before what runs; one that is refused ends the run in front of the
// workload, and says where.
func TestTargetsAreWrittenBetweenProofAndWorkload(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		refuse, unproven bool
		here, east, west []string
	}{
		"all goes well": {
			here: []string{"prove", "apply ConfigMap", "apply Deployment", "look at the rollout"},
			east: []string{"apply ClusterRoleBinding"}, west: []string{"apply ClusterRoleBinding"},
		},
		"one is refused": {refuse: true, here: []string{"prove"}, east: []string{"apply ClusterRoleBinding"}, west: []string{"apply ClusterRoleBinding"}},
		"no proof":       {unproven: true, here: []string{"prove"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var events []apply.Event
			here, east, west := &recorder{}, &recorder{}, &recorder{}
			if row.refuse {
				west.refuse = "apply ClusterRoleBinding"
			}
			if row.unproven {
				here.refuse = "prove"
			}
			runner := here.runner(&events)
			runner.Targets = map[string]apply.Kubernetes{"east": east, "west": west}
			_, err := runner.Run(t.Context(), bound("east", "west"))
			if failed := row.refuse || row.unproven; failed != errors.Is(err, errRefused) {
				t.Errorf("error %v", err)
			}
			if row.refuse && !strings.Contains(err.Error(), `context "west"`) {
				t.Errorf("error %q does not say where", err)
			}
			at := slices.Index(here.calls, "prove")
			for which, calls := range map[string][2][]string{"here": {here.calls[at:], row.here}, "east": {east.calls, row.east}, "west": {west.calls, row.west}} {
				if !slices.Equal(calls[0], calls[1]) {
					t.Errorf("%s: calls %v, want %v", which, calls[0], calls[1])
				}
			}
		})
	}
	t.Run("nobody opened it", func(t *testing.T) {
		t.Parallel()
		r := &recorder{}
		if _, err := r.runner(new([]apply.Event)).Run(t.Context(), bound("east")); err == nil || !strings.Contains(err.Error(), "in context east: its cluster was not opened") {
			t.Errorf("error %v", err)
		}
	})
}
