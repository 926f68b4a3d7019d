package tbotjob

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tbotctl/tbotctl/internal/testkit"
)

// played is a run under way, whose container the test plays: nothing else ends it on this cluster.
type played struct {
	Job
	result chan Result
	err    chan error

	lock  sync.Mutex
	steps []string
	lines []string
}

func start(ctx context.Context, j Job) *played {
	p := &played{Job: j, result: make(chan Result, 1), err: make(chan error, 1)}
	p.Say = func(step string) { p.note(&p.steps, step) }
	p.Follow = func(line string) { p.note(&p.lines, line) }
	go func() {
		result, err := p.Run(ctx)
		p.result <- result
		p.err <- err
	}()
	return p
}

func (p *played) note(to *[]string, text string) {
	p.lock.Lock()
	defer p.lock.Unlock()
	*to = append(*to, text)
}

func (p *played) said(to *[]string, part string) bool {
	p.lock.Lock()
	defer p.lock.Unlock()
	return slices.ContainsFunc(*to, func(text string) bool { return strings.Contains(text, part) })
}

// pod waits until the Job's pod runs.
func (p *played) pod(t *testing.T) corev1.Pod {
	t.Helper()
	var running corev1.Pod
	testkit.Eventually(t, "the Job's pod to run", func(ctx context.Context) error {
		pods, err := server(t).Client().CoreV1().Pods(p.Deployment.Namespace).List(ctx, metav1.ListOptions{LabelSelector: "job-name=" + p.Name})
		if err != nil {
			return err
		}
		for i := range pods.Items {
			if pods.Items[i].Status.Phase == corev1.PodRunning {
				running = pods.Items[i]
				return nil
			}
		}
		return fmt.Errorf("%d pods, none runs", len(pods.Items))
	})
	return running
}

// end lets tbot's container end.
func (p *played) end(t *testing.T, pod corev1.Pod, code int, reason string) {
	t.Helper()
	phase := corev1.PodSucceeded
	if code != 0 {
		phase = corev1.PodFailed
	}
	patch := fmt.Sprintf(`{"status": {"phase": %q, "containerStatuses": [{"name": "tbot", "image": "i", "imageID": "i@sha256:1", "ready": false, "restartCount": 0,
		"state": {"running": null, "terminated": {"exitCode": %d, "reason": %q}}}]}}`, phase, code, reason)
	if _, err := server(t).Client().CoreV1().Pods(pod.Namespace).Patch(t.Context(), pod.Name, "application/merge-patch+json", []byte(patch), metav1.PatchOptions{}, "status"); err != nil {
		t.Fatal(err)
	}
}

// clean fails the test where Job or pod are still there.
func clean(t *testing.T, namespace string) {
	t.Helper()
	jobs, err := server(t).Client().BatchV1().Jobs(namespace).List(t.Context(), metav1.ListOptions{})
	if err != nil || len(jobs.Items) != 0 {
		t.Errorf("%d Jobs are left behind, error %v", len(jobs.Items), err)
	}
	pods, err := server(t).Client().CoreV1().Pods(namespace).List(t.Context(), metav1.ListOptions{})
	if err != nil || len(pods.Items) != 0 {
		t.Errorf("%d pods are left behind, error %v", len(pods.Items), err)
	}
}

const joined = `{"level":"info","message":"Fetched new bot identity","identity":"tbot-1a2b3c4d, id=0a1b | valid: after=2026-01-02T03:00:00Z, before=2026-01-02T04:01:00Z, duration=1h1m0s | kind=tls, roles=[bot-tbot-1a2b3c4d]"}`

func TestRun(t *testing.T) {
	t.Parallel()
	namespace := server(t).Namespace(t)
	kubelet := node(t)
	p := start(t.Context(), prepared(t, setup(namespace)))
	pod := p.pod(t)
	if pod.Spec.ServiceAccountName != "tbot" || pod.Labels["app.kubernetes.io/name"] != "tbot" || metav1.GetControllerOf(&pod) == nil {
		t.Errorf("pod %s runs as %s with labels %v and owners %v", pod.Name, pod.Spec.ServiceAccountName, pod.Labels, pod.OwnerReferences)
	}
	kubelet.Say(namespace, pod.Name, "tbot", false, joined, `{"level":"info","message":"Service finished","service":"identity-1"}`)
	p.end(t, pod, 0, "Completed")
	result, err := <-p.result, <-p.err
	if err != nil {
		t.Fatal(err)
	}
	if result.Pod != pod.Name || result.Node != testkit.NodeName || result.ImageID != "i@sha256:1" || !result.Ended {
		t.Errorf("result %+v, want the pod, its node and its image", result)
	}
	if a := result.Account; !a.Joined || a.Bot != "tbot-1a2b3c4d" || a.Instance != "0a1b" || len(a.Outputs) != 1 || !a.Outputs[0].Done {
		t.Errorf("account %+v, want a join and an output", a)
	}
	for _, shown := range result.Shown {
		if shown.Err != nil || shown.Untested != "" {
			t.Errorf("%s: %v %s, want it shown", shown.What, shown.Err, shown.Untested)
		}
	}
	for _, step := range []string{"making Job " + p.Name, "removing Job " + p.Name} {
		if !p.said(&p.steps, step) {
			t.Errorf("it did not say %q: %q", step, p.steps)
		}
	}
	clean(t, namespace)
}

// The log is followed while tbot runs, not only read at its end.
func TestRunFollows(t *testing.T) {
	t.Parallel()
	namespace := server(t).Namespace(t)
	kubelet := node(t)
	j := prepared(t, setup(namespace))
	j.Kubernetes = early{j.Kubernetes, func(pod string) {
		kubelet.Say(namespace, pod, "tbot", false, "INFO [TBOT] Fetching bot identity using token x.go:1")
	}}
	p := start(t.Context(), j)
	pod := p.pod(t)
	testkit.Eventually(t, "the line", func(context.Context) error {
		if !p.said(&p.lines, "Fetching bot identity") {
			return errors.New("it did not come")
		}
		return nil
	})
	if !p.said(&p.steps, "tbot runs in pod "+pod.Name+" on node "+testkit.NodeName) {
		t.Errorf("steps %q, want one that says where it runs", p.steps)
	}
	kubelet.Say(namespace, pod.Name, "tbot", false, "ERROR: kubernetes token did not match any allow rules")
	p.end(t, pod, 1, "Error")
	result, err := <-p.result, <-p.err
	var failed *Failed
	if !errors.As(err, &failed) || failed.What != Join || failed.Words != "kubernetes token did not match any allow rules" {
		t.Errorf("error %v, want Teleport's words; account %+v", err, result.Account)
	}
	clean(t, namespace)
}

// early lets a container have written something before anybody follows its log.
type early struct {
	Kubernetes
	say func(pod string)
}

func (e early) FollowLogs(ctx context.Context, namespace, pod, container string, line func(string)) error {
	e.say(pod)
	return e.Kubernetes.FollowLogs(ctx, namespace, pod, container, line)
}

// A stream that ends with the container may lack the last line, which is the one that counts.
func TestRunReadsTheLastLine(t *testing.T) {
	t.Parallel()
	namespace := server(t).Namespace(t)
	kubelet := node(t)
	j := prepared(t, setup(namespace))
	j.Kubernetes = hasty{j.Kubernetes}
	p := start(t.Context(), j)
	pod := p.pod(t)
	kubelet.Say(namespace, pod.Name, "tbot", false, "INFO [TBOT] Fetching bot identity using token x.go:1", "ERROR: kubernetes token did not match any allow rules")
	p.end(t, pod, 1, "Error")
	result, err := <-p.result, <-p.err
	var failed *Failed
	if !errors.As(err, &failed) || failed.What != Join || failed.Words != "kubernetes token did not match any allow rules" {
		t.Errorf("error %v, want Teleport's words; account %+v", err, result.Account)
	}
	clean(t, namespace)
}

// hasty loses the lines of a log that say what is wrong.
type hasty struct{ Kubernetes }

func (h hasty) FollowLogs(ctx context.Context, namespace, pod, container string, line func(string)) error {
	return h.Kubernetes.FollowLogs(ctx, namespace, pod, container, func(text string) {
		if !strings.Contains(text, "ERROR") {
			line(text)
		}
	})
}

// What is refused when the pod is made is the policy's to say, and only the Job's controller hears it.
func TestRunRefusedByAPolicy(t *testing.T) {
	t.Parallel()
	namespace := server(t).Namespace(t)
	j := prepared(t, setup(namespace))
	if _, _, err := server(t).Kubectl(t.Context(), nil, "label", "namespace", namespace, "pod-security.kubernetes.io/enforce=restricted"); err != nil {
		t.Fatal(err)
	}
	root := false
	j.Deployment.Spec.Template.Spec.SecurityContext.RunAsNonRoot = &root
	p := start(t.Context(), j)
	result, err := <-p.result, <-p.err
	var failed *Failed
	if !errors.As(err, &failed) || failed.What != Admission || !strings.Contains(failed.Words, `violates PodSecurity "restricted`) || !strings.Contains(failed.Words, "runAsNonRoot") {
		t.Errorf("error %v, want the policy's words", err)
	}
	if result.Pod != "" || result.Shown[1].Untested == "" {
		t.Errorf("result %+v, want no pod, and nothing claimed above admission", result)
	}
	clean(t, namespace)
}

func TestRunWithoutItsImage(t *testing.T) {
	t.Parallel()
	namespace := server(t).Namespace(t)
	j := prepared(t, setup(namespace))
	j.Deployment.Spec.Template.Spec.Containers[0].Image = "registry.example.com/tbot:0.0.0-missing"
	p := start(t.Context(), j)
	result, err := <-p.result, <-p.err
	var failed *Failed
	if !errors.As(err, &failed) || failed.What != Image || !strings.Contains(failed.Words, `0.0.0-missing: not found`) {
		t.Errorf("error %v, want what the first pull said", err)
	}
	if result.Node != testkit.NodeName || result.Shown[1].Err != nil || result.Shown[1].Untested != "" {
		t.Errorf("result %+v, want it scheduled", result)
	}
	clean(t, namespace)
}

func TestRunWithoutANode(t *testing.T) {
	t.Parallel()
	namespace := server(t).Namespace(t)
	j := prepared(t, setup(namespace))
	j.Deployment.Spec.Template.Spec.NodeSelector = map[string]string{"example.com/none": "such"}
	j.Patience = 5 * time.Second
	p := start(t.Context(), j)
	_, err := <-p.result, <-p.err
	var failed *Failed
	if !errors.As(err, &failed) || failed.What != Scheduling || !strings.Contains(failed.Words, "Unschedulable: 0/1 nodes are available") {
		t.Errorf("error %v, want the scheduler's words", err)
	}
	if !p.said(&p.steps, "waits: Unschedulable") {
		t.Errorf("steps %q, want one that says what is waited for", p.steps)
	}
	clean(t, namespace)
}

func TestRunOutOfMemory(t *testing.T) {
	t.Parallel()
	namespace := server(t).Namespace(t)
	node(t)
	p := start(t.Context(), prepared(t, setup(namespace)))
	p.end(t, p.pod(t), 137, "OOMKilled")
	_, err := <-p.result, <-p.err
	var failed *Failed
	if !errors.As(err, &failed) || failed.What != Memory || !strings.Contains(failed.Words, "its limit is 512Mi") {
		t.Errorf("error %v, want the limit", err)
	}
	clean(t, namespace)
}

// Ctrl-C removes the Job with its pod.
func TestRunBrokenOff(t *testing.T) {
	t.Parallel()
	namespace := server(t).Namespace(t)
	node(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	p := start(ctx, prepared(t, setup(namespace)))
	p.pod(t)
	cancel()
	if _, err := <-p.result, <-p.err; !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want the context's", err)
	}
	clean(t, namespace)
}

// What cannot be removed is named.
func TestRunLeavesNothingUnsaid(t *testing.T) {
	t.Parallel()
	namespace := server(t).Namespace(t)
	node(t)
	j := prepared(t, setup(namespace))
	j.Kubernetes = clinging{j.Kubernetes}
	p := start(t.Context(), j)
	p.end(t, p.pod(t), 0, "Completed")
	if _, err := <-p.result, <-p.err; err == nil || !strings.Contains(err.Error(), "Job "+namespace+"/"+p.Name+" is left behind, delete it by hand: no") {
		t.Errorf("error %v, want one that names the Job", err)
	}
}

type clinging struct{ Kubernetes }

func (clinging) DeleteJob(context.Context, *batchv1.Job) error { return errors.New("no") }
