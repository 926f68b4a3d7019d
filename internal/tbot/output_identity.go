package tbot

import (
	"bytes"
	"context"
	"fmt"
	"net"

	"github.com/tbotctl/tbotctl/internal/tbotconfig"

	"github.com/gravitational/teleport/api/client/webclient"
	"github.com/gravitational/teleport/api/types"
)

// identity makes the files of an identity output (teleport-facts 6.3). What SSH clients read beyond the known hosts names paths,
// so that only a directory gets it.
func (g generation) identity(ctx context.Context, output *tbotconfig.Identity) (OutputResult, error) {
	identity, err := g.session.impersonate(ctx, impersonation{
		roles: output.Roles, cluster: output.Cluster, ttl: g.ttl, reissue: output.AllowReissue,
	})
	if err != nil {
		return OutputResult{}, err
	}
	trusted, err := g.session.authorities(ctx)
	if err != nil {
		return OutputResult{}, err
	}
	artifacts, err := newArtifacts(identity, trusted)
	if err != nil {
		return OutputResult{}, err
	}
	artifacts.addAuthorities(trusted)
	if output.SSHConfig != tbotconfig.SSHConfigOff {
		if err := g.addSSH(ctx, artifacts, trusted.host, output.Destination); err != nil {
			return OutputResult{}, err
		}
	}
	return OutputResult{Artifacts: artifacts, Identity: identity}, nil
}

// addSSH adds what SSH clients read: the known hosts everywhere, and in a directory the configuration for all clusters and for each.
func (g generation) addSSH(ctx context.Context, artifacts *Artifacts, hosts []types.CertAuthority, to tbotconfig.Destination) error {
	proxyHost, _, err := net.SplitHostPort(g.session.identity.Cluster.Proxy)
	if err != nil {
		return fmt.Errorf("the proxy's address: %w", err)
	}
	artifacts.files[fileKnownHosts] = bytes.Join(knownHosts(hosts, proxyHost), nil)
	if to.Type != tbotconfig.DestinationDirectory {
		return nil
	}
	leaves, err := g.session.auth.GetRemoteClusters(ctx)
	if err != nil {
		return fmt.Errorf("listing leaf clusters: %w", grpcVerdict(err, "the list of leaf clusters", "ListRemoteClusters"))
	}
	clusters := []string{g.session.identity.Cluster.Name}
	for _, leaf := range leaves {
		clusters = append(clusters, leaf.GetName())
	}
	said, err := g.session.pingProxy(ctx)
	if err != nil {
		return err
	}
	proxy, err := sshProxy(said)
	if err != nil {
		return err
	}
	config, err := newSSHConfig(to.Path, proxy, said.Proxy.TLSRoutingEnabled, g.session.way.route.Upgraded)
	if err != nil {
		return err
	}
	artifacts.files[fileSSHConfig] = config.all(clusters)
	for _, cluster := range clusters {
		if !local(cluster) {
			return fmt.Errorf("the cluster's name %q is no name of a file", cluster)
		}
		artifacts.files[cluster+".known_hosts"] = bytes.Join(knownHosts(only(hosts, cluster), proxyHost), nil)
		artifacts.files[cluster+".ssh_config"] = config.one(cluster)
	}
	return nil
}

// only leaves the authorities of one cluster.
func only(all []types.CertAuthority, cluster string) (found []types.CertAuthority) {
	for _, authority := range all {
		if authority.GetClusterName() == cluster {
			found = append(found, authority)
		}
	}
	return found
}

// sshProxy is the address that SSH clients reach the proxy at, host:port.
func sshProxy(said *webclient.PingResponse) (string, error) {
	host, port, err := said.Proxy.SSHProxyHostPort()
	if err != nil {
		return "", fmt.Errorf("the proxy's SSH address: %w", err)
	}
	return net.JoinHostPort(host, port), nil
}
