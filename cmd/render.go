package cmd

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tbotctl/tbotctl/internal/issuer"
	"github.com/tbotctl/tbotctl/internal/report"
	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/manifests"
	"github.com/tbotctl/tbotctl/wizard"
)

func newRender(f *Factory) *cobra.Command {
	c := &cobra.Command{
		Use:   "render",
		Short: "Print what init would send, from flags or an answers file alone",
		Long: `Print the manifests that init would send, in the order to apply, as one YAML stream. No cluster, no kubeconfig
and no network is touched: the same input gives the same bytes on any day.

The answers come from a file that init --save wrote, or from flags. From flags alone it needs what nobody is
asked for: --cluster-name, --proxy, --bot-name, --token-name, --tbot-version, and a --join-type other than auto
with its --issuer or --jwks-file.`,
		Example: `  # what init saved, one system at a time
  tbotctl render --from answers.yaml --side kubernetes | kubectl apply --server-side -f -
  tbotctl render --from answers.yaml --side teleport | tctl create -f

  # the page that a security reviewer signs; with --context it names who can become the bot today
  tbotctl render --from answers.yaml --review > review.md

  # what is left to Helm of an agent
  tbotctl render --from agent.yaml --values`,
		Args: noArgs,
	}
	a := bindAnswers(c, "context", "target-context")
	values := c.Flags().Bool("values", false, "with --workload agent: print the values of its Helm chart instead")
	review := bindReview(c)
	kubeFormat := c.Flags().String("kube-format", "manifests", "shape of the Kubernetes side: `manifests`")
	teleportFormat := c.Flags().String("teleport-format", "yaml", "shape of the Teleport side: `yaml`, as tctl takes it")
	c.RunE = func(c *cobra.Command, _ []string) error {
		review.look()
		if err := bindEnv(f, c, a); err != nil {
			return err
		}
		if *kubeFormat != "manifests" {
			return usagef("--kube-format: %s is not known; use manifests", spec.Quote(*kubeFormat))
		}
		if *teleportFormat != "yaml" {
			return usagef("--teleport-format: %s is not known; use yaml", spec.Quote(*teleportFormat))
		}
		setup, notes, err := a.setup(f)
		if err != nil {
			return err
		}
		if *values && !setup.IsAgent() {
			return usagef("--values goes with --workload agent: nothing else is left to Helm")
		}
		if err := review.judge(*values); err != nil {
			return err
		}
		if review.wanted {
			return review.run(c.Context(), f, a, setup, notes)
		}
		return runRender(f, setup, notes, *values)
	}
	return c
}

func runRender(f *Factory, setup spec.Setup, notes []string, values bool) error {
	progress := report.NewProgress(f.Streams)
	for _, note := range notes {
		progress.Warn(note)
	}
	setup, set, err := renderOffline(setup)
	if err != nil {
		return err
	}
	if values {
		if _, err := f.Streams.Out.Write(set.Values()); err != nil {
			return fmt.Errorf("writing the values: %w", err)
		}
		return nil
	}
	if f.Streams.OutTTY && setup.Side == spec.SideBoth {
		progress.Warn("this mixes two systems; --side kubernetes goes to kubectl, --side teleport to tctl")
	}
	return set.Side(setup.Side).Write(f.Streams.Out)
}

// renderOffline judges the answers and renders them, with a resolved block made of answers alone where they have none.
func renderOffline(setup spec.Setup) (spec.Setup, manifests.Set, error) {
	if err := setup.Validate(); err != nil {
		return setup, nil, err
	}
	missing := wizard.Missing(setup, wizard.Situation{Offline: setup.Resolved == nil, Terminal: true})
	if err := errors.Join(missingAnswers(missing, true), setup.ValidateBinding()); err != nil {
		return setup, nil, err
	}
	if setup.Resolved == nil {
		resolved, err := resolveOffline(setup)
		if err != nil {
			return setup, nil, err
		}
		setup.Resolved = resolved
	}
	set, err := manifests.Render(setup)
	return setup, set, err
}

// resolveOffline makes the resolved block from answers alone, where no cluster is asked.
func resolveOffline(s spec.Setup) (*spec.Resolved, error) {
	resolved := &spec.Resolved{
		ClusterName: s.Teleport.ClusterName,
		Image:       s.Workload.ImageFor(s.Workload.TbotVersion, false),
		JoinType:    s.Join.Type,
		Reason:      "asked for",
	}
	var thumbprints []string
	switch s.Join.Type {
	case spec.JoinOIDC:
		resolved.Issuer = s.Join.Issuer
	case spec.JoinStaticJWKS:
		keys, _, err := issuer.ParseJWKS(s.Join.JWKS)
		if err != nil {
			return nil, usage(fmt.Errorf("--jwks-file: %w", err))
		}
		// Which of them signs is not known without a cluster; that the set is usable is.
		if resolved.JWKS, err = issuer.StaticJWKS(keys, ""); err != nil {
			return nil, usage(fmt.Errorf("--jwks-file: %w", err))
		}
		resolved.Issuer = s.Join.Issuer
		thumbprints = issuer.Thumbprints(keys)
	case spec.JoinInCluster, spec.JoinAuto:
	}
	if resolved.Issuer != "" || len(thumbprints) > 0 {
		resolved.ClusterID = spec.ClusterID(append([]string{resolved.Issuer}, thumbprints...)...)
	}
	return resolved, nil
}

// missingAnswers lists all that is missing at once, a missing --yes too.
func missingAnswers(missing []wizard.Question, yes bool) error {
	if len(missing) == 0 && yes {
		return nil
	}
	help := map[string]string{}
	for _, field := range spec.Fields() {
		help[field.Flag] = field.Help
	}
	text := "these answers are missing:"
	for _, question := range missing {
		text += fmt.Sprintf("\n  --%s: %s", strings.Join(append([]string{question.Flag}, question.Instead...), " or --"), help[question.Flag])
	}
	if !yes {
		text += "\n  --yes: without a terminal nothing is done unless it is given"
	}
	return usagef("%s", text)
}
