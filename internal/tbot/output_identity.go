package tbot

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/tbotctl/tbotctl/internal/tbotconfig"

	"github.com/gravitational/teleport/api/types"
)

// typesAllow reads the allow half of a role.
const typesAllow = types.Allow

// Artifact names of an identity output, those that real tbot writes to a Secret (recordings, teleport-facts 6.3).
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
	fileWriteTest  = ".write-test"
)

// Artifacts are the files of one output with what may be told of them.
type Artifacts struct {
	// Identity is the certificate that the output is about.
	Identity *Identity
	files    map[string][]byte
}

// Names are the files that would be written, sorted.
func (a *Artifacts) Names() []string {
	names := make([]string, 0, len(a.files))
	for name := range a.files {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// GenerateIdentity makes the files of an identity output, with certificates as the configuration asks.
func (s *Session) GenerateIdentity(ctx context.Context, config tbotconfig.Config, output *tbotconfig.Identity) (*Artifacts, error) {
	identity, err := s.impersonate(ctx, impersonation{
		roles: output.Roles, cluster: output.Cluster, ttl: config.Lifetime(output), reissue: output.AllowReissue,
	})
	if err != nil {
		return nil, err
	}
	authorities, err := s.authorities(ctx)
	if err != nil {
		return nil, err
	}
	hosts := make([][]byte, 0, len(authorities.hostKeys))
	for _, key := range authorities.hostKeys {
		hosts = append(hosts, knownHost(s.identity.Cluster.Name, key))
	}
	encoded, err := identity.file(hosts)
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{
		fileIdentity:   encoded,
		fileKey:        identity.key.private,
		fileKeyPub:     identity.key.ssh,
		fileCert:       identity.certs.SSH,
		fileTLSCert:    identity.certs.TLS,
		fileHostCA:     authorities.host,
		fileUserCA:     authorities.user,
		fileDatabaseCA: authorities.database,
		fileWriteTest:  {},
	}
	if output.SSHConfig != tbotconfig.SSHConfigOff {
		files[fileKnownHosts] = bytes.Join(hosts, nil)
	}
	return &Artifacts{Identity: identity, files: files}, nil
}

// authorities are the cluster's own, as PEM and, for hosts, as SSH keys.
type authorities struct {
	host, user, database []byte
	hostKeys             [][]byte
}

func (s *Session) authorities(ctx context.Context) (authorities, error) {
	var found authorities
	for kind, into := range map[types.CertAuthType]*[]byte{
		types.HostCA: &found.host, types.UserCA: &found.user, types.DatabaseCA: &found.database,
	} {
		all, err := s.auth.GetCertAuthorities(ctx, kind, false)
		if err != nil {
			return authorities{}, fmt.Errorf("reading the %s authority: %w", kind, err)
		}
		for _, authority := range all {
			for _, pair := range authority.GetTrustedTLSKeyPairs() {
				*into = append(*into, pair.Cert...)
			}
			if kind == types.HostCA {
				for _, pair := range authority.GetTrustedSSHKeyPairs() {
					found.hostKeys = append(found.hostKeys, pair.PublicKey)
				}
			}
		}
	}
	return found, nil
}

// knownHost writes one authority the way OpenSSH reads it, for the cluster's hosts by their full names.
func knownHost(cluster string, authorizedKey []byte) []byte {
	return fmt.Appendf(nil, "@cert-authority %s,*.%s %s type=host\n", cluster, cluster, strings.TrimSpace(string(authorizedKey)))
}
