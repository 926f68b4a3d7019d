package cmd

import (
	"slices"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/mod/semver"

	"github.com/tbotctl/tbotctl/checks"
	"github.com/tbotctl/tbotctl/internal/spec"
)

// doctorOptions are what a run of doctor needs beside the session.
type doctorOptions struct {
	session
	prove, before, offline bool
	only, skip             []string
	scope, failOn          string
	wait                   time.Duration
	forServer, bundle      string
	output                 string
	// named tells that --name was given and narrows the search.
	named bool
}

// doctorAnswers are the answers that narrow what doctor looks at.
func doctorAnswers() []string {
	return []string{"side", "context", "namespace", "proxy", "proxy-ca", "cluster-name", "name"}
}

func newDoctor(f *Factory) *cobra.Command {
	o := &doctorOptions{session: newSession(f)}
	c := &cobra.Command{
		Use:   "doctor",
		Short: "Say why a tbot does not work, and which command mends it",
		Long: `Look at both clusters and at every tbot that lives in the Kubernetes one, whoever made it, and say which of the known
failures it is, by what it shows, and what mends it. doctor changes nothing and makes no token, unless --prove is given. A look
that is forbidden is unknown and never called fine; what can be seen with fewer rights is used instead. Without a Teleport
login it goes by the objects and by what the pods say.

Each finding has an ID; tbotctl explain ID says more of it. Exit code 0 is a setup in which nothing fails, 3 one in which
something does, and 5 one in which nothing does as far as could be seen.`,
		Example: `  # what is wrong with the tbot of this context
  tbotctl doctor

  # one namespace, for a ticket
  tbotctl doctor --namespace machines -o short --bundle tbot.tgz

  # the Teleport side alone, by what was asked for
  tbotctl doctor --side teleport --from req.yaml

  # before anything is installed
  tbotctl doctor --before --proxy example.teleport.sh:443

  # green or red in a pipeline, once a rollout has had its time
  tbotctl doctor --non-interactive --context prod --namespace machines --wait 2m -o junit > doctor.xml

  # would this setup survive an upgrade of the Teleport cluster
  tbotctl doctor --for-server 19.0.0`,
		Args: noArgs,
	}
	var others []string
	for _, field := range spec.Fields() {
		if !slices.Contains(doctorAnswers(), field.Flag) {
			others = append(others, field.Flag)
		}
	}
	a := bindAnswers(c, others...)
	o.bindSession(c, "")
	flags := c.Flags()
	for name, meaning := range map[string]string{
		"name":      "look at the Deployment of this `NAME` alone; default: at every tbot",
		"namespace": "look in this namespace alone; default: wherever the login may look",
		"proxy":     "Teleport Proxy Service; default: the one that tbot.yaml names",
	} {
		flags.Lookup(name).Usage = meaning
	}
	flags.Lookup("name").DefValue = "" // what init would take is no default here
	flags.BoolVar(&o.prove, "prove", false, "mint the very token that the pod would present, and join with it")
	flags.BoolVar(&o.before, "before", false, "look at a cluster in which nothing is installed yet")
	flags.BoolVar(&o.offline, "offline", false, "leave out what needs the internet beside both clusters")
	flags.StringSliceVar(&o.only, "only", nil, "look at these alone: `CATEGORY|ID`, repeatable")
	flags.StringSliceVar(&o.skip, "skip", nil, "leave these out: `CATEGORY|ID`, repeatable")
	flags.StringVar(&o.scope, "scope", scopeCluster, "how far to look: `namespace|cluster`")
	flags.StringVar(&o.failOn, "fail-on", "error", "what makes exit code 3: `error|warn`")
	flags.DurationVar(&o.wait, "wait", 0, "look again until nothing fails, for that long")
	flags.StringVar(&o.forServer, "for-server", "", "say what would break if the Teleport cluster were upgraded to `VERSION`")
	flags.StringVar(&o.bundle, "bundle", "", "write everything that was seen, without secrets, to `FILE.tgz`")
	flags.StringVarP(&o.output, "output", "o", "table", "result on stdout: `table|json|short|junit`")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if err := o.read(c, a); err != nil {
			return err
		}
		o.named = o.given("name")
		if err := o.judge(); err != nil {
			return err
		}
		return runDoctor(c.Context(), o)
	}
	return c
}

// The values of --scope.
const (
	scopeNamespace = "namespace"
	scopeCluster   = "cluster"
)

// judge holds the flags to their values.
func (o *doctorOptions) judge() error {
	oneOf := func(flag, value string, allowed ...string) error {
		if slices.Contains(allowed, value) {
			return nil
		}
		return usagef("--%s: %s is not known; use one of %v", flag, spec.Quote(value), allowed)
	}
	for _, err := range []error{
		oneOf("output", o.output, "table", "json", "short", "junit"), oneOf("scope", o.scope, scopeNamespace, scopeCluster),
		oneOf("fail-on", o.failOn, "error", "warn"), o.judgeTimes(), o.judgeBundle(),
	} {
		if err != nil {
			return err
		}
	}
	known := map[string]bool{}
	for _, check := range checks.Catalogue() {
		known[string(check.ID)], known[string(check.Category)] = true, true
	}
	for _, name := range slices.Concat(o.only, o.skip) {
		if !known[name] {
			return usagef("%s is no check and no category; `tbotctl explain` lists them", spec.Quote(name))
		}
	}
	if o.forServer != "" && !semver.IsValid("v"+o.forServer) {
		return usagef("--for-server: %s is no version; write for example 19.0.0", spec.Quote(o.forServer))
	}
	if o.wait < 0 {
		return usagef("--wait: %s is no time; write for example 2m", o.wait)
	}
	if !o.setup.Side.HasKubernetes() && (o.prove || o.before || o.forServer != "") {
		return usagef("--side teleport goes with neither --prove, nor --before, nor --for-server: they look at a Kubernetes cluster")
	}
	if o.before && o.forServer != "" {
		return usagef("--before is about a cluster without a tbot, and --for-server about one with a tbot; give one of them")
	}
	return nil
}

// wants tells whether a check was asked for.
func (o *doctorOptions) wants(check checks.Check) bool {
	id, category := string(check.ID), string(check.Category)
	if slices.Contains(o.skip, id) || slices.Contains(o.skip, category) {
		return false
	}
	return len(o.only) == 0 || slices.Contains(o.only, id) || slices.Contains(o.only, category)
}
