package survey

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tbotctl/tbotctl/checks"
	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/internal/tbotconfig"
)

// readPods lists the Deployment's own pods, newest first.
func (s *surroundings) readPods(ctx context.Context) ([]corev1.Pod, error) {
	d := s.workload.Deployment
	pods, err := s.cluster.Pods(ctx, d.Namespace, metav1.FormatLabelSelector(d.Spec.Selector)+",!"+spec.MarkProbe)
	if err != nil {
		return nil, err
	}
	pods = slices.DeleteFunc(pods, func(pod corev1.Pod) bool { return !owns(d, &pod) })
	slices.SortStableFunc(pods, func(a, b corev1.Pod) int { return b.CreationTimestamp.Compare(a.CreationTimestamp.Time) })
	return pods, nil
}

// owns knows a Deployment's pods by the name of their ReplicaSet, which is the Deployment's and the hash of the template: another
// Deployment may have the same labels.
func owns(d *appsv1.Deployment, pod *corev1.Pod) bool {
	owner := metav1.GetControllerOf(pod)
	return owner != nil && owner.Kind == "ReplicaSet" && owner.Name == d.Name+"-"+pod.Labels[appsv1.DefaultDeploymentUniqueLabelKey]
}

// How much of the logs is read.
const (
	logPods  = 3
	logLines = 100
	// logBytes is what is kept of one log, from its end.
	logBytes = 64 << 10
)

// logs reads what the newest pods said last, and what they said before their last restart. Those that could be read are returned
// beside an error too.
func (s *surroundings) logs(ctx context.Context) ([]checks.Log, error) {
	pods, err := s.pods(ctx)
	if err != nil {
		return nil, err
	}
	name := s.container().Name
	var wanted []checks.Log
	for i := range pods[:min(len(pods), logPods)] {
		now, before := lives(&pods[i], name)
		if now {
			wanted = append(wanted, checks.Log{Pod: pods[i].Name})
		}
		if before {
			wanted = append(wanted, checks.Log{Pod: pods[i].Name, Previous: true})
		}
	}
	failures := make([]error, len(wanted))
	atOnce(len(wanted), func(i int) {
		var lines []string
		lines, failures[i] = s.cluster.Logs(ctx, s.namespace(), wanted[i].Pod, name, wanted[i].Previous, logLines)
		wanted[i].Lines = bounded(lines)
	})
	wanted = slices.DeleteFunc(wanted, func(log checks.Log) bool { return len(log.Lines) == 0 })
	return wanted, errors.Join(failures...)
}

// lives tells whether a container has begun, and whether another one has run in its place before.
func lives(pod *corev1.Pod, container string) (now, before bool) {
	for _, status := range pod.Status.ContainerStatuses {
		if status.Name == container {
			return status.State.Running != nil || status.State.Terminated != nil, status.LastTerminationState.Terminated != nil
		}
	}
	return false, false
}

// bounded keeps the last lines that fit.
func bounded(lines []string) []string {
	size := 0
	for i, line := range slices.Backward(lines) {
		if size += len(line) + 1; size > logBytes {
			if i == len(lines)-1 {
				return []string{line[len(line)-logBytes+1:]}
			}
			return lines[i+1:]
		}
	}
	return lines
}

// events are those about the Deployment, its ReplicaSets and their pods, newest first.
func (s *surroundings) events(ctx context.Context) ([]corev1.Event, error) {
	all, err := s.cluster.Events(ctx, s.namespace())
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(event corev1.Event) bool { return !isAbout(s.workload.Deployment, event.InvolvedObject) })
	slices.SortStableFunc(all, func(a, b corev1.Event) int { return lastSeen(&b).Compare(lastSeen(&a).Time) })
	return all, nil
}

// isAbout goes by names, so that it also knows pods that are gone. A ReplicaSet's is the Deployment's with one part more, a pod's with
// two, and none of these parts has a dash.
func isAbout(d *appsv1.Deployment, object corev1.ObjectReference) bool {
	parts := map[string]int{"Deployment": 0, "ReplicaSet": 1, "Pod": 2}
	rest, ok := strings.CutPrefix(object.Name, d.Name)
	want, known := parts[object.Kind]
	return ok && known && strings.Count(rest, "-") == want && (rest == "" || rest[0] == '-')
}

// lastSeen is in one of three places, by which API and how often an event was told (Kubernetes API: Event).
func lastSeen(event *corev1.Event) metav1.Time {
	switch {
	case event.Series != nil && !event.Series.LastObservedTime.IsZero():
		return metav1.Time{Time: event.Series.LastObservedTime.Time}
	case !event.LastTimestamp.IsZero():
		return event.LastTimestamp
	case !event.EventTime.IsZero():
		return metav1.Time{Time: event.EventTime.Time}
	}
	return event.CreationTimestamp
}

// healthBytes bounds what is kept of an answer.
const healthBytes = 4 << 10

// health asks the newest pod that runs. A zero Health is that none does.
func (s *surroundings) health(ctx context.Context, port int) (checks.Health, error) {
	pods, err := s.pods(ctx)
	if err != nil {
		return checks.Health{}, err
	}
	for i := range pods {
		if pods[i].Status.Phase != corev1.PodRunning || pods[i].Status.PodIP == "" || pods[i].DeletionTimestamp != nil {
			continue
		}
		code, body, err := s.cluster.ProxyGet(ctx, s.namespace(), pods[i].Name, port, "/readyz")
		return checks.Health{Code: code, Body: string(body[:min(len(body), healthBytes)])}, err
	}
	return checks.Health{}, nil
}

// diagPort is the port on which tbot tells others how it is (teleport-facts 7); 0 where it does not. The command line wins over the
// file, and a probe knows it where neither says so.
func diagPort(c corev1.Container, config tbotconfig.Config) int {
	for _, address := range []string{flag(c, "diag-addr", ""), config.DiagAddr} {
		if address == "" {
			continue
		}
		host, port, err := net.SplitHostPort(address)
		number, bad := strconv.Atoi(port)
		if ip, _ := netip.ParseAddr(host); err != nil || bad != nil || host == "localhost" || ip.IsLoopback() {
			return 0
		}
		return number
	}
	for _, probe := range []*corev1.Probe{c.ReadinessProbe, c.LivenessProbe, c.StartupProbe} {
		if probe == nil || probe.HTTPGet == nil {
			continue
		}
		port := probe.HTTPGet.Port
		for _, named := range c.Ports {
			if port.StrVal != "" && named.Name == port.StrVal {
				return int(named.ContainerPort)
			}
		}
		return port.IntValue()
	}
	return 0
}
