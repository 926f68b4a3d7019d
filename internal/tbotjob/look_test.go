package tbotjob

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/tbotctl/tbotctl/internal/tbotlog"
)

func waiting(reason, message string) corev1.ContainerState {
	return corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: message}}
}

func on(node string, phase corev1.PodPhase, statuses ...corev1.ContainerStatus) corev1.Pod {
	return corev1.Pod{Spec: corev1.PodSpec{NodeName: node}, Status: corev1.PodStatus{Phase: phase, ContainerStatuses: statuses}}
}

func TestLookAt(t *testing.T) {
	t.Parallel()
	running := corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}
	ended := corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: 1}}
	unscheduled := on("", corev1.PodPending)
	unscheduled.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: "Unschedulable", Message: "0/3 nodes are available"}}
	evicted := on("n", corev1.PodFailed)
	evicted.Status.Reason, evicted.Status.Message = "Evicted", "The node was low on\nresource: memory."
	initFailed := on("n", corev1.PodFailed, corev1.ContainerStatus{Name: "tbot", State: waiting("PodInitializing", "")})
	initFailed.Status.InitContainerStatuses = []corev1.ContainerStatus{{Name: "copy", State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: 3, Reason: "Error"}}}}
	for name, row := range map[string]struct {
		pod    corev1.Pod
		passed int
		held   *Failed
		final  bool
	}{
		"just made":     {pod: on("", corev1.PodPending), passed: 1},
		"no node":       {pod: unscheduled, passed: 1, held: &Failed{Scheduling, "Unschedulable: 0/3 nodes are available"}},
		"starting":      {pod: on("n", corev1.PodPending, corev1.ContainerStatus{Name: "tbot", State: waiting("ContainerCreating", "")}), passed: 2},
		"first pull":    {pod: on("n", corev1.PodPending, corev1.ContainerStatus{Name: "tbot", State: waiting("ErrImagePull", "not found")}), passed: 2, held: &Failed{Image, "ErrImagePull: not found"}},
		"no image":      {pod: on("n", corev1.PodPending, corev1.ContainerStatus{Name: "tbot", State: waiting("ImagePullBackOff", "")}), passed: 2, held: &Failed{Image, "ImagePullBackOff"}, final: true},
		"no ConfigMap":  {pod: on("n", corev1.PodPending, corev1.ContainerStatus{Name: "tbot", State: waiting("CreateContainerConfigError", `configmap "x" not found`)}), passed: 3, held: &Failed{Start, `CreateContainerConfigError: configmap "x" not found`}, final: true},
		"runs":          {pod: on("n", corev1.PodRunning, corev1.ContainerStatus{Name: "tbot", ImageID: "sha256:1", State: running}), passed: 4},
		"ended":         {pod: on("n", corev1.PodFailed, corev1.ContainerStatus{Name: "tbot", ImageID: "sha256:1", State: ended}), passed: 4},
		"evicted":       {pod: evicted, passed: 2, held: &Failed{Start, "Evicted: The node was low on resource: memory."}, final: true},
		"init failed":   {pod: initFailed, passed: 3, held: &Failed{Start, "init container copy ended with code 3: Error"}, final: true},
		"sidecar's own": {pod: on("n", corev1.PodPending, corev1.ContainerStatus{Name: "side", ImageID: "sha256:2", State: running}), passed: 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := lookAt(&row.pod, "tbot")
			if diff := cmp.Diff(row.held, got.held); diff != "" || got.passed != row.passed || got.final != row.final {
				t.Errorf("passed %d, final %v; want %d, %v; held (-want +got):\n%s", got.passed, got.final, row.passed, row.final, diff)
			}
		})
	}
}

func TestOutOfMemory(t *testing.T) {
	t.Parallel()
	killed := &corev1.ContainerStateTerminated{Reason: "OOMKilled", ExitCode: 137}
	for _, row := range []struct {
		ended  *corev1.ContainerStateTerminated
		limits corev1.ResourceList
		want   string
	}{
		{killed, corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("64Mi")}, "tbot was killed for want of memory (OOMKilled); its limit is 64Mi"},
		{killed, nil, "tbot was killed for want of memory (OOMKilled); it has no limit of its own, so the node ran out"},
		{&corev1.ContainerStateTerminated{Reason: "Error", ExitCode: 1}, nil, ""},
	} {
		if got := outOfMemory(row.ended, row.limits); got != row.want {
			t.Errorf("%q, want %q", got, row.want)
		}
	}
}

// Each failure stands at the one place that it is of, and what lies above is not claimed.
func TestShow(t *testing.T) {
	t.Parallel()
	const far, half = "the pod did not come that far", notRun
	for name, row := range map[string]struct {
		result Result
		course course
		// want has an entry for each What from Admission on: "" works, "?..." is untested, all else failed.
		want []string
	}{
		"all of it": {
			Result{Ended: true, Account: tbotlog.Account{Joined: true}},
			course{passed: 4},
			[]string{"", "", "", "", "", "", "", ""},
		},
		"done, and nothing was heard": {
			Result{Ended: true},
			course{passed: 4},
			[]string{"", "", "", "", "?tbot's log tells of no answer from Teleport", "", "", ""},
		},
		"refused by a policy": {
			Result{},
			course{stuck: &Failed{Admission, "FailedCreate: no"}},
			[]string{"admission: FailedCreate: no", "?" + far, "?" + far, "?" + far, "?tbot's log tells of no answer from Teleport", "?" + half, "?" + half, "?tbot did not join"},
		},
		"no image": {
			Result{},
			course{passed: 2, stuck: &Failed{Image, "not found"}},
			[]string{"", "", "image: not found", "?" + far, "?tbot's log tells of no answer from Teleport", "?" + half, "?" + half, "?tbot did not join"},
		},
		"no way out": {
			Result{Ended: true, Code: 1, Account: tbotlog.Account{JoinErr: "dial tcp 10.0.0.1:443: i/o timeout"}},
			course{passed: 4},
			[]string{"", "", "", "", "egress: dial tcp 10.0.0.1:443: i/o timeout", "", "?Teleport was not reached", "?tbot did not join"},
		},
		"turned down": {
			Result{Ended: true, Code: 1, Account: tbotlog.Account{JoinErr: "kubernetes token did not match any allow rules"}},
			course{passed: 4},
			[]string{"", "", "", "", "", "", "join: kubernetes token did not match any allow rules", "?tbot did not join"},
		},
		"an output": {
			Result{Ended: true, Code: 1, Account: tbotlog.Account{Joined: true, Outputs: []tbotlog.Output{{Name: "a", Done: true}, {Name: "b", Err: "no"}}}},
			course{passed: 4},
			[]string{"", "", "", "", "", "", "", "outputs: b: no"},
		},
		"out of memory": {
			Result{Ended: true, Code: 137, Account: tbotlog.Account{Joined: true}},
			course{passed: 4, oom: "killed"},
			[]string{"", "", "", "", "", "memory: killed", "", "?" + half},
		},
		"no end": {
			Result{Account: tbotlog.Account{Joined: true}},
			course{passed: 4, late: "no end"},
			[]string{"", "", "", "", "", "?" + half, "", "outputs: no end"},
		},
		"silent": {
			Result{Ended: true, Code: 2},
			course{passed: 4},
			[]string{"", "", "", "", "?tbot's log tells of no answer from Teleport", "", "join: tbot ended with code 2 and did not say why", "?tbot did not join"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			row.result.show(row.course)
			var got []string
			failed := false
			for _, shown := range row.result.Shown {
				switch {
				case shown.Err != nil:
					got, failed = append(got, shown.Err.Error()), true
				case shown.Untested != "":
					got = append(got, "?"+shown.Untested)
				default:
					got = append(got, "")
				}
			}
			if diff := cmp.Diff(row.want, got); diff != "" {
				t.Errorf("it shows otherwise (-want +got):\n%s", diff)
			}
			if err := row.result.failure(); (err != nil) != failed {
				t.Errorf("error %v, with %q", err, got)
			}
		})
	}
}
