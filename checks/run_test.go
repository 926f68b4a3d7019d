package checks_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tbotctl/tbotctl/checks"
)

// toy is a check that gives a finding at once.
func toy(id checks.ID, finding checks.Finding, needs ...checks.ID) checks.Check {
	return checks.Check{ID: id, Needs: needs, Run: func(context.Context, *checks.Facts) checks.Finding { return finding }}
}

// trap is a check that must not be run.
func trap(t *testing.T, id checks.ID, needs ...checks.ID) checks.Check {
	t.Helper()
	return checks.Check{ID: id, Needs: needs, Run: func(context.Context, *checks.Facts) checks.Finding {
		t.Errorf("%s was run", id)
		return checks.Finding{Status: checks.Pass}
	}}
}

func quiet(checks.Result) {}

var errLook = errors.New("no right to look")

func TestNeeds(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		need checks.Finding
		want checks.Status
		why  string
	}{
		"passed":  {checks.Finding{Status: checks.Pass}, checks.Pass, ""},
		"warned":  {checks.Finding{Status: checks.Warn}, checks.Pass, ""},
		"failed":  {checks.Finding{Status: checks.Fail}, checks.Skip, "needs A, which is fail"},
		"unknown": {checks.Finding{Status: checks.Unknown, Err: errLook}, checks.Skip, "needs A, which is unknown"},
		"skipped": {checks.Finding{Status: checks.Skip}, checks.Skip, "needs A, which is skip"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			second := toy("B", checks.Finding{Status: checks.Pass}, "A")
			if row.want == checks.Skip {
				second = trap(t, "B", "A")
			}
			results := checks.Run(t.Context(), []checks.Check{toy("A", row.need), second}, nil, quiet)
			if got := results[1].Finding; got.Status != row.want || got.Observed != row.why {
				t.Errorf("finding %+v, want %s because %q", got, row.want, row.why)
			}
		})
	}
}

func TestSkipsReachTheEndOfAChain(t *testing.T) {
	t.Parallel()
	// The catalogue's order is not the order of the needs.
	results := checks.Run(t.Context(), []checks.Check{
		trap(t, "C", "B"), trap(t, "B", "A"), toy("A", checks.Finding{Status: checks.Fail}), toy("D", checks.Finding{Status: checks.Pass}),
	}, nil, quiet)
	want := []string{"skip: needs B, which is skip", "skip: needs A, which is fail", "fail: ", "pass: "}
	for i, result := range results {
		if got := string(result.Finding.Status) + ": " + result.Finding.Observed; got != want[i] {
			t.Errorf("%s: %q, want %q", result.Check.ID, got, want[i])
		}
	}
}

func TestNeedThatWasNotSelectedDoesNotStandInTheWay(t *testing.T) {
	t.Parallel()
	results := checks.Run(t.Context(), []checks.Check{toy("B", checks.Finding{Status: checks.Pass}, "A")}, nil, quiet)
	if len(results) != 1 || results[0].Finding.Status != checks.Pass {
		t.Errorf("results %+v", results)
	}
}

func TestRingOfNeedsIsUnknown(t *testing.T) {
	t.Parallel()
	results := checks.Run(t.Context(), []checks.Check{
		trap(t, "A", "B"), trap(t, "B", "A"), trap(t, "C", "B"), toy("D", checks.Finding{Status: checks.Pass}),
	}, nil, quiet)
	var got []checks.Status
	for _, result := range results {
		got = append(got, result.Finding.Status)
	}
	if !slices.Equal(got, []checks.Status{checks.Unknown, checks.Unknown, checks.Unknown, checks.Pass}) {
		t.Errorf("statuses %v: a ring has to end as unknown, and only it", got)
	}
}

func TestIndependentChecksRunSideBySide(t *testing.T) {
	t.Parallel()
	met := make(chan struct{})
	meet := func(id checks.ID, send bool) checks.Check {
		return checks.Check{ID: id, Run: func(ctx context.Context, _ *checks.Facts) checks.Finding {
			if send {
				select {
				case met <- struct{}{}:
					return checks.Finding{Status: checks.Pass}
				case <-ctx.Done():
				}
			} else {
				select {
				case <-met:
					return checks.Finding{Status: checks.Pass}
				case <-ctx.Done():
				}
			}
			return checks.Finding{Status: checks.Fail}
		}}
	}
	for _, result := range checks.Run(t.Context(), []checks.Check{meet("A", true), meet("B", false)}, nil, quiet) {
		if result.Finding.Status != checks.Pass {
			t.Errorf("%s did not meet the other", result.Check.ID)
		}
	}
}

// Observing follows the catalogue, whatever ends first, and does not wait for the end of all.
func TestObserve(t *testing.T) {
	t.Parallel()
	release, seen := make(chan struct{}), []checks.ID(nil)
	after := func(id checks.ID, wait <-chan struct{}) checks.Check {
		return checks.Check{ID: id, Run: func(ctx context.Context, _ *checks.Facts) checks.Finding {
			select {
			case <-wait:
				return checks.Finding{Status: checks.Pass}
			case <-ctx.Done():
				return checks.Finding{Status: checks.Fail, Observed: "the first result was kept back"}
			}
		}}
	}
	ended := make(chan struct{})
	close(ended)
	selected := []checks.Check{toy("A", checks.Finding{Status: checks.Pass}), after("B", release), after("C", ended), toy("D", checks.Finding{Status: checks.Pass}, "B")}
	results := checks.Run(t.Context(), selected, nil, func(result checks.Result) {
		seen = append(seen, result.Check.ID)
		if result.Check.ID == "A" {
			close(release)
		}
	})
	if !slices.Equal(seen, []checks.ID{"A", "B", "C", "D"}) {
		t.Errorf("observed %v, want the catalogue's order, each once", seen)
	}
	for i, result := range results {
		if result.Check.ID != selected[i].ID || result.Finding.Status != checks.Pass {
			t.Errorf("result %d is %s: %+v", i, result.Check.ID, result.Finding)
		}
	}
}

func TestEveryCheckHasTimeOfItsOwn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		wait := func(ctx context.Context, _ *checks.Facts) checks.Finding {
			<-ctx.Done()
			return checks.Finding{Status: checks.Fail, Observed: ctx.Err().Error(), Err: ctx.Err()}
		}
		results := checks.Run(t.Context(), []checks.Check{
			{ID: "A", Run: wait}, {ID: "B", Timeout: time.Second, Run: wait}, {ID: "C", Run: func(context.Context, *checks.Facts) checks.Finding { return checks.Finding{Status: checks.Pass} }},
		}, nil, quiet)
		for i, want := range []time.Duration{checks.DefaultTimeout, time.Second, 0} {
			if results[i].Duration != want {
				t.Errorf("%s took %s, want %s", results[i].Check.ID, results[i].Duration, want)
			}
		}
		// What a check makes of its own deadline is its business.
		if got := results[0].Finding; got.Status != checks.Fail || got.Observed != "context deadline exceeded" {
			t.Errorf("finding %+v", got)
		}
	})
}

func TestEndedContextMakesTheRestUnknown(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	interrupted := checks.Check{ID: "B", Needs: []checks.ID{"A"}, Run: func(ctx context.Context, _ *checks.Facts) checks.Finding {
		cancel()
		return checks.Finding{Status: checks.Fail, Observed: "cannot be reached: " + ctx.Err().Error(), Err: ctx.Err()}
	}}
	results := checks.Run(ctx, []checks.Check{toy("A", checks.Finding{Status: checks.Pass}), interrupted, trap(t, "C", "A", "B")}, nil, quiet)
	for i, want := range []checks.Status{checks.Pass, checks.Unknown, checks.Skip} {
		if got := results[i].Finding; got.Status != want {
			t.Errorf("%s: %+v, want %s", results[i].Check.ID, got, want)
		}
	}
	if !errors.Is(results[1].Finding.Err, context.Canceled) {
		t.Errorf("finding %+v, want the cancel as its cause", results[1].Finding)
	}

	results = checks.Run(ctx, []checks.Check{trap(t, "A"), trap(t, "B", "A"), trap(t, "C")}, nil, quiet)
	for i, want := range []checks.Status{checks.Unknown, checks.Skip, checks.Unknown} {
		if got := results[i].Finding; got.Status != want {
			t.Errorf("%s after the end: %+v, want %s", results[i].Check.ID, got, want)
		}
	}
}

func TestNoFindingIsUnknown(t *testing.T) {
	t.Parallel()
	results := checks.Run(t.Context(), []checks.Check{toy("A", checks.Finding{})}, nil, quiet)
	if got := results[0].Finding; got.Status != checks.Unknown || !strings.Contains(got.Observed, "no finding") {
		t.Errorf("finding %+v, want unknown", got)
	}
}

func TestNothingSelected(t *testing.T) {
	t.Parallel()
	if results := checks.Run(t.Context(), nil, nil, quiet); len(results) != 0 {
		t.Errorf("results %v", results)
	}
}

func TestSettle(t *testing.T) {
	t.Parallel()
	result := func(id, provedBy checks.ID, finding checks.Finding) checks.Result {
		return checks.Result{Check: checks.Check{ID: id, ProvedBy: provedBy}, Finding: finding}
	}
	forbidden := checks.Finding{Status: checks.Unknown, Observed: "HTTP 403", Err: errLook}
	given := []checks.Result{
		result("A", "P", forbidden), result("B", "Q", forbidden), result("C", "", forbidden), result("D", "gone", forbidden),
		result("E", "P", checks.Finding{Status: checks.Fail, Observed: "wrong"}), result("F", "P", checks.Finding{Status: checks.Pass}),
		result("P", "", checks.Finding{Status: checks.Pass}), result("Q", "", checks.Finding{Status: checks.Warn}),
	}
	want := []checks.Status{checks.Skip, checks.Unknown, checks.Unknown, checks.Unknown, checks.Fail, checks.Pass, checks.Pass, checks.Warn}
	settled := checks.Settle(given)
	for i, result := range settled {
		if result.Finding.Status != want[i] || result.Check.ID != given[i].Check.ID {
			t.Errorf("%s: %+v, want %s", result.Check.ID, result.Finding, want[i])
		}
	}
	if got := settled[0].Finding; got.Observed != "proved by P (HTTP 403)" || got.Err != nil {
		t.Errorf("finding %+v, want one that names the proof and what was seen", got)
	}
	if given[0].Finding.Status != checks.Unknown {
		t.Error("the results that were given were changed")
	}
}

func TestSelect(t *testing.T) {
	t.Parallel()
	catalogue := []checks.Check{{ID: "A", Stage: checks.After}, {ID: "B", Stage: checks.Before}, {ID: "C", Stage: checks.After}}
	var got []checks.ID
	for _, check := range checks.Select(catalogue, checks.After) {
		got = append(got, check.ID)
	}
	if !slices.Equal(got, []checks.ID{"A", "C"}) {
		t.Errorf("selected %v, want A and C", got)
	}
}
