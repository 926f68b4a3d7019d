package undo_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/tbotctl/tbotctl/internal/apply"
	"github.com/tbotctl/tbotctl/internal/undo"
)

func TestRun(t *testing.T) {
	t.Parallel()
	at := installed(t)
	at.secrets["tbot-output"] = written("tbot")
	found := at.look(t, true)
	var events []apply.Event
	items, err := at.runner(&events).Run(t.Context(), found)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"token tbot-1a2b3c4d", "Deployment tbot", "Secret tbot-output", "RoleBinding tbot-output", "Role tbot-output",
		"ConfigMap tbot-config", "ServiceAccount tbot", "bot tbot-1a2b3c4d", "Namespace machines",
	}
	if !slices.Equal(at.deleted, want) {
		t.Errorf("deleted %v, want %v", at.deleted, want)
	}
	for _, item := range items {
		if item.Fate != undo.Removed {
			t.Errorf("%s: %s", item.ID(), item.Fate)
		}
	}
	if len(found.Of(undo.Remove)) != len(want) {
		t.Error("the inventory itself was changed")
	}
	if len(events) != 2*len(want) {
		t.Errorf("%d events, want a start and an end of each", len(events))
	}
}

// TestRunStopsAtAFailure holds that what comes after a failure is not begun, and that the items say so.
func TestRunStopsAtAFailure(t *testing.T) {
	t.Parallel()
	for call, row := range map[string]struct{ deleted, standing int }{
		"DeleteToken": {1, 8}, "Delete Role": {3, 5}, "Delete Namespace": {7, 1}, "DeleteBot": {7, 2},
	} {
		t.Run(call, func(t *testing.T) {
			t.Parallel()
			at := installed(t)
			found := at.look(t, false)
			at.fails[call] = errBroken
			var events []apply.Event
			items, err := at.runner(&events).Run(t.Context(), found)
			if !errors.Is(err, errBroken) {
				t.Errorf("error %v, want the server's", err)
			}
			left := undo.Inventory{Items: items}.Of(undo.Remove)
			if len(at.deleted) != row.deleted || len(left) != row.standing {
				t.Errorf("deleted %v, standing %v; want %d and %d", at.deleted, ids(left), row.deleted, row.standing)
			}
			if last := events[len(events)-1]; last.State != apply.Failed {
				t.Errorf("the last event is %+v", last)
			}
		})
	}
}

func TestRunOfWhatIsGoneMeanwhile(t *testing.T) {
	t.Parallel()
	at := installed(t)
	found := at.look(t, false)
	delete(at.tokens, "tbot-1a2b3c4d")
	delete(at.objects, "Role tbot-output")
	var events []apply.Event
	items, err := at.runner(&events).Run(t.Context(), found)
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"token", "Role"} {
		if got := item(t, undo.Inventory{Items: items}, kind); got.Fate != undo.Gone {
			t.Errorf("%s: %s, want it gone already", kind, got.Fate)
		}
	}
}

// TestRunLeavesANamespaceThatFilledUp looks once more before the namespace goes.
func TestRunLeavesANamespaceThatFilledUp(t *testing.T) {
	t.Parallel()
	at := installed(t)
	found := at.look(t, false)
	at.contents = []metav1.PartialObjectMetadata{{TypeMeta: metav1.TypeMeta{Kind: "Pod"}, ObjectMeta: metav1.ObjectMeta{Name: "new", UID: "new"}}}
	var events []apply.Event
	items, err := at.runner(&events).Run(t.Context(), found)
	if err != nil {
		t.Fatal(err)
	}
	if got := item(t, undo.Inventory{Items: items}, "Namespace"); got.Fate != undo.Keep || got.Reason != "holds Pod new" {
		t.Errorf("namespace %+v", got)
	}
	if last := events[len(events)-1]; last.Detail != "left alone: holds Pod new" {
		t.Errorf("the last event is %+v", last)
	}
}

func TestRunOfWhatIsMadeAnew(t *testing.T) {
	t.Parallel()
	at := installed(t)
	found := at.look(t, false)
	at.holds = func(deleted *unstructured.Unstructured) bool {
		if deleted.GetKind() != "ConfigMap" {
			return false
		}
		again := deleted.DeepCopy()
		again.SetUID("another")
		at.objects["ConfigMap tbot-config"] = again
		return true
	}
	var events []apply.Event
	if _, err := at.runner(&events).Run(t.Context(), found); err != nil {
		t.Fatal(err)
	}
	if again := at.look(t, false).Of(undo.Remove); !slices.Equal(ids(again), []string{"ConfigMap machines/tbot-config"}) {
		t.Errorf("a second look finds %v, want the ConfigMap that somebody makes", ids(again))
	}
}

// TestRunWaits holds that what outlives its deletion ends with the time, and says what holds it.
func TestRunWaits(t *testing.T) {
	t.Parallel()
	for kind, row := range map[string]struct {
		change func(*unstructured.Unstructured)
		why    string
	}{
		"ConfigMap": {func(u *unstructured.Unstructured) {
			u.SetFinalizers([]string{"foregroundDeletion", "example.com/hold"})
		}, "held by finalizer example.com/hold"},
		"Role": {func(*unstructured.Unstructured) {}, ""},
		"Namespace": {func(u *unstructured.Unstructured) {
			u.Object["status"] = map[string]any{"conditions": []any{
				map[string]any{"status": "False", "message": "all is well"}, map[string]any{"status": "True", "message": "widgets. has 1 resource instances"},
			}}
		}, "widgets. has 1 resource instances"},
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			at := installed(t)
			for _, object := range at.objects {
				if object.GetKind() == kind {
					row.change(object)
				}
			}
			found := at.look(t, false)
			at.holds = func(deleted *unstructured.Unstructured) bool { return deleted.GetKind() == kind }
			ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
			defer cancel()
			var events []apply.Event
			_, err := at.runner(&events).Run(ctx, found)
			var still *undo.StillThere
			if !errors.As(err, &still) || still.Why != row.why || still.ID != item(t, found, kind).ID() {
				t.Errorf("error %v, want that it is still there because %q", err, row.why)
			}
		})
	}
}

func TestRunOfAnEndedContext(t *testing.T) {
	t.Parallel()
	at := installed(t)
	found := at.look(t, false)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var events []apply.Event
	if _, err := at.runner(&events).Run(ctx, found); !errors.Is(err, context.Canceled) || len(at.deleted) > 0 {
		t.Errorf("error %v, deleted %v", err, at.deleted)
	}
}

func TestRehearse(t *testing.T) {
	t.Parallel()
	at := installed(t)
	found := at.look(t, false)
	at.fails["Delete Role"], at.fails["Delete Namespace"] = errBroken, errBroken
	var events []apply.Event
	refusals := at.runner(&events).Rehearse(t.Context(), found)
	var names []string
	for _, refusal := range refusals {
		names = append(names, refusal.Item.Kind)
	}
	if !slices.Equal(names, []string{"Role", "Namespace"}) || len(at.deleted) > 0 {
		t.Errorf("refused %v, deleted %v", names, at.deleted)
	}
}

// TestRunFinishesTheStepInHand holds that a run that is broken off knows what it has done.
func TestRunFinishesTheStepInHand(t *testing.T) {
	t.Parallel()
	at := installed(t)
	found := at.look(t, false)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	at.during = cancel
	var events []apply.Event
	items, err := at.runner(&events).Run(ctx, found)
	if !errors.Is(err, context.Canceled) || !slices.Equal(at.deleted, []string{"token tbot-1a2b3c4d"}) {
		t.Errorf("error %v, deleted %v; want the token gone and no more", err, at.deleted)
	}
	if got := item(t, undo.Inventory{Items: items}, "token"); got.Fate != undo.Removed {
		t.Errorf("the token's fate is %s, want removed", got.Fate)
	}
}
