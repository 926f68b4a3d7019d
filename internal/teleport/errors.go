package teleport

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/gravitational/teleport/api/mfa"
	"github.com/gravitational/trace"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Kind sorts what can go wrong with a Teleport cluster by who can mend it.
type Kind int

const (
	// Other is anything that no kind below names.
	Other Kind = iota
	// Unreachable means that no proxy answered, or with a certificate that is not trusted, or that no way leads through what stands
	// before it.
	Unreachable
	// NotTeleport means that something answered which is no Teleport Proxy Service.
	NotTeleport
	// NotLoggedIn means that there is no usable login: none found, expired, or refused.
	NotLoggedIn
	// Denied means that the login lacks a right.
	Denied
	// MFARequired means that the cluster wants a touch of a hardware key for this call (teleport-facts 5.4).
	MFARequired
	// NotFound means that the resource does not exist.
	NotFound
	// Exists means that a resource to be created is there already.
	Exists
	// Invalid means that Teleport refuses the resource itself.
	Invalid
	// Unsupported means that the server knows no such call: it is older than the feature.
	Unsupported
)

// Error is a failed call to Teleport, with what was being done.
type Error struct {
	Kind  Kind
	Doing string
	Err   error
	// Fix is the command that mends it, where there is one.
	Fix string
}

func (e *Error) Error() string {
	text := fmt.Sprintf("%s: %s", e.Doing, flatten(e.Err))
	switch e.Kind {
	case Unreachable:
		text = fmt.Sprintf("%s: the proxy cannot be reached: %s", e.Doing, flatten(e.Err))
	case NotTeleport:
		text = fmt.Sprintf("%s: this is no Teleport Proxy Service: %s", e.Doing, flatten(e.Err))
	case Other, NotLoggedIn, Denied, MFARequired, NotFound, Exists, Invalid, Unsupported:
	}
	if e.Fix != "" {
		text += "; run: " + e.Fix
	}
	return text
}

func (e *Error) Unwrap() error { return e.Err }

// Is reports whether err is an Error of the kind.
func Is(err error, kind Kind) bool {
	var e *Error
	return errors.As(err, &e) && e.Kind == kind
}

// wrap sorts an error of the api module; nil stays nil.
func wrap(err error, doing string) error {
	if err == nil {
		return nil
	}
	return &Error{Kind: kindOf(err), Doing: doing, Err: err}
}

func kindOf(err error) Kind {
	var (
		operation *net.OpError
		transport *url.Error
		dns       *net.DNSError
		hostname  x509.HostnameError
		invalid   x509.CertificateInvalidError
	)
	switch {
	// The text holds too where the original comes back joined to a failed ceremony, so both are asked.
	case errors.Is(err, &mfa.ErrAdminActionMFARequired), strings.Contains(err.Error(), mfa.ErrAdminActionMFARequired.Message):
		return MFARequired
	case trace.IsAccessDenied(err):
		return Denied
	case trace.IsNotFound(err):
		return NotFound
	case trace.IsAlreadyExists(err):
		return Exists
	case trace.IsBadParameter(err):
		return Invalid
	case trace.IsNotImplemented(err):
		return Unsupported
	case errors.Is(err, context.Canceled):
		return Other
	case trace.IsConnectionProblem(err), errors.Is(err, context.DeadlineExceeded), status.Code(err) == codes.DeadlineExceeded,
		errors.As(err, &operation), errors.As(err, &transport), errors.As(err, &dns), isUnknownAuthority(err), errors.As(err, &hostname), errors.As(err, &invalid):
		return Unreachable
	}
	return Other
}

func isUnknownAuthority(err error) bool {
	var authority x509.UnknownAuthorityError
	return errors.As(err, &authority)
}

// speaksOtherwise tells an answer that no Teleport Proxy gives: no TLS, or no JSON object of the expected shape, also an empty or
// cut one.
func speaksOtherwise(err error) bool {
	var (
		syntax    *json.SyntaxError
		typed     *json.UnmarshalTypeError
		record    tls.RecordHeaderError
		transport *url.Error
	)
	if errors.As(err, &transport) {
		return errors.Is(err, http.ErrSchemeMismatch) || errors.As(err, &record)
	}
	return errors.As(err, &syntax) || errors.As(err, &typed) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

// flatten puts Teleport's indented, many-line texts on one line, as "outer: inner", and leaves out what gRPC puts before an
// error without a kind.
func flatten(err error) string {
	lines := strings.FieldsFunc(grpcPrefix.ReplaceAllString(trace.UserMessage(err), ""), func(r rune) bool { return r == '\n' || r == '\r' })
	for i, line := range lines {
		lines[i] = strings.Trim(line, " \t:")
	}
	return strings.Join(lines, ": ")
}

var grpcPrefix = regexp.MustCompile(`rpc error: code = \w+ desc = `)
