// Package undo removes from both clusters what one installation has made: it looks what there is and whose it is, knows the order
// in which it goes, and deletes it. Nothing is touched that does not carry the installation's mark. Whether it is to be done is
// its callers' question, and how the clusters are reached too.
package undo

import (
	"context"
	"slices"
	"time"

	machineidv1 "github.com/gravitational/teleport/api/gen/proto/go/teleport/machineid/v1"
	"github.com/gravitational/teleport/api/types"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/tbotctl/tbotctl/internal/owner"
	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/manifests"
)

// Fate is what becomes of one resource.
type Fate string

// The fates. Remove is one that is to go and Removed one that went; Gone was not there any more.
const (
	Remove  Fate = "remove"
	Removed Fate = "removed"
	Gone    Fate = "gone"
	Keep    Fate = "keep"
)

// Item is one resource with its fate.
type Item struct {
	System manifests.System
	// Kind is Kubernetes' kind, or role, bot or token.
	Kind, Namespace, Name string
	// Context is the kubeconfig context of the cluster that a target's resource is in; empty elsewhere.
	Context string
	Fate    Fate
	// Reason says why it is kept.
	Reason string
	// Manager is the tool that keeps it, although tbotctl has rendered it; none where nobody does.
	Manager owner.Owner
	// UsedBy are the pods that take a Secret into themselves.
	UsedBy []string
	// Object is the copy that was looked at, as far as its kind, name and UID: that one is deleted and no later one.
	Object *unstructured.Unstructured
}

// ID names an item for people, in the form of manifests.Resource.
func (i Item) ID() string {
	return manifests.Resource{Kind: i.Kind, Namespace: i.Namespace, Name: i.Name, Context: i.Context}.ID()
}

// Inventory is everything of one installation, in the order in which it goes.
type Inventory struct {
	// Install is the mark of the installation (spec.Setup.InstallID).
	Install string
	Items   []Item
	// Agent tells that one of its join tokens lets in no bot, and so an agent.
	Agent bool
	// Users are the Teleport users of the bots that go; certificates that were issued carry them.
	Users []string
	// Lifetime is how long certificates live at most that were issued before.
	Lifetime time.Duration
	// Unknown says which looks were impossible that nothing else depends on.
	Unknown []string
}

// Of gives the items with that fate.
func (i Inventory) Of(fate Fate) []Item {
	var found []Item
	for _, item := range i.Items {
		if item.Fate == fate {
			found = append(found, item)
		}
	}
	return found
}

// Managed are the items of this installation that a tool keeps: to delete the others would leave it half, or broken until the tool has
// made it whole again. A namespace is no part of it, and outlives it anyway where it is not empty.
func (i Inventory) Managed() []Item {
	return slices.DeleteFunc(i.Of(Keep), func(item Item) bool { return item.Manager.None() || item.Kind == "Namespace" })
}

// Target says what to look for.
type Target struct {
	// Setup has its names filled and both clusters' identities resolved. Its Reach.Contexts name the clusters that bindings are in.
	Setup spec.Setup
	// Targets are those clusters.
	Targets map[string]Kubernetes
	// PurgeOutputs takes the Secrets that tbot wrote along.
	PurgeOutputs bool
}

// Kubernetes is what looking and deleting ask of the cluster; a nil object without an error means that there is none.
type Kubernetes interface {
	Read(ctx context.Context, object *unstructured.Unstructured) (*unstructured.Unstructured, error)
	List(ctx context.Context, kind schema.GroupVersionKind, namespace, selector string) ([]unstructured.Unstructured, error)
	Pods(ctx context.Context, namespace, selector string) ([]corev1.Pod, error)
	SecretMetadata(ctx context.Context, namespace, name string) (*metav1.PartialObjectMetadata, error)
	SecretsMetadata(ctx context.Context, namespace, selector string) ([]metav1.PartialObjectMetadata, error)
	// Contents is all that a namespace holds.
	Contents(ctx context.Context, namespace string) ([]metav1.PartialObjectMetadata, error)
	// Delete removes the object of that UID; found is false where it was gone already.
	Delete(ctx context.Context, object *unstructured.Unstructured, dryRun bool) (found bool, err error)
}

// Teleport is what looking and deleting ask of the Auth Service; a nil resource without an error means that there is none.
type Teleport interface {
	Bot(ctx context.Context, name string) (*machineidv1.Bot, error)
	Bots(ctx context.Context) ([]*machineidv1.Bot, error)
	Role(ctx context.Context, name string) (*types.RoleV6, error)
	Token(ctx context.Context, name string) (*types.ProvisionTokenV2, error)
	DeleteBot(ctx context.Context, name string) error
	DeleteRole(ctx context.Context, name string) error
	DeleteToken(ctx context.Context, name string) error
}
