// Command bench measures tbotctl against what people would run instead, as ratios within one run: its start against kubectl's,
// and init against the guide's seven commands by hand; the longest chain of init's requests, and what somebody at a
// terminal waits for. It shows the table of them by phase.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"syscall"

	"github.com/tbotctl/tbotctl/cmd"
	"github.com/tbotctl/tbotctl/internal/testkit"
)

func main() {
	cmd.Quiet()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	binary := flag.String("tbotctl", "bin/tbotctl", "the built `program`")
	tctl := flag.String("tctl", "bin/minitctl", "a small client that creates Teleport resources")
	launch := flag.String("launch", "bin/launch", "the small `program` that measures")
	requests := flag.String("requests", "cmd/testdata/requests.txt", "the `table` of init's requests")
	rounds := flag.Int("rounds", 15, "rounds of each pair")
	flag.Parse()
	err := run(ctx, launcher(*launch), *binary, *tctl, *requests, *rounds)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// bound is a figure, a ratio unless it says otherwise, that may not be passed.
type bound struct {
	what        string
	value, most float64
}

func run(ctx context.Context, launch launcher, binary, tctl, requests string, rounds int) (err error) {
	assets, err := testkit.AssetsDir(ctx)
	if err != nil {
		return err
	}
	kubectl := assets + "/kubectl"
	bounds, err := start(ctx, launch, binary, kubectl, rounds)
	if err != nil {
		return err
	}
	plane, err := testkit.Start(ctx, testkit.Options{Flavour: testkit.SelfManaged, Audit: true})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, plane.Stop()) }()
	ratio, err := byHand(ctx, plane, launch, binary, kubectl, tctl, max(rounds/3, 3))
	if err != nil {
		return err
	}
	lengths, err := chains(ctx, plane, launch, binary)
	if err != nil {
		return err
	}
	atTerminal, err := wizardTimes(ctx, plane, binary, rounds)
	if err != nil {
		return err
	}
	diagnosis, err := doctorTimes(ctx, plane, launch, binary, chainRounds)
	if err != nil {
		return err
	}
	oneRound, err := verifyCost(ctx, plane, launch, binary, chainRounds)
	if err != nil {
		return err
	}
	thirty, err := clustersCost(ctx, plane, launch, binary, chainRounds)
	if err != nil {
		return err
	}
	argoCD, err := argoCDCost(ctx, plane, launch, binary, chainRounds)
	if err != nil {
		return err
	}
	if err := printRequests(requests); err != nil {
		return err
	}
	return judge(slices.Concat(bounds, []bound{ratio, diagnosis, oneRound}, thirty, argoCD, lengths, atTerminal))
}

// judge prints each figure beside its bound.
func judge(bounds []bound) error {
	fmt.Println()
	failed := false
	for _, b := range bounds {
		verdict := "ok"
		if b.value > b.most {
			verdict, failed = "TOO MUCH", true
		}
		fmt.Printf("%-62s %5.2f   at most %.1f   %s\n", b.what, b.value, b.most, verdict)
	}
	if failed {
		return errors.New("a bound was passed")
	}
	return nil
}
