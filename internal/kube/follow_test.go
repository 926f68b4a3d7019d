package kube_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/tools/clientcmd/api"

	"github.com/tbotctl/tbotctl/internal/kube"
)

func TestFollowLogs(t *testing.T) {
	t.Parallel()
	namespace := server(t).Namespace(t)
	c := admin(t)
	runs(t, c, namespace, "talker")
	kubelet := node(t)
	kubelet.Say(namespace, "talker", "main", false, "one", "", strings.Repeat("x", 100<<10), "last")
	var got []string
	if err := c.FollowLogs(t.Context(), namespace, "talker", "main", func(line string) { got = append(got, line) }); err != nil {
		t.Fatal(err)
	}
	if len(got) != 4 || got[0] != "one" || got[1] != "" || len(got[2]) > 64<<10 || got[3] != "last" {
		t.Errorf("%d lines from %.40q; want all four, the long one cut", len(got), got)
	}
	never := func(line string) { t.Errorf("got %q", line) }
	wantError(t, c.FollowLogs(t.Context(), namespace, "nobody", "main", never), kube.NotFound, "following the log of pod "+namespace+"/nobody")
	wantError(t, c.FollowLogs(t.Context(), namespace, "talker", "sidecar", never), kube.Invalid)
	if _, err := c.CreatePod(t.Context(), pod(namespace, "waiting", nil)); err != nil {
		t.Fatal(err)
	}
	wantError(t, c.FollowLogs(t.Context(), namespace, "waiting", "main", never), kube.NotFound, "the pod is on no node yet")
	if lines, err := c.Logs(t.Context(), namespace, "waiting", "main", false, 10); err != nil || lines != nil {
		t.Errorf("the last lines of a pod on no node: %q, %v; want nothing", lines, err)
	}
}

// A log is followed for longer than any one request may take, line by line as it is written.
func TestFollowLogsStreams(t *testing.T) {
	t.Parallel()
	said := make(chan string)
	begun := time.Now()
	api := apiServer(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/api/v1/namespaces/machines/pods/a/log" || r.URL.Query().Get("follow") != "true" || r.URL.Query().Get("container") != "tbot" {
			t.Errorf("asked for %s", r.URL)
		}
		for line := range said {
			_, _ = fmt.Fprintln(w, line)
			_ = http.NewResponseController(w).Flush()
		}
	})
	got := make(chan string)
	ended := make(chan error, 1)
	go func() {
		ended <- api.FollowLogs(t.Context(), "machines", "a", "tbot", func(line string) { got <- line })
	}()
	for i := range 4 {
		said <- fmt.Sprint(i)
		if line := <-got; line != fmt.Sprint(i) {
			t.Errorf("line %q, want %d", line, i)
		}
		<-time.After(80 * time.Millisecond)
	}
	close(said)
	if err := <-ended; err != nil {
		t.Errorf("%v after %s, want the log's own end", err, time.Since(begun))
	}
}

func TestFollowLogsEndsWithItsContext(t *testing.T) {
	t.Parallel()
	api := apiServer(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprintln(w, "line")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var lines []string
	err := api.FollowLogs(ctx, "machines", "a", "tbot", func(line string) { lines = append(lines, line); cancel() })
	if !errors.Is(err, context.Canceled) || !slices.Equal(lines, []string{"line"}) {
		t.Errorf("%v after %q, want the context's error after the line", err, lines)
	}
}

func TestFollowLogsBreaksOnce(t *testing.T) {
	t.Parallel()
	asked := 0
	api := apiServer(t, func(w http.ResponseWriter, _ *http.Request) {
		asked++
		w.Header().Set("Content-Length", "100")
		_, _ = fmt.Fprintln(w, "half")
	})
	var lines []string
	err := api.FollowLogs(t.Context(), "machines", "a", "tbot", func(line string) { lines = append(lines, line) })
	if err == nil || asked != 1 || !slices.Equal(lines, []string{"half"}) {
		t.Errorf("%v after %q and %d requests, want an error, the line, and no second try", err, lines, asked)
	}
}

// apiServer answers with handler; a request of it may take 200 ms.
func apiServer(t *testing.T, handler http.HandlerFunc) *kube.Cluster {
	t.Helper()
	listening := httptest.NewServer(handler)
	t.Cleanup(listening.Close)
	return connect(t, kube.Options{
		Kubeconfig: kubeconfig(t, "talking", api.Cluster{Server: listening.URL}, api.AuthInfo{}), RequestTimeout: 200 * time.Millisecond,
	})
}
