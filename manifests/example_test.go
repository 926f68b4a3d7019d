package manifests_test

import (
	"errors"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/tbotctl/tbotctl/internal/golden"
	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/manifests"
)

// clientPod decodes an example strictly and gives its pod.
func clientPod(t *testing.T, kind manifests.ExampleKind, text []byte) corev1.PodTemplateSpec {
	t.Helper()
	var (
		pod     corev1.Pod
		cronJob batchv1.CronJob
		job     batchv1.Job
	)
	into := map[manifests.ExampleKind]any{manifests.ExamplePod: &pod, manifests.ExampleCronJob: &cronJob, manifests.ExampleCI: &job}
	if err := yaml.UnmarshalStrict(text, into[kind]); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	switch kind {
	case manifests.ExampleCronJob:
		return cronJob.Spec.JobTemplate.Spec.Template
	case manifests.ExampleCI:
		return job.Spec.Template
	case manifests.ExamplePod:
	}
	return corev1.PodTemplateSpec{ObjectMeta: pod.ObjectMeta, Spec: pod.Spec}
}

func TestExampleGolden(t *testing.T) {
	t.Parallel()
	withCA := full()
	withCA.Teleport.ProxyCA = authority(t)
	several := named("16.4.7", spec.ResolvedCluster{Name: "prod-eu"}, spec.ResolvedCluster{Name: "Prod_US"})
	for name, row := range map[string]struct {
		setup spec.Setup
		kinds []manifests.ExampleKind
	}{
		"identity":             {sample(spec.JoinOIDC, spec.AccessIdentity), manifests.ExampleKinds()},
		"kubernetes":           {named("18.2.0", spec.ResolvedCluster{Name: "prod-eu", Labels: map[string]string{"env": "prod"}}), manifests.ExampleKinds()},
		"identity-all-answers": {withCA, []manifests.ExampleKind{manifests.ExampleCronJob}},
		"kubernetes-16-names":  {several, []manifests.ExampleKind{manifests.ExamplePod}},
	} {
		for _, kind := range row.kinds {
			t.Run(name+" "+string(kind), func(t *testing.T) {
				t.Parallel()
				text, err := manifests.Example(row.setup, kind)
				if err != nil {
					t.Fatal(err)
				}
				golden.Assert(t, "example-"+string(kind)+"-"+name+".yaml", text)
				pod := clientPod(t, kind, text)
				if pod.Spec.RestartPolicy != corev1.RestartPolicyNever {
					t.Errorf("trap 35: restartPolicy %s: what has ended is started over and over", pod.Spec.RestartPolicy)
				}
				if pod.Spec.ServiceAccountName != "" || pod.Spec.AutomountServiceAccountToken == nil || *pod.Spec.AutomountServiceAccountToken {
					t.Error("the pod holds a service account token, for which it has no use")
				}
				if pod.Labels[spec.LabelName] == "tbot" || pod.Labels[spec.LabelManagedBy] != "" {
					t.Errorf("the labels %v are those of tbot's own objects", pod.Labels)
				}
				for _, mount := range pod.Spec.Containers[0].VolumeMounts {
					if mount.SubPath != "" {
						t.Errorf("%s is mounted by subPath, so that no renewal arrives", mount.Name)
					}
				}
			})
		}
	}
}

func TestExampleCommand(t *testing.T) {
	t.Parallel()
	bound := reaching("18.2.0")
	held := reaching("18.2.0")
	held.Reach.Namespace = "shop"
	several := reaching("18.2.0")
	several.Reach.Groups, several.Reach.Users = nil, []string{"alice", "bob"}
	byHand := reaching("18.2.0")
	byHand.Reach.Groups, byHand.Teleport.Roles = nil, []string{"kube"}
	asFlags := spec.Default()
	asFlags.Kubernetes.Namespace, asFlags.Access = "machines", spec.AccessKubernetes
	asFlags.Reach.Clusters = []string{"prod-eu"}
	for name, row := range map[string]struct {
		setup spec.Setup
		want  string
	}{
		"a group that is bound everywhere": {bound, "kubectl get pods --all-namespaces"},
		"in one namespace":                 {held, "kubectl get pods --namespace=shop"},
		"one of several users":             {several, "kubectl --as=alice get pods --all-namespaces"},
		"roles of one's own":               {byHand, "kubectl get pods"},
		"nothing looked up":                {asFlags, "kubectl get pods"},
	} {
		text, err := manifests.Example(row.setup, manifests.ExamplePod)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := strings.Join(clientPod(t, manifests.ExamplePod, text).Spec.Containers[0].Command, " "); got != row.want {
			t.Errorf("%s: %s, want %s", name, got, row.want)
		}
	}
}

func TestExampleRefused(t *testing.T) {
	t.Parallel()
	change := func(change func(*spec.Setup)) spec.Setup {
		s := sample(spec.JoinOIDC, spec.AccessIdentity)
		change(&s)
		return s
	}
	for name, row := range map[string]struct {
		setup    spec.Setup
		notReady bool
		says     string
	}{
		"nothing handed out": {sample(spec.JoinOIDC, spec.AccessNone), false, "--access: none hands out no credentials"},
		"an invalid answer":  {change(func(s *spec.Setup) { s.Access = "telepathy" }), false, "--access"},
		"no namespace":       {change(func(s *spec.Setup) { s.Kubernetes.Namespace = "" }), true, "--namespace"},
		"no proxy, version":  {change(func(s *spec.Setup) { s.Teleport.Proxy, s.Resolved = "", nil }), true, "missing --proxy, --tbot-version"},
		"no cluster on 16": {change(func(s *spec.Setup) {
			s.Access, s.Workload.TbotVersion, s.Resolved.ServerVersion = spec.AccessKubernetes, "16.4.7", "16.4.7"
		}), true, "--kube-cluster"},
	} {
		text, err := manifests.Example(row.setup, manifests.ExampleCI)
		if err == nil || text != nil || errors.Is(err, manifests.ErrNotReady) != row.notReady || !strings.Contains(err.Error(), row.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The version of the client is one that was published: what tbot runs before what the server says of itself.
func TestExampleVersion(t *testing.T) {
	t.Parallel()
	resolved := func(image, server string) spec.Setup {
		return spec.Setup{Resolved: &spec.Resolved{Image: image, ServerVersion: server}}
	}
	asked := resolved("r/tbot-distroless:18.2.0", "18.2.0")
	asked.Workload.TbotVersion = "18.1.5"
	for want, setup := range map[string]spec.Setup{
		"18.1.5": asked,
		"18.2.0": resolved("r/tbot-distroless:18.2.0", "18.3.0-cloud.1"),
		"18.4.0": resolved("r/tbot@sha256:00", "18.4.0"),
		"":       resolved("r/tbot:stable", "19.0.0-dev"),
	} {
		if got := manifests.ExampleVersion(setup); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// Kubernetes releases kubectl and client-go together, so a kubectl of the client-go that go.mod has was published.
func TestExampleKubectlWasReleased(t *testing.T) {
	t.Parallel()
	module, err := os.ReadFile("../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	library := regexp.MustCompile(`k8s\.io/client-go v0\.(\S+)`).FindSubmatch(module)
	text, err := manifests.Example(reaching("18.2.0"), manifests.ExamplePod)
	if err != nil || library == nil {
		t.Fatal(err, library)
	}
	image := clientPod(t, manifests.ExamplePod, text).Spec.Containers[0].Image
	if want := "registry.k8s.io/kubectl:v1." + string(library[1]); image != want {
		t.Errorf("the image is %s, want %s", image, want)
	}
}

// What is printed is the same bytes each time, and no kind is without its template.
func TestExampleIsPure(t *testing.T) {
	t.Parallel()
	for _, kind := range manifests.ExampleKinds() {
		first, err := manifests.Example(full(), kind)
		if err != nil {
			t.Fatal(err)
		}
		for range 20 {
			if again, err := manifests.Example(full(), kind); err != nil || !slices.Equal(first, again) {
				t.Fatalf("%s differs from one time to the next: %v", kind, err)
			}
		}
	}
}
