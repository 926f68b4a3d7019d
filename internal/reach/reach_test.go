package reach

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"

	"github.com/tbotctl/tbotctl/checks"
)

// played is a cluster whose answers take a while; it is silent where that is forever.
type played struct {
	takes      time.Duration
	now, most  *atomic.Int64
	wantToSeen func(path string)
}

func (p played) wait(ctx context.Context) error {
	if p.now != nil {
		n := p.now.Add(1)
		defer p.now.Add(-1)
		for most := p.most.Load(); n > most && !p.most.CompareAndSwap(most, n); most = p.most.Load() {
		}
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(p.takes):
		return nil
	}
}

func (p played) Raw(ctx context.Context, path string) (int, []byte, error) {
	if p.wantToSeen != nil {
		p.wantToSeen(path)
	}
	return http.StatusOK, nil, p.wait(ctx)
}

func (p played) ServerVersion(ctx context.Context) (string, error) { return "v1.36.3", p.wait(ctx) }

func (p played) WhoAmI(ctx context.Context) (authenticationv1.UserInfo, error) {
	return authenticationv1.UserInfo{Username: "robot"}, p.wait(ctx)
}

func (p played) Rules(ctx context.Context, _ string) (authorizationv1.SubjectRulesReviewStatus, error) {
	return authorizationv1.SubjectRulesReviewStatus{}, p.wait(ctx)
}

func (p played) target(name string) Target { return Target{Cluster: name, Bare: p, As: p} }

// One silent cluster takes ten seconds and no more, holds up no other, and is unknown.
func TestAskIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var targets []Target
		for i := range 30 {
			targets = append(targets, played{takes: time.Second}.target(fmt.Sprint("cluster-", i)))
		}
		targets[3] = played{takes: time.Hour}.target("silent")
		targets[4].Untried = "no way there"
		var done []string
		began := time.Now()
		answers := Ask(t.Context(), targets, func(cluster string) { done = append(done, cluster) })
		// Seven at a time beside the silent one, two seconds each, make less than the ten seconds of that.
		if took := time.Since(began); took != patience {
			t.Errorf("30 clusters took %v, want %v", took, patience)
		}
		if len(done) != 30 {
			t.Errorf("%d were told of", len(done))
		}
		for i, answer := range answers {
			want := checks.Pass
			if i == 3 || i == 4 {
				want = checks.Unknown
			}
			if answer.Cluster != targets[i].Cluster || answer.Status != want {
				t.Errorf("%d: %+v", i, answer)
			}
		}
		if answers[4].Why.Observed != "no way there" {
			t.Errorf("the reason is lost: %+v", answers[4].Why)
		}
	})
}

// Who gives up is not waited for, and nothing that was not asked counts as seen.
func TestAskCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { cancel(errors.New("enough")) })
		targets := make([]Target, 20)
		for i := range targets {
			targets[i] = played{takes: time.Hour}.target(fmt.Sprint(i))
		}
		began := time.Now()
		for _, answer := range Ask(ctx, targets, func(string) {}) {
			if answer.Status != checks.Unknown || answer.Reached != Untold {
				t.Errorf("%+v", answer)
			}
		}
		if took := time.Since(began); took != time.Second {
			t.Errorf("giving up took %v", took)
		}
	})
}

// Eight clusters are asked at the same time, and not more.
func TestAskAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var now, most atomic.Int64
		targets := make([]Target, 30)
		for i := range targets {
			// The first question alone is counted: what follows is side by side within a cluster.
			bare := played{takes: time.Second, now: &now, most: &most}
			targets[i] = Target{Cluster: fmt.Sprint(i), Bare: closed{bare}, As: bare}
		}
		Ask(t.Context(), targets, func(string) {})
		if most.Load() != atOnce {
			t.Errorf("%d at once, want %d", most.Load(), atOnce)
		}
	})
}

// closed is a cluster that Teleport lets nobody to.
type closed struct{ played }

func (c closed) Raw(ctx context.Context, path string) (int, []byte, error) {
	_, _, err := c.played.Raw(ctx, path)
	return http.StatusForbidden, []byte(`{"kind":"Status","message":"[00] access denied"}`), err
}
