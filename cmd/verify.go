package cmd

import (
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/mod/semver"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/tbotctl/tbotctl/checks"
	"github.com/tbotctl/tbotctl/internal/spec"
)

// The runtimes of --runtime.
const (
	runtimeEmbedded = "embedded"
	runtimeBinary   = "binary"
	runtimePod      = "pod"
)

// verifyOptions are what a run of verify needs beside the session.
type verifyOptions struct {
	session
	config, forServer, write string
	runtime                  string
	lint, evidence           bool
	maxAge                   time.Duration
	output                   format
	// eachCluster asks what the bot may do in every cluster that its outputs reach.
	eachCluster bool
	// inNamespaces are asked about beside what counts everywhere.
	inNamespaces []string
	// named tells that --name was given and narrows the search.
	named bool
}

func newVerify(f *Factory) *cobra.Command {
	o := &verifyOptions{session: newSession(f), output: formatTable}
	c := &cobra.Command{
		Use:   "verify",
		Short: "Do once what the pod does, output by output, and say what came of it",
		Long: `Take a tbot as it lives in the cluster (its tbot.yaml, its service account), or as the answers of init would make it, join with
a token of that very service account, generate every output, and say for each what would be written where, as whom, with which
roles and Kubernetes groups, until when, and which clusters it reaches. Then Kubernetes is asked, as the pod, whether it could
write each of them. Certificates live ten minutes at most, nothing is written, and nothing stays behind.

With --evidence nothing is made and no token is read: what a running tbot has left is looked at instead, which suits a pipeline.
With --lint a tbot.yaml is judged without any cluster.

Exit code 0 is proven, 3 contrary in something, 5 nothing contrary seen but a look that was needed was impossible.`,
		Example: `  # would the pod get in, and get what it asks for
  tbotctl verify --namespace machines

  # does it work, from a pipeline that may only look
  tbotctl verify --evidence --non-interactive --context prod --namespace machines --max-age 30m

  # for whoever has the Teleport side alone: does the bot come back
  tbotctl verify --side teleport --from req.yaml --evidence

  # before the first pod is there
  tbotctl verify --from answers.yaml

  # is this tbot.yaml one that the tbot of that release takes
  tbotctl verify --config tbot.yaml --lint --for-server 18.2.0

  # credentials for ten minutes, to try what the bot may do
  tbotctl verify --namespace machines --write ./try
  kubectl --kubeconfig ./try/kubernetes-v2-1/kubeconfig.yaml get pods

  # which clusters the bot reaches, as whom, and what it may do there
  tbotctl verify --namespace machines --each-cluster

  # the last word on image, network and admission: the pod itself, once, as a Job
  tbotctl verify --namespace machines --runtime pod`,
		Args: noArgs,
	}
	a := bindAnswers(c, "issuer", "jwks-file", "target-context", "kube-format", "teleport-format", "operator-namespace")
	o.bindSession(c, "go on without asking where something is written: --write, --runtime pod")
	flags := c.Flags()
	for name, meaning := range map[string]string{
		"name":      "verify the Deployment of this `NAME`; default: the only tbot that there is",
		"namespace": "look in this namespace alone; default: wherever the login may look",
		"proxy":     "Teleport Proxy Service; default: the one that tbot.yaml names",
	} {
		flags.Lookup(name).Usage = meaning
	}
	flags.Lookup("name").DefValue = "" // what init would take is no default here
	flags.StringVar(&o.config, "config", "", "take tbot.yaml from `FILE` in place of the live one; - is stdin")
	flags.BoolVar(&o.lint, "lint", false, "judge --config alone, without any cluster")
	flags.StringVar(&o.forServer, "for-server", "", "with --lint: judge for the tbot of this `VERSION`")
	flags.BoolVar(&o.evidence, "evidence", false, "look at what a running tbot has left; make nothing and read no token")
	flags.DurationVar(&o.maxAge, "max-age", checks.DefaultMaxAge, "with --evidence: how old certificate and join may be")
	flags.StringVar(&o.runtime, "runtime", runtimeEmbedded, "which tbot runs: `embedded|binary|pod`: this program, tbot on PATH, or a Job in the cluster")
	flags.BoolVar(&o.eachCluster, "each-cluster", false, "ask each Kubernetes cluster that the outputs reach what the bot may do there")
	flags.StringSliceVar(&o.inNamespaces, "in-namespace", nil, "with --each-cluster: the namespaces `A,B` of those clusters that the bot is for; default: what answers or outputs name")
	flags.StringVar(&o.write, "write", "", "write the outputs to `DIR`, with credentials that live ten minutes at most")
	flags.VarP(&o.output, "output", "o", "result on stdout: table or json")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if err := o.read(c, a); err != nil {
			return err
		}
		o.named = o.given("name")
		if err := o.judge(); err != nil {
			return err
		}
		if o.lint {
			return runLint(o)
		}
		return runVerify(c.Context(), o)
	}
	return c
}

// judge holds the flags to their values, and to each other.
func (o *verifyOptions) judge() error {
	switch {
	case !slices.Contains([]string{runtimeEmbedded, runtimeBinary, runtimePod}, o.runtime):
		return usagef("--runtime: %s is not known; use one of embedded, binary, pod", spec.Quote(o.runtime))
	case o.lint && o.config == "":
		return usagef("--lint judges a file; name it by --config FILE")
	case o.lint && (o.evidence || o.write != ""):
		return usagef("--lint asks no cluster, so it goes neither with --evidence nor with --write")
	case o.forServer != "" && !o.lint:
		return usagef("--for-server goes with --lint; `tbotctl doctor --for-server` judges what lives")
	case o.forServer != "" && !semver.IsValid("v"+o.forServer):
		return usagef("--for-server: %s is no version; write for example 18.2.0", spec.Quote(o.forServer))
	case o.evidence && (o.write != "" || o.config != "" || o.runtime != runtimeEmbedded):
		return usagef("--evidence only looks at what lives, so it goes neither with --write nor with --config nor with --runtime")
	case o.given("max-age") && !o.evidence:
		return usagef("--max-age goes with --evidence")
	case o.maxAge <= 0:
		return usagef("--max-age: %s is no time; write for example 30m", o.maxAge)
	case o.eachCluster && (o.lint || o.evidence || o.runtime != runtimeEmbedded):
		return usagef("--each-cluster needs the outputs of the embedded runtime, so it goes neither with --lint nor with --evidence nor with another --runtime")
	case len(o.inNamespaces) > 0 && !o.eachCluster:
		return usagef("--in-namespace goes with --each-cluster")
	case slices.ContainsFunc(o.inNamespaces, func(name string) bool { return len(validation.IsDNS1123Label(name)) > 0 }):
		return usagef("--in-namespace: %s are not all names of namespaces; separate them by commas, without spaces", spec.Quote(strings.Join(o.inNamespaces, ",")))
	case !o.setup.Side.HasKubernetes() && !o.evidence && !o.lint:
		return usagef("--side teleport has no join to prove, for only the Kubernetes cluster makes the service account's token; give --evidence, which looks at what Teleport has seen of it")
	case o.write != "" && o.runtime != runtimeEmbedded:
		return usagef("--write goes with the embedded runtime alone")
	}
	return o.judgeTimes()
}
