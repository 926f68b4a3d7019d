package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/tbotctl/tbotctl/internal/teleporttest"
	"github.com/tbotctl/tbotctl/internal/testkit"
	"github.com/tbotctl/tbotctl/internal/testkit/lab"
)

// mostMemory is what one round of the embedded tbot may take at its peak, in MB.
const mostMemory = 80

// verifyCost measures `verify` of a setup with an identity output: one round of the embedded tbot from the pod's token to the dry run of
// the Secret, without a Teleport login. It prints how long it takes and what it asks of whom.
func verifyCost(ctx context.Context, plane *testkit.ControlPlane, launch launcher, binary string, rounds int) (result bound, err error) {
	asked := &requested{count: map[string]int{}}
	r, err := newRound(ctx, plane, teleporttest.Options{Before: func(_ context.Context, q teleporttest.Request) error {
		asked.add("Teleport    " + q.Method)
		return nil
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
		return http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
			asked.add("Kubernetes  " + q.Method + " " + unprobed(strings.ReplaceAll(q.URL.Path, r.namespace, "NAMESPACE")))
			next.ServeHTTP(w, q)
		})
	})
	if err != nil {
		return bound{}, err
	}
	defer closeIt()
	if _, err := launch.timed(ctx, binary, r.init("--prove", "never")...); err != nil {
		return bound{}, err
	}
	var walls, memory []int64
	for range rounds {
		asked.reset()
		one, err := launch.measure(ctx, binary, "verify", "--non-interactive", "--kubeconfig", kubeconfig, "--context", lab.GatewayContext,
			"--namespace", r.namespace, "--proxy-ca", r.webCA())
		if err != nil {
			return bound{}, err
		}
		walls, memory = append(walls, one.wall), append(memory, one.memory)
	}
	requests := 0
	for _, n := range asked.count {
		requests += n
	}
	fmt.Printf("\nverify, one round of the embedded tbot with an identity output: %v (median of %d), %d requests:\n", milliseconds(median(walls)), rounds, requests)
	for _, what := range slices.Sorted(maps.Keys(asked.count)) {
		fmt.Printf("  %2d  %s\n", asked.count[what], what)
	}
	const megabyte = 1_000_000
	return bound{what: "verify: peak memory in MB", value: float64(median(memory)) / megabyte, most: mostMemory}, nil
}

// unprobed gives the probe pods of all rounds one name.
func unprobed(path string) string {
	before, after, found := strings.Cut(path, "-probe-")
	if !found {
		return path
	}
	_, rest, _ := strings.Cut(after, "/")
	return strings.TrimSuffix(before+"-probe-*/"+rest, "/")
}
