package main

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"sync"
	"time"
)

// hold holds up each request to a cluster and notes when.
type hold struct {
	by time.Duration

	mu   sync.Mutex
	held []span
}

// span is one request held up: from its arrival until it was let go.
type span struct{ from, until time.Time }

func (h *hold) up(ctx context.Context) error {
	from := time.Now()
	timer := time.NewTimer(h.by)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
		return ctx.Err()
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.held = append(h.held, span{from, time.Now()})
	return nil
}

// http holds up the requests of a handler; one whose client has gone is not carried on.
func (h *hold) http(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if h.up(r.Context()) == nil {
			next.ServeHTTP(w, r)
		}
	})
}

// spans are the requests so far.
func (h *hold) spans() []span {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.held)
}

// longestChain is how many requests followed one another at most: of each two neighbours the second arrived after the first had been
// let go. A hold that is long against what is done between two requests makes those that don't wait for each other overlap, so what is
// left in a row are the requests of which each waits for the one before.
func longestChain(spans []span) int {
	slices.SortFunc(spans, func(a, b span) int { return cmp.Compare(a.until.UnixNano(), b.until.UnixNano()) })
	length := 0
	var last time.Time
	for _, s := range spans {
		if !s.from.Before(last) {
			length, last = length+1, s.until
		}
	}
	return length
}
