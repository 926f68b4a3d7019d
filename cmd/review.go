package cmd

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/tbotctl/tbotctl/internal/issuer"
	"github.com/tbotctl/tbotctl/internal/kube"
	"github.com/tbotctl/tbotctl/internal/report"
	"github.com/tbotctl/tbotctl/internal/review"
	"github.com/tbotctl/tbotctl/internal/rights"
	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/internal/teleport"
)

// reviewFlags are those of render --review. It asks a cluster only where one is named: render itself never does.
type reviewFlags struct {
	wanted              bool
	context, kubeconfig string
	flags               *pflag.FlagSet
	// typed are the flags that stand on the command line, in the order of their names.
	typed []*pflag.Flag
}

func bindReview(c *cobra.Command) *reviewFlags {
	r := &reviewFlags{flags: c.Flags()}
	c.Flags().BoolVar(&r.wanted, "review", false, "print the page that a security reviewer signs, in Markdown, instead")
	c.Flags().StringVar(&r.context, "context", "", "with --review: ask the cluster of this kubeconfig context `NAME` who can become the bot today")
	c.Flags().StringVar(&r.kubeconfig, "kubeconfig", "", "with --review and --context: kubeconfig `FILE`")
	return r
}

// look notes what was typed, before the environment is taken in.
func (r *reviewFlags) look() {
	r.flags.Visit(func(flag *pflag.Flag) { r.typed = append(r.typed, flag) })
}

// judge refuses flags that the run has no use for. Where the environment alone gives them, they are for other commands.
func (r *reviewFlags) judge(values, files bool) error {
	if r.wanted {
		if files {
			return usagef("--out-dir writes the files, and --review prints a page; give one of them")
		}
		if values {
			return usagef("--values prints what is left to Helm, and --review a page; give one of them")
		}
		if r.kubeconfig != "" && r.context == "" && r.isTyped("kubeconfig") {
			return usagef("--kubeconfig goes with --context: no cluster is asked that is not named")
		}
		return nil
	}
	for _, name := range []string{"context", "kubeconfig"} {
		if r.isTyped(name) {
			return usagef("--%s goes with --review: what render prints comes from the answers alone", name)
		}
	}
	return nil
}

func (r *reviewFlags) isTyped(name string) bool {
	for _, flag := range r.typed {
		if flag.Name == name {
			return true
		}
	}
	return false
}

// again is another command with the same answers, whether flags or the environment gave them.
func again(command string, f *Factory, a *answers) string {
	words := []string{"tbotctl", command}
	if a.from != "" {
		words = append(words, "--from "+spec.ShellWord(a.from))
	}
	for _, field := range a.fields {
		switch value, source := a.lookup(f, field.Flag); {
		case source == "":
		case field.Switch() && value == "true":
			words = append(words, "--"+field.Flag)
		case field.Switch():
			words = append(words, "--"+field.Flag+"="+spec.ShellWord(value))
		default:
			words = append(words, "--"+field.Flag+" "+spec.ShellWord(value))
		}
	}
	return strings.Join(words, " ")
}

func (r *reviewFlags) run(ctx context.Context, f *Factory, a *answers, setup spec.Setup, notes []string) error {
	progress := report.NewProgress(f.Streams)
	for _, note := range notes {
		progress.Warn(note)
	}
	setup, set, err := renderOffline(setup)
	if err != nil {
		return err
	}
	page := review.Page{
		Setup: setup, Set: set, Render: again("render", f, a), Permissions: again("permissions init", f, a),
		Needs:   rights.Init(setup, rights.InitHow{NewNamespace: setup.Kubernetes.CreateNamespace, Proves: true, Waits: !setup.IsAgent()}).Side(setup.Side),
		Answers: chosen(setup),
	}
	var unseen error
	if r.context != "" {
		var live review.Live
		if live, err = r.becomers(ctx, f, setup); err != nil {
			return err
		}
		page.Live, unseen = &live, live.Err
	}
	if err := review.Write(f.Streams.Out, page); err != nil {
		return err
	}
	if kube.Is(unseen, kube.Forbidden) {
		// That this login may not look says nothing against the setup.
		return &unknownError{"the page does not say who can become the bot today: " + unseen.Error()}
	}
	return unseen
}

// chosen are the answers that are not the default; of a file its digest stands for the content.
func chosen(s spec.Setup) [][2]string {
	var all [][2]string
	defaults := spec.DefaultFor(s.Workload.Kind)
	for _, field := range spec.Fields() {
		value := field.Get(s)
		if value == "" || value == field.Get(defaults) || field.Flag == "context" {
			continue
		}
		if field.Placeholder == "FILE" {
			value = "SHA-256 " + review.DigestOf(value)
		}
		all = append(all, [2]string{field.Flag, value})
	}
	return all
}

// becomers asks the cluster of --context, if it is the one that the answers are for.
func (r *reviewFlags) becomers(ctx context.Context, f *Factory, s spec.Setup) (review.Live, error) {
	cluster, err := f.Kube(kube.Options{Kubeconfig: r.kubeconfig, Context: r.context, UserAgent: "tbotctl/" + f.Build.Version, Explicit: true})
	if err != nil {
		return review.Live{}, err
	}
	live := review.Live{Where: fmt.Sprintf("context %s (%s)", r.context, cluster.Host())}
	if err := sameCluster(ctx, f, s, cluster); err != nil {
		if kube.Is(err, kube.Login) {
			return live, err
		}
		var other *findingError
		if errors.As(err, &other) {
			return live, err
		}
		live.Err = err
		return live, nil
	}
	n := s.Names()
	found, err := cluster.PodMakers(ctx, n.Namespace, n.ServiceAccount)
	live.Err = err
	for _, subject := range found {
		one := review.Subject{Name: subject.String(), By: subject.By}
		if subject.RunsPods {
			one.Powers = append(one.Powers, "make pods there")
		}
		if subject.MintsTokens {
			one.Powers = append(one.Powers, "mint the account's tokens")
		}
		live.Subjects = append(live.Subjects, one)
	}
	return live, nil
}

// sameCluster holds the look to the cluster that the answers were made for: they know it by the UID of kube-system or, where that could not
// be read, by issuer and keys. Answers that know no cluster are for any.
func sameCluster(ctx context.Context, f *Factory, s spec.Setup, cluster *kube.Cluster) error {
	known := s.Resolved.ClusterID
	if known == "" {
		return nil
	}
	uid, err := cluster.NamespaceUID(ctx, "kube-system")
	if err == nil && spec.ClusterID(string(uid)) == known {
		return nil
	}
	if err != nil && !kube.Is(err, kube.Forbidden) {
		return err
	}
	c := newClusters(s, cluster, teleport.Target{}, teleport.Login{}, f.Issuer, f.Now)
	c.mintsNothing = true
	published, issuerErr := c.issuer(ctx)
	switch {
	case issuerErr == nil && idByKeys(published.Issuer, issuer.Thumbprints(published.Keys)) == known:
		return nil
	case err != nil:
		// By its issuer it is another cluster than one that the answers know by its UID.
		return fmt.Errorf("whether context %s leads to the cluster of the answers: %w", spec.Quote(cluster.Context()), err)
	}
	return &findingError{text: fmt.Sprintf("the answers were made for Kubernetes cluster %s, and context %s leads to another; nobody was looked up", known, spec.Quote(cluster.Context()))}
}
