// Command faults runs tbotctl init and delete against both clusters again and again, and each time lets one request go wrong:
// reset, refused for a while, failed, stalled or cut off, or the program itself interrupted or killed at it. After each it runs the
// same command once more, undisturbed, and holds init to a whole setup with nothing doubled and nothing left behind, and delete to
// nothing left and nothing gone that was not its own.
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
	only := flag.String("only", "", "one `command` alone: init or delete")
	every := flag.Int("every", 1, "try each `n`-th request only")
	flag.Parse()
	err := run(ctx, *binary, *only, *workers, *every)
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

func run(ctx context.Context, binary, only string, workers, every int) (err error) {
	plane, err := testkit.Start(ctx, testkit.Options{Flavour: testkit.SelfManaged})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, plane.Stop()) }()
	ground, err := newGround(ctx, plane, binary)
	if err != nil {
		return err
	}
	lost := 0
	for _, j := range jobs() {
		if only != "" && only != j.name {
			continue
		}
		failed, err := ground.job(ctx, j, workers, every)
		if err != nil {
			return fmt.Errorf("%s: %w", j.name, err)
		}
		lost += failed
	}
	if lost > 0 {
		return fmt.Errorf("%d faults were not survived", lost)
	}
	return ctx.Err()
}

// job is one command that is to survive.
type job struct {
	name string
	try  func(context.Context, *stand) (outcome, error)
}

func jobs() []job { return []job{{"init", tryInit}, {"delete", tryDelete}} }

// outcome is what one disturbed run cost, and whether the fault was reached: how often delete looks whether something is gone yet
// differs from run to run.
type outcome struct {
	kubernetes, teleport int
	struck               bool
}

// job tries every fault of one command, and tells how many were not survived.
func (g *ground) job(ctx context.Context, j job, workers, every int) (failed int, err error) {
	clean, err := g.try(ctx, j, fault{side: sideNone})
	if err != nil {
		return 0, fmt.Errorf("without any fault: %w", err)
	}
	fmt.Printf("%s without faults: exit code 0, %d requests to Kubernetes, %d to Teleport\n", j.name, clean.kubernetes, clean.teleport)
	faults := table(clean, every)
	tally := g.all(ctx, j, faults, workers)
	for _, one := range tally.failed {
		fmt.Println("FAILED", one)
	}
	fmt.Printf("%s: tried %d, survived %d", j.name, len(faults), tally.survived)
	if tally.unreached > 0 {
		fmt.Printf(", not reached %d, because a run made fewer requests than the first", tally.unreached)
	}
	fmt.Println()
	return len(tally.failed), ctx.Err()
}

// try sets the two clusters up for one fault and runs the job on them.
func (g *ground) try(ctx context.Context, j job, f fault) (seen outcome, err error) {
	s, err := g.set(ctx, f)
	if err != nil {
		return outcome{}, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	return j.try(ctx, s)
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

// tally is what came of many tries.
type tally struct {
	survived, unreached int
	failed              []string
}

// all tries every fault, several at once.
func (g *ground) all(ctx context.Context, j job, faults []fault, workers int) (result tally) {
	var (
		lock  sync.Mutex
		group sync.WaitGroup
		next  = make(chan fault)
	)
	for range workers {
		group.Go(func() {
			for f := range next {
				seen, err := g.try(ctx, j, f)
				lock.Lock()
				switch {
				case err != nil:
					result.failed = append(result.failed, fmt.Sprintf("%s, %s: %v", j.name, f, err))
				case !seen.struck:
					result.unreached++
				default:
					result.survived++
				}
				done := result.survived + result.unreached + len(result.failed)
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
	return result
}
