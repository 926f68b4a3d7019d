package survey

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/tbotctl/tbotctl/checks"
)

// policies are the NetworkPolicies that select pods of the template.
func (s *surroundings) policies(ctx context.Context) ([]networkingv1.NetworkPolicy, error) {
	all, err := s.cluster.NetworkPolicies(ctx, s.namespace())
	if err != nil {
		return nil, err
	}
	var selecting []networkingv1.NetworkPolicy
	for i := range all {
		selector, err := metav1.LabelSelectorAsSelector(&all[i].Spec.PodSelector)
		if err != nil {
			return nil, fmt.Errorf("NetworkPolicy %s/%s: %w", all[i].Namespace, all[i].Name, err)
		}
		if selector.Matches(labels.Set(s.template().Labels)) {
			selecting = append(selecting, all[i])
		}
	}
	return selecting, nil
}

// admission tries a pod as the Deployment's controller would make it, without making it.
func (s *surroundings) admission(ctx context.Context) (checks.Admission, error) {
	refused, warnings, err := s.cluster.Admit(ctx, trial(s.workload.Deployment.Namespace, s.workload.Deployment.Name, s.template()))
	if err != nil {
		return checks.Admission{}, err
	}
	// The quota of one pod is no obstacle to the pod that uses it.
	if strings.Contains(refused, "exceeded quota: ") {
		pods, err := s.pods(ctx)
		if err != nil {
			return checks.Admission{}, err
		}
		if slices.ContainsFunc(pods, func(pod corev1.Pod) bool { return isCounted(&pod) }) {
			refused, warnings = "", append(warnings, "a second pod beside the one that runs: "+refused)
		}
	}
	return checks.Admission{Refused: refused, Warnings: warnings}, nil
}

// isCounted tells whether a pod uses quota (Kubernetes: Resource Quotas, "pods in a non-terminal state").
func isCounted(pod *corev1.Pod) bool {
	return pod.Status.Phase != corev1.PodSucceeded && pod.Status.Phase != corev1.PodFailed
}

func trial(namespace, name string, template *corev1.PodTemplateSpec) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: namespace, Name: name + "-trial",
			Labels: maps.Clone(template.Labels), Annotations: maps.Clone(template.Annotations),
		},
		Spec: *template.Spec.DeepCopy(),
	}
}
