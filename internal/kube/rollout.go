package kube

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/tbotctl/tbotctl/internal/spec"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Rollout is how far a Deployment has come.
type Rollout struct {
	Ready bool
	// Reason is the pod's own or the Deployment's own word for why it is not ready; empty while nothing is wrong yet.
	Reason string
	// Pod is the name of a pod that is ready, or else that the reason is about.
	Pod string
}

// Rollout reads a Deployment and, where it is not ready, its pods.
func (c *Cluster) Rollout(ctx context.Context, namespace, name string) (Rollout, error) {
	live, err := c.objects.Resource(appsv1.SchemeGroupVersion.WithResource("deployments")).Namespace(namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return Rollout{}, wrap(err, "reading Deployment %s/%s", namespace, name)
	}
	deployment, err := typed[appsv1.Deployment](live)
	if err != nil {
		return Rollout{}, err
	}
	pods, err := c.Pods(ctx, namespace, metav1.FormatLabelSelector(deployment.Spec.Selector)+",!"+spec.MarkProbe)
	if err != nil {
		return Rollout{}, err
	}
	return judgeRollout(deployment, pods), nil
}

// judgeRollout follows what `kubectl rollout status` waits for: the controller has seen this generation, and every replica is
// of it and available.
func judgeRollout(d *appsv1.Deployment, pods []corev1.Pod) Rollout {
	want := int32(1)
	if d.Spec.Replicas != nil {
		want = *d.Spec.Replicas
	}
	s := d.Status
	if s.ObservedGeneration < d.Generation {
		// Whatever stands there is about what was before.
		return Rollout{}
	}
	if s.UpdatedReplicas == want && s.Replicas == want && s.AvailableReplicas == want {
		return Rollout{Ready: true, Pod: readyPod(pods)}
	}
	for i := range pods {
		if pods[i].DeletionTimestamp != nil {
			continue
		}
		if reason := podReason(&pods[i]); reason != "" {
			return Rollout{Reason: reason, Pod: pods[i].Name}
		}
	}
	for _, condition := range s.Conditions {
		failing := condition.Type == appsv1.DeploymentReplicaFailure && condition.Status == corev1.ConditionTrue ||
			condition.Type == appsv1.DeploymentProgressing && condition.Status == corev1.ConditionFalse
		if failing {
			return Rollout{Reason: condition.Reason + ": " + condition.Message}
		}
	}
	return Rollout{}
}

func readyPod(pods []corev1.Pod) string {
	for i := range pods {
		for _, condition := range pods[i].Status.Conditions {
			if condition.Type == corev1.PodReady && condition.Status == corev1.ConditionTrue && pods[i].DeletionTimestamp == nil {
				return pods[i].Name
			}
		}
	}
	return ""
}

// podReason gives the pod's own words for why it does not run; a pod that is merely starting gives none.
func podReason(pod *corev1.Pod) string {
	for _, container := range slices.Concat(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses) {
		if w := container.State.Waiting; w != nil && w.Reason != "" && w.Reason != "ContainerCreating" && w.Reason != "PodInitializing" {
			return join(w.Reason, w.Message)
		}
		if t := container.State.Terminated; t != nil && t.ExitCode != 0 {
			return join(fmt.Sprintf("%s (exit code %d)", t.Reason, t.ExitCode), t.Message)
		}
	}
	for _, condition := range pod.Status.Conditions {
		if condition.Type == corev1.PodScheduled && condition.Status == corev1.ConditionFalse {
			return join(condition.Reason, condition.Message)
		}
	}
	if pod.Status.Phase == corev1.PodFailed {
		return join(pod.Status.Reason, pod.Status.Message)
	}
	return ""
}

func join(reason, message string) string {
	return strings.TrimSuffix(reason+": "+message, ": ")
}
