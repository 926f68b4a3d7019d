package cmd

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tbotctl/tbotctl/checks"
	"github.com/tbotctl/tbotctl/internal/report"
	"github.com/tbotctl/tbotctl/internal/spec"
)

func newExplain(f *Factory) *cobra.Command {
	return &cobra.Command{
		Use:   "explain [ID]",
		Short: "Say what a check looks at, why, and how to mend it",
		Long: `Say what a check looks at, why it matters, how it shows in the words of tbot, Teleport and Kubernetes, and how it is mended.
Without an ID it lists all checks; a category or a known failure (P01 to P42) lists the checks of it. It works offline.`,
		Example: `  # what doctor means by it
  tbotctl explain TBC403

  # all checks of the join token
  tbotctl explain token

  # the checks that find one of the known failures
  tbotctl explain P07`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usagef("%s takes one ID at a time, and %q is another", c.CommandPath(), args[1])
			}
			return nil
		},
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			var known []string
			for _, e := range checks.Explain() {
				known = append(known, string(e.Check.ID)+"\t"+e.Check.Title)
			}
			return known, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error {
			return runExplain(f, strings.Join(args, ""))
		},
	}
}

func runExplain(f *Factory, asked string) error {
	all, width := checks.Explain(), f.Streams.Width
	if asked == "" {
		return report.ExplainList(f.Streams.Out, all, width)
	}
	id := completed(asked)
	for _, e := range all {
		if string(e.Check.ID) == id {
			return report.Explain(f.Streams.Out, e, width)
		}
	}
	found := slices.DeleteFunc(slices.Clone(all), func(e checks.Explained) bool {
		return !slices.Contains(e.Problems(), id) && !strings.EqualFold(string(e.Check.Category), asked)
	})
	if len(found) == 0 {
		return usagef("there is no check %s%s; `tbotctl explain` lists them all", spec.Quote(asked), near(all, id))
	}
	return report.ExplainList(f.Streams.Out, found, width)
}

var (
	checkNumber   = regexp.MustCompile(`^(?:TBC)?([0-9]{3})$`)
	problemNumber = regexp.MustCompile(`^P([0-9]{1,2})$`)
)

// completed writes an ID as the catalogue does: 403 is TBC403, p7 is P07.
func completed(asked string) string {
	id := strings.ToUpper(asked)
	if parts := checkNumber.FindStringSubmatch(id); parts != nil {
		return "TBC" + parts[1]
	}
	if parts := problemNumber.FindStringSubmatch(id); parts != nil {
		return fmt.Sprintf("P%02s", parts[1])
	}
	return id
}

// near names the checks that may have been meant: those of which one sign is another, or two are swapped.
func near(all []checks.Explained, id string) string {
	var names []string
	for _, e := range all {
		if candidate := string(e.Check.ID); slipped(candidate, id) {
			names = append(names, candidate)
		}
	}
	const most = 8
	switch {
	case len(names) == 0:
		return ""
	case len(names) > most:
		names = append(names[:most], "...")
	}
	return "; near it: " + strings.Join(names, ", ")
}

func slipped(a, b string) bool {
	if len(a) != len(b) {
		return strings.HasPrefix(a, b) && len(b) > len("TBC")
	}
	var differ []int
	for i := range a {
		if a[i] != b[i] {
			differ = append(differ, i)
		}
	}
	swapped := len(differ) == 2 && a[differ[0]] == b[differ[1]] && a[differ[1]] == b[differ[0]]
	return len(differ) == 1 || swapped
}
