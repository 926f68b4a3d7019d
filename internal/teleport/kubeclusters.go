package teleport

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"github.com/gravitational/teleport/api/types"
)

// KubeCluster is a Kubernetes cluster that is enrolled in Teleport.
type KubeCluster struct {
	Name string
	// Labels are all that it carries now.
	Labels map[string]string
	// Dynamic are the keys of those that an agent's command says anew each time: nothing that lasts can be built on them.
	Dynamic []string
}

// Static are the labels without the dynamic ones.
func (k KubeCluster) Static() map[string]string {
	static := maps.Clone(k.Labels)
	maps.DeleteFunc(static, func(key, _ string) bool { return slices.Contains(k.Dynamic, key) })
	return static
}

// KubeClusters lists the clusters by name that an agent serves and that the login may see (teleport-facts 5.1): a login whose roles
// reach none of them gets an empty list and no error.
func (c *Client) KubeClusters(ctx context.Context) ([]KubeCluster, error) {
	servers, err := c.auth.GetKubernetesServers(ctx)
	if err != nil {
		return nil, wrap(err, "listing Kubernetes clusters")
	}
	// Several agents may serve one cluster.
	byName := map[string]KubeCluster{}
	for _, server := range servers {
		if cluster := server.GetCluster(); cluster != nil {
			byName[cluster.GetName()] = kubeCluster(cluster)
		}
	}
	return slices.SortedFunc(maps.Values(byName), func(a, b KubeCluster) int { return cmp.Compare(a.Name, b.Name) }), nil
}

func kubeCluster(cluster types.KubeCluster) KubeCluster {
	return KubeCluster{
		Name: cluster.GetName(), Labels: cluster.GetAllLabels(), Dynamic: slices.Sorted(maps.Keys(cluster.GetDynamicLabels())),
	}
}
