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
		Long: `Print the manifests that init would send, in the order to apply, as one YAML stream, or write them to files. No cluster,
no kubeconfig and no network is touched: the same input gives the same bytes on any day.

The answers come from a file that init --save wrote, or from flags. From flags alone it needs what nobody is
asked for: --cluster-name, --proxy, --bot-name, --token-name, --tbot-version, and a --join-type other than auto
with its --issuer or --jwks-file.`,
		Example: `  # what init saved, one system at a time
  tbotctl render --from answers.yaml --side kubernetes | kubectl apply --server-side -f -
  tbotctl render --from answers.yaml --side teleport | tctl create -f

  # files for a repository: a kustomization, and a module for Terraform
  tbotctl render --from answers.yaml --out-dir machines --kube-format kustomize --teleport-format terraform

  # the page that a security reviewer signs; with --context it names who can become the bot today
  tbotctl render --from answers.yaml --review > review.md

  # what is left to Helm of an agent
  tbotctl render --from agent.yaml --values`,
		Args: noArgs,
	}
	o := &renderOptions{factory: f}
	a := bindAnswers(c, "context", "target-context")
	flags := c.Flags()
	flags.BoolVar(&o.values, "values", false, "with --workload agent or --kube-format helm: print the values of the Helm chart instead")
	flags.StringVar(&o.outDir, "out-dir", "", "write files to folder `DIR`, and say which commands apply them")
	flags.BoolVar(&o.overwrite, "overwrite", false, "replace files in --out-dir that differ")
	review := bindReview(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		review.look()
		if err := bindEnv(f, c, a); err != nil {
			return err
		}
		setup, notes, err := a.setup(f)
		if err != nil {
			return err
		}
		o.outDirGiven = flags.Changed("out-dir")
		if err := o.judge(); err != nil {
			return err
		}
		if a.request != nil && setup.Side.HasKubernetes() {
			return usagef("--from %s: a request holds what the Teleport side is to grant and no more; print that with --side teleport", a.from)
		}
		if o.values && !setup.Side.HasKubernetes() {
			return usagef("--values: they are the Kubernetes side's to give to Helm, and this is --side teleport")
		}
		if o.values && !setup.IsAgent() && setup.Files.Kube != spec.KubeHelm {
			return usagef("--values goes with --workload agent or --kube-format helm: nothing else is left to Helm")
		}
		if err := review.judge(o.values, o.outDirGiven); err != nil {
			return err
		}
		if review.wanted {
			return review.run(c.Context(), f, a, setup, notes)
		}
		return runRender(o, setup, notes)
	}
	return c
}

// renderOptions are where the result of render goes.
type renderOptions struct {
	factory                        *Factory
	outDir                         string
	outDirGiven, overwrite, values bool
}

func runRender(o *renderOptions, setup spec.Setup, notes []string) error {
	streams := o.factory.Streams
	progress := report.NewProgress(streams)
	for _, note := range notes {
		progress.Warn(note)
	}
	setup, set, err := renderOffline(setup)
	if err != nil {
		return err
	}
	if o.outDir != "" {
		return o.writeFiles(progress, setup, set)
	}
	shaped := stream
	if o.values {
		shaped = valuesOf
	}
	text, err := shaped(setup, set)
	if err != nil {
		return err
	}
	if streams.OutTTY && setup.Side == spec.SideBoth && !o.values {
		progress.Warn("this mixes two systems; --side kubernetes goes to kubectl, --side teleport to tctl")
	}
	if _, err := streams.Out.Write(text); err != nil {
		return fmt.Errorf("writing the result: %w", err)
	}
	return nil
}

// renderOffline judges the answers and renders them, with a resolved block made of answers alone where they have none.
func renderOffline(setup spec.Setup) (spec.Setup, manifests.Set, error) {
	if err := setup.Validate(); err != nil {
		return setup, nil, err
	}
	missing := wizard.Missing(setup, wizard.Situation{Offline: setup.Resolved == nil, Terminal: true})
	if setup.Resolved != nil && !setup.Side.HasKubernetes() {
		missing = nil // a request holds what its side needs, and manifests says what answers lack
	}
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
		resolved.ClusterID = idByKeys(resolved.Issuer, thumbprints)
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
