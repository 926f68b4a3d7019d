package apply

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// pollEvery is how often the rollout is looked at; a Deployment takes seconds.
const pollEvery = 500 * time.Millisecond

// Rollout is how far a Deployment has come.
type Rollout struct {
	Ready bool
	// Reason is the pod's own word for why it is not ready; empty while nothing is wrong.
	Reason string
	Pod    string
}

// NotReady means that the time was up before the Deployment was ready.
type NotReady struct {
	// Reason is the pod's own word; empty where nothing was wrong but slow.
	Reason string
	Pod    string
	After  time.Duration
}

func (e *NotReady) Error() string {
	reason := e.Reason
	if reason == "" {
		reason = "its pod reports nothing wrong, but is not ready; see its log"
	}
	if e.Pod != "" {
		reason = "pod " + e.Pod + ": " + reason
	}
	return fmt.Sprintf("the Deployment is not ready after %s: %s", e.After.Round(time.Second), reason)
}

// wait follows the rollout until it is ready or the context's deadline; the deadline's own error becomes NotReady with the
// last reason seen.
func (r Runner) wait(ctx context.Context, result *Result) error {
	if r.Rollout == nil {
		return nil
	}
	const step = "rollout"
	start := r.Now()
	r.Observe(Event{Step: step, State: Started})
	ticker := time.NewTicker(pollEvery)
	defer ticker.Stop()
	var last Rollout
	for {
		seen, err := r.Rollout(ctx)
		switch {
		case err == nil && seen.Ready:
			result.Ready, result.Pod = true, seen.Pod
			detail := "the Deployment is ready"
			if seen.Pod != "" {
				detail = "pod " + seen.Pod + " is ready"
			}
			r.Observe(Event{Step: step, State: Done, Detail: detail, Elapsed: r.Now().Sub(start)})
			return nil
		case err == nil:
			last = seen
			r.Observe(Event{Step: step, State: Waiting, Detail: seen.Reason, Elapsed: r.Now().Sub(start)})
		case ctx.Err() == nil:
			r.Observe(Event{Step: step, State: Failed, Detail: err.Error(), Elapsed: r.Now().Sub(start)})
			return err
		}
		select {
		case <-ctx.Done():
		case <-ticker.C:
		}
		if ctx.Err() != nil {
			err := ctx.Err()
			if errors.Is(err, context.DeadlineExceeded) {
				err = &NotReady{Reason: last.Reason, Pod: last.Pod, After: r.Now().Sub(start)}
			}
			r.Observe(Event{Step: step, State: Failed, Detail: err.Error(), Elapsed: r.Now().Sub(start)})
			return err
		}
	}
}
