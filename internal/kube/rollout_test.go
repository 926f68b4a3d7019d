package kube_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/tbotctl/tbotctl/internal/kube"
	"github.com/tbotctl/tbotctl/internal/testkit"
)

func TestRollout(t *testing.T) {
	t.Parallel()
	const good, missing = "registry.example.com/web:1.2.3", "registry.example.com/web:0.0.0-missing"
	for name, row := range map[string]struct {
		image, cpu string
		restricted bool
		want       string
		pod        bool
	}{
		"an image that does not exist": {missing, "10m", false, "ImagePullBackOff: Back-off pulling image", true},
		"no node is large enough":      {good, "1000", false, "Unschedulable: 0/1 nodes are available", true},
		"a policy refuses the pods":    {good, "10m", true, `FailedCreate: pods "web-`, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			namespace := server(t).Namespace(t)
			if row.restricted {
				restrict(t, namespace)
			}
			deploy(t, namespace, row.image, row.cpu)
			testkit.Eventually(t, "the reason to show", func(ctx context.Context) error {
				seen, err := admin(t).Rollout(ctx, namespace, "web")
				switch {
				case err != nil:
					return err
				case seen.Ready:
					t.Fatal("it is called ready")
				case !strings.HasPrefix(seen.Reason, row.want):
					return fmt.Errorf("the reason is %q", seen.Reason)
				case strings.HasPrefix(seen.Pod, "web-") != row.pod:
					t.Fatalf("the reason is said to be that of pod %q", seen.Pod)
				}
				return nil
			})

			// What was wrong is mended, and the old reason is gone with its pod.
			if row.restricted {
				return
			}
			deploy(t, namespace, good, "10m")
			seen := ready(t, namespace)
			if seen.Reason != "" || !strings.HasPrefix(seen.Pod, "web-") {
				t.Errorf("rollout %+v, want the pod that is ready and no reason", seen)
			}
		})
	}
}

func TestRolloutErrors(t *testing.T) {
	t.Parallel()
	namespace := server(t).Namespace(t)
	_, err := admin(t).Rollout(t.Context(), namespace, "web")
	wantError(t, err, kube.NotFound, "reading Deployment "+namespace+"/web")
	_, err = connect(t, kube.Options{Kubeconfig: server(t).KubeconfigFor(t, "nobody-"+namespace)}).Rollout(t.Context(), namespace, "web")
	wantError(t, err, kube.Forbidden, "reading Deployment")
}

func ready(t *testing.T, namespace string) kube.Rollout {
	t.Helper()
	var seen kube.Rollout
	testkit.Eventually(t, "the Deployment to be ready", func(ctx context.Context) error {
		var err error
		if seen, err = admin(t).Rollout(ctx, namespace, "web"); err == nil && !seen.Ready {
			err = fmt.Errorf("not ready: %+v", seen)
		}
		return err
	})
	return seen
}

// deploy applies a Deployment of one pod.
func deploy(t *testing.T, namespace, image, cpu string) {
	t.Helper()
	labels := map[string]any{"app": "web"}
	d := object("apps/v1", "Deployment", namespace, "web")
	d.Object["spec"] = map[string]any{
		"strategy": map[string]any{"type": "Recreate"},
		"selector": map[string]any{"matchLabels": labels},
		"template": map[string]any{
			"metadata": map[string]any{"labels": labels},
			"spec": map[string]any{"containers": []any{map[string]any{
				"name": "web", "image": image, "resources": map[string]any{"requests": map[string]any{"cpu": cpu}},
			}}},
		},
	}
	if _, err := admin(t).Apply(t.Context(), d, false); err != nil {
		t.Fatal(err)
	}
}
