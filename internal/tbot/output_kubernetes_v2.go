package tbot

import (
	"context"
	"maps"

	"github.com/gravitational/teleport/api/types"

	"github.com/tbotctl/tbotctl/internal/tbotconfig"
)

// kubernetesV2 makes the files of a kubernetes/v2 output: one certificate for all clusters, which the paths of their addresses tell
// apart (teleport-facts 6.3 and 6.4). A kubeconfig without a cluster is one too.
func (g generation) kubernetesV2(ctx context.Context, output *tbotconfig.KubernetesV2) (OutputResult, error) {
	name, err := namer(output.ContextNameTemplate)
	if err != nil {
		return OutputResult{}, err
	}
	made, found, err := g.reach(ctx, output.Roles, output.Selectors)
	if err != nil {
		return made, err
	}
	address, err := g.kubeAddress(ctx)
	if err != nil {
		return made, err
	}
	entry, err := login(made.Identity, output.Destination, output.DisableExecPlugin)
	if err != nil {
		return made, err
	}
	made.Notes, made.TLSEnded, made.Contexts = g.notes(), g.session.way.route.Upgraded, map[string]string{}
	made.Namespaces = found.namespaces
	teleport := made.Identity.Cluster.Name
	config := newKubeconfig(teleport, entry)
	for _, cluster := range found.names {
		context, err := name(teleport, cluster)
		if err != nil {
			return made, err
		}
		maps.DeleteFunc(made.Contexts, func(_, taken string) bool { return taken == context })
		made.Contexts[cluster] = context
		config.add(context, address.of(teleport, cluster), found.namespaces[cluster], address, made.Identity)
	}
	hosts, err := g.session.authority(ctx, types.HostCA)
	if err != nil {
		return made, err
	}
	made.Artifacts, err = kubeArtifacts(made.Identity, authorities{host: hosts}, config)
	return made, err
}

// reach gets the certificate of an output with selectors and the clusters that these match for it.
func (g generation) reach(ctx context.Context, roles []string, selectors []tbotconfig.Selector) (OutputResult, matches, error) {
	identity, err := g.session.impersonate(ctx, impersonation{roles: roles, ttl: g.ttl})
	if err != nil {
		return OutputResult{}, matches{}, err
	}
	found, err := g.selected(ctx, identity, selectors)
	return OutputResult{Identity: identity, Clusters: found.sorted()}, found, err
}
