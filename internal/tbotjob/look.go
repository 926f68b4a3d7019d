package tbotjob

import (
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// look is what one look at the pod shows.
type look struct {
	// passed counts the steps that the pod has behind it.
	passed int
	// held is the pod's own word for why it does not get on; final that it never will.
	held  *Failed
	final bool
	// tbot is the state of tbot's container.
	tbot corev1.ContainerState
}

// lookAt reads a pod's status. A pod that is merely starting is held by nothing.
func lookAt(pod *corev1.Pod, container string) look {
	l := look{passed: 1}
	for _, condition := range pod.Status.Conditions {
		if condition.Type != corev1.PodScheduled {
			continue
		}
		if condition.Status == corev1.ConditionFalse {
			l.held = &Failed{What: Scheduling, Words: words(condition.Reason, condition.Message)}
		}
	}
	if pod.Spec.NodeName == "" {
		return l
	}
	l.passed, l.held = 2, nil
	for _, status := range slices.Concat(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses) {
		waiting := status.State.Waiting
		if waiting == nil || waiting.Reason == "" || waiting.Reason == "ContainerCreating" || waiting.Reason == "PodInitializing" {
			continue
		}
		what, final := waits(waiting.Reason)
		l.held, l.final = &Failed{What: what, Words: words(waiting.Reason, waiting.Message)}, final
		break
	}
	for _, status := range pod.Status.InitContainerStatuses {
		if ended := status.State.Terminated; ended != nil && ended.ExitCode != 0 {
			l.held = &Failed{What: Start, Words: fmt.Sprintf("init container %s ended with code %d: %s", status.Name, ended.ExitCode, words(ended.Reason, ended.Message))}
			l.final = true
		}
	}
	for _, status := range pod.Status.ContainerStatuses {
		if status.Name != container {
			continue
		}
		l.tbot = status.State
		if status.ImageID != "" {
			l.passed = 3
		}
		if status.State.Running != nil || status.State.Terminated != nil {
			l.passed = 4
		}
	}
	if l.passed < 4 && l.held != nil && l.held.What == Start {
		l.passed = 3
	}
	if pod.Status.Phase == corev1.PodFailed && l.tbot.Terminated == nil && l.held == nil {
		// Evicted, or out of time: the pod's own reason (Kubernetes: Pod lifecycle).
		l.held, l.final = &Failed{What: Start, Words: words(pod.Status.Reason, pod.Status.Message)}, true
	}
	return l
}

// waits sorts the reasons for which a container does not begin, and says which of them the kubelet's patience does not mend
// (Kubernetes: Images; pkg/kubelet/images, pkg/kubelet/kuberuntime).
func waits(reason string) (what What, final bool) {
	switch reason {
	case "ErrImagePull", "RegistryUnavailable":
		return Image, false
	case "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "ImageInspectError":
		return Image, true
	case "CreateContainerConfigError", "CreateContainerError", "RunContainerError", "CrashLoopBackOff":
		return Start, true
	}
	return Start, false
}

// outOfMemory says that a container was killed for want of memory; empty where it was not.
func outOfMemory(ended *corev1.ContainerStateTerminated, limits corev1.ResourceList) string {
	if ended.Reason != "OOMKilled" {
		return ""
	}
	if limit, ok := limits[corev1.ResourceMemory]; ok {
		return fmt.Sprintf("tbot was killed for want of memory (OOMKilled); its limit is %s", limit.String())
	}
	return "tbot was killed for want of memory (OOMKilled); it has no limit of its own, so the node ran out"
}

// refusal is what the Job's controller was told when it made the pod (event FailedCreate); empty where it was told nothing.
func refusal(job string, events []corev1.Event) string {
	return lastWarning(events, func(e *corev1.Event) bool {
		return e.InvolvedObject.Kind == "Job" && e.InvolvedObject.Name == job && e.Reason == "FailedCreate"
	})
}

// complaint is the last warning about a pod, such as a volume that cannot be mounted.
func complaint(pod string, events []corev1.Event) string {
	return lastWarning(events, func(e *corev1.Event) bool { return e.InvolvedObject.Kind == "Pod" && e.InvolvedObject.Name == pod })
}

func lastWarning(events []corev1.Event, about func(*corev1.Event) bool) string {
	said, last := "", time.Time{}
	for i := range events {
		if e := &events[i]; e.Type == corev1.EventTypeWarning && about(e) && !happened(e).Before(last) {
			said, last = words(e.Reason, e.Message), happened(e)
		}
	}
	return said
}

func happened(e *corev1.Event) time.Time {
	switch {
	case e.Series != nil:
		return e.Series.LastObservedTime.Time
	case !e.LastTimestamp.IsZero():
		return e.LastTimestamp.Time
	}
	return e.EventTime.Time
}

// words joins a reason and its message on one line.
func words(reason, message string) string {
	text := strings.Join(strings.Fields(message), " ")
	switch {
	case text == "":
		return reason
	case reason == "":
		return text
	}
	return reason + ": " + text
}
