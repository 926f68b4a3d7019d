package teleport

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"strings"
	"time"

	"github.com/gravitational/teleport/api/client"
)

// handshakeTimeout bounds the look at why a connection failed.
const handshakeTimeout = 5 * time.Second

// refusalOf repeats the TLS handshake of a connection that failed and listens, to learn whether it failed over the login. A
// server that refuses a certificate says so by an alert after the client's part of the handshake is done; gRPC, which is writing
// by then, often loses it and reports a broken pipe. It is nil where the handshake is not what went wrong.
func refusalOf(ctx context.Context, dial func(context.Context) (net.Conn, error), config client.Config) error {
	login, err := config.Credentials[0].TLSConfig()
	if err != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, handshakeTimeout)
	defer cancel()
	raw, err := dial(ctx)
	if err != nil {
		return nil
	}
	stop := context.AfterFunc(ctx, func() { _ = raw.Close() })
	defer stop()
	defer raw.Close() //nolint:errcheck // nothing was sent that could be lost
	secured := tls.Client(raw, client.ConfigureALPN(login, config.ALPNSNIAuthDialClusterName))
	err = secured.HandshakeContext(ctx)
	if err == nil {
		// A server that takes the login says hello in HTTP/2.
		_, err = secured.Read(make([]byte, 1))
	}
	if isUnknownAuthority(err) || isAboutCertificate(err) {
		return err
	}
	return nil
}

// isAboutCertificate recognises the TLS alerts by which a server refuses the client's certificate: bad, expired, unknown,
// revoked, unsupported, required, or of an unknown authority (RFC 8446, section 6.2). The crypto/tls package has no type for them.
func isAboutCertificate(err error) bool {
	var operation *net.OpError
	return errors.As(err, &operation) && operation.Op == "remote error" && strings.Contains(operation.Error(), "certificate")
}
