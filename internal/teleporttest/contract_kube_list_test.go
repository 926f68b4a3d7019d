package teleporttest_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/gravitational/teleport/api/client"
	"github.com/gravitational/teleport/api/client/proto"
	"github.com/gravitational/teleport/api/types"

	"github.com/tbotctl/tbotctl/internal/teleporttest"
)

// TestManyKubeClusters: more clusters than a page holds, each listed once, and a bot sees those that its roles reach.
func TestManyKubeClusters(t *testing.T) {
	t.Parallel()
	for _, version := range []string{recorded, "18.2.0"} {
		options := teleporttest.Options{Version: version}
		for i := range 35 {
			env := "lab"
			if i%5 == 0 {
				env = "prod"
			}
			options.KubeClusters = append(options.KubeClusters, teleporttest.KubeCluster{
				Name: fmt.Sprintf("cluster-%02d", 34-i), Labels: map[string]string{"env": env, "tier": "t"},
			})
		}
		c := teleporttest.New(t, options)
		c.AddRole(&types.RoleV6{Version: types.V7, Metadata: types.Metadata{Name: "lab"}, Spec: types.RoleSpecV6{
			Allow: types.RoleConditions{KubernetesLabels: types.Labels{"env": []string{"lab"}}},
		}})
		c.AddUser("lab", "lab")
		admin, lab := clientAs(t, c, "admin"), clientAs(t, c, "lab")
		if got := kubeNames(t, admin, &proto.ListResourcesRequest{Limit: 10}); len(got) != 35 || !slices.IsSorted(got) || len(slices.Compact(got)) != 35 {
			t.Errorf("%s: an administrator sees %q", version, got)
		}
		if got := kubeNames(t, lab, &proto.ListResourcesRequest{Limit: 7}); len(got) != 28 {
			t.Errorf("%s: lab sees %d clusters, want 28", version, len(got))
		}
		if got := kubeNames(t, lab, &proto.ListResourcesRequest{Limit: 3, Labels: map[string]string{"env": "prod"}}); len(got) != 0 {
			t.Errorf("%s: lab sees %q of prod", version, got)
		}
		pages := 0
		req := &proto.ListResourcesRequest{ResourceType: types.KindKubeServer, Namespace: "default", Limit: 10}
		for {
			page, err := admin.GetResources(withTimeout(t), req)
			if err != nil {
				t.Fatal(err)
			}
			pages++
			if len(page.Resources) > 10 {
				t.Errorf("%s: a page of %d", version, len(page.Resources))
			}
			if req.StartKey = page.NextKey; req.StartKey == "" {
				break
			}
		}
		if pages != 4 {
			t.Errorf("%s: %d pages, want 4", version, pages)
		}
	}
}

func kubeNames(t *testing.T, clt *client.Client, req *proto.ListResourcesRequest) []string {
	t.Helper()
	req.ResourceType, req.Namespace = types.KindKubeServer, "default"
	servers, err := client.GetAllResources[types.KubeServer](withTimeout(t), clt, req)
	if err != nil {
		t.Fatal(err)
	}
	names := make([]string, 0, len(servers))
	for _, s := range servers {
		names = append(names, s.GetCluster().GetName())
	}
	return names
}
