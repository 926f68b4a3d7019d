package testkit

import (
	"context"
	"testing"
	"time"
)

// Eventually calls check every 50 ms until it returns nil, and ends the test with its last error after a
// minute: what a cluster brings about takes a moment, and longer on a busy machine.
func Eventually(tb testing.TB, what string, check func(context.Context) error) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), time.Minute)
	defer cancel()
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	for {
		err := check(ctx)
		if err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			tb.Fatalf("waiting for %s: %v", what, err)
		}
	}
}
