package checks

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/tbotctl/tbotctl/internal/spec"
)

// readiness is what is known of /readyz. joined tells that tbot could only say so after a join: before 17.5 it says OK to everything
// (teleport-facts 7).
type readiness struct {
	finding Finding
	joined  bool
}

// readyz asks tbot itself, and where nobody may or can, takes the kubelet's word, which asks all the time.
func (l *Live) readyz(ctx context.Context) readiness {
	if l.Health == nil {
		return l.byKubelet(ctx, errors.New("/readyz is not asked: tbot answers nobody outside its pod (--diag-addr)"))
	}
	health, err := l.Health(ctx)
	if err != nil {
		return l.byKubelet(ctx, err)
	}
	ready := judgeReadyz(l.Workload, health)
	if ready.finding.Status == Unknown {
		return l.byKubelet(ctx, ready.finding.Err)
	}
	return ready
}

// judgeReadyz reads the answer; a zero one is that no pod runs.
func judgeReadyz(w Workload, health Health) readiness {
	finding := Finding{Status: Fail, Expected: "200, and each service healthy", Fix: w.kubectl("logs", "deployment/"+w.Deployment.Name, "--container", w.container().Name)}
	var said struct {
		Status   string
		Services map[string]any
	}
	const ok, serverError = 200, 500
	detailed := json.Unmarshal([]byte(health.Body), &said) == nil && said.Status != ""
	switch {
	case health.Code == 0:
		finding.Observed = "no pod of Deployment " + w.name() + " runs"
	case health.Code >= serverError:
		finding.Observed = fmt.Sprintf("HTTP %d", health.Code)
		if sick := unhealthy(&health); sick != "" {
			finding.Observed += ": " + sick
		} else if detailed {
			finding.Observed += ": " + spec.Quote(said.Status)
		}
	case health.Code != ok:
		// Something on the way, or another program at this port.
		return readiness{finding: unknown(fmt.Errorf("/readyz answers with HTTP %d, which is no word of tbot's", health.Code))}
	case detailed:
		return readiness{passed(fmt.Sprintf("%s, %d services", said.Status, len(said.Services))), true}
	default:
		return readiness{finding: passed("OK, which tbot before 17.5 says before it has joined too")}
	}
	return readiness{finding: finding}
}

// byKubelet is for where tbot cannot be asked, because of err. A pod is Ready only as long as its readiness probe gets an answer.
func (l *Live) byKubelet(ctx context.Context, err error) readiness {
	w, probe := l.Workload, l.Workload.container().ReadinessProbe
	asked := probe != nil && probe.HTTPGet != nil && strings.HasPrefix(probe.HTTPGet.Path, "/readyz")
	if !asked {
		if l.Health == nil {
			return readiness{finding: skipped(err.Error())}
		}
		return readiness{finding: unknown(err)}
	}
	pods, lacking := fetched(ctx, l.Pods, "this run cannot look at pods")
	if lacking != nil {
		return readiness{finding: *lacking}
	}
	return judgeKubelet(w, pods, err)
}

func judgeKubelet(w Workload, pods []corev1.Pod, err error) readiness {
	i := slices.IndexFunc(pods, func(p corev1.Pod) bool { return p.DeletionTimestamp == nil })
	switch {
	case i < 0:
		return judgeReadyz(w, Health{})
	case !isReady(&pods[i]):
		return readiness{finding: Finding{
			Status: Fail, Observed: "pod " + pods[i].Name + " is not ready: its probe of /readyz fails", Expected: "200",
			Fix: w.kubectl("logs", pods[i].Name, "--container", w.container().Name), Err: err,
		}}
	}
	_, tag := splitImage(w.container().Image)
	release := version(tag)
	return readiness{passed("the kubelet asks, and pod " + pods[i].Name + " is ready"), release != "" && has(release, "v17.5.0")}
}
