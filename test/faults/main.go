// Command faults runs tbotctl init against both clusters again and again, and each time lets one request go wrong: reset,
// refused for a while, failed, stalled or cut off, or the program itself interrupted or killed at it. After each it runs init
// once more, undisturbed, and holds it to a whole setup with nothing doubled and nothing left behind.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"github.com/tbotctl/tbotctl/cmd"
	"github.com/tbotctl/tbotctl/internal/testkit"
)

func main() {
	cmd.Quiet()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	binary := flag.String("tbotctl", "bin/tbotctl", "the built `program`, for signals")
	workers := flag.Int("workers", 4, "tries at once")
	every := flag.Int("every", 1, "try each `n`-th request only")
	flag.Parse()
	err := run(ctx, *binary, *workers, *every)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "faults:", err)
		os.Exit(1)
	}
}

// fault is one thing that goes wrong at one request of one side.
type fault struct {
	side  string
	kind  kind
	index int
}

func (f fault) String() string { return fmt.Sprintf("%s request %d: %s", f.side, f.index+1, f.kind) }

func run(ctx context.Context, binary string, workers, every int) (err error) {
	plane, err := testkit.Start(ctx, testkit.Options{Flavour: testkit.SelfManaged})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, plane.Stop()) }()
	ground, err := newGround(ctx, plane, binary)
	if err != nil {
		return err
	}
	clean, err := ground.try(ctx, fault{side: sideNone})
	if err != nil {
		return fmt.Errorf("without any fault: %w", err)
	}
	fmt.Printf("a run without faults: exit code 0, %d requests to Kubernetes, %d to Teleport\n", clean.kubernetes, clean.teleport)
	faults := table(clean, every)
	survived, failed := ground.all(ctx, faults, workers)
	for _, one := range failed {
		fmt.Println("FAILED", one)
	}
	fmt.Printf("tried %d, survived %d\n", len(faults), survived)
	if survived != len(faults) {
		return errors.New("not every fault was survived")
	}
	return ctx.Err()
}

// table lists every fault for the requests that a clean run makes.
func table(clean outcome, every int) []fault {
	var faults []fault
	for side, count := range map[string]int{sideKubernetes: clean.kubernetes, sideTeleport: clean.teleport} {
		for index := 0; index < count; index += every {
			for _, k := range kindsOf(side) {
				faults = append(faults, fault{side: side, kind: k, index: index})
			}
		}
	}
	return faults
}

// all tries every fault, several at once.
func (g *ground) all(ctx context.Context, faults []fault, workers int) (survived int, failed []string) {
	var (
		lock  sync.Mutex
		group sync.WaitGroup
		next  = make(chan fault)
	)
	for range workers {
		group.Go(func() {
			for f := range next {
				_, err := g.try(ctx, f)
				lock.Lock()
				if err == nil {
					survived++
				} else {
					failed = append(failed, fmt.Sprintf("%s: %v", f, err))
				}
				done := survived + len(failed)
				if done%50 == 0 {
					fmt.Fprintf(os.Stderr, "%d of %d tried\n", done, len(faults))
				}
				lock.Unlock()
			}
		})
	}
	for _, f := range faults {
		select {
		case next <- f:
		case <-ctx.Done():
		}
	}
	close(next)
	group.Wait()
	return survived, failed
}
