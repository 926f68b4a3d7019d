package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"maps"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"
)

// addressMap maps an issuer's host name to the address where it really listens. It is a flag.Value.
type addressMap map[string]string

// String lists the entries in the order of their names.
func (m addressMap) String() string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(m)) {
		out = append(out, name+"="+m[name])
	}
	return strings.Join(out, ",")
}

// Set adds name=address.
func (m addressMap) Set(value string) error {
	name, addr, ok := strings.Cut(value, "=")
	if !ok || name == "" {
		return fmt.Errorf("%q is not name=address", value)
	}
	if _, _, err := net.SplitHostPort(addr); err != nil {
		return fmt.Errorf("%q: %w", value, err)
	}
	m[name] = addr
	return nil
}

// oidcClient reaches mapped names at their addresses. The name stays the one that the certificate must be for.
func oidcClient(mapped addressMap, caFile string) (*http.Client, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if caFile != "" {
		content, err := os.ReadFile(caFile) //nolint:gosec // the file that the caller named
		if err != nil {
			return nil, fmt.Errorf("reading the CAs for issuers: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(content) {
			return nil, fmt.Errorf("reading the CAs for issuers: %s holds no certificate", caFile)
		}
	}
	dialer := &net.Dialer{Timeout: 10 * time.Second}
	transport := &http.Transport{
		TLSClientConfig: config,
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			host, _, err := net.SplitHostPort(addr)
			if err != nil {
				return nil, err
			}
			if to, ok := mapped[host]; ok {
				addr = to
			}
			return dialer.DialContext(ctx, network, addr)
		},
	}
	return &http.Client{Transport: transport, Timeout: 15 * time.Second}, nil
}
