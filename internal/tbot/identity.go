package tbot

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/gravitational/teleport/api/client/proto"
	"github.com/gravitational/teleport/api/identityfile"
	"golang.org/x/crypto/ssh"
)

// Identity is a set of certificates with their key, held in memory. It prints as what can be told of it, never as the key.
type Identity struct {
	// Cluster is the Teleport cluster that issued it.
	Cluster Cluster
	// User is the certificate's subject, bot-<name> for a bot.
	User string
	// Roles are those that the certificate carries.
	Roles []string
	// KubernetesGroups and KubernetesUsers are those that the certificate may act as in a Kubernetes cluster.
	KubernetesGroups, KubernetesUsers []string
	// InstanceID is the bot instance that a join made or went on with; empty before Teleport 17 and where it belongs to no bot.
	InstanceID string
	// NotAfter is when the certificate ends, Lifetime how long it is good for in all; servers date its begin back by a minute.
	NotAfter time.Time
	Lifetime time.Duration
	// Via is the protocol that it was obtained over.
	Via string

	bot   string
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
	about := readSubject(certificate)
	return &Identity{
		Cluster: cluster, User: certificate.Subject.CommonName, Roles: certificate.Subject.Organization,
		KubernetesGroups: about.kubernetesGroups, KubernetesUsers: about.kubernetesUsers, InstanceID: about.instance,
		NotAfter: certificate.NotAfter, Lifetime: certificate.NotAfter.Sub(certificate.NotBefore), Via: via,
		bot: about.bot, key: key, certs: certs,
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

// Bot is the name of the bot that the identity belongs to, as the certificate says or, before 17, as its user is called; empty
// where it belongs to no bot.
func (i *Identity) Bot() string {
	if i.bot != "" {
		return i.bot
	}
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
