package plan

import (
	"context"
	"fmt"
	"slices"

	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/manifests"
)

// Targets looks at the set's resources for targets in each of the clusters, named by their kubeconfig contexts, in the order of
// contexts. Each item's resource carries its context. The first cluster that cannot be looked at ends it.
func Targets(ctx context.Context, set manifests.Set, installID string, contexts []string, clusters map[string]Kubernetes) (Plan, error) {
	var planned Plan
	for _, name := range contexts {
		cluster, found := clusters[name]
		if !found {
			return Plan{}, fmt.Errorf("context %s: its cluster was not opened", spec.Quote(name))
		}
		from := len(planned.Items)
		for _, resource := range set.Targets() {
			item, err := compareObject(ctx, resource.Object, installID, cluster)
			if err != nil {
				return Plan{}, fmt.Errorf("context %s: %w", spec.Quote(name), err)
			}
			item.Resource = resource
			item.Resource.Context = name
			planned.Items = append(planned.Items, item)
		}
		leaveSiblings(planned.Items[from:])
	}
	return planned, nil
}

// With returns the plan with the items of another one, each in the place of its stage.
func (p Plan) With(other Plan) Plan {
	items := slices.Concat(p.Items, other.Items)
	slices.SortStableFunc(items, func(a, b Item) int { return int(a.Resource.Stage) - int(b.Resource.Stage) })
	return Plan{Items: items}
}
