package kube

import (
	"net/http"
	"sync/atomic"
	"time"
)

// clock keeps what the API server's answers tell of its time: their Date header, to the second (RFC 9110, section 6.6.1).
type clock struct{ last atomic.Pointer[reading] }

// reading is one Date and when it came, by this machine's clock.
type reading struct{ server, at time.Time }

// watch reads the Date of every answer that passes.
func (c *clock) watch(next http.RoundTripper) http.RoundTripper {
	return watched{next, c}
}

type watched struct {
	next  http.RoundTripper
	clock *clock
}

// RoundTrip implements http.RoundTripper. An answer without a Date tells nothing.
func (w watched) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := w.next.RoundTrip(request)
	if err != nil {
		return response, err
	}
	if server, err := http.ParseTime(response.Header.Get("Date")); err == nil {
		w.clock.last.Store(&reading{server, time.Now()})
	}
	return response, nil
}

// WrappedRoundTripper lets client-go reach what lies below.
func (w watched) WrappedRoundTripper() http.RoundTripper { return w.next }

// Now is the time by the API server's clock, to about a second, whatever this machine's says; known is false as long as it has not
// answered.
func (c *Cluster) Now() (now time.Time, known bool) {
	last := c.clock.last.Load()
	if last == nil {
		return time.Time{}, false
	}
	return last.server.Add(time.Since(last.at)), true
}
