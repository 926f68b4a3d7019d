package survey

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/tbotctl/tbotctl/checks"
	"github.com/tbotctl/tbotctl/internal/tbotconfig"
)

func running(containers ...corev1.Container) *appsv1.Deployment {
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Namespace: "machines", Name: "tbot"},
		Spec:       appsv1.DeploymentSpec{Template: corev1.PodTemplateSpec{Spec: corev1.PodSpec{Containers: containers}}},
	}
}

func TestTbotOf(t *testing.T) {
	t.Parallel()
	web := corev1.Container{Name: "web", Image: "nginx:1"}
	for name, row := range map[string]struct {
		containers []corev1.Container
		labels     map[string]string
		want       int
	}{
		"the chart's image":        {[]corev1.Container{{Image: "public.ecr.aws/gravitational/tbot-distroless:18.2.0"}}, nil, 0},
		"the FIPS image by digest": {[]corev1.Container{{Image: "public.ecr.aws/gravitational/tbot-fips-distroless@sha256:00ff"}}, nil, 0},
		"a registry with a port":   {[]corev1.Container{{Image: "registry:5000/mirror/tbot"}}, nil, 0},
		"beside another":           {[]corev1.Container{web, {Image: "tbot-distroless:18"}}, nil, 1},
		"whole Teleport":           {[]corev1.Container{{Image: "public.ecr.aws/gravitational/teleport-distroless:18", Command: []string{"/usr/local/bin/tbot"}, Args: []string{"start", "-c", "/c"}}}, nil, 0},
		"a shell":                  {[]corev1.Container{{Image: "acme/tools", Command: []string{"sh", "-c", "sleep 1; exec tbot start -c /config/x.yaml"}}}, nil, 0},
		"by its configuration":     {[]corev1.Container{{Image: "acme/machine-id:3", Args: []string{"start", "-c", "/config/tbot.yaml"}}}, nil, 0},
		"by the label":             {[]corev1.Container{{Image: "acme/machine-id:3"}}, map[string]string{"app.kubernetes.io/name": "tbot"}, 0},
		"by label and name":        {[]corev1.Container{web, {Name: "tbot", Image: "acme/machine-id:3"}}, map[string]string{"app.kubernetes.io/name": "tbot"}, 1},
		"the label alone, of two":  {[]corev1.Container{web, web}, map[string]string{"app.kubernetes.io/name": "tbot"}, -1},
		"a chatbot":                {[]corev1.Container{{Image: "acme/chatbot:1", Args: []string{"start", "-c", "/etc/chatbot.yaml"}}}, nil, -1},
		"Teleport itself":          {[]corev1.Container{{Image: "public.ecr.aws/gravitational/teleport-distroless:18", Args: []string{"start", "-c", "/etc/teleport/teleport.yaml"}}}, nil, -1},
		"tbotctl":                  {[]corev1.Container{{Image: "ghcr.io/tbotctl/tbotctl:1", Args: []string{"doctor"}}}, nil, -1},
		"one who speaks of tbot":   {[]corev1.Container{{Image: "bitnami/kubectl", Args: []string{"rollout", "restart", "deployment/tbot"}}}, nil, -1},
		"something else":           {[]corev1.Container{web}, nil, -1},
	} {
		d := running(row.containers...)
		d.Labels = row.labels
		if got := tbotOf(d); got != row.want {
			t.Errorf("%s: container %d, want %d", name, got, row.want)
		}
	}
}

func TestManagerOf(t *testing.T) {
	t.Parallel()
	ours := map[string]string{"app.kubernetes.io/managed-by": "tbotctl"}
	helm := map[string]string{"app.kubernetes.io/managed-by": "Helm"}
	by := func(managers ...string) []metav1.ManagedFieldsEntry {
		var entries []metav1.ManagedFieldsEntry
		for _, manager := range managers {
			entries = append(entries, metav1.ManagedFieldsEntry{Manager: manager})
		}
		return entries
	}
	for name, row := range map[string]struct {
		labels, annotations map[string]string
		fields              []metav1.ManagedFieldsEntry
		want                string
	}{
		"ours":                    {ours, nil, by("tbotctl"), "tbotctl"},
		"ours, edited by hand":    {ours, nil, by("tbotctl", "kubectl-edit"), "tbotctl"},
		"ours, synced by Argo CD": {ours, map[string]string{"argocd.argoproj.io/tracking-id": "a"}, by("argocd-controller"), "Argo CD"},
		"Helm":                    {helm, map[string]string{"meta.helm.sh/release-name": "tbot"}, by("helm"), "Helm"},
		"Helm by Flux":            {map[string]string{"app.kubernetes.io/managed-by": "Helm", "helm.toolkit.fluxcd.io/name": "a"}, nil, by("helm-controller"), "Flux"},
		"Flux":                    {map[string]string{"kustomize.toolkit.fluxcd.io/name": "a"}, nil, nil, "Flux"},
		"Argo CD by its fields":   {nil, nil, by("argocd-controller"), "Argo CD"},
		"Terraform":               {nil, nil, by("Terraform"), "Terraform"},
		"by hand":                 {nil, nil, by("kubectl-client-side-apply", "kube-controller-manager"), "kubectl"},
		"only restarted by hand":  {nil, nil, by("kubectl-rollout"), ""},
		"nothing tells":           {nil, nil, nil, ""},
	} {
		d := running()
		d.Labels, d.Annotations, d.ManagedFields = row.labels, row.annotations, row.fields
		if got := managerOf(d); got != row.want {
			t.Errorf("%s: %q, want %q", name, got, row.want)
		}
	}
}

func TestLocate(t *testing.T) {
	t.Parallel()
	configMap := func(name string, items ...corev1.KeyToPath) *corev1.ConfigMapVolumeSource {
		return &corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: name}, Items: items}
	}
	projected := func(names ...string) corev1.VolumeSource {
		var sources []corev1.VolumeProjection
		for _, name := range names {
			sources = append(sources, corev1.VolumeProjection{ConfigMap: &corev1.ConfigMapProjection{LocalObjectReference: corev1.LocalObjectReference{Name: name}}})
		}
		return corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{Sources: sources}}
	}
	at := func(path string) []corev1.VolumeMount { return []corev1.VolumeMount{{Name: "v", MountPath: path}} }
	for name, row := range map[string]struct {
		container corev1.Container
		volume    corev1.VolumeSource
		want      []place
		problem   string
	}{
		"the guides' form":      {corev1.Container{Args: []string{"start", "-c", "/config/tbot.yaml"}, VolumeMounts: at("/config")}, corev1.VolumeSource{ConfigMap: configMap("c")}, []place{{"c", "tbot.yaml"}}, ""},
		"one word":              {corev1.Container{Args: []string{"start", "--config=/config/tbot.yaml"}, VolumeMounts: at("/config/")}, corev1.VolumeSource{ConfigMap: configMap("c")}, []place{{"c", "tbot.yaml"}}, ""},
		"glued":                 {corev1.Container{Args: []string{"start", "-c/config/tbot.yaml"}, VolumeMounts: at("/config")}, corev1.VolumeSource{ConfigMap: configMap("c")}, []place{{"c", "tbot.yaml"}}, ""},
		"another flag like it":  {corev1.Container{Args: []string{"start", "--ca-pin=a", "--config", "/config/a"}, VolumeMounts: at("/config")}, corev1.VolumeSource{ConfigMap: configMap("c")}, []place{{"c", "a"}}, ""},
		"the environment":       {corev1.Container{Args: []string{"start"}, Env: []corev1.EnvVar{{Name: "TBOT_CONFIG_PATH", Value: "/config/a"}}, VolumeMounts: at("/config")}, corev1.VolumeSource{ConfigMap: configMap("c")}, []place{{"c", "a"}}, ""},
		"a variable":            {corev1.Container{Args: []string{"start", "-c", "$(DIR)/a"}, Env: []corev1.EnvVar{{Name: "DIR", Value: "/config"}}, VolumeMounts: at("/config")}, corev1.VolumeSource{ConfigMap: configMap("c")}, []place{{"c", "a"}}, ""},
		"a shell":               {corev1.Container{Command: []string{"/bin/sh", "-c"}, Args: []string{"tbot start -c '/config/a'"}, VolumeMounts: at("/config")}, corev1.VolumeSource{ConfigMap: configMap("c")}, []place{{"c", "a"}}, ""},
		"items":                 {corev1.Container{Args: []string{"start", "-c", "/config/sub/tbot.yaml"}, VolumeMounts: at("/config")}, corev1.VolumeSource{ConfigMap: configMap("c", corev1.KeyToPath{Key: "k", Path: "sub/tbot.yaml"})}, []place{{"c", "k"}}, ""},
		"items without it":      {corev1.Container{Args: []string{"start", "-c", "/config/tbot.yaml"}, VolumeMounts: at("/config")}, corev1.VolumeSource{ConfigMap: configMap("c", corev1.KeyToPath{Key: "k", Path: "other"})}, nil, `the volume "v", which holds no ConfigMap with that file`},
		"subPath":               {corev1.Container{Args: []string{"start", "-c", "/etc/tbot.yaml"}, VolumeMounts: []corev1.VolumeMount{{Name: "v", MountPath: "/etc/tbot.yaml", SubPath: "prod.yaml"}}}, corev1.VolumeSource{ConfigMap: configMap("c")}, []place{{"c", "prod.yaml"}}, ""},
		"the nearer mount":      {corev1.Container{Args: []string{"start", "-c", "/a/b/c"}, VolumeMounts: []corev1.VolumeMount{{Name: "w", MountPath: "/a"}, {Name: "v", MountPath: "/a/b"}, {Name: "w", MountPath: "/"}}}, corev1.VolumeSource{ConfigMap: configMap("c")}, []place{{"c", "c"}}, ""},
		"a working folder":      {corev1.Container{Args: []string{"start", "-c", "tbot.yaml"}, WorkingDir: "/config", VolumeMounts: at("/config")}, corev1.VolumeSource{ConfigMap: configMap("c")}, []place{{"c", "tbot.yaml"}}, ""},
		"projected, last first": {corev1.Container{Args: []string{"start", "-c", "/config/a"}, VolumeMounts: at("/config")}, projected("one", "two"), []place{{"two", "a"}, {"one", "a"}}, ""},
		"subPathExpr":           {corev1.Container{Args: []string{"start", "-c", "/config/a"}, VolumeMounts: []corev1.VolumeMount{{Name: "v", MountPath: "/config", SubPathExpr: "$(X)"}}}, corev1.VolumeSource{}, nil, "subPathExpr"},
		"no mount":              {corev1.Container{Name: "tbot", Args: []string{"start", "-c", "/config/a"}, VolumeMounts: at("/conf")}, corev1.VolumeSource{}, nil, "no volumeMount of container tbot covers it"},
		"no volume":             {corev1.Container{Args: []string{"start", "-c", "/config/a"}, VolumeMounts: []corev1.VolumeMount{{Name: "gone", MountPath: "/config"}}}, corev1.VolumeSource{}, nil, `the volume "gone", which the pod does not have`},
		"an empty folder":       {corev1.Container{Args: []string{"start", "-c", "/config/a"}, VolumeMounts: at("/config")}, corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}, nil, "holds no ConfigMap"},
		"flags alone":           {corev1.Container{Args: []string{"start", "identity", "--token=a"}}, corev1.VolumeSource{}, nil, "without a configuration file"},
		"in the command line":   {corev1.Container{Args: []string{"start", "--config-string=YQ=="}}, corev1.VolumeSource{}, nil, "--config-string"},
	} {
		pod := corev1.PodSpec{Volumes: []corev1.Volume{{Name: "v", VolumeSource: row.volume}, {Name: "w"}}}
		got, err := locate(pod, row.container)
		if !slices.Equal(got, row.want) || (err == nil) != (row.problem == "") || err != nil && !strings.Contains(err.Error(), row.problem) {
			t.Errorf("%s: %v, %v; want %v, %q", name, got, err, row.want, row.problem)
		}
	}
}

func TestDiagPort(t *testing.T) {
	t.Parallel()
	probe := func(port intstr.IntOrString) *corev1.Probe {
		return &corev1.Probe{ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Path: "/readyz", Port: port}}}
	}
	for name, row := range map[string]struct {
		container corev1.Container
		file      string
		want      int
	}{
		"the chart's form": {corev1.Container{Args: []string{"start", "-c", "/c", "--diag-addr", "0.0.0.0:3001"}}, "", 3001},
		"ours":             {corev1.Container{Args: []string{"start", "--diag-addr=0.0.0.0:3002"}}, "", 3002},
		"no host":          {corev1.Container{Args: []string{"start", "--diag-addr=:3003"}}, "", 3003},
		"in the file":      {corev1.Container{Args: []string{"start"}}, "0.0.0.0:3004", 3004},
		"the flag wins":    {corev1.Container{Args: []string{"start", "--diag-addr=[::]:3005"}}, "0.0.0.0:1", 3005},
		"localhost":        {corev1.Container{Args: []string{"start", "--diag-addr=127.0.0.1:3001"}, ReadinessProbe: probe(intstr.FromInt32(9))}, "", 0},
		"a number":         {corev1.Container{ReadinessProbe: probe(intstr.FromInt32(3006))}, "", 3006},
		"a name":           {corev1.Container{LivenessProbe: probe(intstr.FromString("diag")), Ports: []corev1.ContainerPort{{Name: "diag", ContainerPort: 3007}}}, "", 3007},
		"a name of nobody": {corev1.Container{LivenessProbe: probe(intstr.FromString("diag"))}, "", 0},
		"nowhere":          {corev1.Container{Args: []string{"start"}}, "", 0},
		"no address":       {corev1.Container{Args: []string{"start", "--diag-addr=nonsense"}}, "", 0},
	} {
		if got := diagPort(row.container, tbotconfig.Config{DiagAddr: row.file}); got != row.want {
			t.Errorf("%s: %d, want %d", name, got, row.want)
		}
	}
}

func TestOwnsAndIsAbout(t *testing.T) {
	t.Parallel()
	d := running()
	yes := true
	pod := func(owner, hash string) *corev1.Pod {
		return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{
			Labels: map[string]string{"pod-template-hash": hash}, OwnerReferences: []metav1.OwnerReference{{Kind: "ReplicaSet", Name: owner, Controller: &yes}},
		}}
	}
	if !owns(d, pod("tbot-abc", "abc")) || owns(d, pod("tbot-eu-abc", "abc")) || owns(d, &corev1.Pod{}) {
		t.Error("the Deployment's own pods are not told from others")
	}
	for object, want := range map[corev1.ObjectReference]bool{
		{Kind: "Deployment", Name: "tbot"}:       true,
		{Kind: "ReplicaSet", Name: "tbot-abc"}:   true,
		{Kind: "Pod", Name: "tbot-abc-x1"}:       true,
		{Kind: "Deployment", Name: "tbot-eu"}:    false,
		{Kind: "ReplicaSet", Name: "tbot-eu-ab"}: false,
		{Kind: "Pod", Name: "tbot-eu-ab-x1"}:     false,
		{Kind: "ReplicaSet", Name: "tbotx-abc"}:  false,
		{Kind: "Secret", Name: "tbot"}:           false,
	} {
		if got := isAbout(d, object); got != want {
			t.Errorf("%s %s: %v, want %v", object.Kind, object.Name, got, want)
		}
	}
}

func TestBoundedKeepsTheEnd(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", logBytes/2)
	if got := bounded([]string{long, long, "last"}); !slices.Equal(got, []string{long, "last"}) {
		t.Errorf("%d lines are kept, want two", len(got))
	}
	if got := bounded([]string{long + long + "end"}); len(got) != 1 || len(got[0]) >= logBytes || !strings.HasSuffix(got[0], "end") {
		t.Errorf("of one line too long %d lines are kept", len(got))
	}
	if got := bounded(nil); got != nil {
		t.Errorf("of nothing %v is kept", got)
	}
}

func TestLastSeen(t *testing.T) {
	t.Parallel()
	at := metav1.NewTime(time.Unix(1000, 0))
	micro := metav1.NewMicroTime(at.Time)
	for name, event := range map[string]corev1.Event{
		"core":    {LastTimestamp: at},
		"once":    {EventTime: micro},
		"series":  {EventTime: metav1.NewMicroTime(time.Unix(1, 0)), Series: &corev1.EventSeries{LastObservedTime: micro}},
		"nothing": {ObjectMeta: metav1.ObjectMeta{CreationTimestamp: at}},
	} {
		if got := lastSeen(&event); !got.Equal(&at) {
			t.Errorf("%s: %s", name, got)
		}
	}
}

func TestConcerns(t *testing.T) {
	t.Parallel()
	d := running(corev1.Container{})
	d.Spec.Template.Spec.ServiceAccountName = "tbot"
	s := &surroundings{workload: checks.Workload{Deployment: d}}
	for name, row := range map[string]struct {
		subject rbacv1.Subject
		within  string
		want    bool
	}{
		"itself":                    {rbacv1.Subject{Kind: "ServiceAccount", Namespace: "machines", Name: "tbot"}, "machines", true},
		"without a namespace":       {rbacv1.Subject{Kind: "ServiceAccount", Name: "tbot"}, "machines", true},
		"without one, elsewhere":    {rbacv1.Subject{Kind: "ServiceAccount", Name: "tbot"}, "argocd", false},
		"without one, cluster-wide": {rbacv1.Subject{Kind: "ServiceAccount", Name: "tbot"}, "", false},
		"of another namespace":      {rbacv1.Subject{Kind: "ServiceAccount", Namespace: "default", Name: "tbot"}, "machines", false},
		"as a user":                 {rbacv1.Subject{Kind: "User", Name: "system:serviceaccount:machines:tbot"}, "", true},
		"its namespace's group":     {rbacv1.Subject{Kind: "Group", Name: "system:serviceaccounts:machines"}, "", true},
		"everybody":                 {rbacv1.Subject{Kind: "Group", Name: "system:authenticated"}, "", true},
		"nobody":                    {rbacv1.Subject{Kind: "Group", Name: "system:unauthenticated"}, "", false},
		"a user of its name":        {rbacv1.Subject{Kind: "User", Name: "tbot"}, "machines", false},
	} {
		if got := s.concerns([]rbacv1.Subject{row.subject}, row.within); got != row.want {
			t.Errorf("%s: %v, want %v", name, got, row.want)
		}
	}
}

func TestWritten(t *testing.T) {
	t.Parallel()
	w := checks.Workload{Deployment: running(corev1.Container{}), Config: tbotconfig.Config{
		Storage: tbotconfig.Secret("state"),
		Outputs: []tbotconfig.Output{
			tbotconfig.NewIdentity(tbotconfig.Memory()),
			tbotconfig.NewIdentity(tbotconfig.Destination{Type: "kubernetes_secret", Name: "a", Namespace: "apps"}),
			&tbotconfig.ArgoCD{SecretNamespace: "argocd"},
			&tbotconfig.ArgoCD{},
			&tbotconfig.KubernetesV2{Destination: tbotconfig.Destination{Type: "kubernetes_secret", Name: "b", Namespace: "apps"}},
		},
	}}
	if got := (&surroundings{workload: w}).written(); !slices.Equal(got, []string{"machines", "argocd", "apps"}) {
		t.Errorf("namespaces %v", got)
	}
	w.Deployment.Spec.Template.Spec.Containers[0].Env = []corev1.EnvVar{{Name: "POD_NAMESPACE", Value: "elsewhere"}}
	if got := (&surroundings{workload: w}).written(); !slices.Equal(got, []string{"machines", "argocd", "elsewhere", "apps"}) {
		t.Errorf("with POD_NAMESPACE in plain text: %v", got)
	}
}

func TestTrialIsThePodOfTheTemplate(t *testing.T) {
	t.Parallel()
	template := &corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": "tbot"}, Annotations: map[string]string{"a": "b"}},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "tbot", Image: "tbot"}}},
	}
	pod := trial("machines", "tbot", template)
	pod.Spec.Containers[0].Image, pod.Labels["app"] = "other", "other"
	if pod.Namespace != "machines" || template.Labels["app"] != "tbot" || !reflect.DeepEqual(template.Spec.Containers[0].Image, "tbot") {
		t.Errorf("the pod is %+v, the template %+v", pod, template)
	}
}
