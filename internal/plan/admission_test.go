package plan_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/tbotctl/tbotctl/internal/plan"
	"github.com/tbotctl/tbotctl/manifests"
)

// refusal is an error of admission, as kube makes it.
type refusal struct{ words string }

func (r refusal) Error() string { return r.words }

func (r refusal) Refusal() string { return r.words }

// empty is a cluster in which nothing is, with the errors of its dry runs by kind.
type empty map[string]error

func (empty) Read(context.Context, *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	return nil, nil
}

func (e empty) Apply(_ context.Context, object *unstructured.Unstructured, dryRun bool) (*unstructured.Unstructured, error) {
	if !dryRun {
		return nil, errors.New("the plan writes")
	}
	return object, e[object.GetKind()]
}

// TestCreatesAreTried: what is to be created is judged by dry runs. A refusal is kept with its item and is no error of the plan; another
// error is the write's to meet.
func TestCreatesAreTried(t *testing.T) {
	t.Parallel()
	b := newBench(t, "18.2.0")
	for name, row := range map[string]struct {
		newNamespace bool
		want         []string
	}{
		"in a namespace that is there": {false, []string{"ConfigMap", "Deployment"}},
		"in one that is to be made":    {true, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := b.setup()
			s.Kubernetes.CreateNamespace = row.newNamespace
			set, err := manifests.Render(s)
			if err != nil {
				t.Fatal(err)
			}
			cluster := empty{
				"ConfigMap": fmt.Errorf("applying: %w", refusal{"no label"}), "Deployment": refusal{"no registry"},
				"RoleBinding": errors.New("its Role is not there"),
			}
			planned, err := plan.Compute(t.Context(), set, s.InstallID(), cluster, b.teleport)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, item := range planned.Refused() {
				if item.Action != plan.Create {
					t.Errorf("%s is to be %s", item.Resource.ID(), item.Action)
				}
				got = append(got, item.Resource.Kind)
			}
			if fmt.Sprint(got) != fmt.Sprint(row.want) {
				t.Errorf("refused %v, want %v", got, row.want)
			}
		})
	}
}
