package plan_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/tbotctl/tbotctl/internal/plan"
	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/manifests"
)

// far is a cluster that the bot reaches, with one binding or none; a dry run leaves what was sent.
type far struct {
	live *unstructured.Unstructured
	err  error
}

func (f far) Read(context.Context, *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	return f.live, f.err
}

func (f far) Apply(_ context.Context, object *unstructured.Unstructured, dryRun bool) (*unstructured.Unstructured, error) {
	if !dryRun {
		return nil, errors.New("a plan writes nothing")
	}
	return object, nil
}

// binding binds a ClusterRole for an installation.
func binding(role, mark string) *unstructured.Unstructured {
	object := &unstructured.Unstructured{Object: map[string]any{
		"kind": "ClusterRoleBinding", "roleRef": map[string]any{"kind": "ClusterRole", "name": role},
	}}
	object.SetName("robot-kubernetes")
	object.SetAnnotations(map[string]string{spec.MarkInstall: mark})
	return object
}

// Each cluster has its own answer, in the order of the contexts; a binding to another role is nobody's to force.
func TestTargets(t *testing.T) {
	t.Parallel()
	const install = "1a2b3c4d/lab.example.com/machines/tbot"
	set := manifests.Set{
		{System: manifests.Teleport, Stage: manifests.StageToken, Kind: "token", Name: "robot"},
		{System: manifests.Target, Stage: manifests.StageTarget, Kind: "ClusterRoleBinding", Name: "robot-kubernetes", Object: binding("view", install)},
	}
	clusters := map[string]plan.Kubernetes{
		"new": far{}, "done": far{live: binding("view", install)}, "theirs": far{live: binding("view", "")}, "other": far{live: binding("edit", install)},
	}
	planned, err := plan.Targets(t.Context(), set, install, []string{"other", "new", "done", "theirs"}, clusters)
	if err != nil {
		t.Fatal(err)
	}
	var said []string
	for _, item := range planned.Allow(true, true).Items {
		said = append(said, item.Resource.Context+" "+string(item.Action))
	}
	if want := []string{"other conflict", "new create", "done same", "theirs update"}; !slices.Equal(said, want) {
		t.Errorf("planned %v, want %v", said, want)
	}
	if owner := planned.Items[0].Owner; planned.Items[0].Reason != plan.OtherRole || owner != "it binds ClusterRole edit, which nobody can change" {
		t.Errorf("%s: %q", planned.Items[0].Reason, owner)
	}
	whole := plan.Plan{Items: []plan.Item{{Resource: set[0]}, {Resource: manifests.Resource{Stage: manifests.StageConfig, Name: "tbot-config"}}}}.With(planned)
	if len(whole.Items) != 6 || whole.Items[0].Resource.Name != "robot" || whole.Items[5].Resource.Name != "tbot-config" {
		t.Errorf("the whole is %+v", whole.Items)
	}
	for name, clusters := range map[string]map[string]plan.Kubernetes{"does not answer": {"east": far{err: errors.New("no answer")}}, "was not opened": {}} {
		if _, err := plan.Targets(t.Context(), set, install, []string{"east"}, clusters); err == nil || !strings.Contains(err.Error(), `context "east": `) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}
