package plan

import (
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/tbotctl/tbotctl/internal/owner"
	"github.com/tbotctl/tbotctl/manifests"
)

// managedObject judges an object that a tool keeps. It is compared by reading, whatever the login may do: it is not written, and a dry run
// would call each field of the tool's a conflict. What the tool adds beside our fields is its own.
func managedObject(wanted, live *unstructured.Unstructured, maker string, manager owner.Owner) Item {
	all := differing(wanted, live)
	item := Item{Manager: manager, Owner: said(maker, "managed by "+manager.String()), throughGit: maker == ""}
	if len(all) > 0 {
		item.adopted = &Item{Action: Update, Force: true, Reason: Managed, Owner: item.Owner, Manager: manager, Changes: all}
		if binds := otherRole(live, wanted); binds != "" {
			item.adopted = &Item{Action: Conflict, Reason: OtherRole, Owner: said(item.Owner, binds), Manager: manager, Changes: all}
		}
	}
	changes := slices.DeleteFunc(slices.Clone(all), func(change Change) bool {
		key, found := strings.CutPrefix(change.Path, "metadata.labels.")
		return found && manager.Marks(key)
	})
	return item.judged(append(changes, surplus(wanted, live, nil)...))
}

// managedResource does the same for a Teleport resource. To take one over replaces all of it, the tool's own label too; the operator writes
// nothing any more that has lost it.
func managedResource(before, after map[string]any, maker string, manager owner.Owner) Item {
	item := Item{Manager: manager, Owner: said(maker, "managed by "+manager.String()), throughGit: maker == ""}
	if all := Diff(before, after); len(all) > 0 {
		item.adopted = &Item{Action: Update, Force: true, Reason: Managed, Owner: item.Owner, Manager: manager, Changes: all}
	}
	cut := maps.Clone(before)
	cut["metadata"] = prune(after["metadata"], before["metadata"])
	return item.judged(Diff(cut, after))
}

// judged is the item where those changes are for its manager to make.
func (i Item) judged(changes []Change) Item {
	i.Action, i.Changes = Same, changes
	if len(changes) > 0 {
		i.Action, i.Reason = Conflict, Managed
	}
	return i
}

// leaveSiblings leaves to a tool also what is not there yet, or was not read, of an installation that it keeps: made by hand, it would be
// missing where the rest of it stands. Teleport and Kubernetes may be kept by different ones.
func leaveSiblings(items []Item) {
	keepers := map[manifests.System]owner.Owner{}
	for _, item := range items {
		if _, known := keepers[item.Resource.System]; item.throughGit && !known && item.Resource.Stage != manifests.StageNamespace {
			keepers[item.Resource.System] = item.Manager
		}
	}
	for i := range items {
		item := &items[i]
		keeper, kept := keepers[item.Resource.System]
		switch {
		case !kept || item.Resource.Stage == manifests.StageNamespace:
		case item.Action == Create:
			item.adopted = &Item{Action: Create}
			item.Action, item.Reason, item.Manager = Conflict, Managed, keeper
			item.Owner = "not there yet; the others are managed by " + keeper.String()
		case item.Action == Unseen:
			item.Manager = keeper
		}
	}
}

// Kept are the conflicts with the tools that keep the resources: their changes belong where those tools have them from.
func (p Plan) Kept() []Item {
	return slices.DeleteFunc(p.Conflicts(), func(item Item) bool { return item.Reason != Managed })
}

// TakenOver are the items that are written although a tool keeps them.
func (p Plan) TakenOver() []Item {
	return slices.DeleteFunc(slices.Clone(p.Items), func(item Item) bool { return !item.Force || item.Manager.None() })
}

// said joins what there is to say.
func said(parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(part string) bool { return part == "" }), "; ")
}
