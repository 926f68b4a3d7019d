package tbot

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/gravitational/teleport/api/client"
	"github.com/gravitational/teleport/api/client/proto"
	"github.com/gravitational/teleport/api/defaults"
	"github.com/gravitational/teleport/api/types"

	"github.com/tbotctl/tbotctl/internal/tbotconfig"
)

// kubeLister lists resources as the identity of an output, so that it finds what the output's roles reach and no more.
type kubeLister struct{ auth client.GetResourcesClient }

// NotFound is a Kubernetes cluster that an output names and that its roles do not reach, or that nobody has enrolled: Teleport does
// not tell the one from the other.
type NotFound struct{ Cluster string }

func (e *NotFound) Error() string { return fmt.Sprintf("kubernetes cluster %q not found", e.Cluster) }

// matches are the clusters of the selectors in their order, each once, with the namespace that the last selector to match gave it
// (teleport-facts 6.3). A name that is not there is an error, labels that match nothing are none.
type matches struct {
	names      []string
	namespaces map[string]string
}

// sorted are the names in alphabetical order.
func (m matches) sorted() []string { return sorted(m.names) }

func (l kubeLister) match(ctx context.Context, selectors []tbotconfig.Selector) (matches, error) {
	found := matches{namespaces: map[string]string{}}
	for _, selector := range selectors {
		names, err := l.find(ctx, selector)
		if err != nil {
			return matches{}, err
		}
		for _, name := range names {
			if !slices.Contains(found.names, name) {
				found.names = append(found.names, name)
			}
			if selector.DefaultNamespace != "" {
				found.namespaces[name] = selector.DefaultNamespace
			}
		}
	}
	return found, nil
}

// find gives the clusters of one selector.
func (l kubeLister) find(ctx context.Context, selector tbotconfig.Selector) ([]string, error) {
	if selector.Name == "" {
		return l.list(ctx, proto.ListResourcesRequest{Labels: selector.Labels})
	}
	name, err := l.byName(ctx, selector.Name)
	if err != nil {
		return nil, fmt.Errorf("unable to fetch cluster %q by name: %w", selector.Name, err)
	}
	return []string{name}, nil
}

// byName finds a cluster by its name, or by the one that discovery gave it where it had to be made unique.
func (l kubeLister) byName(ctx context.Context, wanted string) (string, error) {
	names, err := l.list(ctx, proto.ListResourcesRequest{
		PredicateExpression: fmt.Sprintf("name == %q || labels[%q] == %q", wanted, types.DiscoveredNameLabel, wanted),
	})
	switch {
	case err != nil:
		return "", err
	case slices.Contains(names, wanted):
		return wanted, nil
	case len(names) == 0:
		return "", &NotFound{Cluster: wanted}
	case len(names) > 1:
		return "", fmt.Errorf("kubernetes cluster %q is the discovered name of several: %s; give the whole name of one", wanted, strings.Join(names, ", "))
	}
	return names[0], nil
}

// viaListResources names the call in results.
const viaListResources = "ListResources"

// list gives the names of the clusters that a request finds, sorted. Every agent of a cluster is a server of its own.
func (l kubeLister) list(ctx context.Context, request proto.ListResourcesRequest) ([]string, error) {
	request.ResourceType, request.Namespace = types.KindKubeServer, defaults.Namespace
	servers, err := client.GetAllResources[types.KubeServer](ctx, l.auth, &request)
	if err != nil {
		const asked = "the list of Kubernetes clusters"
		var refused *Refused
		if err = grpcVerdict(err, asked, viaListResources); errors.As(err, &refused) {
			return nil, err
		}
		return nil, fmt.Errorf("asking for %s: %w", asked, err)
	}
	names := map[string]bool{}
	for _, server := range servers {
		if cluster := server.GetCluster(); cluster != nil {
			names[cluster.GetName()] = true
		}
	}
	return slices.Sorted(maps.Keys(names)), nil
}

// lister opens a client as the identity of an output; the caller ends it.
func (g generation) lister(ctx context.Context, identity *Identity) (kubeLister, func() error, error) {
	auth, err := g.session.way.connect(ctx, identity)
	if err != nil {
		return kubeLister{}, nil, err
	}
	return kubeLister{auth: auth}, auth.Close, nil
}

// selected matches selectors as an identity.
func (g generation) selected(ctx context.Context, identity *Identity, selectors []tbotconfig.Selector) (matches, error) {
	lister, end, err := g.lister(ctx, identity)
	if err != nil {
		return matches{}, err
	}
	found, err := lister.match(ctx, selectors)
	return found, errors.Join(err, end())
}
