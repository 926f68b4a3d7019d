package teleporttest

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"sync"

	"k8s.io/client-go/rest"
)

// KubeCluster is a Kubernetes cluster enrolled in the test cluster.
type KubeCluster struct {
	Name   string
	Labels map[string]string
	// Upstream is how the agent of the cluster reaches the API server. Its user must have the right to impersonate users
	// and groups. Without it the cluster is enrolled, and its agent is offline.
	Upstream *rest.Config
}

// enrolled is a cluster with what forwarding needs.
type enrolled struct {
	KubeCluster

	base      *url.URL
	transport http.RoundTripper // nil without an upstream
}

// kubeClusters are the enrolled clusters by name.
type kubeClusters struct {
	mu     sync.Mutex
	byName map[string]enrolled
}

func newKubeClusters(clusters []KubeCluster) (*kubeClusters, error) {
	all := &kubeClusters{byName: map[string]enrolled{}}
	for _, k := range clusters {
		if err := all.put(k); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func (a *kubeClusters) put(k KubeCluster) error {
	if k.Name == "" {
		return fmt.Errorf("teleporttest: a Kubernetes cluster without a name")
	}
	e := enrolled{KubeCluster: k}
	if k.Upstream != nil {
		var err error
		if e.base, _, err = rest.DefaultServerUrlFor(k.Upstream); err != nil {
			return fmt.Errorf("teleporttest: the API server of Kubernetes cluster %q: %w", k.Name, err)
		}
		if e.transport, err = rest.TransportFor(k.Upstream); err != nil {
			return fmt.Errorf("teleporttest: the API server of Kubernetes cluster %q: %w", k.Name, err)
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.byName[k.Name] = e
	return nil
}

func (a *kubeClusters) remove(name string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.byName, name)
}

func (a *kubeClusters) get(name string) (enrolled, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	e, ok := a.byName[name]
	return e, ok
}

// list is sorted by name, as the Auth Service's index is.
func (a *kubeClusters) list() []KubeCluster {
	a.mu.Lock()
	defer a.mu.Unlock()
	out := make([]KubeCluster, 0, len(a.byName))
	for _, e := range a.byName {
		out = append(out, e.KubeCluster)
	}
	slices.SortFunc(out, func(a, b KubeCluster) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

// PutKubeCluster enrols a Kubernetes cluster, or replaces one of the same name. A cluster without a name, or an upstream that
// is no configuration, is a mistake in the test and panics.
func (c *Cluster) PutKubeCluster(k KubeCluster) { must(c.kubes.put(k)) }

// DeleteKubeCluster ends the enrolment of a Kubernetes cluster if there is one of that name.
func (c *Cluster) DeleteKubeCluster(name string) { c.kubes.remove(name) }
