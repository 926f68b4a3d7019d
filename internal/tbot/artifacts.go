package tbot

import (
	"fmt"
	"maps"
	"slices"

	"github.com/tbotctl/tbotctl/internal/spec"
)

// Artifact names, those that real tbot writes (recordings, teleport-facts 6.3).
const (
	fileIdentity   = "identity"
	fileKey        = "key"
	fileKeyPub     = "key.pub"
	fileCert       = "key-cert.pub"
	fileTLSCert    = "tlscert"
	fileHostCA     = "teleport-host-ca.crt"
	fileUserCA     = "teleport-user-ca.crt"
	fileDatabaseCA = "teleport-database-ca.crt"
	fileKnownHosts = "known_hosts"
	fileSSHConfig  = "ssh_config"
	fileKubeconfig = "kubeconfig.yaml"
	fileWriteTest  = ".write-test"
)

// Artifacts are the files of one output with what may be told of them.
type Artifacts struct {
	// Identity is the certificate that the output is about.
	Identity *Identity
	files    map[string][]byte
}

// newArtifacts begins with what every output holds: the identity file, the key and its certificates, and the empty file by which
// tbot tries at its start whether it may write.
func newArtifacts(identity *Identity, trusted authorities) (*Artifacts, error) {
	encoded, err := identity.file(knownHosts(trusted.host))
	if err != nil {
		return nil, err
	}
	return &Artifacts{Identity: identity, files: map[string][]byte{
		fileIdentity:  encoded,
		fileKey:       identity.key.private,
		fileKeyPub:    identity.key.ssh,
		fileCert:      identity.certs.SSH,
		fileTLSCert:   identity.certs.TLS,
		fileHostCA:    certificates(trusted.host),
		fileWriteTest: {},
	}}, nil
}

// addAuthorities adds the authorities that not every output has.
func (a *Artifacts) addAuthorities(trusted authorities) {
	a.files[fileUserCA] = certificates(trusted.user)
	a.files[fileDatabaseCA] = certificates(trusted.database)
}

// Names are the files that would be written, sorted.
func (a Artifacts) Names() []string {
	return slices.Sorted(maps.Keys(a.files))
}

// Kubeconfig is the text of kubeconfig.yaml, credentials and all; empty for an output that has none.
func (a Artifacts) Kubeconfig() spec.Secret { return spec.NewSecret(string(a.files[fileKubeconfig])) }

// Format implements fmt.Formatter: it prints whose files they are and how they are called, never what is in them.
func (a Artifacts) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "%v of %v", a.Names(), a.Identity)
}
