package tbot

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net"

	"github.com/gravitational/teleport/api/client/webclient"
	"github.com/gravitational/teleport/api/constants"
)

// kubeAddress is where Kubernetes clients reach the proxy, and the name that they ask for in the handshake, which tells the proxy
// that Kubernetes is meant; it is empty where a port of its own tells it (teleport-facts 6.4).
type kubeAddress struct {
	server, serverName string
}

// newKubeAddress reads it from what the proxy says of itself; asked is the address that the proxy was asked at, host:port.
func newKubeAddress(said webclient.ProxySettings, asked string) (kubeAddress, error) {
	public := said.SSH.PublicAddr
	if public == "" {
		public = asked
	}
	host, _, err := net.SplitHostPort(public)
	if err != nil {
		return kubeAddress{}, fmt.Errorf("the proxy's public_addr: %w", err)
	}
	switch {
	case said.TLSRoutingEnabled:
		return kubeAddress{server: "https://" + public, serverName: kubeServerName(host)}, nil
	case said.Kube.PublicAddr != "":
		return kubeAddress{server: "https://" + said.Kube.PublicAddr}, nil
	case said.Kube.ListenAddr != "":
		_, port, err := net.SplitHostPort(said.Kube.ListenAddr)
		if err != nil {
			return kubeAddress{}, fmt.Errorf("the proxy's Kubernetes listen_addr: %w", err)
		}
		return kubeAddress{server: "https://" + net.JoinHostPort(host, port)}, nil
	}
	return kubeAddress{}, errors.New("unable to determine kubernetes address: the proxy names none")
}

// kubeServerName is the name of the handshake. An address that is no name has the API's own.
func kubeServerName(host string) string {
	if host == "" || net.ParseIP(host) != nil {
		host = constants.APIDomain
	}
	return constants.KubeTeleportProxyALPNPrefix + host
}

// of is the address of one cluster, which the path names.
func (a kubeAddress) of(teleportCluster, kubeCluster string) string {
	encode := func(name string) string { return base64.RawURLEncoding.EncodeToString([]byte(name)) }
	return a.server + "/v1/teleport/" + encode(teleportCluster) + "/" + encode(kubeCluster)
}
