package kube

import (
	"context"
	"time"

	"github.com/tbotctl/tbotctl/internal/spec"
)

// SweepProbes removes the pods of proofs that were killed before they could clean up: those of this installation that are
// older than age. It gives the names of what it removed.
func (c *Cluster) SweepProbes(ctx context.Context, namespace, installID string, age time.Duration, now time.Time) ([]string, error) {
	pods, err := c.Pods(ctx, namespace, spec.MarkProbe+"=true")
	if err != nil {
		return nil, err
	}
	var swept []string
	for i := range pods {
		pod := &pods[i]
		if pod.Annotations[spec.MarkInstall] != installID || now.Sub(pod.CreationTimestamp.Time) < age {
			continue
		}
		if err := c.DeletePod(ctx, pod); err != nil {
			return swept, err
		}
		swept = append(swept, pod.Name)
	}
	return swept, nil
}
