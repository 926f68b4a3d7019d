package kube

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/url"
	"os"
	"syscall"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// TestWhyUnreachable holds what the tests against real servers cannot make at will.
func TestWhyUnreachable(t *testing.T) {
	t.Parallel()
	dial := func(err error) error {
		return &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", err)}
	}
	for want, errs := range map[string][]error{
		"its name is not known here":   {&net.DNSError{Err: "no such host", Name: "api.invalid", IsNotFound: true}},
		"its name cannot be looked up": {&net.DNSError{Err: "server misbehaving", Name: "api.invalid"}, &net.DNSError{Err: "i/o timeout", IsTimeout: true}},
		"its certificate is not valid today": {
			&tls.CertificateVerificationError{Err: x509.CertificateInvalidError{Reason: x509.Expired}},
		},
		"its certificate is not valid":        {x509.CertificateInvalidError{Reason: x509.NotAuthorizedToSign}},
		"no network leads there":              {dial(syscall.ENETUNREACH), dial(syscall.EHOSTUNREACH)},
		"nobody listens at its address":       {dial(syscall.ECONNREFUSED)},
		"the connection was cut":              {io.EOF, io.ErrUnexpectedEOF, &net.OpError{Op: "read", Err: os.NewSyscallError("read", syscall.ECONNRESET)}},
		"no answer in time":                   {context.DeadlineExceeded, dial(syscall.ETIMEDOUT)},
		"it is there and not ready to answer": {apierrors.NewServiceUnavailable("starting"), apierrors.NewTimeoutError("slow", 1), apierrors.NewInternalError(io.EOF)},
		"no connection":                       {errors.New("something else")},
	} {
		for _, err := range errs {
			err = wrap(&url.Error{Op: "Get", URL: "https://api.example.com", Err: err}, "reading /version")
			if got := whyUnreachable(err); got != want {
				t.Errorf("%v: %q, want %q", err, got, want)
			}
		}
	}
}
