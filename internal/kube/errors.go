package kube

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"syscall"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// Kind sorts what can go wrong with a Kubernetes cluster by who can mend it.
type Kind int

const (
	// Other is anything that no kind below names.
	Other Kind = iota
	// Config is a kubeconfig or context that cannot be used: the caller's to mend.
	Config
	// Unreachable means that no API server answered.
	Unreachable
	// Login means that the credentials are absent, expired or refused (HTTP 401, a failing credential plugin).
	Login
	// Forbidden is HTTP 403 by the authorizer: the user lacks a right.
	Forbidden
	// Refused is an admission plugin, a policy or a quota that said no.
	Refused
	// NotFound is HTTP 404.
	NotFound
	// Conflict is HTTP 409: another manager owns a field, or the object changed.
	Conflict
	// Invalid is HTTP 400 or 422: the object itself is wrong.
	Invalid
)

// Error is a failed call to the API server, with what was being done.
type Error struct {
	Kind  Kind
	Doing string
	Err   error
}

func (e *Error) Error() string {
	switch e.Kind {
	case Unreachable:
		return fmt.Sprintf("%s: the API server cannot be reached: %v", e.Doing, e.Err)
	case Login:
		return fmt.Sprintf("%s: the API server does not accept the login: %v", e.Doing, e.Err)
	case Forbidden, Refused, NotFound, Conflict, Invalid, Config, Other:
	}
	return fmt.Sprintf("%s: %v", e.Doing, e.Err)
}

func (e *Error) Unwrap() error { return e.Err }

// Refusal is what admission said where it turned an object down, in its own words and on its own lines; empty for any other error.
func (e *Error) Refusal() string {
	var status apierrors.APIStatus
	if e.Kind != Refused || !errors.As(e.Err, &status) {
		return ""
	}
	return status.Status().Message
}

// Is reports whether err is an Error of the kind.
func Is(err error, kind Kind) bool {
	var e *Error
	return errors.As(err, &e) && e.Kind == kind
}

// wrap sorts an error of client-go; nil stays nil.
func wrap(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	return &Error{Kind: kindOf(err), Doing: fmt.Sprintf(format, args...), Err: err}
}

func kindOf(err error) Kind {
	switch {
	case isAdmission(err):
		return Refused
	case apierrors.IsUnauthorized(err):
		return Login
	case apierrors.IsForbidden(err):
		// The authorizer and admission plugins both answer 403; only the authorizer says who may not do what.
		text := err.Error()
		if strings.Contains(text, `User "`) && strings.Contains(text, "cannot ") || strings.Contains(text, "attempting to grant RBAC permissions not currently held") {
			return Forbidden
		}
		return Refused
	case apierrors.IsNotFound(err):
		return NotFound
	case apierrors.IsConflict(err), apierrors.IsAlreadyExists(err):
		return Conflict
	case apierrors.IsInvalid(err), apierrors.IsBadRequest(err):
		return Invalid
	case strings.Contains(err.Error(), "getting credentials:"), isRefusedCertificate(err):
		return Login
	case isNetwork(err):
		return Unreachable
	}
	return Other
}

// isAdmission tells, by its words, a policy's or a webhook's no: they choose their own status, and a webhook that fails and may not be
// passed over is a 500 of the server.
func isAdmission(err error) bool {
	var status apierrors.APIStatus
	if !errors.As(err, &status) {
		return false
	}
	text := status.Status().Message
	return strings.Contains(text, "admission webhook ") && strings.Contains(text, "denied the request") ||
		strings.Contains(text, "failed calling webhook") ||
		strings.Contains(text, "ValidatingAdmissionPolicy ") && strings.Contains(text, "denied request")
}

// isRefusedCertificate tells the alerts (RFC 8446 section 6.2) by which a gateway ends a handshake where it does not take the
// client's certificate. The API server itself never does: it answers 401.
func isRefusedCertificate(err error) bool {
	for _, alert := range []string{"bad certificate", "expired certificate", "revoked certificate", "unknown certificate", "certificate required"} {
		if strings.Contains(err.Error(), "remote error: tls: "+alert) {
			return true
		}
	}
	return false
}

func isNetwork(err error) bool {
	var (
		operation *net.OpError
		dns       *net.DNSError
		authority x509.UnknownAuthorityError
		hostname  x509.HostnameError
		request   *url.Error
	)
	switch {
	case errors.Is(err, context.Canceled):
		return false
	case errors.As(err, &operation), errors.As(err, &dns), errors.As(err, &authority), errors.As(err, &hostname):
		return true
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, syscall.ECONNRESET), errors.Is(err, context.DeadlineExceeded):
		return true
	case apierrors.IsTimeout(err), apierrors.IsServiceUnavailable(err):
		return true
	}
	return errors.As(err, &request)
}
