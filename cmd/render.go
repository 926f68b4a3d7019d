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

  # what is left to Helm of an agent
  tbotctl render --from agent.yaml --values`,
		Args: noArgs,
	}
	a := bindAnswers(c, "context", "target-context")
	values := c.Flags().Bool("values", false, "with --workload agent: print the values of its Helm chart instead")
	kubeFormat := c.Flags().String("kube-format", "manifests", "shape of the Kubernetes side: `manifests`")
	teleportFormat := c.Flags().String("teleport-format", "yaml", "shape of the Teleport side: `yaml`, as tctl takes it")
	c.RunE = func(c *cobra.Command, _ []string) error {
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
		if a.request != nil && setup.Side.HasKubernetes() {
			return usagef("--from %s: a request holds what the Teleport side is to grant and no more; print that with --side teleport", a.from)
		}
		if *values && !setup.Side.HasKubernetes() {
			return usagef("--values: they are the Kubernetes side's to give to Helm, and this is --side teleport")
		}
		if *values && !setup.IsAgent() {
			return usagef("--values goes with --workload agent: nothing else is left to Helm")
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
	if err := setup.Validate(); err != nil {
		return err
	}
	missing := wizard.Missing(setup, wizard.Situation{Offline: setup.Resolved == nil, Terminal: true})
	if setup.Resolved != nil && !setup.Side.HasKubernetes() {
		missing = nil // a request holds what its side needs, and manifests says what answers lack
	}
	if err := errors.Join(missingAnswers(missing, true), setup.ValidateBinding()); err != nil {
		return err
	}
	if setup.Resolved == nil {
		resolved, err := resolveOffline(setup)
		if err != nil {
			return err
		}
		setup.Resolved = resolved
	}
	set, err := manifests.Render(setup)
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
