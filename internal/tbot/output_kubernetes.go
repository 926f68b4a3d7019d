package tbot

import (
	"context"
	"errors"
	"fmt"

	"github.com/tbotctl/tbotctl/internal/tbotconfig"
)

// kubernetes makes the files of a kubernetes output: a first certificate finds the cluster by its name, a second one is for that
// cluster alone and is what the files hold (teleport-facts 6.2 to 6.4).
func (g generation) kubernetes(ctx context.Context, output *tbotconfig.Kubernetes) (OutputResult, error) {
	want := impersonation{roles: output.Roles, ttl: g.ttl}
	looking, err := g.session.impersonate(ctx, want)
	if err != nil {
		return OutputResult{}, err
	}
	made := OutputResult{Identity: looking}
	if want.kubernetes, err = g.cluster(ctx, looking, output.KubernetesCluster); err != nil {
		return made, err
	}
	identity, err := g.session.impersonate(ctx, want)
	if err != nil {
		return made, err
	}
	made.Identity, made.Clusters, made.Notes = identity, []string{want.kubernetes}, g.notes()
	address, err := g.kubeAddress(ctx)
	if err != nil {
		return made, err
	}
	entry, err := login(identity, output.Destination, output.DisableExecPlugin)
	if err != nil {
		return made, err
	}
	name := identity.Cluster.Name + "-" + want.kubernetes
	config := newKubeconfig(name, entry)
	config.add(name, address.server, "", address, identity)
	made.Contexts, made.TLSEnded = map[string]string{want.kubernetes: name}, g.session.way.route.Upgraded
	trusted, err := g.session.authorities(ctx)
	if err != nil {
		return made, err
	}
	if made.Artifacts, err = kubeArtifacts(identity, trusted, config); err != nil {
		return made, err
	}
	made.Artifacts.addAuthorities(trusted)
	return made, nil
}

// notes tell what tbot does not: behind a load balancer that ends TLS a kubeconfig is made, but its client certificate does not reach
// the proxy. It is for the same reason that tbot makes nothing for Argo CD there.
func (g generation) notes() []string {
	if !g.session.way.route.Upgraded {
		return nil
	}
	return []string{g.session.identity.Cluster.Proxy + " is behind a load balancer that ends TLS, so that kubectl gets through by a local proxy alone: `tbot proxy kube`"}
}

// cluster is the whole name of a Kubernetes cluster that an identity reaches.
func (g generation) cluster(ctx context.Context, identity *Identity, wanted string) (string, error) {
	if wanted == "" {
		return "", errors.New("kubernetes_cluster must not be empty")
	}
	lister, end, err := g.lister(ctx, identity)
	if err != nil {
		return "", err
	}
	name, err := lister.byName(ctx, wanted)
	return name, errors.Join(err, end())
}

// kubeAddress asks the proxy where Kubernetes clients reach it.
func (g generation) kubeAddress(ctx context.Context) (kubeAddress, error) {
	said, err := g.session.pingProxy(ctx)
	if err != nil {
		return kubeAddress{}, err
	}
	address, err := newKubeAddress(said.Proxy, g.session.identity.Cluster.Proxy)
	if err != nil {
		return kubeAddress{}, fmt.Errorf("asking %s for its addresses: %w", g.session.identity.Cluster.Proxy, err)
	}
	return address, nil
}

// kubeArtifacts are the files of an identity with its kubeconfig.
func kubeArtifacts(identity *Identity, trusted authorities, config *kubeconfig) (*Artifacts, error) {
	artifacts, err := newArtifacts(identity, trusted)
	if err != nil {
		return nil, err
	}
	if artifacts.files[fileKubeconfig], err = config.encode(); err != nil {
		return nil, err
	}
	return artifacts, nil
}
