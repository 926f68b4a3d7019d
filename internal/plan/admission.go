package plan

import (
	"context"
	"errors"
	"sync"
)

// tryCreates has the API server judge what is to be created, all at the same time, by dry runs that keep nothing: a policy speaks
// before anything is written. Only a refusal by admission counts. Another error says nothing of policies, as where a RoleBinding's
// Role is not there yet; the write itself meets it again.
func tryCreates(ctx context.Context, items []Item, kubernetes Kubernetes) {
	var running sync.WaitGroup
	for i := range items {
		if item := &items[i]; item.Action == Create && item.Resource.Object != nil {
			running.Go(func() {
				_, err := kubernetes.Apply(ctx, item.Resource.Object, true)
				item.Refused = refusal(err)
			})
		}
	}
	running.Wait()
}

// Refused are the items that the cluster's admission would not take.
func (p Plan) Refused() []Item {
	var found []Item
	for _, item := range p.Items {
		if item.Refused != "" {
			found = append(found, item)
		}
	}
	return found
}

// refusal is what admission said of an object, empty for any other error, and for none.
func refusal(err error) string {
	var admission interface{ Refusal() string }
	if errors.As(err, &admission) {
		return admission.Refusal()
	}
	return ""
}
