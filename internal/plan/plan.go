// Package plan compares the resources of a Setup with what lives in the two clusters and says what applying would do. It
// reads and never writes; how the clusters are reached is its callers' business.
package plan

import (
	"context"
	"fmt"

	machineidv1 "github.com/gravitational/teleport/api/gen/proto/go/teleport/machineid/v1"
	"github.com/gravitational/teleport/api/types"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/tbotctl/tbotctl/internal/owner"
	"github.com/tbotctl/tbotctl/manifests"
)

// Action is what applying does to one resource.
type Action string

// The actions. Conflict means that somebody else made the resource; it is never written.
const (
	Create   Action = "create"
	Update   Action = "update"
	Same     Action = "same"
	Conflict Action = "conflict"
)

// Item is one resource with what happens to it.
type Item struct {
	Resource manifests.Resource
	Action   Action
	// Changes are the fields that differ, for Update and Conflict.
	Changes []Change
	// Owner says who made it or holds its fields, for Conflict, and Reason which of the two.
	Owner  string
	Reason Reason
	// Refused is what the cluster's admission says where it would not take the object, in its own words; empty where it would, or
	// where nobody asked. RefusedPod tells that it is the object's pods that it would not take.
	Refused    string
	RefusedPod bool
	// Force writes over what others hold; only Allow sets it.
	Force bool
	// Manager is the tool that keeps the resource, none where nobody but tbotctl does.
	Manager owner.Owner
	// Read tells that a Kubernetes object was compared by reading alone.
	Read bool
	// throughGit tells that the manager keeps what tbotctl has rendered.
	throughGit bool
	// adopted is what becomes of the item where it is taken over from its manager.
	adopted *Item
}

// Plan is every resource in the order to apply.
type Plan struct{ Items []Item }

// Kubernetes is what the plan asks of the cluster; a nil object without an error means that there is none.
type Kubernetes interface {
	Read(ctx context.Context, object *unstructured.Unstructured) (*unstructured.Unstructured, error)
	Apply(ctx context.Context, object *unstructured.Unstructured, dryRun bool) (*unstructured.Unstructured, error)
}

// Teleport is what the plan asks of the Auth Service; a nil resource without an error means that there is none.
type Teleport interface {
	Role(ctx context.Context, name string) (*types.RoleV6, error)
	Bot(ctx context.Context, name string) (*machineidv1.Bot, error)
	Token(ctx context.Context, name string) (*types.ProvisionTokenV2, error)
}

// Compute looks at every resource of the set but those of targets and of Helm, which nobody here writes. installID is the mark of this installation (spec.Setup.InstallID).
func Compute(ctx context.Context, set manifests.Set, installID string, kubernetes Kubernetes, teleport Teleport) (Plan, error) {
	planned := Plan{Items: make([]Item, 0, len(set))}
	newNamespace := false
	for _, resource := range set {
		var (
			item Item
			err  error
		)
		switch {
		case resource.System == manifests.Target, resource.System == manifests.Helm:
			continue
		case resource.Object != nil && newNamespace:
			// Nothing can be in a namespace that does not exist yet, and a dry run inside it would only say so.
			item = Item{Action: Create}
		case resource.Object != nil:
			item, err = compareObject(ctx, resource.Object, installID, kubernetes)
		case resource.Role != nil:
			item, err = compareRole(ctx, resource.Role, installID, teleport)
		case resource.Bot != nil:
			item, err = compareBot(ctx, resource.Bot, installID, teleport)
		case resource.Token != nil:
			item, err = compareToken(ctx, resource.Token, installID, teleport)
		default:
			err = fmt.Errorf("%s has no content", resource.ID())
		}
		if err != nil {
			return Plan{}, err
		}
		item.Resource = resource
		newNamespace = newNamespace || resource.Stage == manifests.StageNamespace && item.Action == Create
		planned.Items = append(planned.Items, item)
	}
	leaveSiblings(planned.Items)
	if !newNamespace {
		tryCreates(ctx, planned.Items, kubernetes)
	}
	return planned, ctx.Err()
}

// Conflicts are the items that somebody else made.
func (p Plan) Conflicts() []Item {
	var found []Item
	for _, item := range p.Items {
		if item.Action == Conflict {
			found = append(found, item)
		}
	}
	return found
}

// Changed reports whether applying writes anything.
func (p Plan) Changed() bool {
	for _, item := range p.Items {
		if item.Action != Same {
			return true
		}
	}
	return false
}
