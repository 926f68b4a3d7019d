package cmd

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tbotctl/tbotctl/internal/report"
	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/internal/tbotconfig"
	"github.com/tbotctl/tbotctl/manifests"
)

func newExample(f *Factory) *cobra.Command {
	var kinds []string
	for _, kind := range manifests.ExampleKinds() {
		kinds = append(kinds, string(kind))
	}
	c := &cobra.Command{
		Use:   "example " + strings.Join(kinds, "|"),
		Short: "Print a pod, a CronJob or a CI job that uses the credentials",
		Long: `Print a manifest of something that uses the credentials which tbot writes to its Secret: a pod that runs once, a
CronJob, or a Job that a pipeline creates and waits for. It is a start to put your own image and command into:
how the Secret is mounted, waited for and renewed, and what Pod Security asks for, stands in it already.

It comes from the answers alone, those of a file that init --save wrote or of flags; no cluster and no network is
touched. It needs --namespace and, for --access identity, --proxy and --tbot-version.`,
		Example: `  # a pod that waits for the Secret, uses it once and ends
  tbotctl example pod --from answers.yaml | kubectl apply -f -

  # a Job whose result is the pipeline's; how to wait for it stands in its first lines
  tbotctl example ci --from answers.yaml > job.yaml`,
		ValidArgs: kinds,
		Args: func(_ *cobra.Command, args []string) error {
			switch {
			case len(args) == 0:
				return usagef("of what? `tbotctl example` takes one of %s", strings.Join(kinds, ", "))
			case len(args) > 1:
				return usagef("tbotctl example prints one at a time, and %q is another", args[1])
			case !slices.Contains(kinds, args[0]):
				return usagef("there is no example %s; there are %s", spec.Quote(args[0]), strings.Join(kinds, ", "))
			}
			return nil
		},
	}
	a := bindAnswers(c, "context", "kube-format", "teleport-format", "operator-namespace")
	c.RunE = func(c *cobra.Command, args []string) error {
		if err := bindEnv(f, c, a); err != nil {
			return err
		}
		setup, notes, err := a.setup(f)
		if err != nil {
			return err
		}
		for _, note := range notes {
			report.NewProgress(f.Streams).Warn(note)
		}
		manifest, err := manifests.Example(setup, manifests.ExampleKind(args[0]))
		if err != nil {
			return err
		}
		if _, err := f.Streams.Out.Write(manifest); err != nil {
			return fmt.Errorf("writing the example: %w", err)
		}
		return nil
	}
	return c
}

// exampleFlags are the answers that an example is made of.
func exampleFlags() []string {
	return []string{
		"namespace", "proxy", "proxy-ca", "cluster-name", "name", "access", "kube-cluster", "kube-groups", "kube-users", "target-namespace",
		"registry", "image-pull-secret", "tbot-version", "fips", "labels", "annotations", "env", "requests", "limits", "platform",
	}
}

// exampleLine prints a pod that uses what this run's tbot writes, by the file of answers where one is kept; empty where there is no
// such example.
func (o *initOptions) exampleLine() string {
	if _, err := manifests.Example(o.setup, manifests.ExamplePod); err != nil {
		return ""
	}
	words := []string{"tbotctl example", string(manifests.ExamplePod)}
	if o.save != "" && o.save != "-" {
		return strings.Join(append(words, "--from", spec.ShellWord(o.save)), " ")
	}
	if !typeable(o.setup, exampleFlags()) {
		return "" // only a file of answers can say it
	}
	words = append(words, o.answered(spec.Default(), func(flag string) bool { return slices.Contains(exampleFlags(), flag) })...)
	config := tbotconfig.Own(o.setup)
	// What was found out rather than answered.
	if o.setup.OnOpenShift() && o.setup.Workload.Platform == spec.PlatformAuto {
		words = append(words, "--platform "+string(spec.PlatformOpenShift))
	}
	if secret := config.Secrets()[0]; secret != o.setup.Name+"-output" {
		words = append(words, "--output-secret "+spec.ShellWord(secret))
	}
	if o.setup.Access == spec.AccessIdentity {
		if o.setup.Workload.TbotVersion == "" {
			words = append(words, "--tbot-version "+manifests.ExampleVersion(o.setup))
		}
		if config.FIPS && !o.setup.Workload.FIPS {
			words = append(words, "--fips")
		}
	}
	return strings.Join(words, " ")
}

// typeable reports whether flags can carry the answers: a value with a comma belongs into a file.
func typeable(s spec.Setup, flags []string) bool {
	for _, field := range spec.Fields() {
		if !slices.Contains(flags, field.Flag) || field.Placeholder == "FILE" {
			continue
		}
		var again spec.Setup
		if err := field.Set(&again, field.Get(s)); err != nil || field.Get(again) != field.Get(s) {
			return false
		}
	}
	return true
}
