package cmd

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tbotctl/tbotctl/checks"
	"github.com/tbotctl/tbotctl/internal/report"
)

// diffOptions are what a run of diff needs beside the session.
type diffOptions struct {
	session
	refresh bool
	output  format
}

func newDiff(f *Factory) *cobra.Command {
	o := &diffOptions{session: newSession(f), output: formatTable}
	c := &cobra.Command{
		Use:   "diff",
		Short: "Show what init would create, change and leave alone, and write nothing",
		Long: `Compare what the answers stand for with what is in both clusters, and write nothing. The answers are those of init: the same
flags, or the file that init --save wrote.

A login that may only read is enough: where Kubernetes does not let it rehearse a write, the objects are compared by reading. With a file
that holds what was looked up, nothing else is looked up; --refresh does it anew.

It exits with 0 where nothing differs and with 3 where something does.`,
		Example: `  tbotctl diff --from answers.yaml
  tbotctl diff --side teleport --from req.yaml
  tbotctl diff --context prod --namespace machines --proxy example.teleport.sh:443 --roles access -o json`,
		Args: noArgs,
	}
	a := bindAnswers(c, "issuer", "jwks-file", "kube-format", "teleport-format", "operator-namespace")
	o.bindSession(c, "")
	c.Flags().BoolVar(&o.refresh, "refresh", false, "look up anew what the answers hold as resolved, such as the image's version")
	c.Flags().VarP(&o.output, "output", "o", "result on stdout: table or json")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if err := o.read(c, a); err != nil {
			return err
		}
		return runDiff(c.Context(), o)
	}
	return c
}

func runDiff(ctx context.Context, o *diffOptions) error {
	if err := o.open(ctx, nil, false); err != nil {
		return err
	}
	var err error
	if o.clusters.targets, err = o.openTargets(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, o.timeout)
	defer cancel()
	result := report.Diff{Setup: o.setup}
	err = o.carryOut(ctx, &result)
	err = errors.Join(err, o.clusters.close())
	result.Err = err
	if o.output == formatJSON {
		return o.verdict(result, errors.Join(err, result.JSON(o.factory.Streams.Out)))
	}
	if err != nil {
		return err
	}
	return o.verdict(result, result.Table(o.factory.Streams.Out))
}

func (o *diffOptions) carryOut(ctx context.Context, result *report.Diff) error {
	o.sayWhere()
	resolved, err := o.resolveToCompare(ctx)
	result.Setup, result.Choice = o.setup, resolved.choice
	if err != nil {
		return err
	}
	o.looks = true
	_, result.Plan, err = o.compare(ctx)
	o.sayByReading(result.Plan)
	o.sayPolicies(result.Plan, checks.Fail)
	return err
}

// verdict makes the exit code 3 of a difference, and 5 where none was seen but not all could be.
func (o *diffOptions) verdict(result report.Diff, err error) error {
	differing, all := result.Differing(), len(result.Plan.Items)
	switch {
	case err != nil || !result.Plan.Changed():
		return err
	case differing == 0:
		return &unknownError{"no difference was seen, but not all of it could be looked at"}
	}
	text := fmt.Sprintf("%d of %d resources differ; ", differing, all)
	switch kept := result.Plan.Kept(); {
	case len(kept) == differing:
		text += "they change where they come from: " + strings.Join(changes(kept), "; ")
	case len(kept) > 0:
		text += fmt.Sprintf("%d of them change where they come from: %s; `tbotctl init` with the same answers then applies the others", len(kept), strings.Join(changes(kept), "; "))
	default:
		text += "`tbotctl init` with the same answers applies them"
	}
	return &findingError{text: text}
}
