package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/tbotctl/tbotctl/internal/teleporttest"
	"github.com/tbotctl/tbotctl/internal/testkit"
	"github.com/tbotctl/tbotctl/internal/testkit/lab"
)

// shortHold and longHold are how long each request is held up: large against what a run takes here, so that requests which don't wait
// for one another are held at the same time (see longestChain). Both holds have to find the same length: where they don't, the machine
// was too busy to tell.
const (
	shortHold = 100 * time.Millisecond
	longHold  = 200 * time.Millisecond
)

// chainRounds is how often each hold is measured.
const chainRounds = 3

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
	kubernetes, teleport int
	chain                int
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
	toKubernetes, toTeleport := kubernetes.spans(), teleport.spans()
	return held{
		took: took, kubernetes: len(toKubernetes), teleport: len(toTeleport),
		chain: longestChain(slices.Concat(toKubernetes, toTeleport)),
	}, err
}

// chains measures the longest chain of dependent requests of a first init, without and with the proof.
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
	took, lengths := map[time.Duration][]int64{}, map[time.Duration][]int64{}
	var last held
	for range chainRounds {
		for _, by := range []time.Duration{0, shortHold, longHold} {
			one, err := c.run(ctx, by, prove)
			if err != nil {
				return bound{}, err
			}
			took[by], lengths[by], last = append(took[by], one.took), append(lengths[by], int64(one.chain)), one
		}
	}
	short, long := median(lengths[shortHold]), median(lengths[longHold])
	fmt.Printf("  %-17s  %d requests, longest chain %d   (%d to Kubernetes, %d to Teleport; %v, held up %v and %v)\n",
		name, last.kubernetes+last.teleport, long, last.kubernetes, last.teleport,
		milliseconds(median(took[0])), milliseconds(median(took[shortHold])), milliseconds(median(took[longHold])))
	if short != long {
		return bound{}, fmt.Errorf("the two holds disagree about the longest chain: %d and %d", short, long)
	}
	return bound{what: "longest chain of dependent requests, " + name, value: float64(long)}, nil
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
