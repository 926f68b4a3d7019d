package cmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/tbotctl/tbotctl/checks"
	"github.com/tbotctl/tbotctl/internal/kube"
	"github.com/tbotctl/tbotctl/internal/report"
	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/internal/survey"
	"github.com/tbotctl/tbotctl/internal/tbotconfig"
	"github.com/tbotctl/tbotctl/manifests"
	"github.com/tbotctl/tbotctl/wizard"
)

// choose finds the tbot to verify: the one that lives, or, where none does yet, the one that the answers stand for.
func (r *verifyRun) choose(ctx context.Context) error {
	answers := r.setup
	r.onlyGiven()
	r.progress.Looking("looking for the tbot")
	options := survey.Options{Namespace: r.setup.Kubernetes.Namespace}
	options.Fallback = kube.CurrentNamespace(kube.Options{Kubeconfig: r.kubeconfig, Context: r.setup.Kubernetes.Context})
	if r.named {
		options.Name = r.setup.Name
	}
	found, err := survey.Find(ctx, r.clusters.kube, options)
	switch {
	case errors.Is(err, survey.ErrNoTbot):
		return &findingError{text: err.Error()}
	case r.evidence && kube.Is(err, kube.Forbidden):
		// That the one look which all others hang on is closed says nothing of the tbot.
		return &unknownError{err.Error()}
	case err != nil:
		return err
	case len(found.Workloads) > 1:
		return usagef("there are %d tbots here: %s; choose one by --namespace and --name", len(found.Workloads), namesOf(found.Workloads))
	case len(found.Workloads) == 1:
		err = r.live(found.Workloads[0])
	default:
		r.setup = answers
		err = r.planned(ctx, options)
	}
	if err != nil {
		return err
	}
	r.result.Target = report.VerifyTarget{
		Context: r.setup.Kubernetes.Context, Deployment: r.workload.Deployment.Namespace + "/" + r.workload.Deployment.Name,
		ServiceAccount: r.workload.Deployment.Namespace + "/" + r.account(), Config: r.source(), Proxy: r.clusters.target.Proxy,
	}
	r.progress.Head(fmt.Sprintf("tbot %s, by %s; Teleport through %s", r.result.Target.Deployment, r.source(), r.clusters.target.Proxy))
	return nil
}

func namesOf(all []checks.Workload) string {
	names := make([]string, 0, len(all))
	for _, w := range all {
		names = append(names, w.Deployment.Namespace+"/"+w.Deployment.Name)
	}
	return strings.Join(names, ", ")
}

// source says where tbot.yaml came from.
func (r *verifyRun) source() string {
	switch {
	case r.config == "-":
		return "the tbot.yaml on stdin"
	case r.config != "":
		return "--config " + r.config
	case r.workload.ConfigMap != "":
		return fmt.Sprintf("ConfigMap %s/%s", r.workload.Deployment.Namespace, r.workload.ConfigMap)
	}
	return "the answers"
}

// live takes a tbot that lives, with its own tbot.yaml or the one of --config.
func (r *verifyRun) live(w checks.Workload) error {
	r.workload = w
	switch {
	case r.config != "":
		if err := r.takeConfig(); err != nil {
			return err
		}
	case w.ConfigErr != nil:
		return fmt.Errorf("the tbot.yaml of %s/%s: %w", w.Deployment.Namespace, w.Deployment.Name, w.ConfigErr)
	case w.Problem != nil && !r.evidence:
		return &findingError{text: fmt.Sprintf("%s: %s", r.source(), w.Problem)}
	}
	r.setup = r.setupOf(r.workload)
	target, err := r.targetOf(r.setup)
	if err != nil {
		return &findingError{text: fmt.Sprintf("the proxy's authority beside %s: %s", r.source(), err)}
	}
	r.clusters = newClusters(r.setup, r.clusters.kube, target, r.login(), r.factory.Issuer, r.factory.Now)
	r.clusters.mintsNothing = r.evidence
	return nil
}

// planned takes the tbot that init would make by these answers. Its service account has to be there: only a pod of it gets its token.
func (r *verifyRun) planned(ctx context.Context, searched survey.Options) error {
	where := "this cluster"
	if searched.Namespace != "" {
		where = "namespace " + searched.Namespace
	}
	what := "no tbot"
	if searched.Name != "" {
		what += " of the name " + searched.Name
	}
	nothing := fmt.Sprintf("%s lives in %s", what, where)
	missing := wizard.Missing(r.setup, wizard.Situation{Terminal: r.terminal(), InPod: r.inPod()})
	if r.evidence || len(missing) > 0 {
		return &findingError{text: nothing + "; to verify one that is still to come, give the answers of init (--from FILE, or its flags)"}
	}
	r.progress.Say(nothing + "; this is about the one that the answers stand for")
	if _, err := r.resolve(ctx, false); err != nil {
		return err
	}
	set, err := manifests.Render(r.setup)
	if err != nil {
		return err
	}
	deployment, err := set.Deployment()
	if err != nil {
		return err
	}
	r.workload = checks.Workload{Deployment: deployment, Config: tbotconfig.For(r.setup)}
	if r.config != "" {
		return r.takeConfig()
	}
	return nil
}

// takeConfig reads --config as strictly as tbot does.
func (r *verifyRun) takeConfig() error {
	data, err := r.readConfig()
	if err != nil {
		return err
	}
	if r.workload.Config, err = tbotconfig.Decode(data); err != nil {
		return usagef("--config %s: %w; --lint lists this a line each", r.config, err)
	}
	r.workload.Text, r.workload.Problem, r.workload.ConfigErr = string(data), nil, nil
	return nil
}

// mostConfig is more than any tbot.yaml: a ConfigMap holds 1 MiB.
const mostConfig = 1 << 20

func (o *verifyOptions) readConfig() ([]byte, error) {
	from := o.factory.Streams.In
	if o.config != "-" {
		file, err := os.Open(o.config)
		if err != nil {
			return nil, usagef("--config: %w", err)
		}
		defer func() { _ = file.Close() }() // it was only read
		from = file
	}
	data, err := io.ReadAll(io.LimitReader(from, mostConfig+1))
	switch {
	case err != nil:
		return nil, usagef("--config: %w", err)
	case len(data) > mostConfig:
		return nil, usagef("--config %s: more than 1 MiB is no tbot.yaml", spec.Quote(o.config))
	}
	return data, nil
}
