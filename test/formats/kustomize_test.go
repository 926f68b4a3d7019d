package formats_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"

	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/manifests"
)

// build runs kustomize on a folder of files that are nowhere but in memory.
func build(t *testing.T, files map[string][]byte, folder string) []map[string]any {
	t.Helper()
	system := filesys.MakeFsInMemory()
	for path, data := range files {
		if err := system.WriteFile("/"+path, data); err != nil {
			t.Fatal(err)
		}
	}
	built, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(system, "/"+folder)
	if err != nil {
		t.Fatal(err)
	}
	var objects []map[string]any
	for _, resource := range built.Resources() {
		object, err := resource.Map()
		if err != nil {
			t.Fatal(err)
		}
		objects = append(objects, object)
	}
	return objects
}

// TestKustomizeGivesTheSet holds that the folder builds to the objects that init would apply, all of them, unchanged and in their order.
func TestKustomizeGivesTheSet(t *testing.T) {
	t.Parallel()
	for name, setup := range setups(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			set, files := formatted(t, setup, spec.KubeKustomize, spec.TeleportYAML)
			var want []map[string]any
			for _, resource := range set.Side(spec.SideKubernetes) {
				want = append(want, resource.Object.Object)
			}
			if diff := cmp.Diff(plain(t, want), plain(t, build(t, files, "kubernetes"))); diff != "" {
				t.Errorf("kustomize gives something else (-set +built):\n%s", diff)
			}
		})
	}
}

// TestOverlayStandsOnIt holds that the folder is a base: an overlay changes one thing and leaves the rest.
func TestOverlayStandsOnIt(t *testing.T) {
	t.Parallel()
	_, files := formatted(t, setup(spec.AccessIdentity, spec.JoinOIDC, "18.4.2"), spec.KubeKustomize, spec.TeleportYAML)
	files["overlay/kustomization.yaml"] = []byte("resources: [../kubernetes]\nimages: [{name: public.ecr.aws/gravitational/tbot-distroless, newName: mirror.example.com/tbot}]\n")
	objects := build(t, files, "overlay")
	for _, object := range objects {
		if object["kind"] != "Deployment" {
			continue
		}
		containers := at(t, object, "spec", "template", "spec", "containers").([]any)
		if got := containers[0].(map[string]any)["image"]; got != "mirror.example.com/tbot:18.4.2" {
			t.Errorf("image %v", got)
		}
		return
	}
	t.Errorf("%d objects and no Deployment", len(objects))
}

// TestTargetsAreAKustomization holds the same of what the other clusters get.
func TestTargetsAreAKustomization(t *testing.T) {
	t.Parallel()
	set, files := formatted(t, setup(spec.AccessKubernetes, spec.JoinOIDC, "18.4.2"), spec.KubeHelm, spec.TeleportTerraform)
	want := []map[string]any{set.Targets()[0].Object.Object}
	if diff := cmp.Diff(plain(t, want), plain(t, build(t, files, manifests.TargetFolder))); diff != "" {
		t.Errorf("(-set +built):\n%s", diff)
	}
}
