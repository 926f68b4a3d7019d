package plan

import (
	"errors"
	"slices"
)

// Unseen is a resource that could not be read without something that only a person has, a touch or a login: applying writes it,
// whatever it holds. The item's Owner says what it would take.
const Unseen Action = "unseen"

// ErrUnseen is what a Teleport answers that does not read a resource for that reason; what it would take is said around it.
var ErrUnseen = errors.New("not readable")

// Settle returns the plan with every unseen resource given the action that else became known of it.
func (p Plan) Settle(action Action, owner string, reason Reason) Plan {
	settled := Plan{Items: slices.Clone(p.Items)}
	for i := range settled.Items {
		if item := &settled.Items[i]; item.Action == Unseen {
			item.Action, item.Owner, item.Reason = action, owner, reason
		}
	}
	return settled
}

// Only reports whether action is all that the plan has beside what stays the same.
func (p Plan) Only(action Action) bool {
	return !slices.ContainsFunc(p.Items, func(item Item) bool { return item.Action != Same && item.Action != action })
}
