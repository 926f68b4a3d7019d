package manifests_test

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/manifests"
)

func ids(set manifests.Set) []string {
	var all []string
	for _, r := range set {
		all = append(all, r.ID())
	}
	return all
}

func TestSetIsInTheOrderToApply(t *testing.T) {
	t.Parallel()
	set := render(t, full())
	want := []string{
		"Namespace machines", "ServiceAccount machines/ci-bot", "Role machines/ci-output", "RoleBinding machines/ci-output",
		"bot ci.prod", "token ci+prod", "ConfigMap machines/ci-config", "Deployment machines/ci",
	}
	if got := ids(set); !slices.Equal(got, want) {
		t.Errorf("set = %v, want %v", got, want)
	}
	if !slices.IsSortedFunc(set, func(a, b manifests.Resource) int { return int(a.Stage - b.Stage) }) {
		t.Error("the stages are not in order")
	}
}

func TestSideSplitsTheSetByOwner(t *testing.T) {
	t.Parallel()
	set := render(t, full())
	if got := ids(set.Side(spec.SideTeleport)); !slices.Equal(got, []string{"bot ci.prod", "token ci+prod"}) {
		t.Errorf("teleport side = %v", got)
	}
	if got := ids(set.Side(spec.SideKubernetes)); len(got) != 6 || slices.Contains(got, "bot ci.prod") || slices.Contains(got, "token ci+prod") {
		t.Errorf("kubernetes side = %v", got)
	}
	if got := ids(set.Side(spec.SideBoth)); !slices.Equal(got, ids(set)) {
		t.Errorf("both sides = %v", got)
	}
	if _, err := set.Side(spec.SideTeleport).Deployment(); err == nil {
		t.Error("the Teleport side has a Deployment")
	}
}

func TestFilesHoldEveryDocumentOnce(t *testing.T) {
	t.Parallel()
	set := render(t, full())
	want := map[string][]string{
		"kubernetes/namespace.yaml":  {"Namespace"},
		"kubernetes/rbac.yaml":       {"ServiceAccount", "Role", "RoleBinding"},
		"kubernetes/config.yaml":     {"ConfigMap"},
		"kubernetes/deployment.yaml": {"Deployment"},
		"teleport/resources.yaml":    {"bot", "token"},
	}
	files := set.Files()
	if len(files) != len(want) {
		t.Errorf("%d files, want %d", len(files), len(want))
	}
	for _, file := range files {
		var parts [][]byte
		for _, kind := range want[file.Path] {
			parts = append(parts, resource(t, set, kind).YAML)
		}
		if joined := bytes.Join(parts, []byte("---\n")); len(parts) == 0 || !bytes.Equal(file.Data, joined) {
			t.Errorf("%s holds:\n%s", file.Path, file.Data)
		}
	}
	var paths []string
	for _, file := range render(t, sample(spec.JoinOIDC, spec.AccessNone)).Side(spec.SideKubernetes).Files() {
		paths = append(paths, file.Path)
	}
	if !slices.Equal(paths, []string{"kubernetes/rbac.yaml", "kubernetes/config.yaml", "kubernetes/deployment.yaml"}) {
		t.Errorf("without --create-namespace, Kubernetes side: files = %v", paths)
	}
}

// Every Kubernetes document is read by its own Go type without an unknown field.
func TestKubernetesDocumentsAreStrictlyValid(t *testing.T) {
	t.Parallel()
	setup := full()
	setup.Teleport.ProxyCA = authority(t)
	for _, r := range render(t, setup).Side(spec.SideKubernetes) {
		into, known := map[string]runtime.Object{
			"Namespace":      &corev1.Namespace{},
			"ServiceAccount": &corev1.ServiceAccount{},
			"Role":           &rbacv1.Role{},
			"RoleBinding":    &rbacv1.RoleBinding{},
			"ConfigMap":      &corev1.ConfigMap{},
			"Deployment":     &appsv1.Deployment{},
		}[r.Kind]
		if !known {
			t.Errorf("%s is of no known kind", r.ID())
			continue
		}
		strictly(t, r, into)
		if kind := into.GetObjectKind().GroupVersionKind(); kind != r.Object.GroupVersionKind() {
			t.Errorf("%s: kind %v, object %v", r.ID(), kind, r.Object.GroupVersionKind())
		}
	}
}

var errFull = errors.New("no space left")

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errFull }

func TestWriteReportsAFailedWriter(t *testing.T) {
	t.Parallel()
	if err := render(t, full()).Write(fullDisk{}); !errors.Is(err, errFull) {
		t.Errorf("error = %v", err)
	}
}
