package tbot

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/gravitational/teleport/api/breaker"
	"github.com/gravitational/teleport/api/client"
	"github.com/gravitational/teleport/api/client/proto"
	"github.com/gravitational/teleport/api/identityfile"
	"github.com/gravitational/teleport/api/metadata"
	"golang.org/x/crypto/ssh"
	"google.golang.org/grpc"
)

// Identity is a set of certificates with their key, held in memory. It prints as what can be told of it, never as the key.
type Identity struct {
	// Cluster is the Teleport cluster that issued it.
	Cluster Cluster
	// User is the certificate's subject, bot-<name> for a bot.
	User string
	// Roles are those that the certificate carries.
	Roles []string
	// NotAfter is when the certificate ends.
	NotAfter time.Time
	// Via is the protocol that it was obtained over.
	Via string

	key   *keyPair
	certs *proto.Certs
}

// newIdentity assembles and checks what a join or GenerateUserCerts gave (teleport-facts 2.7).
func newIdentity(cluster Cluster, key *keyPair, certs *proto.Certs, via string) (*Identity, error) {
	switch {
	case len(certs.SSH) == 0:
		return nil, errors.New("the answer holds no SSH certificate")
	case len(certs.TLS) == 0:
		return nil, errors.New("the answer holds no TLS certificate")
	case len(certs.TLSCACerts) == 0:
		return nil, errors.New("the answer holds no authority of the cluster")
	}
	certificate, err := parseCertificate(certs.TLS)
	if err != nil {
		return nil, fmt.Errorf("the TLS certificate: %w", err)
	}
	if organizations := certificate.Issuer.Organization; len(organizations) == 0 || organizations[0] != cluster.Name {
		return nil, fmt.Errorf("the certificate was issued by cluster %q, not %q", organizations, cluster.Name)
	}
	if err := checkSSH(certs.SSH); err != nil {
		return nil, err
	}
	return &Identity{
		Cluster: cluster, User: certificate.Subject.CommonName, Roles: certificate.Subject.Organization,
		NotAfter: certificate.NotAfter, Via: via, key: key, certs: certs,
	}, nil
}

func parseCertificate(pemBytes []byte) (*x509.Certificate, error) {
	block, _ := pem.Decode(pemBytes)
	if block == nil {
		return nil, errors.New("it is no PEM")
	}
	return x509.ParseCertificate(block.Bytes)
}

func checkSSH(line []byte) error {
	key, _, _, _, err := ssh.ParseAuthorizedKey(line)
	if err != nil {
		return fmt.Errorf("the SSH certificate: %w", err)
	}
	certificate, ok := key.(*ssh.Certificate)
	if !ok || len(certificate.ValidPrincipals) == 0 {
		return errors.New("the SSH certificate names no principal")
	}
	return nil
}

// Bot is the name of the bot that the identity belongs to; empty where it belongs to no bot.
func (i *Identity) Bot() string {
	name, found := strings.CutPrefix(i.User, botUserPrefix)
	if !found {
		return ""
	}
	return name
}

// botUserPrefix makes a bot's name a user's (teleport-facts 5.2).
const botUserPrefix = "bot-"

// String tells what may be told; the key and the certificates are left out.
func (i Identity) String() string {
	return fmt.Sprintf("%s of %s until %s", i.User, i.Cluster.Name, i.NotAfter.Format(time.RFC3339))
}

// Format implements fmt.Formatter, so that every verb prints what String tells and no more.
func (i Identity) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(i.String())) }

// file gives the identity in the form that tsh and the api module read.
func (i *Identity) file(knownHosts [][]byte) ([]byte, error) {
	encoded, err := identityfile.Encode(&identityfile.IdentityFile{
		PrivateKey: i.key.private,
		Certs:      identityfile.Certs{SSH: i.certs.SSH, TLS: i.certs.TLS},
		CACerts:    identityfile.CACerts{SSH: knownHosts, TLS: i.certs.TLSCACerts},
	})
	if err != nil {
		return nil, fmt.Errorf("encoding the identity: %w", err)
	}
	return encoded, nil
}

// connect opens a client of the Auth Service as this identity. Through a proxy with TLS routing it is one connection to the
// proxy's port, else the tunnel that the SSH certificate opens (teleport-facts 4.2).
func (i *Identity) connect(ctx context.Context) (*client.Client, error) {
	hosts := make([][]byte, 0, len(i.certs.SSHCACerts))
	for _, ca := range i.certs.SSHCACerts {
		hosts = append(hosts, knownHost(ca, []string{i.Cluster.Name, "*." + i.Cluster.Name}))
	}
	encoded, err := i.file(hosts)
	if err != nil {
		return nil, err
	}
	config := client.Config{
		Addrs:                    []string{i.Cluster.Proxy},
		Credentials:              []client.Credentials{client.LoadIdentityFileFromString(string(encoded))},
		DialTimeout:              dialTimeout,
		InsecureAddressDiscovery: i.Cluster.Insecure,
		// The breaker of the client answers in the server's place after some failures; a proof needs the server's own words.
		CircuitBreakerConfig: breaker.NoopBreakerConfig(),
		DialOpts:             []grpc.DialOption{metadata.WithUserAgentFromTeleportComponent("tbotctl")},
	}
	if i.Cluster.TLSRouting {
		config.ALPNSNIAuthDialClusterName = i.Cluster.Name
		config.DialInBackground = true
		// The question alone is asked of anybody; the join has judged the proxy's certificate.
		config.ALPNConnUpgradeRequired = client.IsALPNConnUpgradeRequired(ctx, i.Cluster.Proxy, true)
	}
	connected, err := client.New(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("connecting to the Auth Service as %s: %w", i.User, err)
	}
	return connected, nil
}
