package survey_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tbotctl/tbotctl/checks"
	"github.com/tbotctl/tbotctl/internal/kube"
	"github.com/tbotctl/tbotctl/internal/survey"
	"github.com/tbotctl/tbotctl/internal/testkit/lab"
)

// everything takes every look there is, and gives the errors by its name.
func everything(ctx context.Context, live *checks.Live, namespace string) map[string]error {
	found := map[string]error{}
	_, found["pods"] = live.Pods(ctx)
	_, found["logs"] = live.Logs(ctx)
	_, found["events"] = live.Events(ctx)
	_, found["health"] = live.Health(ctx)
	_, found["service account"] = live.ServiceAccount(ctx)
	_, found["grants"] = live.Grants(ctx)
	_, found["namespace"] = live.Namespace(ctx)
	_, found["policies"] = live.Policies(ctx)
	_, found["admission"] = live.Admission(ctx)
	_, found["output"] = live.Output(ctx, namespace, "tbot-output")
	_, found["cluster secrets"] = live.ClusterSecrets(ctx, namespace)
	_, found["argo cd"] = live.ArgoCDs(ctx, namespace)
	_, found["mounts"] = live.Mounts(ctx, namespace, "tbot-output")
	for _, verdict := range live.May(ctx, []checks.Access{{Verb: "get", Resource: "secrets", Namespace: namespace, Name: "tbot-output"}}) {
		found["may"] = verdict.Err
	}
	return found
}

// An API server that falls silent is an error of every look, within the time that a request has, and never an empty answer.
func TestASilentAPIServer(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.install(t, s.setup())
	w := s.around(t, s.kube).Workload
	gateway, err := lab.NewGateway(t.Context(), s.plane)
	if err != nil {
		t.Fatal(err)
	}
	var silent atomic.Bool
	released := make(chan struct{})
	kubeconfig, closeIt, err := gateway.Open(t.TempDir(), func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			if silent.Load() {
				// A server learns that its client is gone only after it has read the body.
				_, _ = io.Copy(io.Discard, r.Body)
				select {
				case <-r.Context().Done():
				case <-released:
				}
				return
			}
			next.ServeHTTP(rw, r)
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { close(released); closeIt() })
	cluster, err := kube.Connect(kube.Options{Kubeconfig: kubeconfig, Context: lab.GatewayContext, RequestTimeout: 300 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := survey.Find(t.Context(), cluster, survey.Options{Namespace: s.namespace}); err != nil {
		t.Fatal(err)
	}
	silent.Store(true)
	begun := time.Now()
	for what, err := range everything(t.Context(), survey.Around(cluster, w), s.namespace) {
		if !kube.Is(err, kube.Unreachable) {
			t.Errorf("%s: %v, want kind Unreachable", what, err)
		}
	}
	if _, err := survey.Find(t.Context(), cluster, survey.Options{Fallback: s.namespace}); !kube.Is(err, kube.Unreachable) {
		t.Errorf("the search: %v, want kind Unreachable", err)
	}
	if spent := time.Since(begun); spent > 30*time.Second {
		t.Errorf("it took %s", spent)
	}
	// Whoever gives up is not waited for, and what he did not wait for is looked at again by the next.
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	live := survey.Around(cluster, w)
	if _, err := live.Pods(ctx); err == nil {
		t.Error("a look without time is an answer")
	}
	silent.Store(false)
	if pods, err := live.Pods(t.Context()); err != nil || len(pods) != 1 {
		t.Errorf("the next look: %d pods, %v", len(pods), err)
	}
}

// Looking changes nothing: all that the API server logs as writes are dry runs and reviews of access.
func TestASurveyWritesNothing(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.install(t, s.setup())
	s.around(t, s.kube)
	const agent = "survey-of-nothing/1"
	cluster, err := kube.Connect(kube.Options{Kubeconfig: s.plane.KubeconfigFile(), UserAgent: agent})
	if err != nil {
		t.Fatal(err)
	}
	node(t)
	everything(t.Context(), survey.Around(cluster, s.only(t, cluster)), s.namespace)
	events, err := s.plane.AuditEvents(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, event := range events {
		if !strings.HasPrefix(event.UserAgent, agent) {
			continue
		}
		seen++
		if event.Write() && !event.DryRun && event.Resource != "subjectaccessreviews" {
			t.Errorf("written: %s %s %s", event.Verb, event.Resource, event.Name)
		}
	}
	if seen < 12 {
		t.Errorf("%d requests were logged, want every look", seen)
	}
}
