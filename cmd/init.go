package cmd

import (
	"errors"
	"time"

	"github.com/spf13/cobra"

	"github.com/tbotctl/tbotctl/internal/spec"
)

// initOptions are what a run of init needs beside the session.
type initOptions struct {
	session
	accessible               bool
	save                     string
	outDir                   string
	outDirGiven, overwrite   bool
	agentValues              string
	requestFile              string
	waitTeleport             time.Duration
	refresh                  bool
	takeOver, forceConflicts bool
	prove                    string
	dryRun                   string
	noWait                   bool
	output                   format
}

func newInit(f *Factory) *cobra.Command {
	o := &initOptions{session: newSession(f), output: formatTable}
	c := &cobra.Command{
		Use:   "init",
		Short: "Deploy tbot on a Kubernetes cluster and prove that it joins Teleport",
		Long: `Deploy tbot: check both clusters, choose the join type and say why, show the plan, and after a yes make service
account, RBAC, bot, join token, ConfigMap and Deployment. Before anything runs, the join is proven: a token of the very
service account, bound to a pod that never runs, is exchanged for short-lived certificates by the embedded tbot.

What Argo CD, Flux, Helm, the Teleport operator or Terraform keeps is never written: the run ends before anything is, and the
documents as they should stand are printed, for Git.

Kubernetes is reached as kubectl would, Teleport with the login of tsh or an identity file. With --side one of them is left to
somebody else: --side kubernetes needs no Teleport login and writes down what it asks for, --side teleport needs no
kubeconfig, shows what it is asked for, and grants it.`,
		Example: `  # on a terminal, with the current context and the tsh login
  tbotctl init --namespace machines --roles access

  # in a script
  tbotctl init --non-interactive --yes --context prod --namespace machines \
    --proxy example.teleport.sh:443 --identity admin.identity --roles access -o json

  # what a teleport-kube-agent joins with, and the values for its Helm chart
  tbotctl init --namespace teleport-agent --workload agent --agent-roles App,Kube \
    --agent-app shop=http://shop.svc:80 --agent-kube-name prod

  # two people: who has the Kubernetes cluster, and who may make bots in Teleport
  tbotctl init --side kubernetes --namespace machines --proxy example.teleport.sh:443 --roles access \
    --request req.yaml --wait-teleport 30m
  tbotctl init --side teleport --from req.yaml

  # files for somebody else to review and apply
  tbotctl init --namespace machines --roles access --out-dir machines`,
		Args: noArgs,
	}
	a := bindAnswers(c, "issuer", "jwks-file")
	flags := c.Flags()
	o.bindSession(c, "apply without asking; without a terminal nothing is applied unless it is given")
	flags.StringVar(&o.save, "save", "", "write the answers with what was looked up to `FILE`, for render and the next run")
	flags.StringVar(&o.requestFile, "request", "", "with --side kubernetes: write what the Teleport side has to grant to `FILE`, without secrets, for its --from")
	flags.DurationVar(&o.waitTeleport, "wait-teleport", 0, "with --side kubernetes: how long to wait for the Teleport side before the join counts as refused; beside --timeout")
	flags.BoolVar(&o.accessible, "accessible", false, "ask line by line, for screen readers (also ACCESSIBLE=1)")
	flags.BoolVar(&o.refresh, "refresh", false, "look up anew what the answers hold as resolved, such as the image's version")
	flags.StringVar(&o.outDir, "out-dir", "", "write files to folder `DIR` instead of applying, and say which commands apply them")
	flags.BoolVar(&o.overwrite, "overwrite", false, "replace files in --out-dir, or that of --agent-values, that differ")
	flags.StringVar(&o.agentValues, "agent-values", "", "with --workload agent: write the values for Helm to `FILE`; default: the release's name and -values.yaml, here. With --out-dir: agent/values.yaml")
	flags.BoolVar(&o.takeOver, "take-over", false, "adopt a bot, token or object that somebody else made, or that another tool keeps; shown first, field by field")
	flags.BoolVar(&o.forceConflicts, "force-conflicts", false, "win fields that another manager of an object holds; each is named")
	flags.StringVar(&o.prove, "prove", "auto", "prove the join: `auto|always|never`")
	flags.StringVar(&o.dryRun, "dry-run", "", "everything but the writes: `client|server`; with server Kubernetes judges what would be sent, with its policies")
	flags.BoolVar(&o.noWait, "no-wait", false, "do not wait for the Deployment")
	flags.Bool("wait", true, "wait for the Deployment")
	flags.VarP(&o.output, "output", "o", "result on stdout: table or json")
	c.MarkFlagsMutuallyExclusive("wait", "no-wait")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if err := o.read(c, a); err != nil {
			return err
		}
		if wait, err := flags.GetBool("wait"); err == nil && !wait {
			o.noWait = true
		}
		o.outDirGiven = flags.Changed("out-dir")
		return runInit(c.Context(), o)
	}
	return c
}

// judge holds the flags that are no answers to their values.
func (o *initOptions) judge() error {
	switch o.prove {
	case proveAuto, proveAlways, proveNever:
	default:
		return usagef("--prove: %s is not known; use auto, always or never", spec.Quote(o.prove))
	}
	if err := errors.Join(o.judgeRequest(), o.judgeValues()); err != nil {
		return err
	}
	return errors.Join(o.judgeDryRun(), o.judgeFiles())
}

// The values of --prove.
const (
	proveAuto   = "auto"
	proveAlways = "always"
	proveNever  = "never"
)
