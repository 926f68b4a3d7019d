package plan

import (
	"errors"
	"slices"
)

// Unseen is a resource that could not be read without asking a person for a touch: applying writes it, whatever it holds.
const Unseen Action = "unseen"

// ErrUnseen is what a Teleport answers that does not read a resource for that reason.
var ErrUnseen = errors.New("not readable without a touch")

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
