package tbot

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"net"
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
func (a Artifacts) Names() []string {
	return slices.Sorted(maps.Keys(a.files))
}

// Format implements fmt.Formatter: it prints whose files they are and how they are called, never what is in them.
func (a Artifacts) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "%v of %v", a.Names(), a.Identity)
}

// GenerateIdentity makes the files of an identity output, with certificates as the configuration asks.
func (s *Session) GenerateIdentity(ctx context.Context, config tbotconfig.Config, output *tbotconfig.Identity) (*Artifacts, error) {
	identity, err := s.impersonate(ctx, impersonation{
		roles: output.Roles, cluster: output.Cluster, ttl: config.Lifetime(output), reissue: output.AllowReissue,
	})
	if err != nil {
		return nil, err
	}
	trusted, err := s.authorities(ctx)
	if err != nil {
		return nil, err
	}
	proxyHost, _, err := net.SplitHostPort(s.identity.Cluster.Proxy)
	if err != nil {
		return nil, fmt.Errorf("the proxy's address: %w", err)
	}
	encoded, err := identity.file(knownHosts(trusted.host))
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{
		fileIdentity:   encoded,
		fileKey:        identity.key.private,
		fileKeyPub:     identity.key.ssh,
		fileCert:       identity.certs.SSH,
		fileTLSCert:    identity.certs.TLS,
		fileHostCA:     certificates(trusted.host),
		fileUserCA:     certificates(trusted.user),
		fileDatabaseCA: certificates(trusted.database),
		fileWriteTest:  {},
	}
	if output.SSHConfig != tbotconfig.SSHConfigOff {
		files[fileKnownHosts] = bytes.Join(knownHosts(trusted.host, proxyHost), nil)
	}
	return &Artifacts{Identity: identity, files: files}, nil
}

// authorities are those that the cluster trusts: its own, and those of its leaf clusters.
type authorities struct {
	host, user, database []types.CertAuthority
}

func (s *Session) authorities(ctx context.Context) (authorities, error) {
	var found authorities
	for kind, into := range map[types.CertAuthType]*[]types.CertAuthority{
		types.HostCA: &found.host, types.UserCA: &found.user, types.DatabaseCA: &found.database,
	} {
		all, err := s.auth.GetCertAuthorities(ctx, kind, false)
		if err != nil {
			return authorities{}, fmt.Errorf("reading the %s authority: %w", kind, err)
		}
		*into = all
	}
	return found, nil
}

// certificates gives the authorities' certificates as one PEM text.
func certificates(all []types.CertAuthority) []byte {
	var text []byte
	for _, authority := range all {
		for _, pair := range authority.GetTrustedTLSKeyPairs() {
			text = append(text, pair.Cert...)
		}
	}
	return text
}

// knownHosts gives a line for each SSH key of each host authority, which holds for the hosts of its own cluster and for those
// named besides.
func knownHosts(all []types.CertAuthority, besides ...string) [][]byte {
	var lines [][]byte
	for _, authority := range all {
		for _, pair := range authority.GetTrustedSSHKeyPairs() {
			lines = append(lines, knownHost(pair.PublicKey, append(besides, authority.GetClusterName(), "*."+authority.GetClusterName())))
		}
	}
	return lines
}

// knownHost writes one authority the way OpenSSH reads it.
func knownHost(authorizedKey []byte, hosts []string) []byte {
	return fmt.Appendf(nil, "@cert-authority %s %s type=host\n", strings.Join(hosts, ","), strings.TrimSpace(string(authorizedKey)))
}
