// Command tbotctl deploys Teleport's tbot on Kubernetes and proves that it can join. Everything but the process itself is in
// package cmd.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/tbotctl/tbotctl/cmd"
	"github.com/tbotctl/tbotctl/internal/ui"
)

func main() {
	cmd.Quiet()
	signals := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) {
		// A terminal that goes away ends the work in order too, unless nohup says that it goes on.
		signals = append(signals, syscall.SIGHUP)
	}
	ctx, stop := signal.NotifyContext(context.Background(), signals...)
	// The first signal ends the work in order; a second one ends the process.
	context.AfterFunc(ctx, stop)
	code := cmd.Main(ctx, cmd.NewFactory(ui.System(os.Getenv), os.LookupEnv), os.Args[1:])
	stop()
	os.Exit(code)
}
