package kube_test

import (
	"context"
	"slices"
	"testing"

	"github.com/tbotctl/tbotctl/internal/kube"
	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/internal/testkit"
	"github.com/tbotctl/tbotctl/manifests"
)

// The Role that render writes is enough for what tbot does with its Secret, and for no other Secret.
func TestWriteSecretWithTheRenderedRole(t *testing.T) {
	t.Parallel()
	namespace := server(t).Namespace(t)
	pod := asTbot(t, namespace)
	secrets := pod.Secrets(false)
	const name = "tbot-output"
	data := map[string][]byte{"identity": []byte(secretWord), "empty": nil}

	testkit.Eventually(t, "the Role to count", func(ctx context.Context) error {
		version, err := secrets.ReadSecret(ctx, namespace, name)
		if version != "" {
			t.Fatalf("version %q before the first write", version)
		}
		return err
	})
	if keys, err := pod.SecretKeys(t.Context(), namespace, name); keys != nil || err != nil {
		t.Fatalf("keys %v, error %v; want nil before the first write", keys, err)
	}
	if err := secrets.WriteSecret(t.Context(), namespace, name, "", map[string]string{"team": "platform"}, data); err != nil {
		t.Fatal(err)
	}
	version, err := secrets.ReadSecret(t.Context(), namespace, name)
	if err != nil || version == "" {
		t.Fatalf("version %q, error %v", version, err)
	}
	if keys, err := pod.SecretKeys(t.Context(), namespace, name); err != nil || !slices.Equal(keys, []string{"identity"}) {
		t.Errorf("keys %v, error %v; want those that hold something", keys, err)
	}
	live, err := admin(t).Read(t.Context(), object("v1", "Secret", namespace, name))
	if err != nil || live.GetManagedFields()[0].Manager != "tbot" || live.GetLabels()["team"] != "platform" {
		t.Errorf("Secret %v, error %v; want one managed by tbot with its label", live, err)
	}

	// A second writer that read the same version comes too late.
	data["identity"] = []byte("renewed")
	if err := secrets.WriteSecret(t.Context(), namespace, name, version, nil, data); err != nil {
		t.Fatal(err)
	}
	wantError(t, secrets.WriteSecret(t.Context(), namespace, name, version, nil, map[string][]byte{"identity": []byte(secretWord)}),
		kube.Conflict, "writing Secret "+namespace+"/"+name)

	wantError(t, secrets.WriteSecret(t.Context(), namespace, "another", "", nil, map[string][]byte{"identity": []byte(secretWord)}),
		kube.Forbidden, "writing Secret "+namespace+"/another", `cannot patch resource "secrets"`)
	_, err = secrets.ReadSecret(t.Context(), namespace, "another")
	wantError(t, err, kube.Forbidden, `cannot get resource "secrets"`)
	_, err = pod.SecretKeys(t.Context(), namespace, "another")
	wantError(t, err, kube.Forbidden)
}

// asTbot applies the RBAC of a rendered Setup and connects as its service account.
func asTbot(t *testing.T, namespace string) *kube.Cluster {
	t.Helper()
	s := spec.Default()
	s.Kubernetes.Namespace = namespace
	s.Teleport.Proxy = "teleport.example.com:443"
	s.Teleport.Roles = []string{"access"}
	s = s.WithClusterID("1a2b3c4d")
	s.Resolved = &spec.Resolved{
		ClusterName: "lab.example.com", Image: s.Workload.ImageFor("18.2.0", false), JoinType: spec.JoinOIDC, Issuer: "https://issuer.example.com",
	}
	set, err := manifests.Render(s)
	if err != nil {
		t.Fatal(err)
	}
	for _, resource := range set {
		if resource.Stage != manifests.StageRBAC {
			continue
		}
		if _, err := admin(t).Apply(t.Context(), resource.Object, false); err != nil {
			t.Fatal(err)
		}
	}
	return connect(t, kube.Options{
		Kubeconfig: server(t).KubeconfigFile(), As: s.ServiceAccountUser(),
		AsGroups: []string{"system:serviceaccounts", "system:serviceaccounts:" + namespace, "system:authenticated"},
	})
}
