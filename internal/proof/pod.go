package proof

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"maps"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/tbotctl/tbotctl/internal/spec"
)

// gate keeps a pod from ever being scheduled: it pulls no image and runs nothing (Kubernetes: Pod Scheduling Readiness, GA in
// 1.30). A token can be bound to such a pod, and Teleport accepts it (field-notes 8, measured).
const gate = spec.MarkProbe

// probePod makes the pod that stands in for the Deployment's own: the same template, so that Pod Security, quotas and policies
// judge what they will judge later; but never run, never adopted by the Deployment, and collected with its service account.
func probePod(deployment *appsv1.Deployment, account types.UID, now time.Time) (*corev1.Pod, error) {
	suffix := make([]byte, 4)
	if _, err := rand.Read(suffix); err != nil {
		return nil, fmt.Errorf("naming the probe pod: %w", err)
	}
	template := deployment.Spec.Template.DeepCopy()
	// All its labels, for policies demand some of those that the Deployment selects by. It is adopted all the same by nobody: the
	// selector of a ReplicaSet holds the pod-template-hash beside them (Kubernetes: Deployments, "Pod-template-hash label").
	labels := maps.Clone(template.Labels)
	if labels == nil {
		labels = map[string]string{}
	}
	labels[spec.LabelManagedBy] = spec.ManagedBy
	labels[spec.MarkProbe] = "true"
	annotations := maps.Clone(template.Annotations)
	if annotations == nil {
		annotations = map[string]string{}
	}
	annotations[spec.MarkInstall] = deployment.Annotations[spec.MarkInstall]
	annotations[spec.MarkProbe] = now.UTC().Format(time.RFC3339)
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: deployment.Namespace, Name: deployment.Name + "-probe-" + hex.EncodeToString(suffix),
			Labels: labels, Annotations: annotations,
			OwnerReferences: []metav1.OwnerReference{{
				APIVersion: "v1", Kind: "ServiceAccount", Name: template.Spec.ServiceAccountName, UID: account,
			}},
		},
		Spec: template.Spec,
	}
	no := false
	pod.Spec.AutomountServiceAccountToken = &no
	pod.Spec.RestartPolicy = corev1.RestartPolicyNever
	pod.Spec.SchedulingGates = append(pod.Spec.SchedulingGates, corev1.PodSchedulingGate{Name: gate})
	return pod, nil
}

// Trial is a pod as the Deployment's controller would make it, for a dry run that judges it.
func Trial(deployment *appsv1.Deployment) *corev1.Pod {
	template := deployment.Spec.Template.DeepCopy()
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: deployment.Namespace, Name: deployment.Name + "-trial", Labels: template.Labels, Annotations: template.Annotations,
		},
		Spec: template.Spec,
	}
}

// isGated reports whether the server's copy still holds the gate: admission may have changed it, and an API server that is too
// old drops what it does not know.
func isGated(pod *corev1.Pod) bool {
	for _, held := range pod.Spec.SchedulingGates {
		if held.Name == gate {
			return pod.Spec.NodeName == ""
		}
	}
	return false
}

// audience is the one of the Deployment's own projected token, so that the proof presents what the pod will; empty means the
// API server's own.
func audience(deployment *appsv1.Deployment) string {
	for _, volume := range deployment.Spec.Template.Spec.Volumes {
		if volume.Projected == nil {
			continue
		}
		for _, source := range volume.Projected.Sources {
			if source.ServiceAccountToken != nil {
				return source.ServiceAccountToken.Audience
			}
		}
	}
	return ""
}
