package spec

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"
)

// judgeProxy says what is wrong with a proxy address and what to write, or nothing. A missing port matters: tbot then tries
// 3080, which few clusters serve (field-notes P31).
func judgeProxy(address string) (problem, fix string) {
	if scheme, rest, found := strings.Cut(address, "://"); found {
		host := strings.SplitN(rest, "/", 2)[0]
		return fmt.Sprintf("%s starts with %s", Quote(address), Quote(scheme+"://")), "write host:port alone, " + withPort(host)
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		if strings.Contains(err.Error(), "missing port") {
			return Quote(address) + " has no port", "write " + withPort(address)
		}
		return Quote(address) + " is not host:port", "write for example example.teleport.sh:443"
	}
	if number, err := strconv.ParseUint(port, 10, 16); err != nil || number == 0 {
		return fmt.Sprintf("%s has port %s", Quote(address), Quote(port)), "use a number from 1 to 65535"
	}
	if !isHost(host) {
		return fmt.Sprintf("%s names no host", Quote(address)), "write for example example.teleport.sh:443"
	}
	return "", ""
}

// withPort suggests the address that was probably meant; only clean hosts are echoed.
func withPort(host string) string {
	if h, p, err := net.SplitHostPort(host); err == nil && isHost(h) {
		return net.JoinHostPort(h, p)
	}
	if bare := strings.Trim(host, "[]"); isHost(bare) {
		return net.JoinHostPort(bare, "443")
	}
	return "for example example.teleport.sh:443"
}

func isHost(host string) bool {
	return net.ParseIP(host) != nil || len(validation.IsDNS1123Subdomain(strings.ToLower(host))) == 0
}

// judgeIssuer holds an issuer to what Teleport accepts (teleport-facts 3.6) and OpenID Connect Discovery 1.0 section 4 asks:
// an https URL without query and fragment. The value itself is never changed, also not by a slash at its end (P16).
func judgeIssuer(issuer string) (problem, fix string) {
	u, err := url.Parse(issuer)
	switch {
	case err != nil || u.Hostname() == "":
		return Quote(issuer) + " is no URL", "write it byte for byte as the `iss` of a service account token says"
	case u.Scheme != "https":
		return fmt.Sprintf("%s is %s, and Teleport refuses an issuer without TLS", Quote(issuer), Quote(u.Scheme)), "an issuer starts with https://; without one use --join-type static_jwks"
	case strings.ContainsAny(issuer, "?#") || u.User != nil:
		return Quote(issuer) + " holds a query, a fragment or a user", "write it byte for byte as the `iss` of a service account token says"
	}
	return "", ""
}

// judgeCertificates accepts PEM text of one or more certificates and nothing else: a private key that slipped in is refused.
func judgeCertificates(text string) (problem string) {
	rest, count := []byte(text), 0
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			return fmt.Sprintf("the file holds a block %s, which is no certificate", Quote(block.Type))
		}
		if _, err := x509.ParseCertificate(block.Bytes); err != nil {
			return fmt.Sprintf("certificate %d of the file cannot be read: %v", count+1, err)
		}
		count++
	}
	if count == 0 {
		return "the file holds no PEM certificate"
	}
	return ""
}
