package kube_test

import (
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/tbotctl/tbotctl/internal/kube"
	"github.com/tbotctl/tbotctl/internal/spec"
)

func TestSweepProbes(t *testing.T) {
	t.Parallel()
	namespace := server(t).Namespace(t)
	cluster := admin(t)
	marked := func(name, label, install string) *corev1.Pod {
		return pod(namespace, name, func(p *corev1.Pod) {
			p.Labels = map[string]string{spec.MarkProbe: label}
			p.Annotations = map[string]string{spec.MarkInstall: install}
		})
	}
	for _, p := range []*corev1.Pod{marked("ours", "true", "a/b/c/d"), marked("theirs", "true", "x/b/c/d"), marked("no-probe", "false", "a/b/c/d")} {
		if _, err := cluster.CreatePod(t.Context(), p); err != nil {
			t.Fatal(err)
		}
	}
	// A proof that is under way may have made a pod a moment ago.
	if swept, err := cluster.SweepProbes(t.Context(), namespace, "a/b/c/d", time.Hour, time.Now()); err != nil || len(swept) != 0 {
		t.Errorf("swept %v, error %v; want none that is younger than the age", swept, err)
	}
	swept, err := cluster.SweepProbes(t.Context(), namespace, "a/b/c/d", time.Hour, time.Now().Add(2*time.Hour))
	if err != nil || !slices.Equal(swept, []string{"ours"}) {
		t.Errorf("swept %v, error %v; want this installation's own alone", swept, err)
	}
	left, err := cluster.Pods(t.Context(), namespace, "")
	if err != nil || len(left) != 2 {
		t.Errorf("%d pods are left, error %v; want the other two", len(left), err)
	}
	_, err = connect(t, kube.Options{Kubeconfig: server(t).KubeconfigFor(t, "nobody-"+namespace)}).SweepProbes(t.Context(), namespace, "a/b/c/d", 0, time.Now())
	wantError(t, err, kube.Forbidden, "listing pods")
}
