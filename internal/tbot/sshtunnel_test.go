package tbot_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/tbotctl/tbotctl/internal/route/routetest"
	"github.com/tbotctl/tbotctl/internal/tbot"
	"github.com/tbotctl/tbotctl/internal/tbotconfig"
	"github.com/tbotctl/tbotctl/internal/teleporttest"
)

// A proxy with a port for each protocol: its web address, judged by an authority of its own, names the port of the tunnel, where an SSH
// certificate of the cluster is shown and the bot's asked for (teleport-facts 4.2).
func TestWithoutTLSRouting(t *testing.T) {
	t.Parallel()
	l := newLab(t, teleporttest.Options{DirectAuth: true}, "access")
	identity, err := tbot.Join(t.Context(), l.request(t))
	if err != nil {
		t.Fatal(err)
	}
	tunnel := routetest.NewTunnelPort(t, l.Addr())
	web := newSite(t, nil, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"cluster_name":"`+clusterName+`","server_version":"18.2.0","proxy":{"ssh":{"ssh_tunnel_public_addr":"`+tunnel.Addr+`"}}}`)
	})
	identity.Cluster.Proxy, identity.Cluster.CAs, identity.Cluster.TLSRouting = web.addr, web.pool, false
	if _, err := tbot.Open(t.Context(), identity); err == nil || !strings.Contains(err.Error(), "opening the tunnel at "+tunnel.Addr) {
		t.Errorf("a tunnel of another cluster: %v", err)
	}
	identity.TrustSSH(ssh.MarshalAuthorizedKey(tunnel.CA))
	session, err := tbot.Open(t.Context(), identity)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := session.Close(); err != nil {
			t.Error(err)
		}
	}()
	made := l.run(t, tbotconfig.Memory()).Generate(t.Context(), session, 0)
	if made.Err != nil || made.Identity.User != "bot-example" {
		t.Errorf("through the tunnel: %v", made)
	}
	identity.Cluster.CAs = nil
	if _, err := tbot.Open(t.Context(), identity); err == nil || !strings.Contains(err.Error(), "certificate signed by unknown authority") {
		t.Errorf("a web address that is not trusted: %v", err)
	}
}
