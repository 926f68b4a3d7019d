package tbot

import (
	"context"
	"fmt"
	"strings"

	"github.com/gravitational/teleport/api/types"
)

// authorities are those that the cluster trusts: its own, and those of its leaf clusters.
type authorities struct {
	host, user, database []types.CertAuthority
}

func (s *Session) authorities(ctx context.Context) (authorities, error) {
	var found authorities
	for kind, into := range map[types.CertAuthType]*[]types.CertAuthority{
		types.HostCA: &found.host, types.UserCA: &found.user, types.DatabaseCA: &found.database,
	} {
		all, err := s.authority(ctx, kind)
		if err != nil {
			return authorities{}, err
		}
		*into = all
	}
	return found, nil
}

func (s *Session) authority(ctx context.Context, kind types.CertAuthType) ([]types.CertAuthority, error) {
	all, err := s.auth.GetCertAuthorities(ctx, kind, false)
	if err != nil {
		return nil, fmt.Errorf("reading the %s authority: %w", kind, err)
	}
	return all, nil
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
