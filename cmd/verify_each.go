package cmd

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/tbotctl/tbotctl/checks"
	"github.com/tbotctl/tbotctl/internal/kube"
	"github.com/tbotctl/tbotctl/internal/reach"
	"github.com/tbotctl/tbotctl/internal/report"
	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/internal/tbot"
	"github.com/tbotctl/tbotctl/internal/tbotconfig"
	"github.com/tbotctl/tbotctl/internal/ui"
)

// mayAskClusters refuses --each-cluster where there is none to ask.
func (r *verifyRun) mayAskClusters() error {
	if r.eachCluster && !slices.ContainsFunc(r.workload.Config.Outputs, reachesClusters) {
		return usagef("--each-cluster: no output of %s is for Kubernetes clusters", r.source())
	}
	return nil
}

// withCredentials has kubeconfigs hold their credentials where clusters are to be asked by them: the program that a kubeconfig for a
// folder names is in the pod.
func (r *verifyRun) withCredentials(config tbotconfig.Config) tbotconfig.Config {
	if !r.eachCluster {
		return config
	}
	config.Outputs = slices.Clone(config.Outputs)
	for i, output := range config.Outputs {
		switch o := output.(type) {
		case *tbotconfig.Kubernetes:
			holding := *o
			holding.DisableExecPlugin, config.Outputs[i] = true, &holding
		case *tbotconfig.KubernetesV2:
			holding := *o
			holding.DisableExecPlugin, config.Outputs[i] = true, &holding
		}
	}
	return config
}

// askClusters asks, with --each-cluster, every cluster that the outputs reach what the bot may do there.
func (r *verifyRun) askClusters(ctx context.Context, joined tbot.Result) error {
	if !r.eachCluster {
		return nil
	}
	var targets []reach.Target
	for i, output := range joined.Outputs {
		if output.Err == nil {
			targets = append(targets, r.clustersOf(joined.Identity.Bot(), i, output)...)
		}
	}
	through := 0
	say := func(cluster string) {
		through++
		r.progress.Looking(fmt.Sprintf("asked %d of %s: %s", through, ui.Counted(len(targets), "cluster"), ui.Clean(cluster)))
	}
	r.progress.Looking("asking " + ui.Counted(len(targets), "cluster"))
	r.result.Clusters = []report.VerifyCluster{}
	for _, answer := range reach.Ask(ctx, targets, say) {
		r.result.Clusters = append(r.result.Clusters, clusterOf(answer))
		if answer.Status == checks.Unknown {
			r.unseen = append(r.unseen, fmt.Sprintf("cluster %s: %s", ui.Clean(answer.Cluster), answer.Why.Cause))
		}
	}
	r.progress.Looking("")
	return ctx.Err()
}

// clustersOf are the clusters of one output with its credentials, in the order of their names.
func (r *verifyRun) clustersOf(bot string, i int, output tbot.OutputResult) []reach.Target {
	var targets []reach.Target
	for _, name := range output.Clusters {
		target := reach.Target{
			Cluster: name, Output: output.Name, Bot: bot, Groups: output.Identity.KubernetesGroups, Users: output.Identity.KubernetesUsers,
			Namespaces: r.namespacesOf(i, output, name), ClusterRole: r.setup.Reach.BoundRole(),
		}
		bare, err := r.opened(output, name, "")
		if err == nil {
			target.Bare = bare
			var as *kube.Cluster
			if as, err = r.opened(output, name, reach.Somebody); err == nil {
				target.As = as
			}
		}
		if err != nil {
			target.Untried = err.Error()
		}
		targets = append(targets, target)
	}
	return targets
}

// opened is one cluster as the credentials of an output reach it, which never leave this process.
func (r *verifyRun) opened(output tbot.OutputResult, cluster, as string) (*kube.Cluster, error) {
	options := kube.Options{RequestTimeout: r.requestTimeout, UserAgent: "tbotctl/" + r.factory.Build.Version, As: as}
	if output.TLSEnded {
		return nil, fmt.Errorf("a load balancer in front of %s ends TLS, so that a client certificate does not get through; kubectl needs `tbot proxy kube` there", r.clusters.target.Proxy)
	}
	for _, secret := range output.Secrets {
		if secret.Cluster == cluster {
			object := secret.Object()
			return kube.FromArgoCD(string(object.Data["server"]), spec.NewSecret(string(object.Data["config"])), options)
		}
	}
	kubeContext, held := output.Contexts[cluster]
	if !held || output.Artifacts == nil {
		return nil, fmt.Errorf("the kubeconfig of output %s has no context for it: its context_name_template gives several clusters one name", output.Name)
	}
	return kube.FromKubeconfig(output.Artifacts.Kubeconfig(), kubeContext, options)
}

// namespacesOf are the namespaces that the flag, the answers or the output hold the bot to in a cluster; none where nothing does.
func (r *verifyRun) namespacesOf(i int, output tbot.OutputResult, cluster string) []string {
	switch named := r.setup.Reach.Namespace; {
	case len(r.inNamespaces) > 0:
		return r.inNamespaces
	case named != "":
		return []string{named}
	}
	switch o := r.workload.Config.Outputs[i].(type) {
	case *tbotconfig.KubernetesV2:
		if namespace := output.Namespaces[cluster]; namespace != "" {
			return []string{namespace}
		}
	case *tbotconfig.ArgoCD:
		return o.Namespaces
	}
	return nil
}

// clusterOf is an answer as it is reported.
func clusterOf(a reach.Answer) report.VerifyCluster {
	c := report.VerifyCluster{
		Cluster: a.Cluster, Output: a.Output, Status: a.Status, Reached: wordOf(a.Reached), Version: a.Version, User: a.User, Groups: a.Groups,
		Lists: a.Lists, Listed: a.Listed == reach.Yes, AnyUser: wordOf(a.AnyUser), Impersonates: a.Impersonates,
	}
	if a.AsAnyone() {
		c.Means = spec.AnyUserMeans
	}
	if a.Status != checks.Pass {
		why := a.Why
		why.Cause = cmp.Or(why.Cause, "not known")
		c.Why = &why
	}
	return c
}

func wordOf(known reach.Known) string {
	switch known {
	case reach.Yes:
		return report.WordYes
	case reach.No:
		return report.WordNo
	case reach.Untold:
	}
	return report.WordUnknown
}
