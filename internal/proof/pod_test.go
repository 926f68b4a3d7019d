package proof

import (
	"maps"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/manifests"
)

func renderedDeployment(t *testing.T, access spec.Access) *appsv1.Deployment {
	t.Helper()
	s := spec.Default()
	s.Access = access
	s.Kubernetes.Namespace = "machines"
	s.Kubernetes.ServiceAccount = "ci-bot"
	s.Teleport.Proxy = "teleport.example.com:443"
	if access != spec.AccessNone {
		s.Teleport.Roles = []string{"access"}
	}
	s.Workload.Labels = map[string]string{"team": "platform"}
	s.Workload.Annotations = map[string]string{"example.com/contact": "ann"}
	s.Workload.PriorityClass = "high"
	s = s.WithClusterID("1a2b3c4d")
	s.Resolved = &spec.Resolved{
		ClusterName: "lab.example.com", ServerVersion: "18.2.0", Image: s.Workload.ImageFor("18.2.0", false),
		JoinType: spec.JoinOIDC, Issuer: "https://issuer.example.com", ClusterID: "1a2b3c4d",
	}
	set, err := manifests.Render(s)
	if err != nil {
		t.Fatal(err)
	}
	d, err := set.Deployment()
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestProbePodIsLikeTheDeployments(t *testing.T) {
	t.Parallel()
	d := renderedDeployment(t, spec.AccessIdentity)
	untouched := d.DeepCopy()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.FixedZone("elsewhere", 3600))
	pod, err := probePod(d, "the-account's-uid", now)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(untouched, d); diff != "" {
		t.Errorf("the Deployment was changed (-before +after):\n%s", diff)
	}
	if !regexp.MustCompile(`^tbot-probe-[0-9a-f]{8}$`).MatchString(pod.Name) || pod.Namespace != "machines" {
		t.Errorf("it is called %s/%s", pod.Namespace, pod.Name)
	}

	// The spec differs in the three fields that keep it from running, and in nothing that a policy judges.
	want := untouched.Spec.Template.Spec
	no := false
	want.AutomountServiceAccountToken, want.RestartPolicy = &no, corev1.RestartPolicyNever
	want.SchedulingGates = []corev1.PodSchedulingGate{{Name: "tbotctl.dev/probe"}}
	if diff := cmp.Diff(want, pod.Spec); diff != "" {
		t.Errorf("the spec differs (-want +got):\n%s", diff)
	}
	container := pod.Spec.Containers[0]
	if context := container.SecurityContext; context == nil || *context.AllowPrivilegeEscalation || !*context.ReadOnlyRootFilesystem || !slices.Equal(context.Capabilities.Drop, []corev1.Capability{"ALL"}) {
		t.Errorf("the container's security context is %+v", container.SecurityContext)
	}
	if container.Resources.Limits.Memory().IsZero() || container.Resources.Requests.Cpu().IsZero() || pod.Spec.PriorityClassName != "high" || pod.Spec.ServiceAccountName != "ci-bot" {
		t.Errorf("resources %+v, priority %q, service account %q; want the Deployment's", container.Resources, pod.Spec.PriorityClassName, pod.Spec.ServiceAccountName)
	}

	if hash, found := pod.Labels["pod-template-hash"]; found {
		t.Errorf("the Deployment's ReplicaSet would adopt a pod with the hash %s", hash)
	}
	wantLabels := map[string]string{
		"team": "platform", "app.kubernetes.io/managed-by": "tbotctl", "app.kubernetes.io/name": "tbot", "app.kubernetes.io/instance": "tbot", "tbotctl.dev/probe": "true",
	}
	if !maps.Equal(pod.Labels, wantLabels) {
		t.Errorf("labels %v, want %v", pod.Labels, wantLabels)
	}
	wantAnnotations := map[string]string{
		"example.com/contact": "ann", "tbotctl.dev/install": "1a2b3c4d/lab.example.com/machines/tbot", "tbotctl.dev/probe": "2026-01-02T02:04:05Z",
		"tbotctl.dev/config-checksum": d.Spec.Template.Annotations["tbotctl.dev/config-checksum"],
	}
	if !maps.Equal(pod.Annotations, wantAnnotations) {
		t.Errorf("annotations %v, want %v", pod.Annotations, wantAnnotations)
	}
	wantOwners := []metav1.OwnerReference{{APIVersion: "v1", Kind: "ServiceAccount", Name: "ci-bot", UID: "the-account's-uid"}}
	if diff := cmp.Diff(wantOwners, pod.OwnerReferences); diff != "" {
		t.Errorf("owners differ (-want +got):\n%s", diff)
	}
	again, err := probePod(d, "the-account's-uid", now)
	if err != nil || again.Name == pod.Name {
		t.Errorf("a second pod is called %s too, error %v", again.Name, err)
	}
}

// A template without labels and annotations of its own is nobody's reason to panic.
func TestProbePodOfABareDeployment(t *testing.T) {
	t.Parallel()
	d := renderedDeployment(t, spec.AccessNone)
	d.Spec.Template.Labels, d.Spec.Template.Annotations, d.Annotations = d.Spec.Selector.MatchLabels, nil, nil
	pod, err := probePod(d, "uid", time.Now())
	if err != nil || pod.Labels[spec.MarkProbe] != "true" || !isGated(pod) {
		t.Errorf("pod %+v, error %v", pod, err)
	}
}

func TestIsGated(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		spec corev1.PodSpec
		want bool
	}{
		"ours":               {corev1.PodSpec{SchedulingGates: []corev1.PodSchedulingGate{{Name: "tbotctl.dev/probe"}}}, true},
		"ours among others":  {corev1.PodSpec{SchedulingGates: []corev1.PodSchedulingGate{{Name: "example.com/queue"}, {Name: "tbotctl.dev/probe"}}}, true},
		"another's":          {corev1.PodSpec{SchedulingGates: []corev1.PodSchedulingGate{{Name: "example.com/queue"}}}, false},
		"none":               {corev1.PodSpec{}, false},
		"ours, but it is on": {corev1.PodSpec{SchedulingGates: []corev1.PodSchedulingGate{{Name: "tbotctl.dev/probe"}}, NodeName: "node-1"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := isGated(&corev1.Pod{Spec: row.spec}); got != row.want {
				t.Errorf("got %v, want %v", got, row.want)
			}
		})
	}
}

func TestAudience(t *testing.T) {
	t.Parallel()
	projected := func(sources ...corev1.VolumeProjection) corev1.Volume {
		return corev1.Volume{VolumeSource: corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{Sources: sources}}}
	}
	token := func(audience string) corev1.VolumeProjection {
		return corev1.VolumeProjection{ServiceAccountToken: &corev1.ServiceAccountTokenProjection{Audience: audience}}
	}
	config := corev1.Volume{VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{}}}
	for name, row := range map[string]struct {
		volumes []corev1.Volume
		want    string
	}{
		"none":              {nil, ""},
		"no token":          {[]corev1.Volume{config, projected(corev1.VolumeProjection{ConfigMap: &corev1.ConfigMapProjection{}})}, ""},
		"the cluster's":     {[]corev1.Volume{config, projected(corev1.VolumeProjection{ConfigMap: &corev1.ConfigMapProjection{}}, token("lab.example.com"))}, "lab.example.com"},
		"the API server's":  {[]corev1.Volume{projected(token(""))}, ""},
		"as render says it": {renderedDeployment(t, spec.AccessIdentity).Spec.Template.Spec.Volumes, "lab.example.com"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := &appsv1.Deployment{}
			d.Spec.Template.Spec.Volumes = row.volumes
			if got := audience(d); got != row.want {
				t.Errorf("got %q, want %q", got, row.want)
			}
		})
	}
}
