package issuer

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/url"
	"strings"
	"syscall"

	"github.com/tbotctl/tbotctl/internal/spec"
)

// FailureKind says why an issuer's public document or keys could not be used; empty means no failure.
type FailureKind string

// The kinds of failure, in the order in which a look can fail.
const (
	FailureNone             FailureKind = ""
	FailureBadIssuer        FailureKind = "bad_issuer"
	FailurePrivateAddress   FailureKind = "private_address"
	FailureDNS              FailureKind = "dns"
	FailureRefused          FailureKind = "refused"
	FailureConnection       FailureKind = "connection"
	FailureTimeout          FailureKind = "timeout"
	FailureCancelled        FailureKind = "cancelled"
	FailurePrivateCA        FailureKind = "private_ca"
	FailureTLS              FailureKind = "tls"
	FailureRedirect         FailureKind = "redirect"
	FailureInsecureRedirect FailureKind = "insecure_redirect"
	FailureUnauthorized     FailureKind = "unauthorized"
	FailureNotFound         FailureKind = "not_found"
	FailureHTTPStatus       FailureKind = "http_status"
	FailureTooLarge         FailureKind = "too_large"
	FailureNotJSON          FailureKind = "not_json"
	FailureBadDocument      FailureKind = "bad_document"
	FailureIssuerMismatch   FailureKind = "issuer_mismatch"
	FailureBadKeys          FailureKind = "bad_keys"
	FailureNoKeys           FailureKind = "no_keys"
)

// failure is what is known of one kind: a sentence without a full stop, and whether anybody who asks gets the same answer, so
// that Teleport fails too. What may depend on who asks, from where or when is not final.
type failure struct {
	sentence string
	final    bool
}

func failures() map[FailureKind]failure {
	const direct = " (HTTPS_PROXY is not used for this look: Teleport would not go through it)"
	return map[FailureKind]failure{
		FailureBadIssuer:        {"the issuer is not an https URL, and Teleport fetches keys from no other", true},
		FailurePrivateAddress:   {"the issuer is not on the internet", false},
		FailureDNS:              {"the issuer's host name is not known to the DNS" + direct, false},
		FailureRefused:          {"the issuer's host refuses connections" + direct, false},
		FailureConnection:       {"the connection to the issuer failed" + direct, false},
		FailureTimeout:          {"the issuer did not answer in time" + direct, false},
		FailureCancelled:        {"the look at the issuer was cancelled", false},
		FailurePrivateCA:        {"the issuer's certificate is signed by an authority that this machine does not trust, and Teleport trusts only its system's authorities too", false},
		FailureTLS:              {"the issuer's TLS cannot be trusted", false},
		FailureRedirect:         {"the issuer redirects without an end or to nowhere", false},
		FailureInsecureRedirect: {"the issuer redirects away from https", false},
		FailureUnauthorized:     {"the issuer refuses callers without credentials, and Teleport has none; on a self-managed cluster the ClusterRole system:service-account-issuer-discovery would have to be bound to system:unauthenticated", false},
		FailureNotFound:         {"the issuer's host serves no discovery document there; on a managed cluster its OIDC issuer may not be switched on", true},
		FailureHTTPStatus:       {"the issuer answered with an HTTP error", false},
		FailureTooLarge:         {"the issuer's answer is larger than any key set has reason to be", false},
		FailureNotJSON:          {"the issuer's answer is not JSON", true},
		FailureBadDocument:      {"the issuer's answer is JSON but no discovery document", true},
		FailureIssuerMismatch:   {"the document names another issuer, and Teleport compares the two byte for byte", true},
		FailureBadKeys:          {"the issuer's key set cannot be used", true},
		FailureNoKeys:           {"the issuer publishes no key that a token could be verified with", true},
	}
}

// Explain says in one sentence, without a full stop, what the kind means for a join through the issuer.
func (k FailureKind) Explain() string { return failures()[k].sentence }

func (k FailureKind) final() bool { return failures()[k].final }

// failed is a failure of a known kind; detail is safe to show, err is the cause where there is one.
type failed struct {
	kind   FailureKind
	detail string
	err    error
}

func (f *failed) Error() string { return string(f.kind) + ": " + f.detail }
func (f *failed) Unwrap() error { return f.err }

// failedAt sorts an error of the network; what our own rules refused keeps its kind.
func failedAt(u *url.URL, err error) *failed {
	var known *failed
	if errors.As(err, &known) {
		return known
	}
	return &failed{kind: classify(err), detail: spec.Quote(u.String()) + ": " + spec.Quote(err.Error()), err: err}
}

// classify sorts an error of net/http by the layer that failed.
func classify(err error) FailureKind {
	var (
		certificate *tls.CertificateVerificationError
		authority   x509.UnknownAuthorityError
		record      tls.RecordHeaderError
		alert       tls.AlertError
		dns         *net.DNSError
		network     net.Error
	)
	switch {
	case errors.Is(err, context.Canceled):
		return FailureCancelled
	case errors.As(err, &authority):
		return FailurePrivateCA
	case errors.As(err, &certificate), errors.As(err, &record), errors.As(err, &alert):
		return FailureTLS
	case errors.Is(err, context.DeadlineExceeded):
		return FailureTimeout
	case errors.As(err, &dns) && !dns.IsTimeout:
		return FailureDNS
	case errors.As(err, &network) && network.Timeout():
		return FailureTimeout
	case errors.Is(err, syscall.ECONNREFUSED):
		return FailureRefused
	// net/http has no type for its limit on headers; a test holds the text.
	case strings.Contains(err.Error(), "server response headers exceeded"):
		return FailureTooLarge
	case strings.Contains(err.Error(), "tls: "):
		return FailureTLS
	}
	return FailureConnection
}
