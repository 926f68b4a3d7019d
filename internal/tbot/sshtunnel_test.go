package tbot_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

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
	tunnel, ca := newTunnelPort(t, l.Addr())
	web := newSite(t, nil, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"cluster_name":"`+clusterName+`","server_version":"18.2.0","proxy":{"ssh":{"ssh_tunnel_public_addr":"`+tunnel+`"}}}`)
	})
	identity.Cluster.Proxy, identity.Cluster.CAs, identity.Cluster.TLSRouting = web.addr, web.pool, false
	if _, err := tbot.Open(t.Context(), identity); err == nil || !strings.Contains(err.Error(), "opening the tunnel at "+tunnel) {
		t.Errorf("a tunnel of another cluster: %v", err)
	}
	identity.TrustSSH(ssh.MarshalAuthorizedKey(ca))
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

// newTunnelPort is the port for agents: who logs in with a certificate of a user gets channels to the Auth Service.
func newTunnelPort(t *testing.T, auth string) (addr string, ca ssh.PublicKey) {
	t.Helper()
	signer, host := newSSHKey(t), newSSHKey(t)
	certificate := &ssh.Certificate{CertType: ssh.HostCert, Key: host.PublicKey(), ValidPrincipals: []string{"127.0.0.1"}, ValidBefore: ssh.CertTimeInfinity}
	if err := certificate.SignCert(rand.Reader, signer); err != nil {
		t.Fatal(err)
	}
	shown, err := ssh.NewCertSigner(certificate, host)
	if err != nil {
		t.Fatal(err)
	}
	config := &ssh.ServerConfig{PublicKeyCallback: func(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
		if _, ok := key.(*ssh.Certificate); !ok {
			return nil, io.ErrUnexpectedEOF
		}
		return &ssh.Permissions{}, nil
	}}
	config.AddHostKey(shown)
	return tcp(t, func(conn net.Conn) {
		_, channels, requests, err := ssh.NewServerConn(conn, config)
		if err != nil {
			_ = conn.Close()
			return
		}
		go ssh.DiscardRequests(requests)
		for offered := range channels {
			serveTransport(t, offered, auth)
		}
	}), signer.PublicKey()
}

// serveTransport connects one channel with the Auth Service once that is asked for.
func serveTransport(t *testing.T, offered ssh.NewChannel, auth string) {
	t.Helper()
	if offered.ChannelType() != "teleport-transport" {
		_ = offered.Reject(ssh.UnknownChannelType, offered.ChannelType())
		return
	}
	channel, requests, err := offered.Accept()
	if err != nil {
		return
	}
	go func() {
		for request := range requests {
			var asked struct {
				Address string `json:"address"`
			}
			err := json.Unmarshal(request.Payload, &asked)
			_ = request.Reply(err == nil && request.Type == "teleport-transport-dial" && asked.Address == "@remote-auth-server", nil)
		}
	}()
	var dialer net.Dialer
	there, err := dialer.DialContext(t.Context(), "tcp", auth)
	if err != nil {
		_ = channel.Close()
		return
	}
	go func() {
		_, _ = io.Copy(there, channel)
		_ = there.Close()
	}()
	go func() {
		_, _ = io.Copy(channel, there)
		_ = channel.Close()
	}()
}

func newSSHKey(t *testing.T) ssh.Signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return signer
}
