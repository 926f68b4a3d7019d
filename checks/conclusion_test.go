package checks_test

import (
	"slices"
	"testing"

	"github.com/tbotctl/tbotctl/checks"
)

func TestConclude(t *testing.T) {
	t.Parallel()
	result := func(id checks.ID, status checks.Status, symptom bool, needs ...checks.ID) checks.Result {
		return checks.Result{Check: checks.Check{ID: id, Symptom: symptom, Needs: needs}, Finding: checks.Finding{Status: status}}
	}
	for name, row := range map[string]struct {
		results []checks.Result
		root    checks.ID
		follows []checks.ID
	}{
		"nothing fails": {results: []checks.Result{result("A", checks.Pass, false), result("B", checks.Unknown, false)}},
		"a cause before its symptom, wherever they stand": {
			results: []checks.Result{result("S", checks.Fail, true), result("A", checks.Fail, false)}, root: "A", follows: []checks.ID{"S"},
		},
		"the first of two causes": {
			results: []checks.Result{result("A", checks.Fail, false), result("B", checks.Fail, false)}, root: "A",
		},
		"the last of symptoms alone": {
			results: []checks.Result{result("S", checks.Fail, true), result("T", checks.Fail, true)}, root: "T", follows: []checks.ID{"S"},
		},
		"what was skipped for the cause, and for that": {
			results: []checks.Result{
				result("C", checks.Skip, false, "B"), result("A", checks.Fail, false), result("B", checks.Skip, false, "A"), result("D", checks.Skip, false, "X"),
			},
			root: "A", follows: []checks.ID{"C", "B"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := checks.Conclude(row.results)
			if got.Root == nil != (row.root == "") || got.Root != nil && got.Root.Check.ID != row.root {
				t.Fatalf("root %+v, want %s", got.Root, row.root)
			}
			if !slices.Equal(got.Follows, row.follows) {
				t.Errorf("follows %v, want %v", got.Follows, row.follows)
			}
		})
	}
}
