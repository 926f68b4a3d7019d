package survey

import (
	"context"
	"sync"

	"github.com/tbotctl/tbotctl/checks"
)

// onceEach is checks.Once for a fetch by namespace and name.
func onceEach[T any](fetch func(ctx context.Context, namespace, name string) (T, error)) func(ctx context.Context, namespace, name string) (T, error) {
	type key struct{ namespace, name string }
	var lock sync.Mutex
	fetches := map[key]func(context.Context) (T, error){}
	return func(ctx context.Context, namespace, name string) (T, error) {
		lock.Lock()
		one, known := fetches[key{namespace, name}]
		if !known {
			one = checks.Once(func(ctx context.Context) (T, error) { return fetch(ctx, namespace, name) })
			fetches[key{namespace, name}] = one
		}
		lock.Unlock()
		return one(ctx)
	}
}
