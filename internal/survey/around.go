package survey

import (
	"context"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/tbotctl/tbotctl/checks"
	"github.com/tbotctl/tbotctl/internal/tbotconfig"
)

// surroundings reads what is around one workload.
type surroundings struct {
	cluster  Kubernetes
	workload checks.Workload
	pods     func(context.Context) ([]corev1.Pod, error)
}

// Around gives the facts of Kubernetes about a workload, each fetched at its first use and kept. Nothing has been asked yet. What is
// Teleport's and the clocks' is left nil, and so is Health where tbot listens to nobody outside its pod: no --diag-addr and no
// diag_addr, or one on localhost.
func Around(cluster Kubernetes, w checks.Workload) *checks.Live {
	s := &surroundings{cluster: cluster, workload: w}
	s.pods = checks.Once(s.readPods)
	live := &checks.Live{
		Workload:       w,
		Pods:           s.pods,
		Logs:           checks.Once(s.logs),
		Events:         checks.Once(s.events),
		ServiceAccount: checks.Once(s.serviceAccount),
		Grants:         checks.Once(s.grants),
		May:            s.may,
		Namespace: checks.Once(func(ctx context.Context) (*corev1.Namespace, error) {
			return cluster.Namespace(ctx, s.namespace())
		}),
		Policies:  checks.Once(s.policies),
		Admission: checks.Once(s.admission),
		Output:    onceEach(s.output),
		Mounts:    onceEach(s.mounts),
	}
	live.ClusterSecrets, live.ArgoCDs = s.clusterSecrets, cluster.ArgoCDs
	if port := diagPort(s.container(), w.Config); port > 0 {
		live.Health = checks.Once(func(ctx context.Context) (checks.Health, error) { return s.health(ctx, port) })
	}
	return live
}

func (s *surroundings) namespace() string { return s.workload.Deployment.Namespace }

func (s *surroundings) template() *corev1.PodTemplateSpec {
	return &s.workload.Deployment.Spec.Template
}

func (s *surroundings) container() corev1.Container {
	return s.template().Spec.Containers[s.workload.Container]
}

// account is the name of the pods' service account.
func (s *surroundings) account() string {
	pod := s.template().Spec
	switch {
	case pod.ServiceAccountName != "":
		return pod.ServiceAccountName
	case pod.DeprecatedServiceAccount != "":
		return pod.DeprecatedServiceAccount
	}
	return "default"
}

func (s *surroundings) serviceAccount(ctx context.Context) (*corev1.ServiceAccount, error) {
	return s.cluster.ServiceAccount(ctx, s.namespace(), s.account())
}

// home is the namespace that tbot takes for its own: the one of POD_NAMESPACE, where that is plain text.
func (s *surroundings) home() string {
	if given := environment(s.container(), "POD_NAMESPACE"); given != "" {
		return given
	}
	return s.namespace()
}

// written are the namespaces in which tbot writes Secrets, beside its own.
func (s *surroundings) written() []string {
	all := []string{s.namespace()}
	add := func(namespace string) {
		if namespace == "" {
			namespace = s.home()
		}
		if !slices.Contains(all, namespace) {
			all = append(all, namespace)
		}
	}
	places := []tbotconfig.Destination{s.workload.Config.Storage}
	for _, output := range s.workload.Config.Outputs {
		if argo, ok := output.(*tbotconfig.ArgoCD); ok {
			add(argo.SecretNamespace)
		}
		if to, ok := tbotconfig.DestinationOf(output); ok {
			places = append(places, to)
		}
	}
	for _, to := range places {
		if to.Type == tbotconfig.DestinationSecret {
			add(to.Namespace)
		}
	}
	return all
}
