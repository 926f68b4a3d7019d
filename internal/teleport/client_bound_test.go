package teleport

import (
	"context"
	"testing"
	"time"

	"google.golang.org/grpc"
)

// TestCallsAreBounded holds that every call has a deadline, and keeps an earlier one.
func TestCallsAreBounded(t *testing.T) {
	t.Parallel()
	left := func(ctx context.Context) time.Duration {
		var left time.Duration
		err := bounded(ctx, "/m", nil, nil, nil, func(ctx context.Context, _ string, _, _ any, _ *grpc.ClientConn, _ ...grpc.CallOption) error {
			deadline, set := ctx.Deadline()
			if !set {
				t.Error("a call has no deadline")
			}
			left = time.Until(deadline)
			return nil
		})
		if err != nil {
			t.Error(err)
		}
		return left
	}
	if got := left(t.Context()); got > callTimeout {
		t.Errorf("a call may take %s", got)
	}
	short, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if got := left(short); got > time.Second {
		t.Errorf("a call of a caller with a second may take %s", got)
	}
}
