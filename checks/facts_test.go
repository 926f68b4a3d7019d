package checks_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/tbotctl/tbotctl/checks"
)

func TestOnceIsShared(t *testing.T) {
	t.Parallel()
	var fetched atomic.Int32
	fact := checks.Once(func(context.Context) (int, error) { return int(fetched.Add(1)), nil })
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if value, err := fact(t.Context()); value != 1 || err != nil {
				t.Errorf("value %d, error %v; want the first fetch's", value, err)
			}
		})
	}
	wg.Wait()
	if fetched.Load() != 1 {
		t.Errorf("fetched %d times, want once", fetched.Load())
	}
}

func TestOnceKeepsAnError(t *testing.T) {
	t.Parallel()
	fetched := 0
	fact := checks.Once(func(context.Context) (string, error) { fetched++; return "partly", errLook })
	for range 2 {
		if value, err := fact(t.Context()); value != "partly" || !errors.Is(err, errLook) {
			t.Errorf("value %q, error %v", value, err)
		}
	}
	if fetched != 1 {
		t.Errorf("fetched %d times: a server that says no is not asked again", fetched)
	}
}

func TestOnceForgetsACancelledFetch(t *testing.T) {
	t.Parallel()
	fetched := 0
	fact := checks.Once(func(ctx context.Context) (int, error) { fetched++; return fetched, ctx.Err() })
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := fact(ended); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want the caller's own", err)
	}
	for range 2 {
		if value, err := fact(t.Context()); value != 2 || err != nil {
			t.Errorf("value %d, error %v; want a fetch of its own, kept", value, err)
		}
	}
}

// While one fetches, the other waits and takes what it gets.
func TestOnceRunsOneFetchAtATime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var running, fetched atomic.Int32
		release := make(chan struct{})
		fact := checks.Once(func(context.Context) (int, error) {
			if running.Add(1) > 1 {
				t.Error("two fetches at a time")
			}
			defer running.Add(-1)
			<-release
			return int(fetched.Add(1)), nil
		})
		values := make(chan int, 2)
		for range 2 {
			go func() {
				value, err := fact(t.Context())
				if err != nil {
					t.Error(err)
				}
				values <- value
			}()
		}
		close(release)
		if first, second := <-values, <-values; first != 1 || second != 1 {
			t.Errorf("values %d and %d, want both to be the one fetch's", first, second)
		}
	})
}
