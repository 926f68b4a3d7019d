package teleport

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"syscall"

	"github.com/gravitational/teleport/api/constants"
	"github.com/gravitational/trace"
)

// ports is where to look for a proxy whose port is another one (Teleport's reference, "Ports": 443 on Teleport Cloud, 3080 by
// default of the web port).
const ports = "the proxy's web port is usually 443 or 3080"

// findError sorts an error of a first look at a proxy, and adds what may mend it.
func findError(err error, doing string) error {
	if speaksOtherwise(err) || isNoTLS(err) {
		return &Error{Kind: NotTeleport, Doing: doing, Err: advised(err)}
	}
	if trace.IsBadParameter(err) {
		return &Error{Kind: Other, Doing: doing, Err: fmt.Errorf("the server says what this tbotctl does not know, a newer one may: %w", err)}
	}
	return wrap(advised(err), doing)
}

// advised adds to an error what may mend it, where that can be told.
func advised(err error) error {
	if advice := adviceFor(err); advice != "" {
		return fmt.Errorf("%w; %s", err, advice)
	}
	return err
}

func adviceFor(err error) string {
	var (
		authority x509.UnknownAuthorityError
		hostname  x509.HostnameError
		invalid   x509.CertificateInvalidError
		record    tls.RecordHeaderError
		dns       *net.DNSError
	)
	switch {
	case errors.As(err, &authority) && isClustersOwn(authority.Cert), errors.As(err, &hostname) && isClustersOwn(hostname.Certificate):
		return "this is a port that Teleport's own services speak among themselves on; " + ports
	case errors.As(err, &authority):
		return "if the proxy has an authority of its own, name it with --proxy-ca"
	case errors.As(err, &hostname):
		return "give the proxy by a name that is in its certificate, or have the name added to it"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "compare with the clock of this machine; if that is right, who runs the proxy has to renew its certificate"
	case errors.As(err, &record) && strings.HasPrefix(string(record.RecordHeader[:]), "SSH-"):
		return "this port speaks SSH; " + ports
	case isNoTLS(err):
		return "this port speaks no TLS; " + ports
	case errors.Is(err, syscall.ECONNREFUSED):
		return "nobody listens on this port; " + ports
	case errors.As(err, &dns) && dns.IsNotFound:
		return "the name is not known here: is it spelled right, and does it need a VPN?"
	}
	return ""
}

// isNoTLS tells an answer that is no TLS record.
func isNoTLS(err error) bool {
	var record tls.RecordHeaderError
	return errors.As(err, &record) || strings.Contains(err.Error(), "server gave HTTP response to HTTPS client")
}

// isClustersOwn recognises what the cluster's host authority issues to its services (teleport-facts 2.8): proxies show it to other
// services only.
func isClustersOwn(c *x509.Certificate) bool {
	return c != nil && slices.ContainsFunc(c.DNSNames, func(name string) bool {
		return name == constants.APIDomain || strings.HasSuffix(name, "."+constants.APIDomain)
	})
}
