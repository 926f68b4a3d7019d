package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tbotctl/tbotctl/checks"
	"github.com/tbotctl/tbotctl/internal/teleporttest"
	"github.com/tbotctl/tbotctl/internal/testkit"
	"github.com/tbotctl/tbotctl/internal/testkit/lab"
)

// doctorHold is how long each request of doctor is held up, so that what waits for what decides how long it takes.
const doctorHold = 50 * time.Millisecond

// mostOfPath is how much longer than its critical path doctor may take.
const mostOfPath = 1.3

// requested counts requests by what they ask.
type requested struct {
	lock  sync.Mutex
	count map[string]int
}

func (r *requested) add(what string) {
	r.lock.Lock()
	defer r.lock.Unlock()
	r.count[what]++
}

func (r *requested) reset() {
	r.lock.Lock()
	defer r.lock.Unlock()
	clear(r.count)
}

// doctorTimes measures doctor on a setup that init made, against the longest chain of checks that need each other by the durations
// that it tells itself, and prints what it asks of whom.
func doctorTimes(ctx context.Context, plane *testkit.ControlPlane, launch launcher, binary string, rounds int) (result bound, err error) {
	asked, up := &requested{count: map[string]int{}}, &hold{by: doctorHold}
	r, err := newRound(ctx, plane, teleporttest.Options{Before: func(ctx context.Context, q teleporttest.Request) error {
		asked.add("Teleport    " + q.Method)
		return up.up(ctx)
	}})
	if err != nil {
		return bound{}, err
	}
	defer func() { err = errors.Join(err, r.close()) }()
	gateway, err := lab.NewGateway(ctx, plane)
	if err != nil {
		return bound{}, err
	}
	kubeconfig, closeIt, err := gateway.Open(r.dir, func(next http.Handler) http.Handler {
		held := up.http(next)
		return http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
			asked.add("Kubernetes  " + q.Method + " " + strings.ReplaceAll(q.URL.Path, r.namespace, "NAMESPACE"))
			held.ServeHTTP(w, q)
		})
	})
	if err != nil {
		return bound{}, err
	}
	defer closeIt()
	if _, err := launch.timed(ctx, binary, r.init("--prove", "never")...); err != nil {
		return bound{}, err
	}
	var walls, paths []int64
	for range rounds {
		asked.reset()
		wall, path, err := r.doctor(ctx, binary, kubeconfig)
		if err != nil {
			return bound{}, err
		}
		walls, paths = append(walls, int64(wall)), append(paths, int64(path))
	}
	fmt.Printf("\ndoctor, each request held up by %v: %v, its longest chain of checks %v (medians of %d); its requests:\n",
		doctorHold, milliseconds(median(walls)), milliseconds(median(paths)), rounds)
	for _, what := range slices.Sorted(maps.Keys(asked.count)) {
		fmt.Printf("  %2d  %s\n", asked.count[what], what)
	}
	return bound{what: "doctor / its critical path", value: float64(median(walls)) / float64(median(paths)), most: mostOfPath}, nil
}

// doctor runs it once: how long it took, and how long the longest chain of its checks.
func (r *round) doctor(ctx context.Context, binary, kubeconfig string) (wall, path time.Duration, err error) {
	command := exec.CommandContext(ctx, binary, "doctor", "-o", "json", "--kubeconfig", kubeconfig, "--context", lab.GatewayContext,
		"--namespace", r.namespace, "--proxy-ca", r.webCA(), "--identity", r.identity())
	start := time.Now()
	said, err := command.Output()
	wall = time.Since(start)
	// Nothing runs its pods here, so it finds something: its exit code is no failure of the measurement.
	var ended *exec.ExitError
	if err != nil && !errors.As(err, &ended) {
		return 0, 0, err
	}
	var told struct {
		Checks []struct {
			ID         checks.ID
			DurationMs int64
		}
	}
	if err := json.Unmarshal(said, &told); err != nil {
		return 0, 0, fmt.Errorf("doctor -o json: %w", err)
	}
	took := map[checks.ID]time.Duration{}
	for _, check := range told.Checks {
		took[check.ID] = time.Duration(check.DurationMs) * time.Millisecond
	}
	return wall, criticalPath(took), nil
}

// criticalPath is the longest sum of durations along the needs of the catalogue.
func criticalPath(took map[checks.ID]time.Duration) time.Duration {
	needs := map[checks.ID][]checks.ID{}
	for _, check := range checks.Catalogue() {
		needs[check.ID] = check.Needs
	}
	var until func(id checks.ID) time.Duration
	until = func(id checks.ID) time.Duration {
		var before time.Duration
		for _, need := range needs[id] {
			before = max(before, until(need))
		}
		return before + took[id]
	}
	var longest time.Duration
	for id := range took {
		longest = max(longest, until(id))
	}
	return longest
}
