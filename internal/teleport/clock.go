package teleport

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"time"
)

// Clock is what time it is at the proxy, by the Date header of /webapi/ping, which needs no login (RFC 9110, 6.6.1). It is exact to a
// second.
func Clock(ctx context.Context, t Target) (time.Time, error) {
	ctx, cancel := context.WithTimeout(ctx, findTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+t.Proxy+"/webapi/ping", nil)
	if err != nil {
		return time.Time{}, findError(err, "asking "+t.Proxy+" for the time")
	}
	transport := &http.Transport{
		Proxy:           http.ProxyFromEnvironment,
		TLSClientConfig: &tls.Config{RootCAs: t.CAs, InsecureSkipVerify: t.Insecure, MinVersion: tls.VersionTLS12}, //nolint:gosec // --insecure was asked for, and is said each time
	}
	defer transport.CloseIdleConnections()
	answer, err := (&http.Client{Transport: transport}).Do(request)
	if err != nil {
		return time.Time{}, findError(err, "asking "+t.Proxy+" for the time")
	}
	if err := answer.Body.Close(); err != nil {
		return time.Time{}, findError(err, "asking "+t.Proxy+" for the time")
	}
	at, err := http.ParseTime(answer.Header.Get("Date"))
	if err != nil {
		return time.Time{}, &Error{Kind: NotTeleport, Doing: "asking " + t.Proxy + " for the time", Err: fmt.Errorf("it tells no time: %w", err)}
	}
	return at, nil
}
