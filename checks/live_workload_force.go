package checks

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/tbotctl/tbotctl/internal/spec"
)

// runInForce asks only what the checksum leaves open.
func runInForce(ctx context.Context, _ *Facts, l *Live) Finding {
	w := l.Workload
	made, marked := w.Deployment.Spec.Template.Annotations[spec.MarkChecksum]
	same := made == w.checksum()
	if marked && same {
		return passed("the pods were made with this file")
	}
	if w.Changed.IsZero() {
		if marked {
			return judgeInForce(w, nil)
		}
		return skipped("nothing tells when ConfigMap " + w.ConfigMap + " was last changed")
	}
	pods, lacking := fetched(ctx, l.Pods, "this run cannot look at pods")
	if lacking != nil {
		return *lacking
	}
	if len(pods) == 0 {
		return skipped("no pod runs")
	}
	finding := judgeInForce(w, &pods[0])
	if wrote := l.wroteSince(ctx, w.Changed); finding.Status == Fail && !marked && wrote != nil && *wrote {
		// It may have been a change that matters to nobody.
		finding.Status = Warn
		finding.Observed += "; by the file of before it works"
	}
	return finding
}

// judgeInForce is P41: tbot reads its file once, at its start. pod is nil where times tell nothing, and only the checksum differs.
func judgeInForce(w Workload, pod *corev1.Pod) Finding {
	where := "ConfigMap " + w.Deployment.Namespace + "/" + w.ConfigMap
	finding := Finding{
		Status: Fail, Observed: where + " was changed after the pods were made, and tbot reads it only at its start", Expected: "pods that have read the file that is there", Fix: w.restart(),
	}
	if _, marked := w.Deployment.Spec.Template.Annotations[spec.MarkChecksum]; marked {
		annotations := map[string]any{"metadata": map[string]any{"annotations": map[string]string{spec.MarkChecksum: w.checksum()}}}
		finding.Fix = w.kubectl("patch", "deployment", w.Deployment.Name, "--patch", compact(map[string]any{"spec": map[string]any{"template": annotations}}))
	}
	if pod == nil {
		return finding
	}
	since := w.readSince(pod)
	if !since.Before(w.Changed) {
		return passed("pod " + pod.Name + " began after the last change of " + where)
	}
	finding.Observed = where + " was changed " + roundly(w.Changed.Sub(since)) + " after pod " + pod.Name + " began, and tbot reads it only at its start"
	return finding
}

// readSince is when tbot's container began, and so read its file. What is mounted by a subPath stays as it was when the pod was made
// (Kubernetes: ConfigMaps, "Mounted ConfigMaps are updated automatically").
func (w Workload) readSince(pod *corev1.Pod) time.Time {
	for _, mount := range w.container().VolumeMounts {
		for _, volume := range w.pod().Volumes {
			if volume.Name == mount.Name && volume.ConfigMap != nil && volume.ConfigMap.Name == w.ConfigMap && mount.SubPath != "" {
				return pod.CreationTimestamp.Time
			}
		}
	}
	status := w.statusOf(pod)
	switch {
	case status.State.Running != nil:
		return status.State.Running.StartedAt.Time
	case status.LastTerminationState.Terminated != nil:
		return status.LastTerminationState.Terminated.StartedAt.Time
	}
	return pod.CreationTimestamp.Time
}

// checksum is the one that manifests gives a ConfigMap.
func (w Workload) checksum() string {
	data := map[string]string{w.Key: w.Text}
	maps.Copy(data, w.Beside)
	sum := sha256.Sum256([]byte(marshalled(data)))
	return hex.EncodeToString(sum[:])
}
