package proof_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tbotctl/tbotctl/internal/kube"
	"github.com/tbotctl/tbotctl/internal/proof"
	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/internal/testkit"
	"github.com/tbotctl/tbotctl/manifests"
)

// bench is a namespace of a real cluster that holds its pods to the `restricted` Pod Security Standard.
type bench struct {
	plane     *testkit.ControlPlane
	namespace string
	kube      *kube.Cluster
}

func newBench(t *testing.T) bench {
	t.Helper()
	plane := testkit.Shared(t, testkit.SelfManaged)
	cluster, err := kube.Connect(kube.Options{Kubeconfig: plane.KubeconfigFile()})
	if err != nil {
		t.Fatal(err)
	}
	b := bench{plane, plane.Namespace(t), cluster}
	if _, _, err := plane.Kubectl(t.Context(), nil, "label", "namespace", b.namespace, "pod-security.kubernetes.io/enforce=restricted"); err != nil {
		t.Fatal(err)
	}
	return b
}

// apply sends the Kubernetes resources up to a stage.
func (b bench) apply(t *testing.T, s spec.Setup, last manifests.Stage) {
	t.Helper()
	for _, resource := range rendered(t, s).Side(spec.SideKubernetes) {
		if resource.Stage > last {
			continue
		}
		if _, err := b.kube.Apply(t.Context(), resource.Object, false); err != nil {
			t.Fatal(err)
		}
	}
}

func (b bench) prove(ctx context.Context, t *testing.T, s spec.Setup, joinType spec.JoinType, join func(spec.Secret) error) (proof.Result, error) {
	t.Helper()
	return proof.Proof{
		Kubernetes: b.kube, Deployment: deployment(t, s), JoinType: joinType, Say: func(string) {}, Now: time.Now,
		Join: func(_ context.Context, token spec.Secret) (proof.Outcome, error) {
			return proof.Outcome{}, join(token)
		},
	}.Run(ctx)
}

// probes lists the probe pods of the namespace.
func (b bench) probes(ctx context.Context, t *testing.T) []corev1.Pod {
	t.Helper()
	pods, err := b.kube.Pods(ctx, b.namespace, spec.MarkProbe)
	if err != nil {
		t.Fatal(err)
	}
	return pods
}

// review asks the API server of a token, as an Auth Service of type in_cluster does.
func (b bench) review(ctx context.Context, token spec.Secret) (authenticationv1.TokenReviewStatus, error) {
	answer, err := b.plane.Client().AuthenticationV1().TokenReviews().Create(ctx, &authenticationv1.TokenReview{
		Spec: authenticationv1.TokenReviewSpec{Token: token.Reveal(), Audiences: []string{"lab.example.com"}},
	}, metav1.CreateOptions{})
	if err != nil {
		return authenticationv1.TokenReviewStatus{}, err
	}
	return answer.Status, nil
}

func TestProbePodOnARealCluster(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := setup(b.namespace)
	// The Deployment is there too, and its own pod never runs.
	s.Workload.Image, s.Resolved.Image = "registry.example.com/tbot:0.0.0-missing", "registry.example.com/tbot:0.0.0-missing"
	b.apply(t, s, manifests.StageWorkload)

	looked := false
	result, err := b.prove(t.Context(), t, s, spec.JoinInCluster, func(token spec.Secret) error {
		looked = true
		probes := b.probes(t.Context(), t)
		if len(probes) != 1 {
			t.Fatalf("%d probe pods while Teleport asks, want one", len(probes))
		}
		status, err := b.review(t.Context(), token)
		if err != nil || !status.Authenticated || status.User.Username != s.ServiceAccountUser() {
			t.Errorf("the API server says %+v of the token, error %v", status, err)
		}
		if bound := status.User.Extra["authentication.kubernetes.io/pod-name"]; len(bound) != 1 || bound[0] != probes[0].Name {
			t.Errorf("the token is bound to pod %v, want %s", bound, probes[0].Name)
		}
		b.wantGated(t, probes[0].Name)
		b.wantNotAdopted(t, probes[0])
		return nil
	})
	if err != nil || !looked || !strings.Contains(result.From, "never scheduled") {
		t.Errorf("result %+v, error %v", result, err)
	}
	if left := b.probes(t.Context(), t); len(left) != 0 {
		t.Errorf("%d probe pods are left behind", len(left))
	}
}

// wantGated waits for the scheduler's own word that it leaves the pod alone.
func (b bench) wantGated(t *testing.T, name string) {
	t.Helper()
	testkit.Eventually(t, "the pod to be gated", func(ctx context.Context) error {
		pod, err := b.plane.Client().CoreV1().Pods(b.namespace).Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		if pod.Spec.NodeName != "" || pod.Status.Phase != corev1.PodPending || len(pod.Spec.Volumes) != 2 {
			t.Fatalf("the pod is %s on node %q with the volumes %v; want it to run nowhere and mount no further token", pod.Status.Phase, pod.Spec.NodeName, pod.Spec.Volumes)
		}
		for _, condition := range pod.Status.Conditions {
			if condition.Type == corev1.PodScheduled && condition.Reason == corev1.PodReasonSchedulingGated {
				return nil
			}
		}
		return errors.New("the scheduler has not said so")
	})
}

// wantNotAdopted waits until the ReplicaSet controller has counted a pod of its own again, after it could have seen ours.
func (b bench) wantNotAdopted(t *testing.T, probe corev1.Pod) {
	t.Helper()
	pods := b.plane.Client().CoreV1().Pods(b.namespace)
	var before string
	testkit.Eventually(t, "the Deployment's own pod", func(ctx context.Context) error {
		own, err := pods.List(ctx, metav1.ListOptions{LabelSelector: "app.kubernetes.io/name=tbot,!tbotctl.dev/probe"})
		if err == nil && len(own.Items) != 1 {
			err = fmt.Errorf("there are %d", len(own.Items))
		}
		if err == nil {
			before = own.Items[0].Name
		}
		return err
	})
	if err := pods.Delete(t.Context(), before, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, "the Deployment's next pod", func(ctx context.Context) error {
		own, err := pods.List(ctx, metav1.ListOptions{LabelSelector: "app.kubernetes.io/name=tbot,!tbotctl.dev/probe"})
		if err == nil && (len(own.Items) != 1 || own.Items[0].Name == before) {
			err = fmt.Errorf("there are %d", len(own.Items))
		}
		return err
	})
	live, err := pods.Get(t.Context(), probe.Name, metav1.GetOptions{})
	if err != nil || len(live.OwnerReferences) != 1 || live.OwnerReferences[0].Kind != "ServiceAccount" {
		t.Errorf("the probe pod belongs to %v, error %v; want its service account alone", live.OwnerReferences, err)
	}
}

// Where keys alone are judged the pod is gone before anything is presented, and with it the token's worth here.
func TestProbePodIsGoneBeforeTheJoin(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := setup(b.namespace)
	b.apply(t, s, manifests.StageRBAC)
	_, err := b.prove(t.Context(), t, s, spec.JoinStaticJWKS, func(token spec.Secret) error {
		if left := b.probes(t.Context(), t); len(left) != 0 {
			t.Errorf("%d probe pods at the join, want none", len(left))
		}
		testkit.Eventually(t, "the API server to forget the token", func(ctx context.Context) error {
			status, err := b.review(ctx, token)
			if err == nil && status.Authenticated {
				err = errors.New("it still takes it")
			}
			return err
		})
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func TestProbePodIsGoneAfterACancel(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := setup(b.namespace)
	b.apply(t, s, manifests.StageRBAC)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	_, err := b.prove(ctx, t, s, spec.JoinInCluster, func(spec.Secret) error {
		if len(b.probes(ctx, t)) != 1 {
			t.Error("there is no probe pod at the join")
		}
		cancel()
		return ctx.Err()
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want the cancel", err)
	}
	if left := b.probes(t.Context(), t); len(left) != 0 {
		t.Errorf("%d probe pods are left behind", len(left))
	}
}

// A pod that breaks a policy is told before anything is deployed, in the policy's words.
func TestPolicyRefusesThePod(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := setup(b.namespace)
	b.apply(t, s, manifests.StageRBAC)
	bad := deployment(t, s)
	bad.Spec.Template.Spec.HostNetwork = true
	_, err := proof.Proof{
		Kubernetes: b.kube, Deployment: bad, JoinType: spec.JoinOIDC, Say: func(string) {}, Now: time.Now,
		Join: func(context.Context, spec.Secret) (proof.Outcome, error) {
			t.Error("a token was presented for a pod that the cluster does not take")
			return proof.Outcome{}, nil
		},
	}.Run(t.Context())
	if !kube.Is(err, kube.Refused) || !strings.Contains(err.Error(), "the cluster does not take a pod like the Deployment's") || !strings.Contains(err.Error(), "host namespaces") {
		t.Errorf("error %v, want one of kind Refused in the policy's words", err)
	}
}

func TestRunningPodOnARealCluster(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := setup(b.namespace)
	b.apply(t, s, manifests.StageWorkload)
	var running *corev1.Pod
	testkit.Eventually(t, "the Deployment's pod to run", func(ctx context.Context) error {
		var err error
		if running, err = b.kube.RunningPod(ctx, b.namespace, "tbot"); err == nil && running == nil {
			err = errors.New("it does not")
		}
		return err
	})
	result, err := b.prove(t.Context(), t, s, spec.JoinOIDC, func(token spec.Secret) error {
		status, err := b.review(t.Context(), token)
		if bound := status.User.Extra["authentication.kubernetes.io/pod-name"]; len(bound) != 1 || bound[0] != running.Name {
			t.Errorf("the token is bound to pod %v, want %s", bound, running.Name)
		}
		return err
	})
	if err != nil || !strings.HasSuffix(result.From, "bound to running pod "+running.Name) {
		t.Errorf("result %+v, error %v", result, err)
	}
	after, err := b.plane.Client().CoreV1().Pods(b.namespace).Get(t.Context(), running.Name, metav1.GetOptions{})
	if err != nil || after.UID != running.UID || after.DeletionTimestamp != nil {
		t.Errorf("pod %v, error %v; want it untouched", after, err)
	}
}

// What nobody removed goes with the service account.
func TestProbePodGoesWithItsAccount(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := setup(b.namespace)
	b.apply(t, s, manifests.StageRBAC)
	var name string
	leaky := leakyCluster{b.kube, &name}
	_, err := proof.Proof{
		Kubernetes: leaky, Deployment: deployment(t, s), JoinType: spec.JoinOIDC, Say: func(string) {}, Now: time.Now,
		Join: func(context.Context, spec.Secret) (proof.Outcome, error) { return proof.Outcome{}, nil },
	}.Run(t.Context())
	if err == nil || !strings.Contains(err.Error(), name) {
		t.Fatalf("error %v, want one that names the pod that is left", err)
	}
	if err := b.plane.Client().CoreV1().ServiceAccounts(b.namespace).Delete(t.Context(), "tbot", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, "the garbage collector to take the pod", func(ctx context.Context) error {
		_, err := b.plane.Client().CoreV1().Pods(b.namespace).Get(ctx, name, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return nil
		}
		return errors.Join(err, errors.New("it is still there"))
	})
}

// leakyCluster takes the right to delete pods away.
type leakyCluster struct {
	*kube.Cluster
	name *string
}

func (l leakyCluster) DeletePod(_ context.Context, pod *corev1.Pod) error {
	*l.name = pod.Name
	return errors.New("no right to delete")
}
