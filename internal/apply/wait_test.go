package apply_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tbotctl/tbotctl/internal/apply"
	"github.com/tbotctl/tbotctl/internal/plan"
)

// look is what one look at the rollout gives.
type look struct {
	rollout apply.Rollout
	err     error
}

// wait follows a rollout that gives the looks in turn, and the last one for ever, for at most timeout; time is synctest's.
func wait(t *testing.T, timeout time.Duration, looks ...look) (apply.Result, []apply.Event, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	defer cancel()
	var events []apply.Event
	result, err := apply.Runner{
		Observe: func(event apply.Event) { events = append(events, event) },
		Now:     time.Now,
		Rollout: func(context.Context) (apply.Rollout, error) {
			next := looks[0]
			if len(looks) > 1 {
				looks = looks[1:]
			}
			return next.rollout, next.err
		},
	}.Run(ctx, plan.Plan{})
	return result, events, err
}

func TestWaitUntilReady(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		pulling := apply.Rollout{Pod: "tbot-1", Reason: "ErrImagePull"}
		result, events, err := wait(t, time.Minute, look{}, look{rollout: pulling}, look{rollout: pulling}, look{rollout: apply.Rollout{Ready: true, Pod: "tbot-1"}})
		if err != nil || !result.Ready || result.Pod != "tbot-1" {
			t.Errorf("result %+v, error %v; want it ready", result, err)
		}
		want := []apply.Event{
			{Step: "rollout", State: apply.Started},
			{Step: "rollout", State: apply.Waiting},
			{Step: "rollout", State: apply.Waiting, Detail: "ErrImagePull", Elapsed: 500 * time.Millisecond},
			{Step: "rollout", State: apply.Waiting, Detail: "ErrImagePull", Elapsed: time.Second},
			{Step: "rollout", State: apply.Done, Detail: "pod tbot-1 is ready", Elapsed: 1500 * time.Millisecond},
		}
		if len(events) != len(want) {
			t.Fatalf("events\n%v, want\n%v", events, want)
		}
		for i := range want {
			if events[i] != want[i] {
				t.Errorf("event %d is %+v, want %+v", i, events[i], want[i])
			}
		}
	})
}

func TestWaitWithoutAPodToName(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, events, err := wait(t, time.Minute, look{rollout: apply.Rollout{Ready: true}})
		if last := events[len(events)-1]; err != nil || last.Detail != "the Deployment is ready" {
			t.Errorf("event %+v, error %v", last, err)
		}
	})
}

func TestWaitInVain(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		looks []look
		want  apply.NotReady
		text  string
	}{
		"the pod says why": {
			[]look{{}, {rollout: apply.Rollout{Pod: "tbot-1", Reason: "ImagePullBackOff: no such tag"}}},
			apply.NotReady{Pod: "tbot-1", Reason: "ImagePullBackOff: no such tag", After: time.Minute},
			"the Deployment is not ready after 1m0s: pod tbot-1: ImagePullBackOff: no such tag",
		},
		"the Deployment says why": {
			[]look{{rollout: apply.Rollout{Reason: "FailedCreate: exceeded quota"}}},
			apply.NotReady{Reason: "FailedCreate: exceeded quota", After: time.Minute},
			"the Deployment is not ready after 1m0s: FailedCreate: exceeded quota",
		},
		"nobody says why": {
			[]look{{}},
			apply.NotReady{After: time.Minute},
			"the Deployment is not ready after 1m0s: its pod reports nothing wrong, but is not ready; see its log",
		},
		"an old reason that has gone counts no more": {
			[]look{{rollout: apply.Rollout{Pod: "tbot-1", Reason: "ErrImagePull"}}, {}},
			apply.NotReady{After: time.Minute},
			"the Deployment is not ready after 1m0s: its pod reports nothing wrong, but is not ready; see its log",
		},
		"the last look is cut off by the deadline": {
			[]look{{rollout: apply.Rollout{Pod: "tbot-1", Reason: "Unschedulable"}}, {rollout: apply.Rollout{Pod: "tbot-1", Reason: "Unschedulable"}}},
			apply.NotReady{Pod: "tbot-1", Reason: "Unschedulable", After: time.Minute},
			"the Deployment is not ready after 1m0s: pod tbot-1: Unschedulable",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				result, events, err := wait(t, time.Minute, row.looks...)
				var slow *apply.NotReady
				if !errors.As(err, &slow) || *slow != row.want || err.Error() != row.text {
					t.Errorf("error %#v (%v), want %#v (%s)", err, err, row.want, row.text)
				}
				if last := events[len(events)-1]; result.Ready || last.State != apply.Failed || last.Detail != row.text || last.Elapsed != time.Minute {
					t.Errorf("result %+v, last event %+v", result, last)
				}
			})
		})
	}
}

func TestWaitEndsWithAFailedLook(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		result, events, err := wait(t, time.Minute, look{}, look{err: errRefused})
		if last := events[len(events)-1]; !errors.Is(err, errRefused) || result.Ready || last.State != apply.Failed || last.Detail != errRefused.Error() {
			t.Errorf("result %+v, error %v, last event %+v; want the failure of the look", result, err, last)
		}
	})
}

// A look that fails because the time is up is no failure of its own.
func TestWaitDeadlineDuringALook(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		looked := 0
		_, err := apply.Runner{
			Observe: func(apply.Event) {}, Now: time.Now,
			Rollout: func(ctx context.Context) (apply.Rollout, error) {
				if looked++; looked == 1 {
					return apply.Rollout{Pod: "tbot-1", Reason: "ErrImagePull"}, nil
				}
				<-ctx.Done()
				return apply.Rollout{}, ctx.Err()
			},
		}.Run(ctx, plan.Plan{})
		var slow *apply.NotReady
		if !errors.As(err, &slow) || slow.Reason != "ErrImagePull" {
			t.Errorf("error %v, want NotReady with the last reason seen", err)
		}
	})
}

func TestWaitCancelled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		var events []apply.Event
		start := time.Now()
		_, err := apply.Runner{
			Observe: func(event apply.Event) { events = append(events, event) }, Now: time.Now,
			Rollout: func(context.Context) (apply.Rollout, error) {
				cancel()
				return apply.Rollout{Reason: "ErrImagePull"}, nil
			},
		}.Run(ctx, plan.Plan{})
		var slow *apply.NotReady
		if !errors.Is(err, context.Canceled) || errors.As(err, &slow) || time.Since(start) != 0 {
			t.Errorf("error %v after %s, want the cancel at once and no word of a slow Deployment", err, time.Since(start))
		}
		if last := events[len(events)-1]; last.State != apply.Failed {
			t.Errorf("last event %+v, want the failure", last)
		}
	})
}
