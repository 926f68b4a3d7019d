// Command screens goes through `tbotctl init` on a terminal, against real clusters, and writes what stands on each of its pages into
// docs/wizard.md and into the README: the screens that are shown there are those of the program.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/tbotctl/tbotctl/cmd"
)

func main() {
	cmd.Quiet()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	binary := flag.String("tbotctl", "bin/tbotctl", "the built `program`")
	page := flag.String("page", "docs/wizard.md", "the `file` that gets all screens")
	readme := flag.String("readme", "README.md", "the `file` that gets some of them, where it has the marks for it")
	flag.Parse()
	err := run(ctx, *binary, *page, *readme)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "screens:", err)
		os.Exit(1)
	}
}

// patience is far above what the whole takes.
const patience = 5 * time.Minute

func run(ctx context.Context, binary, page, readme string) (err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	g, err := newGround(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, g.close()) }()
	taken, err := g.walk(ctx, binary)
	if err != nil {
		return err
	}
	if err := os.WriteFile(page, []byte(document(taken)), 0o644); err != nil {
		return err
	}
	return intoReadme(readme, taken)
}
