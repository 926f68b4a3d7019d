package kube

import (
	"errors"
	"net/http"
	"testing"
	"time"
)

// answering is an API server that answers with a Date, or not at all.
type answering struct {
	date string
	err  error
}

func (a answering) RoundTrip(*http.Request) (*http.Response, error) {
	if a.err != nil {
		return nil, a.err
	}
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Date": {a.date}}, Body: http.NoBody}, nil
}

func TestNow(t *testing.T) {
	t.Parallel()
	hourAgo := time.Now().Add(-time.Hour)
	good := answering{date: hourAgo.UTC().Format(http.TimeFormat)}
	for name, row := range map[string]struct {
		answers []answering
		known   bool
	}{
		"nothing was asked":      {nil, false},
		"an answer":              {[]answering{good}, true},
		"no answer":              {[]answering{{err: errors.New("connection refused")}}, false},
		"no date":                {[]answering{{date: ""}}, false},
		"not a date":             {[]answering{{date: "yesterday"}}, false},
		"not a date after a one": {[]answering{good, {date: "\x1b[2J"}, {err: errors.New("connection refused")}}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cluster := &Cluster{clock: &clock{}}
			for _, answer := range row.answers {
				request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://api.example.com/version", nil)
				if err != nil {
					t.Fatal(err)
				}
				response, err := cluster.clock.watch(answer).RoundTrip(request)
				if !errors.Is(err, answer.err) {
					t.Errorf("error %v, want the server's own", err)
				}
				if err == nil && response.Body.Close() != nil {
					t.Error("the body is another")
				}
			}
			now, known := cluster.Now()
			if known != row.known {
				t.Fatalf("known is %v", known)
			}
			if off := now.Sub(hourAgo); known && (off < -time.Second || off > time.Minute) {
				t.Errorf("it is %s, want about %s", now, hourAgo)
			}
		})
	}
}
