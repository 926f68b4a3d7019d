package testkit_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tbotctl/tbotctl/internal/testkit"
)

// deploy makes a Deployment of one pod.
func deploy(t *testing.T, c *testkit.ControlPlane, namespace string, container corev1.Container) {
	t.Helper()
	labels := map[string]string{"app": "web"}
	container.Name = "web"
	deployment := &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: "web"},
		Spec: appsv1.DeploymentSpec{
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec:       corev1.PodSpec{Containers: []corev1.Container{container}},
			},
		},
	}
	_, err := c.Client().AppsV1().Deployments(namespace).Create(t.Context(), deployment, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
}

// eventuallyPod waits until the Deployment's pod is as check wants it.
func eventuallyPod(t *testing.T, c *testkit.ControlPlane, namespace, what string, check func(corev1.Pod) bool) corev1.Pod {
	t.Helper()
	var pod corev1.Pod
	testkit.Eventually(t, what, func(ctx context.Context) error {
		pods, err := c.Client().CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{})
		if err != nil {
			return err
		}
		if len(pods.Items) != 1 {
			return fmt.Errorf("there are %d pods", len(pods.Items))
		}
		if pod = pods.Items[0]; !check(pod) {
			return fmt.Errorf("the pod's status is %+v", pod.Status)
		}
		return nil
	})
	return pod
}

func readyReplicas(ctx context.Context, c *testkit.ControlPlane, namespace string) (int32, error) {
	deployment, err := c.Client().AppsV1().Deployments(namespace).Get(ctx, "web", metav1.GetOptions{})
	if err != nil {
		return 0, err
	}
	return deployment.Status.ReadyReplicas, nil
}

func eventuallyReady(t *testing.T, c *testkit.ControlPlane, namespace string) {
	t.Helper()
	testkit.Eventually(t, "the Deployment to be Ready", func(ctx context.Context) error {
		ready, err := readyReplicas(ctx, c, namespace)
		if err == nil && ready != 1 {
			err = fmt.Errorf("%d pods are ready", ready)
		}
		return err
	})
}

func TestDeploymentGetsReady(t *testing.T) {
	t.Parallel()
	for _, flavour := range flavours() {
		t.Run(flavour.String(), func(t *testing.T) {
			t.Parallel()
			c := testkit.Shared(t, flavour)
			namespace := c.Namespace(t)
			deploy(t, c, namespace, corev1.Container{Image: "registry.example.com/web:1.2.3"})
			eventuallyReady(t, c, namespace)
			pod := eventuallyPod(t, c, namespace, "the pod to have an address", func(pod corev1.Pod) bool { return pod.Status.PodIP != "" })
			if pod.Status.Phase != corev1.PodRunning || pod.Spec.NodeName != testkit.NodeName {
				t.Errorf("phase %s on node %q, want Running on %s", pod.Status.Phase, pod.Spec.NodeName, testkit.NodeName)
			}

			// The rollout of a change is real too.
			if _, _, err := c.Kubectl(t.Context(), nil, "-n", namespace, "set", "image", "deployment/web", "web=registry.example.com/web:1.2.4"); err != nil {
				t.Fatal(err)
			}
			out, _, err := c.Kubectl(t.Context(), nil, "-n", namespace, "rollout", "status", "deployment/web", "--timeout=60s")
			if err != nil || !strings.Contains(out, "successfully rolled out") {
				t.Errorf("kubectl rollout status: %q, %v", out, err)
			}
		})
	}
}

func TestMissingImageNeverGetsReady(t *testing.T) {
	t.Parallel()
	c := testkit.Shared(t, testkit.SelfManaged)
	namespace := c.Namespace(t)
	deploy(t, c, namespace, corev1.Container{Image: "registry.example.com/web:0.0.0-missing"})
	pod := eventuallyPod(t, c, namespace, "ImagePullBackOff", func(pod corev1.Pod) bool {
		statuses := pod.Status.ContainerStatuses
		return len(statuses) == 1 && statuses[0].State.Waiting != nil && statuses[0].State.Waiting.Reason == "ImagePullBackOff"
	})
	if pod.Status.Phase != corev1.PodPending || pod.Status.ContainerStatuses[0].Ready {
		t.Errorf("status %+v, want a pod that is Pending and not ready", pod.Status)
	}
	if ready, err := readyReplicas(t.Context(), c, namespace); err != nil || ready != 0 {
		t.Errorf("%d pods are ready (%v), want none", ready, err)
	}
	testkit.Eventually(t, "the events of the failed pull", func(ctx context.Context) error {
		events, err := c.Client().CoreV1().Events(namespace).List(ctx, metav1.ListOptions{FieldSelector: "involvedObject.kind=Pod"})
		if err != nil {
			return err
		}
		for _, event := range events.Items {
			if event.Reason == "Failed" && strings.Contains(event.Message, "ErrImagePull") {
				return nil
			}
		}
		return fmt.Errorf("no such event among %d", len(events.Items))
	})
}

func TestUnschedulableStaysPending(t *testing.T) {
	t.Parallel()
	c := testkit.Shared(t, testkit.SelfManaged)
	namespace := c.Namespace(t)
	deploy(t, c, namespace, corev1.Container{
		Image:     "registry.example.com/web:1.2.3",
		Resources: corev1.ResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("1000")}},
	})
	eventuallyPod(t, c, namespace, "the scheduler's refusal", func(pod corev1.Pod) bool {
		for _, condition := range pod.Status.Conditions {
			if condition.Type == corev1.PodScheduled && condition.Status == corev1.ConditionFalse {
				return condition.Reason == corev1.PodReasonUnschedulable && pod.Status.Phase == corev1.PodPending
			}
		}
		return false
	})
	if ready, err := readyReplicas(t.Context(), c, namespace); err != nil || ready != 0 {
		t.Errorf("%d pods are ready (%v), want none", ready, err)
	}
}

func TestServiceAccountAdmissionMountsToken(t *testing.T) {
	t.Parallel()
	c := testkit.Shared(t, testkit.SelfManaged)
	namespace := c.Namespace(t)
	deploy(t, c, namespace, corev1.Container{Image: "registry.example.com/web:1.2.3"})
	pod := eventuallyPod(t, c, namespace, "the pod", func(corev1.Pod) bool { return true })

	mounts := pod.Spec.Containers[0].VolumeMounts
	if pod.Spec.ServiceAccountName != "default" || len(mounts) != 1 || mounts[0].MountPath != "/var/run/secrets/kubernetes.io/serviceaccount" {
		t.Errorf("service account %q with mounts %+v, want the default one with its token mounted", pod.Spec.ServiceAccountName, mounts)
	}

	// And a pod of a service account that does not exist is refused.
	_, err := c.Client().CoreV1().Pods(namespace).Create(t.Context(), &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "stray"},
		Spec: corev1.PodSpec{
			ServiceAccountName: "nobody",
			Containers:         []corev1.Container{{Name: "web", Image: "registry.example.com/web:1.2.3"}},
		},
	}, metav1.CreateOptions{})
	if err == nil || !strings.Contains(err.Error(), `serviceaccount "nobody" not found`) {
		t.Errorf("making a pod of a missing service account: %v, want a refusal", err)
	}
}

func TestDeletionEnds(t *testing.T) {
	t.Parallel()
	c := testkit.Shared(t, testkit.SelfManaged)
	namespace := c.Namespace(t)
	deploy(t, c, namespace, corev1.Container{Image: "registry.example.com/web:1.2.3"})
	eventuallyReady(t, c, namespace)
	if err := c.Client().CoreV1().Namespaces().Delete(t.Context(), namespace, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, "the namespace to be gone", func(ctx context.Context) error {
		names, err := c.Client().CoreV1().Namespaces().List(ctx, metav1.ListOptions{FieldSelector: "metadata.name=" + namespace})
		if err == nil && len(names.Items) > 0 {
			err = fmt.Errorf("it is %s", names.Items[0].Status.Phase)
		}
		return err
	})
}

func TestVersion(t *testing.T) {
	t.Parallel()
	c := testkit.Shared(t, testkit.SelfManaged)
	version, err := c.Client().Discovery().ServerVersion()
	if err != nil {
		t.Fatal(err)
	}
	if version.GitVersion != "v1.36.3" || version.Major != "1" || version.Minor != "36" {
		t.Errorf("the API server calls itself %s (%s.%s), want v1.36.3 (1.36)", version.GitVersion, version.Major, version.Minor)
	}
}
