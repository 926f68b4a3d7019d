package plan_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tbotctl/tbotctl/internal/plan"
)

type tree = map[string]any

func TestDiff(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		live, wanted tree
		want         []plan.Change
	}{
		"nothing":            {nil, nil, nil},
		"the same":           {tree{"a": tree{"b": []any{"x", int64(1)}}}, tree{"a": tree{"b": []any{"x", int64(1)}}}, nil},
		"a value":            {tree{"a": tree{"b": "old"}}, tree{"a": tree{"b": "new"}}, []plan.Change{{Path: "a.b", Live: "old", Wanted: "new"}}},
		"a number":           {tree{"replicas": int64(1)}, tree{"replicas": int64(2)}, []plan.Change{{Path: "replicas", Live: "1", Wanted: "2"}}},
		"a new field":        {tree{}, tree{"a": "new"}, []plan.Change{{Path: "a", Wanted: "new"}}},
		"a field that goes":  {tree{"a": "old"}, tree{}, []plan.Change{{Path: "a", Live: "old"}}},
		"a whole new branch": {tree{}, tree{"a": tree{"b": "x", "c": "y"}}, []plan.Change{{Path: "a.b", Wanted: "x"}, {Path: "a.c", Wanted: "y"}}},
		"a branch that goes": {tree{"a": tree{"b": "x"}}, tree{}, []plan.Change{{Path: "a.b", Live: "x"}}},
		"sorted by path": {
			tree{"z": "1", "a": "1", "m": tree{"b": "1", "a": "1"}},
			tree{"z": "2", "a": "2", "m": tree{"b": "2", "a": "2"}},
			[]plan.Change{{Path: "a", Live: "1", Wanted: "2"}, {Path: "m.a", Live: "1", Wanted: "2"}, {Path: "m.b", Live: "1", Wanted: "2"}, {Path: "z", Live: "1", Wanted: "2"}},
		},
		"an item of a list": {tree{"l": []any{"a", "b"}}, tree{"l": []any{"a", "c"}}, []plan.Change{{Path: "l[1]", Live: "b", Wanted: "c"}}},
		"a longer list":     {tree{"l": []any{"a"}}, tree{"l": []any{"a", "b"}}, []plan.Change{{Path: "l[1]", Wanted: "b"}}},
		"a shorter list":    {tree{"l": []any{"a", "b"}}, tree{"l": []any{"a"}}, []plan.Change{{Path: "l[1]", Live: "b"}}},
		"a first list":      {tree{}, tree{"l": []any{"a", tree{"b": "c"}}}, []plan.Change{{Path: "l[0]", Wanted: "a"}, {Path: "l[1].b", Wanted: "c"}}},
		"deep in a list":    {tree{"l": []any{tree{"name": "a", "v": "1"}}}, tree{"l": []any{tree{"name": "a", "v": "2"}}}, []plan.Change{{Path: "l[0].v", Live: "1", Wanted: "2"}}},
		"put in before": {
			tree{"env": []any{tree{"name": "b", "value": "1"}}},
			tree{"env": []any{tree{"name": "a", "value": "2"}, tree{"name": "b", "value": "1"}}},
			[]plan.Change{{Path: "env[0].name", Wanted: "a"}, {Path: "env[0].value", Wanted: "2"}},
		},
		"one for another": {
			tree{"ports": []any{tree{"containerPort": int64(1), "protocol": "TCP"}}},
			tree{"ports": []any{tree{"containerPort": int64(2)}}},
			[]plan.Change{{Path: "ports[0].containerPort", Wanted: "2"}, {Path: "ports[0].containerPort", Live: "1"}, {Path: "ports[0].protocol", Live: "TCP"}},
		},
		"another shape":      {tree{"a": "text"}, tree{"a": tree{"b": "c"}}, []plan.Change{{Path: "a", Live: "text", Wanted: `{"b":"c"}`}}},
		"missing and empty":  {tree{"a": "", "b": []any{}, "c": tree{}, "d": false, "e": nil}, tree{}, nil},
		"zero is a number":   {tree{"replicas": int64(0)}, tree{}, []plan.Change{{Path: "replicas", Live: "0"}}},
		"true against empty": {tree{"a": true}, tree{"a": false}, []plan.Change{{Path: "a", Live: "true", Wanted: "false"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(row.want, plan.Diff(row.live, row.wanted)); diff != "" {
				t.Errorf("changes differ (-want +got):\n%s", diff)
			}
		})
	}
}

// A diff only reads: the trees are the caches and the templates of others.
func TestDiffChangesNothing(t *testing.T) {
	t.Parallel()
	live, wanted := tree{"a": tree{"b": "1"}}, tree{"a": tree{"c": "2"}, "d": "3"}
	plan.Diff(live, wanted)
	if diff := cmp.Diff([]tree{{"a": tree{"b": "1"}}, {"a": tree{"c": "2"}, "d": "3"}}, []tree{live, wanted}); diff != "" {
		t.Errorf("the trees were changed (-want +got):\n%s", diff)
	}
}
