package teleport_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/gravitational/teleport/api/types"

	"github.com/tbotctl/tbotctl/internal/teleport"
	"github.com/tbotctl/tbotctl/internal/teleporttest"
)

// kubeRole grants a Kubernetes group in clusters with a label; change may spoil it.
func kubeRole(name string, change func(*types.RoleV6)) *types.RoleV6 {
	made := &types.RoleV6{
		Kind: types.KindRole, Version: types.V7, Metadata: types.Metadata{Name: name},
		Spec: types.RoleSpecV6{Allow: types.RoleConditions{
			KubernetesLabels: types.Labels{"env": {"prod"}}, KubeGroups: []string{"readers"},
			KubernetesResources: []types.KubernetesResource{{Kind: "*", Namespace: "*", Name: "*", Verbs: []string{"get"}}},
		}},
	}
	if change != nil {
		change(made)
	}
	return made
}

func TestRoles(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"18.2.0", "16.4.7"} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			c := teleporttest.New(t, teleporttest.Options{Version: version})
			client := clientAs(t, c, "admin")
			if got, err := client.Role(t.Context(), "reader"); got != nil || err != nil {
				t.Fatalf("a role that does not exist: %v, %v", got, err)
			}
			if err := client.CreateRole(t.Context(), kubeRole("reader", nil)); err != nil {
				t.Fatal(err)
			}
			wantError(t, client.CreateRole(t.Context(), kubeRole("reader", nil)), teleport.Exists, "making role reader")
			wantGroups(t, client, "readers")
			if err := client.UpsertRole(t.Context(), kubeRole("reader", func(r *types.RoleV6) { r.Spec.Allow.KubeGroups = []string{"writers"} })); err != nil {
				t.Fatal(err)
			}
			wantGroups(t, client, "writers")
			// The guide's role (field-notes P24).
			err := client.UpsertRole(t.Context(), kubeRole("reader", func(r *types.RoleV6) { r.Version = types.V6 }))
			wantError(t, err, teleport.Invalid, "updating role reader", `kind "*" is not supported in role version "v6"`)

			plain := clientAs(t, c, "plain")
			_, err = plain.Role(t.Context(), "reader")
			wantError(t, err, teleport.Denied, "reading role reader", `access denied to perform action "read" on "role"`)
			wantError(t, plain.CreateRole(t.Context(), kubeRole("mine", nil)), teleport.Denied, `"create" on "role"`)
			wantError(t, plain.UpsertRole(t.Context(), kubeRole("reader", nil)), teleport.Denied, `on "role"`)
			wantError(t, plain.DeleteRole(t.Context(), "reader"), teleport.Denied, `"delete" on "role"`)

			for _, again := range []bool{false, true} {
				if err := client.DeleteRole(t.Context(), "reader"); err != nil {
					t.Errorf("deleted, again %v: %v", again, err)
				}
				if got, err := client.Role(t.Context(), "reader"); got != nil || err != nil {
					t.Errorf("after the deletion, again %v: %v, %v", again, got, err)
				}
			}
			c.AddUser("somebody", "access")
			if err := client.DeleteRole(t.Context(), "access"); err == nil {
				t.Error("a role that a user holds was deleted without an error")
			}
		})
	}
}

func wantGroups(t *testing.T, client *teleport.Client, groups ...string) {
	t.Helper()
	got, err := client.Role(t.Context(), "reader")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(groups, got.Spec.Allow.KubeGroups); diff != "" {
		t.Errorf("groups (-want +got):\n%s", diff)
	}
}

// Where admin actions take a touch, writing a role takes one and reading it takes none.
func TestRolesUnderAdminMFA(t *testing.T) {
	t.Parallel()
	c := teleporttest.New(t, teleporttest.Options{AdminMFA: true})
	client := clientAs(t, c, "admin")
	wantError(t, client.CreateRole(t.Context(), kubeRole("reader", nil)), teleport.MFARequired, "making role reader")
	if _, err := client.Role(t.Context(), "access"); err != nil {
		t.Errorf("reading a role: %v", err)
	}
}

func TestKubeClusters(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"18.2.0", "16.4.7"} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			c := teleporttest.New(t, teleporttest.Options{Version: version})
			c.PutKubeCluster(teleporttest.KubeCluster{Name: "us", Labels: map[string]string{"env": "prod", "region": "us"}})
			c.PutKubeCluster(teleporttest.KubeCluster{Name: "eu", Labels: map[string]string{"env": "prod"}})
			c.AddUser("somebody", "access")
			got, err := clientAs(t, c, "somebody").KubeClusters(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			want := []teleport.KubeCluster{{Name: "eu", Labels: map[string]string{"env": "prod"}}, {Name: "us", Labels: map[string]string{"env": "prod", "region": "us"}}}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			// A login sees what its own roles reach, and is told of no more.
			c.AddUser("editor-alone", "editor")
			if got, err := clientAs(t, c, "editor-alone").KubeClusters(t.Context()); err != nil || len(got) != 0 {
				t.Errorf("without a role that reaches any: %v, %v", got, err)
			}
		})
	}
}

func TestStaticLabelsLeaveOutWhatACommandSays(t *testing.T) {
	t.Parallel()
	cluster := teleport.KubeCluster{Labels: map[string]string{"env": "prod", "load": "0.3"}, Dynamic: []string{"load"}}
	if diff := cmp.Diff(map[string]string{"env": "prod"}, cluster.Static()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if len(cluster.Labels) != 2 {
		t.Error("Static changes the labels that it is asked about")
	}
}
