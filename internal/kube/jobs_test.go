package kube_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tbotctl/tbotctl/internal/kube"
	"github.com/tbotctl/tbotctl/internal/testkit"
)

func job(namespace, name string) *batchv1.Job {
	return &batchv1.Job{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec: batchv1.JobSpec{Template: corev1.PodTemplateSpec{
			ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": "tbot"}},
			Spec: corev1.PodSpec{
				RestartPolicy: corev1.RestartPolicyNever,
				Containers:    []corev1.Container{{Name: "main", Image: "registry.example.com/main:1.2.3"}},
			},
		}},
	}
}

// made is a Job with its pod.
func made(t *testing.T, cluster *kube.Cluster, namespace, name string) (*batchv1.Job, corev1.Pod) {
	t.Helper()
	live, err := cluster.CreateJob(t.Context(), job(namespace, name))
	if err != nil {
		t.Fatal(err)
	}
	var pods []corev1.Pod
	testkit.Eventually(t, "the Job's pod", func(ctx context.Context) error {
		var err error
		if pods, err = cluster.JobPods(ctx, live); err == nil && len(pods) == 0 {
			err = errors.New("there is none")
		}
		return err
	})
	return live, pods[0]
}

func TestJobs(t *testing.T) {
	t.Parallel()
	namespace := server(t).Namespace(t)
	cluster := admin(t)
	first, pod := made(t, cluster, namespace, "first")
	second, _ := made(t, cluster, namespace, "second")
	if pod.Labels["app"] != "tbot" || metav1.GetControllerOf(&pod).UID != first.UID {
		t.Errorf("pod %s has the labels %v and the owners %v; want the Job's", pod.Name, pod.Labels, pod.OwnerReferences)
	}
	if live, err := cluster.Job(t.Context(), namespace, "first"); err != nil || live == nil || live.UID != first.UID {
		t.Errorf("Job %v, error %v; want the one made", live, err)
	}
	_, err := cluster.CreateJob(t.Context(), job(namespace, "first"))
	wantError(t, err, kube.Conflict, "making Job "+namespace+"/first")

	if err := cluster.DeleteJob(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	if live, err := cluster.Job(t.Context(), namespace, "first"); live != nil || err != nil {
		t.Errorf("Job %v, error %v; want it gone", live, err)
	}
	if pods, err := cluster.JobPods(t.Context(), first); err != nil || len(pods) != 0 {
		t.Errorf("%d pods are left, error %v; want none: DeleteJob waits for them", len(pods), err)
	}
	if err := cluster.DeleteJob(t.Context(), first); err != nil {
		t.Errorf("deleting what is gone: %v", err)
	}

	// A Job of the same name is another one.
	again, _ := made(t, cluster, namespace, "first")
	wantError(t, cluster.DeleteJob(t.Context(), first), kube.Conflict, "deleting Job "+namespace+"/first")
	// An answer that was lost leaves a Job whose UID nobody knows.
	if err := cluster.DeleteJob(t.Context(), job(namespace, "first")); err != nil {
		t.Fatal(err)
	}
	if live, err := cluster.Job(t.Context(), namespace, again.Name); live != nil || err != nil {
		t.Errorf("Job %v, error %v; want it gone", live, err)
	}
	if pods, err := cluster.JobPods(t.Context(), second); err != nil || len(pods) != 1 {
		t.Errorf("the other Job has %d pods, error %v; want its own untouched", len(pods), err)
	}
}

// A pod that something holds back is named, not waited for without end.
func TestDeleteJobNamesWhatIsLeft(t *testing.T) {
	t.Parallel()
	namespace := server(t).Namespace(t)
	cluster := admin(t)
	live, pod := made(t, cluster, namespace, "held")
	pods := server(t).Client().CoreV1().Pods(namespace)
	patch := func(body string) {
		t.Helper()
		if _, err := pods.Patch(t.Context(), pod.Name, "application/json-patch+json", []byte(body), metav1.PatchOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	patch(`[{"op": "add", "path": "/metadata/finalizers/-", "value": "example.com/hold"}]`)
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	err := cluster.DeleteJob(ctx, live)
	if err == nil || !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "pod "+pod.Name+" is still there") {
		t.Errorf("error %v, want one that names pod %s", err, pod.Name)
	}
	patch(`[{"op": "replace", "path": "/metadata/finalizers", "value": []}]`)
	if err := cluster.DeleteJob(t.Context(), live); err != nil {
		t.Errorf("once nothing holds it: %v", err)
	}
}

func TestJobsWithoutRights(t *testing.T) {
	t.Parallel()
	namespace := server(t).Namespace(t)
	nobody := connect(t, kube.Options{Kubeconfig: server(t).KubeconfigFor(t, "nobody-"+namespace)})
	_, err := nobody.CreateJob(t.Context(), job(namespace, "first"))
	wantError(t, err, kube.Forbidden, "making Job "+namespace+"/first", `cannot create resource "jobs"`)
	wantError(t, nobody.DeleteJob(t.Context(), job(namespace, "first")), kube.Forbidden, "deleting Job "+namespace+"/first")
}
