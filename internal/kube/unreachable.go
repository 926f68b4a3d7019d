package kube

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/rest"
)

// whyUnreachable says in a few words what stands between us and an API server.
func whyUnreachable(err error) string {
	var (
		dns       *net.DNSError
		authority x509.UnknownAuthorityError
		hostname  x509.HostnameError
		invalid   x509.CertificateInvalidError
		record    tls.RecordHeaderError
		network   net.Error
	)
	switch {
	case errors.As(err, &dns) && dns.IsNotFound:
		return "its name is not known here"
	case errors.As(err, &dns):
		return "its name cannot be looked up"
	case errors.As(err, &authority):
		return "its certificate is of an authority that the kubeconfig does not trust"
	case errors.As(err, &hostname):
		return "its certificate is for another name"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "its certificate is not valid today"
	case errors.As(err, &invalid):
		return "its certificate is not valid"
	case errors.As(err, &record), strings.Contains(err.Error(), http.ErrSchemeMismatch.Error()):
		return "what answers there speaks no TLS"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "nobody listens at its address"
	case errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EHOSTUNREACH):
		return "no network leads there"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "the connection was cut"
	case failed(err):
		return "it is there and not ready to answer"
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &network) && network.Timeout():
		return "no answer in time"
	}
	return "no connection"
}

// failed tells an answer that blames the server itself, or what it stands behind (HTTP 500 and up).
func failed(err error) bool {
	var status apierrors.APIStatus
	return errors.As(err, &status) && status.Status().Code >= http.StatusInternalServerError
}

// certificateEnd is when the kubeconfig's client certificate ends; not known where it holds none.
func certificateEnd(config *rest.Config) (time.Time, bool) {
	// LoadTLSFiles would read the files into the config that requests are made with.
	config = rest.CopyConfig(config)
	if err := rest.LoadTLSFiles(config); err != nil {
		return time.Time{}, false
	}
	block, _ := pem.Decode(config.CertData)
	if block == nil {
		return time.Time{}, false
	}
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return time.Time{}, false
	}
	return certificate.NotAfter, true
}
