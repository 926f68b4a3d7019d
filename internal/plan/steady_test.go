package plan_test

import (
	"context"
	"strconv"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/tbotctl/tbotctl/internal/plan"
	"github.com/tbotctl/tbotctl/internal/spec"
)

// busy is a cluster in which a controller writes after every read, for as long as it has revisions left.
type busy struct {
	bench
	revision, left, looks int
}

func (b *busy) Read(ctx context.Context, object *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	live, err := b.kube.Read(ctx, object)
	if b.looks++; err == nil && live != nil && b.left > 0 {
		b.left--
		b.revision++
		_, _, err = b.plane.Kubectl(ctx, nil, "-n", b.namespace, "annotate", "--overwrite", "serviceaccount", object.GetName(), "example.com/revision="+strconv.Itoa(b.revision))
	}
	return live, err
}

func (b *busy) Apply(ctx context.Context, object *unstructured.Unstructured, dryRun bool) (*unstructured.Unstructured, error) {
	return b.kube.Apply(ctx, object, dryRun)
}

// What a controller writes while the plan is made is not shown as ours, and a quiet cluster is asked once.
func TestControllersWriteMeanwhile(t *testing.T) {
	t.Parallel()
	b := newBench(t, "18.2.0")
	b.apply(t, b.setup())
	changed := b.setup()
	changed.Workload.Labels = map[string]string{"team": "platform"}
	for name, row := range map[string]struct {
		writes, looks int
		setup         spec.Setup
		want          plan.Action
	}{
		"never":               {0, 1, b.setup(), plan.Same},
		"never, and we would": {0, 1, changed, plan.Update},
		"twice":               {2, 3, b.setup(), plan.Same},
		"on and on":           {100, 5, b.setup(), plan.Update},
	} {
		cluster := &busy{bench: b, left: row.writes, revision: 100 * row.writes}
		account := render(t, row.setup).Side(spec.SideKubernetes)[:1]
		got, err := plan.Compute(t.Context(), account, b.setup().InstallID(), cluster, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got.Items[0].Action != row.want || cluster.looks != row.looks {
			t.Errorf("%s: %s after %d looks, want %s after %d; changes %v", name, got.Items[0].Action, cluster.looks, row.want, row.looks, got.Items[0].Changes)
		}
	}
}
