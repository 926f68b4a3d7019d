package cmd_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tbotctl/tbotctl/internal/teleporttest"
	"github.com/tbotctl/tbotctl/internal/testkit"
)

func TestExampleIsOffline(t *testing.T) {
	t.Parallel()
	identity := []string{"--namespace", "machines", "--proxy", "teleport.example.com:443", "--tbot-version", "18.2.0"}
	for name, row := range map[string]struct {
		args []string
		code int
		says []string
	}{
		"a pod":            {append([]string{"pod"}, identity...), 0, []string{"kind: Pod", "teleport-distroless:18.2.0", `secretName: "tbot-output"`}},
		"a CronJob":        {append([]string{"cronjob"}, identity...), 0, []string{"kind: CronJob"}},
		"a CI job":         {append([]string{"ci"}, identity...), 0, []string{"generateName"}},
		"kubectl":          {[]string{"pod", "--namespace", "machines", "--access", "kubernetes", "--kube-cluster", "prod", "--cluster-name", "main"}, 0, []string{"--context=main-prod", "kubeconfig.yaml"}},
		"of nothing":       {nil, 2, []string{"pod, cronjob, ci"}},
		"of two":           {[]string{"pod", "ci"}, 2, []string{`"ci" is another`}},
		"unknown":          {[]string{"deployment"}, 2, []string{`"deployment"`, "pod, cronjob, ci"}},
		"no credentials":   {append([]string{"pod", "--access", "none"}, identity...), 2, []string{"--access", "hands out no credentials"}},
		"answers missing":  {[]string{"pod", "--namespace", "machines"}, 2, []string{"--proxy", "--tbot-version"}},
		"no file":          {[]string{"pod", "--from", "/nowhere/answers.yaml"}, 2, []string{"--from"}},
		"an invalid value": {append([]string{"pod", "--requests", "cpu"}, identity...), 2, []string{"--requests"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := runWith(t, noClusters(t), "", append([]string{"example"}, row.args...)...)
			got.want(t, row.code, row.says...)
			if (row.code == 0) != (got.stdout != "") || row.code == 0 && got.stderr != "" {
				t.Errorf("stdout %q, stderr %q", got.stdout, got.stderr)
			}
		})
	}
}

// exampleOf runs the line that init prints for a pod, for a kind of example, without any cluster.
func exampleOf(t *testing.T, document initDocument, kind string) string {
	t.Helper()
	i := slices.IndexFunc(document.Next, func(line string) bool { return strings.HasPrefix(line, "tbotctl example pod ") })
	if i < 0 {
		t.Fatalf("no example among %q", document.Next)
	}
	args := strings.Fields(document.Next[i])[1:]
	args[1] = kind
	got := runWith(t, noClusters(t), "", args...)
	got.want(t, 0)
	return got.stdout
}

// The examples of a setup that lives: the API server takes each of them where `restricted` is enforced and warned of, the Secret is the
// one that tbot wrote, and the lines of the CI job tell a good end from a bad one. (Nothing here plays a kubelet that waits for a Secret;
// that a pod does is Kubernetes' documented word on a volume that is not optional.)
func TestExamplesOfASetup(t *testing.T) {
	b, _ := newReachBench(t, teleporttest.Options{})
	for _, mode := range []string{"enforce", "warn"} {
		b.kubectl(t, "label", "namespace", b.namespace, "pod-security.kubernetes.io/"+mode+"=restricted")
	}
	b.node(t)
	b.play(t)
	made := b.run(t, b.initArgs("-o", "json", "--save", b.path("identity.yaml"))...)
	made.want(t, 0)
	asKept := made.document(t)
	again := b.run(t, b.initArgs("-o", "json")...)
	again.want(t, 0)
	asTyped := again.document(t)
	kubernetes := b.run(t, b.reachArgs("-o", "json", "--name", "reach", "--kube-cluster", "alpha", "--kube-groups", "readers")...)
	kubernetes.want(t, 0)
	for _, kind := range []string{"pod", "cronjob", "ci"} {
		identity := exampleOf(t, asKept, kind)
		if typed := exampleOf(t, asTyped, kind); typed != identity {
			t.Errorf("by flags the %s is\n%s\nby the answers\n%s", kind, typed, identity)
		}
		for _, text := range []string{identity, exampleOf(t, kubernetes.document(t), kind)} {
			stdout, stderr, err := b.plane.Kubectl(t.Context(), strings.NewReader(text), "create", "--dry-run=server", "--filename", "-")
			if err != nil || stderr != "" {
				t.Errorf("%s: %v, %s%s\n%s", kind, err, stdout, stderr, text)
			}
		}
	}
	asRoot := strings.Replace(exampleOf(t, asKept, "ci"), "runAsNonRoot: true", "runAsNonRoot: false", 1)
	if _, stderr, err := b.plane.Kubectl(t.Context(), strings.NewReader(asRoot), "create", "--dry-run=server", "--filename", "-"); err != nil || !strings.Contains(stderr, "restricted") {
		t.Errorf("the API server does not warn of a Job that breaks the rules: %v, %q", err, stderr)
	}
	secret := b.secretOf(t, exampleOf(t, asKept, "pod"))
	if len(secret.Data["identity"]) == 0 {
		t.Errorf("Secret %s holds no identity", secret.Name)
	}
	if kubeconfig := b.secretOf(t, exampleOf(t, kubernetes.document(t), "pod")).Data["kubeconfig.yaml"]; !strings.Contains(string(kubeconfig), "name: lab.example.com-alpha") {
		t.Error("the kubeconfig has no such context")
	}
	b.write(t, "job.yaml", []byte(exampleOf(t, asKept, "ci")))
	for phase, well := range map[corev1.PodPhase]bool{corev1.PodSucceeded: true, corev1.PodFailed: false} {
		if said, err := b.pipeline(t, phase); (err == nil) != well {
			t.Errorf("a pod that %s makes the pipeline end with %v:\n%s", phase, err, said)
		}
	}
}

// What flags cannot carry is no line to paste.
func TestExampleOfAnswersThatNeedAFile(t *testing.T) {
	t.Parallel()
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
	b.write(t, "answers.yaml", []byte("apiVersion: tbotctl.dev/v1\nkind: Setup\nworkload: {env: {NO_PROXY: '.svc,10.0.0.0/8'}}\n"))
	for save, want := range map[string]bool{"": false, b.path("kept.yaml"): true} {
		args := []string{"-o", "json", "--no-wait", "--prove", "never", "--from", b.path("answers.yaml")}
		if save != "" {
			args = append(args, "--save", save)
		}
		got := b.run(t, b.initArgs(args...)...)
		got.want(t, 0)
		next := got.document(t).Next
		if slices.ContainsFunc(next, func(line string) bool { return strings.HasPrefix(line, "tbotctl example") }) != want {
			t.Errorf("with --save %q the next commands are %q", save, next)
		}
		if want {
			if example := exampleOf(t, got.document(t), "cronjob"); !strings.Contains(example, ".svc,10.0.0.0/8") {
				t.Error("the client does not know how to get out of its network")
			}
		}
	}
}

// secretOf is the Secret that an example mounts.
func (b *bench) secretOf(t *testing.T, example string) *corev1.Secret {
	t.Helper()
	_, rest, _ := strings.Cut(example, `secretName: "`)
	name, _, _ := strings.Cut(rest, `"`)
	secret, err := b.plane.Client().CoreV1().Secrets(b.namespace).Get(t.Context(), name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return secret
}

// pipeline runs the lines that stand at the head of job.yaml, and lets the Job's pod end as its container would.
func (b *bench) pipeline(t *testing.T, ends corev1.PodPhase) (said string, err error) {
	t.Helper()
	text, err := os.ReadFile(b.path("job.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var script []string
	for line := range strings.Lines(string(text)) {
		if command, found := strings.CutPrefix(line, "#   "); found {
			script = append(script, strings.Replace(command, "30s", "2s", 1))
		}
	}
	assets, err := testkit.AssetsDir(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	pipeline := exec.CommandContext(t.Context(), "sh", "-e", "-c", strings.Join(script, ""))
	pipeline.Dir, pipeline.Env = b.dir, []string{"PATH=" + assets + ":" + os.Getenv("PATH"), "HOME=" + b.dir, "KUBECONFIG=" + b.plane.KubeconfigFile()}
	var out strings.Builder
	pipeline.Stdout, pipeline.Stderr = &out, &out
	if err := pipeline.Start(); err != nil {
		t.Fatal(err)
	}
	pods := b.plane.Client().CoreV1().Pods(b.namespace)
	testkit.Eventually(t, "the Job's pod to run", func(ctx context.Context) error {
		all, err := pods.List(ctx, metav1.ListOptions{LabelSelector: "app.kubernetes.io/name=tbot-client", FieldSelector: "status.phase=Running"})
		if err != nil {
			return err
		}
		if len(all.Items) == 0 {
			return errors.New("there is none yet")
		}
		pod := &all.Items[0]
		pod.Status.Phase = ends
		code := map[corev1.PodPhase]int32{corev1.PodFailed: 1}[ends]
		pod.Status.ContainerStatuses[0].State = corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: code}}
		_, err = pods.UpdateStatus(ctx, pod, metav1.UpdateOptions{})
		return err
	})
	err = pipeline.Wait()
	return out.String(), err
}
