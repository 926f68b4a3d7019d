// Package cmd holds tbotctl's command line: one file a command, the Factory that hands out what they need, and the one place
// where errors become exit codes. The work itself is done by the packages below it.
package cmd

import (
	"context"
	"errors"
	"io"
	"log/slog"

	"github.com/go-logr/logr"
	"github.com/spf13/cobra"
	"google.golang.org/grpc/grpclog"
	"k8s.io/klog/v2"

	"github.com/tbotctl/tbotctl/internal/report"
)

// Main is the whole program: it runs one command line and returns the exit code.
func Main(ctx context.Context, f *Factory, args []string) int {
	root := newRoot(f) //nolint:contextcheck // cobra hands each command its context
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	var told *toldError
	if err != nil && !errors.As(err, &told) {
		report.NewProgress(f.Streams).Error(explain(ctx, err))
	}
	return exitCode(ctx, err)
}

// Quiet keeps the libraries' own logging off stderr: what they log comes back as errors, and what tbotctl says there is for people.
// It is for a whole process, so main calls it.
func Quiet() {
	klog.SetLogger(logr.Discard())
	slog.SetDefault(slog.New(slog.DiscardHandler))
	grpclog.SetLoggerV2(grpclog.NewLoggerV2(io.Discard, io.Discard, io.Discard))
}

func newRoot(f *Factory) *cobra.Command {
	root := &cobra.Command{
		Use:   "tbotctl",
		Short: "Give machines on Kubernetes access through Teleport",
		Long: `tbotctl deploys tbot, the agent of Teleport Machine & Workload Identity (Machine ID), on Kubernetes:
it checks both clusters, chooses how Teleport verifies the pod's service account token, makes what is
needed on both sides, and proves the join before anything runs. What does not work, it explains.`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          noCommand,
		RunE:          func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.SetIn(f.Streams.In)
	root.SetOut(f.Streams.Out)
	root.SetErr(f.Streams.Err)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usage(err) })
	root.AddCommand(newInit(f), newRender(f), newDiff(f), newDelete(f), newDoctor(f), newVerify(f), newExplain(f), newExample(f), newThumbprints(f), newPermissions(f), newVersion(f), helpExitCodes(), helpEnvironment())
	root.CompletionOptions.SetDefaultShellCompDirective(cobra.ShellCompDirectiveNoFileComp)
	return root
}

// noCommand makes a mistyped command an error of usage; cobra alone would print the help and succeed.
func noCommand(_ *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return usagef("tbotctl has no command %q; `tbotctl help` lists them", args[0])
}

// noArgs refuses what is no flag.
func noArgs(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return usagef("%s takes no arguments, and %q is one", c.CommandPath(), args[0])
}
