package kube

import (
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestJudgeRollout(t *testing.T) {
	t.Parallel()
	one := int32(1)
	deployment := func(change func(*appsv1.Deployment)) *appsv1.Deployment {
		d := &appsv1.Deployment{
			ObjectMeta: metav1.ObjectMeta{Generation: 2},
			Spec:       appsv1.DeploymentSpec{Replicas: &one},
			Status:     appsv1.DeploymentStatus{ObservedGeneration: 2, Replicas: 1, UpdatedReplicas: 1, AvailableReplicas: 1},
		}
		if change != nil {
			change(d)
		}
		return d
	}
	unavailable := func(conditions ...appsv1.DeploymentCondition) *appsv1.Deployment {
		return deployment(func(d *appsv1.Deployment) { d.Status.AvailableReplicas, d.Status.Conditions = 0, conditions })
	}
	progress := func(status corev1.ConditionStatus) appsv1.DeploymentCondition {
		return appsv1.DeploymentCondition{Type: appsv1.DeploymentProgressing, Status: status, Reason: "ProgressDeadlineExceeded", Message: "timed out"}
	}
	for name, row := range map[string]struct {
		deployment *appsv1.Deployment
		pods       []corev1.Pod
		want       Rollout
	}{
		"ready": {deployment(nil), []corev1.Pod{readyNamed("a")}, Rollout{Ready: true, Pod: "a"}},
		"ready, replicas left to the default": {
			deployment(func(d *appsv1.Deployment) { d.Spec.Replicas = nil }), []corev1.Pod{readyNamed("a")}, Rollout{Ready: true, Pod: "a"},
		},
		"ready, beside a pod that is not": {deployment(nil), []corev1.Pod{waiting("a", "CrashLoopBackOff"), readyNamed("b")}, Rollout{Ready: true, Pod: "b"}},
		"ready, beside a pod that ends":   {deployment(nil), []corev1.Pod{ending(readyNamed("a")), readyNamed("b")}, Rollout{Ready: true, Pod: "b"}},
		"the controller has not looked yet": {
			deployment(func(d *appsv1.Deployment) { d.Status.ObservedGeneration = 1 }), []corev1.Pod{readyNamed("a")}, Rollout{},
		},
		"what was wrong before is not what is wrong now": {
			deployment(func(d *appsv1.Deployment) {
				d.Status.ObservedGeneration, d.Status.AvailableReplicas = 1, 0
				d.Status.Conditions = []appsv1.DeploymentCondition{progress(corev1.ConditionFalse)}
			}),
			[]corev1.Pod{waiting("a", "ImagePullBackOff")},
			Rollout{},
		},
		"the pod is of the old template": {deployment(func(d *appsv1.Deployment) { d.Status.UpdatedReplicas = 0 }), []corev1.Pod{readyNamed("a")}, Rollout{}},
		"one pod too many":               {deployment(func(d *appsv1.Deployment) { d.Status.Replicas = 2 }), []corev1.Pod{readyNamed("a")}, Rollout{}},
		"no pod yet":                     {unavailable(), nil, Rollout{}},
		"starting":                       {unavailable(), []corev1.Pod{waiting("a", "ContainerCreating")}, Rollout{}},
		"initialising":                   {unavailable(), []corev1.Pod{waiting("a", "PodInitializing")}, Rollout{}},
		"waiting":                        {unavailable(), []corev1.Pod{waiting("a", "ImagePullBackOff")}, Rollout{Pod: "a", Reason: "ImagePullBackOff: its words"}},
		"waiting without words":          {unavailable(), []corev1.Pod{container("a", corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ErrImagePull"}})}, Rollout{Pod: "a", Reason: "ErrImagePull"}},
		"an init container fails":        {unavailable(), []corev1.Pod{initContainer("a")}, Rollout{Pod: "a", Reason: "CreateContainerConfigError: no such Secret"}},
		"ended badly":                    {unavailable(), []corev1.Pod{terminated("a", 1)}, Rollout{Pod: "a", Reason: "Error (exit code 1): panic"}},
		"ended well":                     {unavailable(), []corev1.Pod{terminated("a", 0)}, Rollout{}},
		"the old pod that failed ends":   {unavailable(), []corev1.Pod{ending(waiting("a", "CrashLoopBackOff")), waiting("b", "ContainerCreating")}, Rollout{}},
		"not scheduled": {
			unavailable(),
			[]corev1.Pod{conditioned("a", corev1.PodScheduled, corev1.ConditionFalse, "Unschedulable", "0/3 nodes are available")},
			Rollout{Pod: "a", Reason: "Unschedulable: 0/3 nodes are available"},
		},
		"evicted": {
			unavailable(),
			[]corev1.Pod{{ObjectMeta: metav1.ObjectMeta{Name: "a"}, Status: corev1.PodStatus{Phase: corev1.PodFailed, Reason: "Evicted", Message: "low on memory"}}},
			Rollout{Pod: "a", Reason: "Evicted: low on memory"},
		},
		"no pod may be made": {
			unavailable(progress(corev1.ConditionTrue), appsv1.DeploymentCondition{
				Type: appsv1.DeploymentReplicaFailure, Status: corev1.ConditionTrue, Reason: "FailedCreate", Message: "exceeded quota",
			}),
			nil,
			Rollout{Reason: "FailedCreate: exceeded quota"},
		},
		"no progress":                          {unavailable(progress(corev1.ConditionFalse)), nil, Rollout{Reason: "ProgressDeadlineExceeded: timed out"}},
		"the pod's word before the Deployment": {unavailable(progress(corev1.ConditionFalse)), []corev1.Pod{waiting("a", "ImagePullBackOff")}, Rollout{Pod: "a", Reason: "ImagePullBackOff: its words"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := judgeRollout(row.deployment, row.pods); got != row.want {
				t.Errorf("got %+v, want %+v", got, row.want)
			}
		})
	}
}

func conditioned(name string, kind corev1.PodConditionType, status corev1.ConditionStatus, reason, message string) corev1.Pod {
	return corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name}, Status: corev1.PodStatus{
		Conditions: []corev1.PodCondition{{Type: kind, Status: status, Reason: reason, Message: message}},
	}}
}

func readyNamed(name string) corev1.Pod {
	return conditioned(name, corev1.PodReady, corev1.ConditionTrue, "", "")
}

func ending(p corev1.Pod) corev1.Pod {
	now := metav1.Now()
	p.DeletionTimestamp = &now
	return p
}

func container(name string, state corev1.ContainerState) corev1.Pod {
	return corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name}, Status: corev1.PodStatus{
		ContainerStatuses: []corev1.ContainerStatus{{State: state}},
	}}
}

func waiting(name, reason string) corev1.Pod {
	return container(name, corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: "its words"}})
}

func terminated(name string, code int32) corev1.Pod {
	return container(name, corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{Reason: "Error", ExitCode: code, Message: "panic"}})
}

func initContainer(name string) corev1.Pod {
	p := waiting(name, "PodInitializing")
	p.Status.InitContainerStatuses = []corev1.ContainerStatus{{State: corev1.ContainerState{
		Waiting: &corev1.ContainerStateWaiting{Reason: "CreateContainerConfigError", Message: "no such Secret"},
	}}}
	return p
}
