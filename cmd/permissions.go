package cmd

import (
	"errors"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/tbotctl/tbotctl/internal/report"
	"github.com/tbotctl/tbotctl/internal/rights"
	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/wizard"
)

func newPermissions(f *Factory) *cobra.Command {
	c := &cobra.Command{
		Use:   "permissions COMMAND",
		Short: "Print the least rights that a command needs, in words or as roles",
		Long: `Print the least rights that a command of tbotctl needs in Kubernetes and in Teleport, with what each is for: in words, or
with --as-yaml as roles that kubectl and tctl take. It comes from the answers alone, those of a file that init --save wrote or of
flags, and touches no cluster, no kubeconfig and no network. Objects are named wherever a rule can name them.

It knows init, diff, verify, doctor and delete. The other commands ask no cluster for anything, so they need no rights at all.`,
		Example: `  tbotctl permissions init --namespace machines
  tbotctl permissions verify --evidence --namespace machines

  # roles for whoever runs init, one system at a time
  tbotctl permissions init --from answers.yaml --as-yaml --side kubernetes | kubectl apply -f -
  tbotctl permissions init --from answers.yaml --as-yaml --side teleport | tctl create -f`,
		Args: func(c *cobra.Command, args []string) error { return noPermissions(c, args) },
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	for _, one := range permitted() {
		c.AddCommand(newPermissionsOf(f, one))
	}
	return c
}

// noPermissions answers for a command that is none of those that have rights.
func noPermissions(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	word, rest, several := strings.Cut(args[0], " ")
	if several {
		return usagef("write it without quotes: tbotctl permissions %s %s", word, rest)
	}
	if asked, _, err := c.Root().Find([]string{word}); err == nil && asked != c.Root() && asked != c {
		return usagef("`tbotctl %s` asks no cluster for anything: it needs no rights", asked.Name())
	}
	return usagef("tbotctl has no command %s; `tbotctl permissions` knows init, diff, verify, doctor and delete", spec.Quote(word))
}

// permittedCommand is a command that takes rights.
type permittedCommand struct {
	name string
	// note is one more sentence of the help page.
	note string
	// bind registers the flags of the command that its rights hang on, and returns what lists them. named tells that --name was given.
	bind func(*pflag.FlagSet) func(s spec.Setup, named bool) (rights.List, error)
}

func permitted() []permittedCommand {
	return []permittedCommand{
		{"init", "", func(flags *pflag.FlagSet) func(spec.Setup, bool) (rights.List, error) {
			prove := flags.String("prove", proveAuto, "as init proves the join: `auto|always|never`")
			noWait := flags.Bool("no-wait", false, "for an init that does not wait for the Deployment")
			return func(s spec.Setup, _ bool) (rights.List, error) {
				if *prove != proveAuto && *prove != proveAlways && *prove != proveNever {
					return rights.List{}, usagef("--prove: %s is not known; use auto, always or never", spec.Quote(*prove))
				}
				how := rights.InitHow{NewNamespace: s.Kubernetes.CreateNamespace, Proves: *prove != proveNever, Waits: !*noWait && !s.IsAgent()}
				return rights.Init(s, how), nil
			}
		}},
		{"diff", "", func(*pflag.FlagSet) func(spec.Setup, bool) (rights.List, error) {
			return func(s spec.Setup, _ bool) (rights.List, error) { return rights.Diff(s), nil }
		}},
		{"verify", "It is about the embedded tbot: --runtime pod makes a Job, which takes rights on jobs, pods/log and events besides.", func(flags *pflag.FlagSet) func(spec.Setup, bool) (rights.List, error) {
			evidence := flags.Bool("evidence", false, "for verify --evidence, which makes nothing")
			return func(s spec.Setup, named bool) (rights.List, error) {
				if *evidence {
					return rights.Evidence(s, named), notForAgents(s, "verify")
				}
				return rights.Verify(s, named), notForAgents(s, "verify")
			}
		}},
		{"doctor", "", func(flags *pflag.FlagSet) func(spec.Setup, bool) (rights.List, error) {
			prove := flags.Bool("prove", false, "for doctor --prove, which mints a token")
			before := flags.Bool("before", false, "for doctor --before")
			scope := flags.String("scope", scopeCluster, "as far as doctor looks: `namespace|cluster`")
			return func(s spec.Setup, named bool) (rights.List, error) {
				if *scope != scopeCluster && *scope != scopeNamespace {
					return rights.List{}, usagef("--scope: %s is not known; use namespace or cluster", spec.Quote(*scope))
				}
				how := rights.DoctorHow{Named: named, Proves: *prove, Before: *before, Narrow: *scope == scopeNamespace}
				if how.Before {
					return rights.Doctor(s, how), nil
				}
				return rights.Doctor(s, how), notForAgents(s, "doctor")
			}
		}},
		{"delete", "", func(flags *pflag.FlagSet) func(spec.Setup, bool) (rights.List, error) {
			purge := flags.Bool("purge-outputs", false, "for delete --purge-outputs, which removes the Secrets that tbot wrote")
			return func(s spec.Setup, _ bool) (rights.List, error) { return rights.Delete(s, *purge), nil }
		}},
	}
}

func newPermissionsOf(f *Factory, of permittedCommand) *cobra.Command {
	c := &cobra.Command{
		Use:   of.name,
		Short: "Print the least rights that " + of.name + " needs",
		Long: strings.TrimSpace("Print the least rights that tbotctl " + of.name + ` needs for the installation of the answers, which are those of init.
Only --namespace has to be given; with --access argocd --argocd-namespace too, and with --target-context --bot-name.
` + of.note),
		Args: noArgs,
	}
	a := bindAnswers(c, "context")
	asYAML := c.Flags().Bool("as-yaml", false, "print roles that kubectl and tctl take")
	targets := c.Flags().Bool("for-targets", false, "print what is needed in the clusters of --target-context instead")
	listed := of.bind(c.Flags())
	c.RunE = func(c *cobra.Command, _ []string) error {
		if err := bindEnv(f, c, a); err != nil {
			return err
		}
		setup, notes, err := a.setup(f)
		if err != nil {
			return err
		}
		progress := report.NewProgress(f.Streams)
		for _, note := range notes {
			progress.Warn(note)
		}
		if err := namedEnough(setup, *targets); err != nil {
			return err
		}
		list, err := listed(setup, a.given(f, setup)("name"))
		if err != nil {
			return err
		}
		list = list.Side(setup.Side)
		switch {
		case *asYAML && *targets:
			return list.WriteTargetYAML(f.Streams.Out)
		case *asYAML:
			if f.Streams.OutTTY && setup.Side == spec.SideBoth {
				progress.Warn("this mixes two systems; --side kubernetes goes to kubectl, --side teleport to tctl")
			}
			if len(list.Targets) > 0 {
				progress.Say("The clusters of --target-context take roles of their own: --for-targets prints them.")
			}
			return list.WriteYAML(f.Streams.Out)
		}
		return report.Permissions(f.Streams.Out, list, *targets, f.Streams.Width)
	}
	return c
}

// namedEnough wants the answers that the roles' places and names follow from.
func namedEnough(s spec.Setup, targets bool) error {
	if err := errors.Join(s.Validate(), s.ValidateBinding()); err != nil {
		return err
	}
	var missing []string
	for flag, lacks := range map[string]bool{
		wizard.FlagNamespace: s.Kubernetes.Namespace == "",
		"argocd-namespace":   s.Access == spec.AccessArgoCD && s.ArgoCDNamespace() == "",
		"bot-name":           len(s.Reach.Contexts) > 0 && s.MakesRole() && s.Teleport.BotName == "",
		"target-context":     targets && len(s.Reach.Contexts) == 0,
	} {
		if lacks {
			missing = append(missing, flag)
		}
	}
	var questions []wizard.Question
	slices.Sort(missing)
	for _, flag := range missing {
		questions = append(questions, wizard.Question{Flag: flag})
	}
	return missingAnswers(questions, true)
}
