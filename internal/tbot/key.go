package tbot

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"

	"github.com/gravitational/teleport/api/utils/keys"
	"golang.org/x/crypto/ssh"
)

// rsaBits is what Teleport's legacy suite uses.
const rsaBits = 2048

// keyPair is one private key in the forms that a join sends and an output writes. One key serves TLS and SSH, which is the
// only choice that works on every server (teleport-facts 2.6).
type keyPair struct {
	private []byte // PEM: PKCS1 for RSA, PKCS8 otherwise
	tls     []byte // PEM: PKIX in a PUBLIC KEY block, which old and new servers read
	ssh     []byte // one authorized_keys line
}

// Format implements fmt.Formatter, so that no verb prints the private half.
func (keyPair) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("[key]")) }

// newKeyPair makes a key of the type that the cluster's signature algorithm suite asks of a bot; an unknown or missing suite
// means legacy, as it does for tbot.
func newKeyPair(suite string) (*keyPair, error) {
	signer, err := newSigner(suite)
	if err != nil {
		return nil, fmt.Errorf("making a key: %w", err)
	}
	private, err := keys.MarshalPrivateKey(signer)
	if err != nil {
		return nil, fmt.Errorf("encoding a key: %w", err)
	}
	der, err := x509.MarshalPKIXPublicKey(signer.Public())
	if err != nil {
		return nil, fmt.Errorf("encoding a key: %w", err)
	}
	sshKey, err := ssh.NewPublicKey(signer.Public())
	if err != nil {
		return nil, fmt.Errorf("encoding a key: %w", err)
	}
	return &keyPair{
		private: private,
		tls:     pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}),
		ssh:     ssh.MarshalAuthorizedKey(sshKey),
	}, nil
}

func newSigner(suite string) (crypto.Signer, error) {
	switch suite {
	case "balanced-v1", "fips-v1", "hsm-v1":
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	}
	return rsa.GenerateKey(rand.Reader, rsaBits)
}
