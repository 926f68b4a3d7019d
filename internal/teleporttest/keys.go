package teleporttest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"fmt"

	"github.com/gravitational/teleport/api/types"
	"golang.org/x/crypto/ssh"
)

type algorithm int

const (
	rsa2048 algorithm = iota
	ecdsaP256
	ed25519Key
)

// keyPlan says which algorithms a suite uses for the CAs and for a subject (teleport-facts 2.6). A subject has
// one key for both protocols, because an identity file has room for one.
type keyPlan struct {
	caTLS, caSSH, subject algorithm
}

func planOf(suite types.SignatureAlgorithmSuite) keyPlan {
	switch suite {
	case types.SignatureAlgorithmSuite_SIGNATURE_ALGORITHM_SUITE_BALANCED_V1:
		return keyPlan{caTLS: ecdsaP256, caSSH: ed25519Key, subject: ecdsaP256}
	case types.SignatureAlgorithmSuite_SIGNATURE_ALGORITHM_SUITE_FIPS_V1:
		return keyPlan{caTLS: ecdsaP256, caSSH: ecdsaP256, subject: ecdsaP256}
	case types.SignatureAlgorithmSuite_SIGNATURE_ALGORITHM_SUITE_HSM_V1:
		return keyPlan{caTLS: rsa2048, caSSH: rsa2048, subject: ecdsaP256}
	case types.SignatureAlgorithmSuite_SIGNATURE_ALGORITHM_SUITE_LEGACY,
		types.SignatureAlgorithmSuite_SIGNATURE_ALGORITHM_SUITE_UNSPECIFIED:
		return keyPlan{caTLS: rsa2048, caSSH: rsa2048, subject: rsa2048}
	}
	return keyPlan{caTLS: rsa2048, caSSH: rsa2048, subject: rsa2048}
}

func newKey(a algorithm) (crypto.Signer, error) {
	switch a {
	case rsa2048:
		return rsa.GenerateKey(rand.Reader, 2048)
	case ecdsaP256:
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case ed25519Key:
		_, key, err := ed25519.GenerateKey(rand.Reader)
		return key, err
	}
	return nil, fmt.Errorf("teleporttest: unknown key algorithm %d", a)
}

// sshCASigner signs certificates as OpenSSH wants them signed: an RSA CA with SHA-512, as recorded.
func sshCASigner(key crypto.Signer) (ssh.Signer, error) {
	signer, err := ssh.NewSignerFromSigner(key)
	if err != nil {
		return nil, fmt.Errorf("teleporttest: making an SSH signer: %w", err)
	}
	if signer.PublicKey().Type() != ssh.KeyAlgoRSA {
		return signer, nil
	}
	algorithms, ok := signer.(ssh.AlgorithmSigner)
	if !ok {
		return nil, fmt.Errorf("teleporttest: an RSA key cannot choose its signature algorithm")
	}
	return ssh.NewSignerWithAlgorithms(algorithms, []string{ssh.KeyAlgoRSASHA512})
}
