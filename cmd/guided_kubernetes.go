package cmd

import (
	"context"
	"time"

	"github.com/tbotctl/tbotctl/internal/kube"
	"github.com/tbotctl/tbotctl/wizard"
)

// kubernetesLooks are the wizard's looks at Kubernetes.
type kubernetesLooks struct{ *guided }

func (k kubernetesLooks) options(name string) kube.Options {
	return kube.Options{
		Kubeconfig: k.kubeconfig, Context: name, As: k.as, AsGroups: k.asGroups,
		RequestTimeout: k.requestTimeout, UserAgent: "tbotctl/" + k.factory.Build.Version, NoInput: true,
	}
}

// Contexts implements wizard.Kubernetes.
func (k kubernetesLooks) Contexts() ([]wizard.Context, error) {
	found, err := kube.Contexts(k.options(""))
	contexts := make([]wizard.Context, len(found))
	for i, c := range found {
		contexts[i] = wizard.Context{Name: c.Name, Server: c.Server, Current: c.Current}
	}
	return contexts, err
}

// probeTimeout bounds one request of a look at a context: whoever waits for the list wants to know soon.
const probeTimeout = 10 * time.Second

// Reach implements wizard.Kubernetes.
func (k kubernetesLooks) Reach(ctx context.Context, name string) wizard.Reach {
	options := k.options(name)
	if options.RequestTimeout == 0 || options.RequestTimeout > probeTimeout {
		options.RequestTimeout = probeTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, 2*probeTimeout)
	defer cancel()
	cluster, err := k.factory.Kube(options)
	if err != nil {
		return wizard.Reach{Problem: err.Error()}
	}
	found := cluster.Reach(ctx)
	reach := wizard.Reach{Version: found.Version, Provider: string(found.Provider), User: found.User}
	switch found.Outcome {
	case kube.ReachLoggedIn:
	case kube.ReachUnclear:
		// Whether it will do shows when more is asked; it can be chosen.
		reach.User = ""
	case kube.ReachAnonymous, kube.ReachRefused, kube.ReachPluginMissing, kube.ReachPluginFailed, kube.ReachPluginSilent, kube.ReachUnreachable, kube.ReachCancelled:
		reach.Problem = found.Reason
	}
	return reach
}

// Namespaces implements wizard.Kubernetes.
func (k kubernetesLooks) Namespaces(ctx context.Context) ([]string, error) {
	return k.clusters.kube.Namespaces(ctx)
}

// PodMakers implements wizard.Kubernetes.
func (k kubernetesLooks) PodMakers(ctx context.Context, namespace string) ([]string, error) {
	setup := k.setup
	setup.Kubernetes.Namespace = namespace
	return k.clusters.podMakers(ctx, setup)
}

// ArgoCDs implements wizard.Kubernetes. It looks in all namespaces and anew each time, whatever is answered.
func (k kubernetesLooks) ArgoCDs(ctx context.Context) ([]string, error) {
	return k.clusters.kube.ArgoCDs(ctx, "")
}
