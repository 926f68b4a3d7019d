package tbotconfig_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/internal/tbotconfig"
)

// reaching is a Setup for access kubernetes on a server of that version.
func reaching(server, image string) spec.Setup {
	s := spec.Default()
	s.Access, s.Teleport.Proxy = spec.AccessKubernetes, "teleport.example.com:443"
	s.Kubernetes.Namespace = "machines"
	s.Resolved = &spec.Resolved{ClusterName: "main", ServerVersion: server, Image: image}
	return s.WithClusterID("1a2b3c4d")
}

func TestForKubernetesWithSelectors(t *testing.T) {
	t.Parallel()
	setup := reaching("18.2.0", "tbot:18.2.0")
	setup.Reach = spec.Reach{Clusters: []string{"eu"}, Labels: []map[string]string{{"env": "prod", "team": "a"}, {"env": "test"}}}
	got := tbotconfig.For(setup)
	want := []tbotconfig.Output{tbotconfig.NewKubernetesV2(tbotconfig.Secret("tbot-output"),
		tbotconfig.Selector{Name: "eu"},
		tbotconfig.Selector{Labels: map[string]string{"env": "prod", "team": "a"}},
		tbotconfig.Selector{Labels: map[string]string{"env": "test"}},
	)}
	if diff := cmp.Diff(want, got.Outputs); diff != "" || got.Validate() != nil {
		t.Errorf("%v; -want +got:\n%s", got.Validate(), diff)
	}
	if secrets := got.Secrets(); !slices.Equal(secrets, []string{"tbot-output"}) {
		t.Errorf("secrets %v", secrets)
	}
}

// The older of server and tbot decides: one makes the kubeconfig, the other has to serve the address in it.
func TestKubernetesTypeIsOneThatBothKnow(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ server, image, want string }{
		{"18.2.0", "registry.example.com:5000/tbot:18.2.0", tbotconfig.TypeKubernetesV2},
		{"17.2.7", "tbot:17.2.7", tbotconfig.TypeKubernetesV2},
		{"17.2.6", "tbot:17.2.6", tbotconfig.TypeKubernetes},
		{"16.4.7", "tbot:18.2.0", tbotconfig.TypeKubernetes},
		{"18.2.0", "tbot:16.4.7", tbotconfig.TypeKubernetes},
		{"", "tbot@sha256:" + strings.Repeat("0", 64), tbotconfig.TypeKubernetesV2},
	} {
		if got := tbotconfig.KubernetesType(reaching(c.server, c.image)); got != c.want {
			t.Errorf("server %q, image %q: %s, want %s", c.server, c.image, got, c.want)
		}
	}
	pinned := reaching("18.2.0", "tbot@sha256:"+strings.Repeat("0", 64))
	if pinned.Workload.TbotVersion = "16.4.7"; tbotconfig.KubernetesType(pinned) != tbotconfig.TypeKubernetes {
		t.Error("--tbot-version says what a digest does not, and is not heard")
	}
	if unresolved := (spec.Setup{}); tbotconfig.KubernetesType(unresolved) != tbotconfig.TypeKubernetesV2 {
		t.Error("before anything was looked up the server is taken for old")
	}
}

// Every output made for a release is one that a tbot of that release takes, by our own judgement of files.
func TestForKubernetesFitsItsRelease(t *testing.T) {
	t.Parallel()
	for version, written := range map[string]bool{"16.4.7": false, "17.2.7": false, "17.7.3": false, "17.7.4": true, "18.1.9": false, "18.2.0": true} {
		setup := reaching(version, "tbot:"+version)
		setup.Reach = spec.Reach{Clusters: []string{"eu"}, Namespace: "shop"}
		text, err := tbotconfig.Encode(tbotconfig.For(setup))
		if err != nil {
			t.Fatal(err)
		}
		if _, problems := tbotconfig.Lint(text, version); len(problems) > 0 {
			t.Errorf("%s: %v", version, problems)
		}
		if strings.Contains(string(text), "default_namespace: shop") != written {
			t.Errorf("%s: the namespace stands there %v, want %v", version, !written, written)
		}
	}
}

// On an older server each cluster has an output, and each output a Secret that Kubernetes takes and no other output writes.
func TestForKubernetesOnAnOlderServer(t *testing.T) {
	t.Parallel()
	setup := reaching("16.4.7", "tbot:16.4.7")
	setup.Reach.Clusters = []string{"eu"}
	if got := tbotconfig.For(setup).Secrets(); !slices.Equal(got, []string{"tbot-output"}) {
		t.Errorf("one cluster: %v", got)
	}
	long := strings.Repeat("a", 250)
	setup.Reach.Clusters = []string{"eu", "EU", "e.u", "e_u", "_", ".", "-", long, long + "b"}
	setup.Name = strings.Repeat("n", 45)
	got := tbotconfig.For(setup)
	if len(got.Outputs) != len(setup.Reach.Clusters) || got.Validate() != nil {
		t.Fatalf("%d outputs, %v", len(got.Outputs), got.Validate())
	}
	seen := map[string]bool{}
	for i, name := range got.Secrets() {
		if problems := validation.IsDNS1123Subdomain(name); len(problems) > 0 || seen[name] {
			t.Errorf("%s: %q, twice %v: %v", setup.Reach.Clusters[i], name, seen[name], problems)
		}
		seen[name] = true
		if output, ok := got.Outputs[i].(*tbotconfig.Kubernetes); !ok || output.KubernetesCluster != setup.Reach.Clusters[i] {
			t.Errorf("output %d: %+v", i, got.Outputs[i])
		}
	}
	if first := got.Secrets()[0]; first != setup.Name+"-output-eu" {
		t.Errorf("a name that fits is changed: %s", first)
	}
}
