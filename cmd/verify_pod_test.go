package cmd_test

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/tbotctl/tbotctl/cmd"
	"github.com/tbotctl/tbotctl/internal/prompt"
	"github.com/tbotctl/tbotctl/internal/teleporttest"
	"github.com/tbotctl/tbotctl/internal/testkit"
	"github.com/tbotctl/tbotctl/internal/ui"
)

// wholeLog is what a tbot says that joined and wrote its one output (teleport-facts 7).
func wholeLog(bot string) []string {
	return []string{
		fmt.Sprintf(`{"level":"info","message":"Fetched new bot identity","identity":"%s, id=0a1b | valid: after=2026-01-02T03:00:00Z, before=2026-01-02T04:01:00Z, duration=1h1m0s | kind=tls, roles=[bot-%s]"}`, bot, bot),
		`{"level":"info","message":"Service finished","service":"identity-1"}`,
	}
}

// jobsPod waits until the pod of the only Job runs.
func (b *bench) jobsPod(t *testing.T) corev1.Pod {
	t.Helper()
	var running corev1.Pod
	testkit.Eventually(t, "the Job's pod to run", func(ctx context.Context) error {
		pods, err := b.plane.Client().CoreV1().Pods(b.namespace).List(ctx, metav1.ListOptions{LabelSelector: "job-name"})
		if err != nil {
			return err
		}
		if len(pods.Items) != 1 || pods.Items[0].Status.Phase != corev1.PodRunning {
			return fmt.Errorf("%d pods of Jobs, none runs", len(pods.Items))
		}
		running = pods.Items[0]
		return nil
	})
	return running
}

// ends lets the tbot of a pod say its lines and end: no kubelet does it here.
func (b *bench) ends(t *testing.T, pod corev1.Pod, code int, lines ...string) {
	t.Helper()
	b.node(t).Say(b.namespace, pod.Name, "tbot", false, lines...)
	phase, reason := corev1.PodSucceeded, "Completed"
	if code != 0 {
		phase, reason = corev1.PodFailed, "Error"
	}
	patch := fmt.Sprintf(`{"status": {"phase": %q, "containerStatuses": [{"name": "tbot", "image": "i", "imageID": "i@sha256:1", "ready": false, "restartCount": 0,
		"state": {"running": null, "terminated": {"exitCode": %d, "reason": %q}}}]}}`, phase, code, reason)
	_, err := b.plane.Client().CoreV1().Pods(b.namespace).Patch(t.Context(), pod.Name, types.MergePatchType, []byte(patch), metav1.PatchOptions{}, "status")
	if err != nil {
		t.Fatal(err)
	}
}

// runsInPod runs a verify in the pod while play plays the pod's tbot.
func (b *bench) runsInPod(t *testing.T, play func(corev1.Pod), args ...string) outcome {
	t.Helper()
	done := make(chan outcome, 1)
	go func() { done <- b.run(t, args...) }()
	play(b.jobsPod(t))
	return <-done
}

// noJobs fails the test where a Job or a pod of one was left behind.
func (b *bench) noJobs(t *testing.T) {
	t.Helper()
	jobs, err := b.plane.Client().BatchV1().Jobs(b.namespace).List(t.Context(), metav1.ListOptions{})
	if err != nil || len(jobs.Items) > 0 {
		t.Errorf("%d Jobs are left behind, error %v", len(jobs.Items), err)
	}
	pods, err := b.plane.Client().CoreV1().Pods(b.namespace).List(t.Context(), metav1.ListOptions{LabelSelector: "job-name"})
	if err != nil || len(pods.Items) > 0 {
		t.Errorf("%d pods of Jobs are left behind, error %v", len(pods.Items), err)
	}
}

// The pod's own word is asked for only with a yes. Then a Job of the exact template runs, and all that only a pod shows is told.
func TestVerifyInPod(t *testing.T) {
	t.Parallel()
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
	b.healthy(t, "--save", b.path("answers.yaml"))
	bot := b.bot(t)
	b.run(t, b.verifyArgs("--runtime", "pod")...).want(t, 2, "--yes", "Job "+b.namespace+"/tbot-verify-", "written for real")
	b.noJobs(t)

	deployment, err := b.plane.Client().AppsV1().Deployments(b.namespace).Get(t.Context(), "tbot", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	succeeds := func(pod corev1.Pod) {
		template := deployment.Spec.Template.Spec
		container := pod.Spec.Containers[0]
		if pod.Spec.ServiceAccountName != template.ServiceAccountName || container.Image != template.Containers[0].Image ||
			!slices.Equal(container.Args, append(slices.Clone(template.Containers[0].Args), "--oneshot")) {
			t.Errorf("the pod runs %s %q as %s", container.Image, container.Args, pod.Spec.ServiceAccountName)
		}
		b.ends(t, pod, 0, wholeLog(bot)...)
	}
	table := b.runsInPod(t, succeeds, b.verifyArgs("--runtime", "pod", "--yes")...)
	table.want(t, 0, "PROVEN", "tbot-verify-", "i@sha256:1", "on node "+testkit.NodeName, "identity-1")
	table.narrow(t)
	b.noSecrets(t, table)

	got := b.runsInPod(t, succeeds, b.verifyArgs("--runtime", "pod", "--yes", "-o", "json")...)
	got.want(t, 0)
	document := verifiedOf(t, got)
	if document.Status != "proven" || document.Runtime != "pod" || document.Proof.User != "bot-"+bot || document.Pod == nil {
		t.Fatalf("the document is %+v", document)
	}
	var steps []string
	for _, step := range document.Pod.Steps {
		steps = append(steps, step.What)
		if step.Status != "possible" {
			t.Errorf("step %+v", step)
		}
	}
	if want := []string{"admission", "scheduling", "image", "start", "egress", "memory", "join", "outputs"}; !slices.Equal(steps, want) {
		t.Errorf("steps %q, want %q", steps, want)
	}
	b.noJobs(t)
}

// What Teleport said to the pod is explained as what it says to us.
func TestVerifyInPodRefused(t *testing.T) {
	t.Parallel()
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
	b.healthy(t)
	refused := func(pod corev1.Pod) {
		b.ends(t, pod, 1, `ERROR: kubernetes token did not match any allow rules`)
	}
	for _, form := range []string{"table", "json"} {
		got := b.runsInPod(t, refused, b.verifyArgs("--runtime", "pod", "--yes", "-o", form)...)
		got.want(t, 3, "kubernetes token did not match any allow rules")
		if form == "table" {
			got.want(t, 3, "FAILED", "the join token does not let this service account in", "do: ")
			got.narrow(t)
			continue
		}
		document := verifiedOf(t, got)
		if cause := document.Proof.Cause; cause == nil || cause.Cause == "" || cause.Fix == "" || document.Status != "failed" {
			t.Errorf("the cause is %+v, status %s", cause, document.Status)
		}
	}
	b.noJobs(t)
}

// A namespace that does not take the pod is named with the policy's own words, and nothing above it is claimed.
func TestVerifyInPodNotAdmitted(t *testing.T) {
	t.Parallel()
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
	b.healthy(t)
	b.kubectl(t, "patch", "deployment", "tbot", "--type=json", "-p",
		`[{"op": "replace", "path": "/spec/template/spec/securityContext/runAsNonRoot", "value": false}]`)
	if _, _, err := b.plane.Kubectl(t.Context(), nil, "label", "namespace", b.namespace, "pod-security.kubernetes.io/enforce=restricted"); err != nil {
		t.Fatal(err)
	}
	got := b.run(t, b.verifyArgs("--runtime", "pod", "--yes", "-o", "json")...)
	got.want(t, 3)
	document := verifiedOf(t, got)
	if document.Status != "failed" || document.Pod == nil || len(document.Pod.Steps) == 0 {
		t.Fatalf("the document is %+v", document)
	}
	if first := document.Pod.Steps[0]; first.Status != "refused" || !strings.Contains(first.Why, `violates PodSecurity "restricted`) {
		t.Errorf("admission: %+v", first)
	}
	for _, step := range document.Pod.Steps[1:] {
		if step.Status != "untested" {
			t.Errorf("above admission: %+v", step)
		}
	}
	table := b.run(t, b.verifyArgs("--runtime", "pod", "--yes")...)
	table.want(t, 3, "FAILED", "PodSecurity")
	table.narrow(t)
	b.noJobs(t)
}

// Ctrl-C while the pod runs takes the Job with it.
func TestVerifyInPodInterrupted(t *testing.T) {
	t.Parallel()
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
	b.healthy(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan outcome, 1)
	go func() {
		var stdout, stderr bytes.Buffer
		streams := &ui.Streams{In: strings.NewReader(""), Out: &stdout, Err: &stderr, Width: 80}
		factory := cmd.NewFactory(streams, func(string) (string, bool) { return "", false })
		factory.Prompter = prompt.NewLine(streams.In, streams.Err)
		done <- outcome{cmd.Main(ctx, factory, b.verifyArgs("--runtime", "pod", "--yes")), stdout.String(), stderr.String()}
	}()
	b.jobsPod(t)
	cancel()
	got := <-done
	got.want(t, 130)
	b.noJobs(t)
}

// A server whose outputs the embedded tbot cannot ask for is asked by the pod, which is said with the reason.
func TestVerifyFallsBackToThePod(t *testing.T) {
	t.Parallel()
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{Version: "16.4.0"})
	b.node(t)
	b.run(t, b.initArgs("--no-wait", "--prove", "never", "--save", b.path("answers.yaml"))...).want(t, 0)
	b.run(t, b.verifyArgs()...).want(t, 2, "16.4.0", "--runtime pod", "--yes")
	b.noJobs(t)
	got := b.runsInPod(t, func(pod corev1.Pod) { b.ends(t, pod, 0, wholeLog(b.bot(t))...) }, b.verifyArgs("--yes", "-o", "json")...)
	got.want(t, 0, "16.4.0", "--runtime pod")
	if document := verifiedOf(t, got); document.Runtime != "pod" || document.Status != "proven" {
		t.Errorf("the document is %+v", document)
	}
	b.noJobs(t)
}
