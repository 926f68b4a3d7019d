package plan_test

import (
	"context"
	"fmt"
	"testing"

	machineidv1 "github.com/gravitational/teleport/api/gen/proto/go/teleport/machineid/v1"
	"github.com/gravitational/teleport/api/types"

	"github.com/tbotctl/tbotctl/internal/plan"
	"github.com/tbotctl/tbotctl/manifests"
)

// untouched is a Teleport without anything in it, of which no token can be read.
type untouched struct{}

func (untouched) Role(context.Context, string) (*types.RoleV6, error) { return nil, nil }

func (untouched) Bot(context.Context, string) (*machineidv1.Bot, error) { return nil, nil }

func (untouched) Token(context.Context, string) (*types.ProvisionTokenV2, error) {
	return nil, fmt.Errorf("reading a token: %w", plan.ErrUnseen)
}

// TestUnseen holds that what was not read is neither new nor the same, and can be settled by what else becomes known.
func TestUnseen(t *testing.T) {
	t.Parallel()
	set := manifests.Set{
		{System: manifests.Teleport, Stage: manifests.StageBot, Kind: "bot", Name: "b", Bot: new(machineidv1.Bot)},
		{System: manifests.Teleport, Stage: manifests.StageToken, Kind: "token", Name: "t", Token: new(types.ProvisionTokenV2)},
	}
	planned, err := plan.Compute(t.Context(), set, "here", nil, untouched{})
	if err != nil {
		t.Fatal(err)
	}
	if got := planned.Items[1].Action; got != plan.Unseen || !planned.Changed() || planned.Only(plan.Unseen) {
		t.Errorf("the token is %s, changed %v, only unseen %v", got, planned.Changed(), planned.Only(plan.Unseen))
	}
	planned.Items[0].Action = plan.Same
	if !planned.Only(plan.Unseen) {
		t.Error("nothing but the unseen token is left, and it does not say so")
	}
	same := planned.Settle(plan.Same, "", "")
	foreign := planned.Settle(plan.Conflict, "perhaps another's", plan.Foreign)
	if same.Changed() || planned.Items[1].Action != plan.Unseen {
		t.Errorf("settled as the same it is %+v, and what it was settled from %+v", same.Items[1], planned.Items[1])
	}
	if conflicts := foreign.Conflicts(); len(conflicts) != 1 || conflicts[0].Owner != "perhaps another's" {
		t.Errorf("conflicts %+v, want the token", conflicts)
	}
	if allowed := foreign.Allow(true, false); allowed.Items[1].Action != plan.Update {
		t.Errorf("taken over it is %+v", allowed.Items[1])
	}
}
