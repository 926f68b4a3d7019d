package plan_test

import (
	"testing"

	"github.com/tbotctl/tbotctl/internal/plan"
	"github.com/tbotctl/tbotctl/manifests"
)

func conflicting(reason plan.Reason) plan.Item {
	return plan.Item{
		Resource: manifests.Resource{Kind: string(reason)}, Action: plan.Conflict, Reason: reason, Owner: "somebody",
		Changes: []plan.Change{{Path: "a", Live: "1", Wanted: "2"}},
	}
}

func TestAllow(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		takeOver, force bool
		foreign, held   plan.Action
	}{
		"nothing":         {false, false, plan.Conflict, plan.Conflict},
		"take over":       {true, false, plan.Update, plan.Conflict},
		"force conflicts": {false, true, plan.Conflict, plan.Update},
		"both":            {true, true, plan.Update, plan.Update},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			given := plan.Plan{Items: []plan.Item{
				conflicting(plan.Foreign), conflicting(plan.HeldFields), {Action: plan.Same}, {Action: plan.Create}, {Action: plan.Update},
			}}
			allowed := given.Allow(row.takeOver, row.force)
			for i, want := range []plan.Action{row.foreign, row.held, plan.Same, plan.Create, plan.Update} {
				got := allowed.Items[i]
				if won := i < 2 && want == plan.Update; got.Action != want || got.Force != won {
					t.Errorf("item %d: %s, force %v; want %s, force %v", i, got.Action, got.Force, want, won)
				}
				if i < 2 && (got.Owner != "somebody" || len(got.Changes) != 1) {
					t.Errorf("item %d: owner %q, changes %v; want both kept, to be shown", i, got.Owner, got.Changes)
				}
			}
			if given.Items[0].Action != plan.Conflict {
				t.Error("the plan that was given was changed")
			}
		})
	}
}
