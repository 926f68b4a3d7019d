package checks

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/tbotctl/tbotctl/internal/spec"
)

func runPods(ctx context.Context, _ *Facts, l *Live) Finding {
	pods, lacking := fetched(ctx, l.Pods, "this run cannot look at pods")
	if lacking != nil {
		return *lacking
	}
	// What helps to explain and cannot be had leaves the finding as it is.
	var events []corev1.Event
	if l.Events != nil {
		if seen, err := l.Events(ctx); err == nil {
			events = seen
		}
	}
	var health *Health
	if l.Health != nil {
		if said, err := l.Health(ctx); err == nil {
			health = &said
		}
	}
	return judgePods(l.Workload, pods, events, health, l.serverNow(ctx))
}

// judgePods tells how the newest pod is, in its own words, else in the cluster's.
func judgePods(w Workload, pods []corev1.Pod, events []corev1.Event, health *Health, now time.Time) Finding {
	if w.Deployment.Spec.Replicas != nil && *w.Deployment.Spec.Replicas == 0 {
		return skipped("no pod is asked for: see " + string(OneTbot))
	}
	pods = slices.DeleteFunc(slices.Clone(pods), func(p corev1.Pod) bool { return p.DeletionTimestamp != nil })
	if len(pods) == 0 {
		finding := Finding{Status: Fail, Observed: "Deployment " + w.name() + " has no pod", Fix: w.kubectl("describe", "replicaset", "--selector", w.selector())}
		if why := refusedPods(w, events); why != "" {
			finding.Observed += ": " + why
		} else if now.Sub(w.movedLast()) < firstMinutes {
			finding.Status = Warn
			finding.Observed += " yet"
		}
		return finding
	}
	pod := &pods[0]
	status := w.statusOf(pod)
	named := "pod " + pod.Name
	if reason := podTrouble(pod, status); reason != "" {
		fix := w.kubectl("describe", "pod", pod.Name)
		if status.LastTerminationState.Terminated != nil || status.State.Terminated != nil {
			fix = w.kubectl("logs", pod.Name, "--container", w.container().Name, "--previous")
		}
		return Finding{Status: Fail, Observed: named + ": " + reason, Fix: fix}
	}
	if sick := unhealthy(health); sick != "" {
		return Finding{Status: Fail, Observed: named + " says at /readyz: " + sick, Fix: w.kubectl("logs", pod.Name, "--container", w.container().Name)}
	}
	if !isReady(pod) {
		finding := Finding{Status: Fail, Observed: named + " is not ready", Fix: w.kubectl("logs", pod.Name, "--container", w.container().Name)}
		age := now.Sub(pod.CreationTimestamp.Time)
		if said := saidOf(pod, events); said != "" {
			finding.Observed += ": " + said
		} else if age < firstMinutes {
			finding.Status = Warn
			finding.Observed += " yet; it is " + roundly(age) + " old"
		}
		return finding
	}
	if last := status.LastTerminationState.Terminated; last != nil && now.Sub(last.FinishedAt.Time) < time.Hour {
		return Finding{
			Status: Warn, Observed: fmt.Sprintf("%s was restarted %d times, the last time %s ago: %s", named, status.RestartCount, roundly(now.Sub(last.FinishedAt.Time)), terminated(last)),
			Fix: w.kubectl("logs", pod.Name, "--container", w.container().Name, "--previous"),
		}
	}
	return passed(named + " is ready")
}

// movedLast is when the Deployment's controller last got further with it.
func (w Workload) movedLast() time.Time {
	for _, condition := range w.Deployment.Status.Conditions {
		if condition.Type == appsv1.DeploymentProgressing && condition.Status == corev1.ConditionTrue {
			return condition.LastUpdateTime.Time
		}
	}
	return w.Deployment.CreationTimestamp.Time
}

func (w Workload) selector() string {
	var pairs []string
	if s := w.Deployment.Spec.Selector; s != nil {
		for key, value := range s.MatchLabels {
			pairs = append(pairs, key+"="+value)
		}
	}
	slices.Sort(pairs)
	return strings.Join(pairs, ",")
}

// statusOf is that of tbot's container; empty where the pod has not come that far.
func (w Workload) statusOf(pod *corev1.Pod) corev1.ContainerStatus {
	for _, status := range pod.Status.ContainerStatuses {
		if status.Name == w.container().Name {
			return status
		}
	}
	return corev1.ContainerStatus{}
}

// podTrouble is the pod's own word for why it does not run; a pod that is merely starting gives none.
func podTrouble(pod *corev1.Pod, status corev1.ContainerStatus) string {
	if waiting := status.State.Waiting; waiting != nil && waiting.Reason != "ContainerCreating" && waiting.Reason != "PodInitializing" && waiting.Reason != "" {
		text := waiting.Reason
		if waiting.Message != "" {
			text += ": " + oneLine(waiting.Message)
		}
		if last := status.LastTerminationState.Terminated; last != nil {
			text += fmt.Sprintf("; %d restarts, it last ended with %s", status.RestartCount, terminated(last))
		}
		return text
	}
	if ended := status.State.Terminated; ended != nil && ended.ExitCode != 0 {
		return "tbot ended with " + terminated(ended)
	}
	for _, condition := range pod.Status.Conditions {
		if condition.Type == corev1.PodScheduled && condition.Status == corev1.ConditionFalse {
			return condition.Reason + ": " + oneLine(condition.Message)
		}
	}
	if pod.Status.Phase == corev1.PodFailed {
		return strings.TrimSuffix(pod.Status.Reason+": "+oneLine(pod.Status.Message), ": ")
	}
	return ""
}

func terminated(t *corev1.ContainerStateTerminated) string {
	text := fmt.Sprintf("exit code %d", t.ExitCode)
	if t.Reason != "" && t.Reason != "Error" {
		text += " (" + t.Reason + ")"
	}
	return text
}

func isReady(pod *corev1.Pod) bool {
	return slices.ContainsFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
	})
}

// saidOf is the last warning about a pod, such as a volume that cannot be mounted.
func saidOf(pod *corev1.Pod, events []corev1.Event) string {
	said, last := "", time.Time{}
	for i := range events {
		if e := &events[i]; e.Type == corev1.EventTypeWarning && e.InvolvedObject.Name == pod.Name && !happened(e).Before(last) {
			said, last = e.Reason+": "+oneLine(e.Message), happened(e)
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

// unhealthy are the services that tbot calls so at /readyz, from 17.5 and 18.0 on; earlier ones say OK to everything
// (teleport-facts 7).
func unhealthy(health *Health) string {
	if health == nil || health.Code < 500 {
		return ""
	}
	var said struct {
		Services map[string]struct{ Status, Reason string }
	}
	if err := json.Unmarshal([]byte(health.Body), &said); err != nil {
		return spec.Quote(oneLine(health.Body))
	}
	var sick []string
	for name, service := range said.Services {
		if service.Status == "unhealthy" {
			sick = append(sick, strings.TrimSuffix(name+": "+oneLine(service.Reason), ": "))
		}
	}
	slices.Sort(sick)
	return strings.Join(sick, "; ")
}
