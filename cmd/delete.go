package cmd

import (
	"slices"

	"github.com/spf13/cobra"

	"github.com/tbotctl/tbotctl/internal/spec"
)

// deleteOptions are what a run of delete needs beside the session.
type deleteOptions struct {
	session
	purgeOutputs bool
	output       format
}

// deleteAnswers are the answers that names and clusters follow from; what else init asks has no say in what is deleted.
func deleteAnswers() []string {
	return []string{
		"side", "context", "namespace", "proxy", "proxy-ca", "cluster-name", "name", "bot-name", "token-name", "service-account", "output-secret",
		"target-context", "target-namespace",
	}
}

func newDelete(f *Factory) *cobra.Command {
	o := &deleteOptions{session: newSession(f), output: formatTable}
	c := &cobra.Command{
		Use:   "delete",
		Short: "Remove what init has made, from both clusters",
		Long: `Remove what init has made: the join token first, so that nobody new can join, then the Deployment, its rights, its
configuration, its service account and the bot, and with --target-context the bindings in the clusters that the bot reaches. Only
what carries the mark of this installation goes; what somebody else made is shown and left alone, and so is the Secret that tbot
wrote, unless --purge-outputs takes it along. Where another tool keeps a part of it, such as Argo CD, nothing goes until that part is
removed there. The namespace goes where init made it and nothing else is in it.

Certificates that were issued before go on working until they end; delete says when, and which command ends them at once. A run
that was broken off is finished by the same command.`,
		Example: `  tbotctl delete --namespace machines
  tbotctl delete --from answers.yaml --purge-outputs --yes

  # each of two people their own side
  tbotctl delete --side teleport --from req.yaml
  tbotctl delete --side kubernetes --namespace machines --proxy example.teleport.sh:443

  # with the bindings in other clusters
  tbotctl delete --namespace machines --target-context prod-eu --target-context prod-us`,
		Args: noArgs,
	}
	var except []string
	for _, field := range spec.Fields() {
		if !slices.Contains(deleteAnswers(), field.Flag) {
			except = append(except, field.Flag)
		}
	}
	a := bindAnswers(c, except...)
	for name, meaning := range map[string]string{
		"target-context":   "kubeconfig context of a cluster in which to look for the bindings too; repeatable; default: as the answers have it",
		"target-namespace": "namespace of those clusters to look in where the login may not list bindings everywhere",
	} {
		c.Flags().Lookup(name).Usage = meaning
	}
	o.bindSession(c, "delete without asking; without a terminal nothing is deleted unless it is given")
	c.Flags().BoolVar(&o.purgeOutputs, "purge-outputs", false, "also remove the Secrets that tbot wrote its credentials to")
	c.Flags().VarP(&o.output, "output", "o", "result on stdout: table or json")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if err := o.read(c, a); err != nil {
			return err
		}
		if reach := o.setup.Reach; len(reach.Contexts) > 0 || reach.Namespace != "" {
			// Nobody is asked what the bot is for, and bindings there are for nothing else.
			o.setup.Access = spec.AccessKubernetes
		}
		return runDelete(c.Context(), o)
	}
	return c
}
