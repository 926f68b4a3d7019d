package tbot

import (
	"time"

	"github.com/tbotctl/tbotctl/internal/route"
)

// dialTimeout is for one question to the proxy.
const dialTimeout = 10 * time.Second

// ErrNoTunnel means that a load balancer in front of the proxy ends TLS and that no tunnel leads through it (teleport-facts 1.3).
var ErrNoTunnel = route.ErrNoTunnel

// proxy is the cluster's proxy as connections to it are made.
func (c Cluster) proxy() route.Proxy {
	return route.Proxy{Addr: c.Proxy, CAs: c.CAs, Insecure: c.Insecure}
}
