package teleporttest

import (
	"crypto"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"time"

	"github.com/gravitational/teleport/api/constants"
	"github.com/gravitational/teleport/api/types"
	"github.com/gravitational/teleport/api/utils"
	"golang.org/x/crypto/ssh"
)

// backdate is how far certificates reach into the past, for clocks that are behind (recordings: NotBefore).
const backdate = time.Minute

// authority is one of the cluster's certificate authorities: X.509 and, for user and host, SSH.
type authority struct {
	kind    types.CertAuthType
	key     crypto.Signer
	cert    *x509.Certificate
	certPEM []byte
	ssh     ssh.Signer
}

// newAuthority makes a CA valid for ten years. Its subject is as recorded: organization and common name are the
// cluster's name, and the serial number is part of it so that two CAs of one cluster differ.
func newAuthority(kind types.CertAuthType, cluster string, plan keyPlan, now time.Time) (*authority, error) {
	key, err := newKey(plan.caTLS)
	if err != nil {
		return nil, err
	}
	serial, err := newSerial()
	if err != nil {
		return nil, err
	}
	name := pkix.Name{Organization: []string{cluster}, CommonName: cluster, SerialNumber: serial.String()}
	cert, certPEM, err := sign(&x509.Certificate{
		SerialNumber:          serial,
		Subject:               name,
		NotBefore:             now.Add(-backdate),
		NotAfter:              now.Add(10 * 365 * 24 * time.Hour),
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment | x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		BasicConstraintsValid: true,
		IsCA:                  true,
	}, nil, key.Public(), key)
	if err != nil {
		return nil, err
	}
	a := &authority{kind: kind, key: key, cert: cert, certPEM: certPEM}
	if kind == types.DatabaseCA {
		return a, nil
	}
	sshKey, err := newKey(plan.caSSH)
	if err != nil {
		return nil, err
	}
	a.ssh, err = sshCASigner(sshKey)
	return a, err
}

// issue signs a certificate for pub that is good for clients and servers until notAfter.
func (a *authority) issue(subject pkix.Name, pub crypto.PublicKey, names []string, now, notAfter time.Time) ([]byte, error) {
	serial, err := newSerial()
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber:          serial,
		Subject:               subject,
		NotBefore:             now.Add(-backdate),
		NotAfter:              notAfter,
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		BasicConstraintsValid: true,
	}
	for _, n := range names {
		if ip := net.ParseIP(n); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
			continue
		}
		template.DNSNames = append(template.DNSNames, n)
	}
	_, out, err := sign(template, a.cert, pub, a.key)
	return out, err
}

// server issues a TLS server certificate with a key of its own.
func (a *authority) server(subject pkix.Name, names []string, now time.Time) (tls.Certificate, error) {
	key, err := newKey(ecdsaP256)
	if err != nil {
		return tls.Certificate{}, err
	}
	certPEM, err := a.issue(subject, key.Public(), names, now, a.cert.NotAfter)
	if err != nil {
		return tls.Certificate{}, err
	}
	block, _ := pem.Decode(certPEM)
	return tls.Certificate{Certificate: [][]byte{block.Bytes}, PrivateKey: key}, nil
}

// sshPublic is the CA's public key as an authorized_keys line.
func (a *authority) sshPublic() []byte {
	return ssh.MarshalAuthorizedKey(a.ssh.PublicKey())
}

// authServerNames are the names of the Auth Service's certificate (teleport-facts 2.8).
func authServerNames(cluster string) []string {
	return []string{constants.APIDomain, "*." + constants.APIDomain, utils.EncodeClusterName(cluster)}
}

// proxyServerNames are the names of the proxy's certificate from the host CA: its own names, each also with the prefix by
// which Kubernetes clients ask for the Kubernetes service, and those under which a client knows any service of a cluster
// (teleport-facts 2.3 and 6.4).
func proxyServerNames(hosts []string) []string {
	names := []string{constants.APIDomain, "*." + constants.APIDomain, constants.KubeTeleportProxyALPNPrefix + constants.APIDomain}
	for _, host := range hosts {
		names = append(names, host)
		if net.ParseIP(host) == nil {
			names = append(names, constants.KubeTeleportProxyALPNPrefix+host)
		}
	}
	return names
}

func sign(template, parent *x509.Certificate, pub crypto.PublicKey, key crypto.Signer) (*x509.Certificate, []byte, error) {
	if parent == nil {
		parent = template
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, pub, key)
	if err != nil {
		return nil, nil, fmt.Errorf("teleporttest: signing the certificate of %s: %w", template.Subject.CommonName, err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, nil, fmt.Errorf("teleporttest: parsing the certificate of %s: %w", template.Subject.CommonName, err)
	}
	return cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), nil
}

func newSerial() (*big.Int, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 128))
	if err != nil {
		return nil, fmt.Errorf("teleporttest: drawing a serial number: %w", err)
	}
	return serial, nil
}
