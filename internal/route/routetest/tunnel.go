package routetest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
)

// TunnelPort is the port for agents of a proxy without TLS routing: who logs in with a certificate of a user that has not ended gets
// channels to the Auth Service (teleport-facts 4.2).
type TunnelPort struct {
	// Addr is host:port.
	Addr string
	// CA is the authority of its certificate.
	CA ssh.PublicKey
}

// NewTunnelPort is one that leads to the Auth Service at an address; it ends with the test.
func NewTunnelPort(t *testing.T, auth string) TunnelPort {
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
		if login, ok := key.(*ssh.Certificate); !ok || time.Now().Unix() > int64(login.ValidBefore) { //nolint:gosec // a date of this century
			return nil, errors.New("no certificate, or one that has ended")
		}
		return &ssh.Permissions{}, nil
	}}
	config.AddHostKey(shown)
	addr := Port(t, func(conn net.Conn) {
		_, channels, requests, err := ssh.NewServerConn(conn, config)
		if err != nil {
			_ = conn.Close()
			return
		}
		go ssh.DiscardRequests(requests)
		for offered := range channels {
			serveTransport(t, offered, auth)
		}
	})
	return TunnelPort{Addr: addr, CA: signer.PublicKey()}
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
