package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"os"
	"sync/atomic"
	"time"

	"github.com/tbotctl/tbotctl/internal/teleporttest"
	"github.com/tbotctl/tbotctl/internal/testkit"
	"github.com/tbotctl/tbotctl/internal/testkit/lab"
)

// shortHold and longHold are how long each request is held up: large against what a run takes here, so that the longest chain of
// requests of which each waits for the one before decides how long the run takes. Then the run grows as much from the short hold to
// the long one as from none to the short one; where it does not, something else was measured.
const (
	shortHold = 100 * time.Millisecond
	longHold  = 200 * time.Millisecond
)

// chainRounds is how often each hold is measured.
const chainRounds = 3

// hold holds up each request to a cluster and counts them.
type hold struct {
	by   time.Duration
	seen atomic.Int64
}

func (h *hold) up(ctx context.Context) error {
	h.seen.Add(1)
	timer := time.NewTimer(h.by)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// http holds up the requests of a handler; one whose client has gone is not carried on.
func (h *hold) http(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if h.up(r.Context()) == nil {
			next.ServeHTTP(w, r)
		}
	})
}

// course is where init runs whose requests are held up.
type course struct {
	plane   *testkit.ControlPlane
	gateway *lab.Gateway
	launch  launcher
	binary  string
}

// held is one init whose requests were held up: what it took, and how many each cluster was sent.
type held struct {
	took                 int64
	kubernetes, teleport int64
}

func (c *course) run(ctx context.Context, by time.Duration, prove string) (result held, err error) {
	kubernetes, teleport := &hold{by: by}, &hold{by: by}
	r, err := newRound(ctx, c.plane, teleporttest.Options{Before: func(ctx context.Context, _ teleporttest.Request) error { return teleport.up(ctx) }})
	if err != nil {
		return held{}, err
	}
	defer func() { err = errors.Join(err, r.close()) }()
	kubeconfig, closeIt, err := c.gateway.Open(r.dir, kubernetes.http)
	if err != nil {
		return held{}, err
	}
	defer closeIt()
	took, err := c.launch.timed(ctx, c.binary, r.init("--kubeconfig", kubeconfig, "--context", lab.GatewayContext, "--prove", prove)...)
	return held{took: took, kubernetes: kubernetes.seen.Load(), teleport: teleport.seen.Load()}, err
}

// chains measures the longest chain of dependent requests of a first init, without and with the proof: what the run grows by for
// each millisecond that every request is held up.
func chains(ctx context.Context, plane *testkit.ControlPlane, launch launcher, binary string) ([]bound, error) {
	gateway, err := lab.NewGateway(ctx, plane)
	if err != nil {
		return nil, err
	}
	c := &course{plane: plane, gateway: gateway, launch: launch, binary: binary}
	fmt.Printf("\ninit --no-wait, each request to either cluster held up by %v and by %v; the longest chain is the one of which each request\n", shortHold, longHold)
	fmt.Println("waits for the one before (a self-managed cluster: no issuer on the internet is asked)")
	var bounds []bound
	for _, way := range []struct {
		name, prove string
		most        float64
	}{{"without the proof", "never", mostWithout}, {"with the proof", "always", mostWith}} {
		b, err := c.chain(ctx, way.name, way.prove)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", way.name, err)
		}
		b.most = way.most
		bounds = append(bounds, b)
	}
	return bounds, nil
}

// mostWithout and mostWith are what was measured when these lines were written, and two more: a longer chain has to be meant.
const (
	mostWithout = 23
	mostWith    = 37
)

// chain measures and prints one way of init.
func (c *course) chain(ctx context.Context, name, prove string) (bound, error) {
	took := map[time.Duration][]int64{}
	var last held
	for range chainRounds {
		for _, by := range []time.Duration{0, shortHold, longHold} {
			one, err := c.run(ctx, by, prove)
			if err != nil {
				return bound{}, err
			}
			took[by], last = append(took[by], one.took), one
		}
	}
	growth := func(from, to time.Duration) float64 {
		return float64(median(took[to])-median(took[from])) / float64(to-from)
	}
	short, long := growth(0, shortHold), growth(shortHold, longHold)
	fmt.Printf("  %-17s  %d requests, longest chain %.0f   (%d to Kubernetes, %d to Teleport; %v, held up %v and %v: %.1f and %.1f times the hold)\n",
		name, last.kubernetes+last.teleport, math.Round(long), last.kubernetes, last.teleport,
		milliseconds(median(took[0])), milliseconds(median(took[shortHold])), milliseconds(median(took[longHold])), short, long)
	if math.Abs(short-long) > 1 {
		return bound{}, fmt.Errorf("the two holds disagree about the longest chain: %.1f and %.1f", short, long)
	}
	return bound{what: "longest chain of dependent requests, " + name, value: math.Round(long)}, nil
}

// printRequests prints the table that the test of init's requests holds.
func printRequests(file string) error {
	table, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	fmt.Printf("\nthe requests by phase (%s):\n%s", file, table)
	return nil
}
