package issuer

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/tbotctl/tbotctl/internal/spec"
)

// getter makes the requests of one look and remembers which URLs it asked.
type getter struct {
	transport *http.Transport
	urls      []string
	// ahead is how far the last answer's Date was ahead of this machine's clock; nil where none told the time.
	ahead *time.Duration
}

func newGetter(ctx context.Context, f *Fetcher) *getter {
	return &getter{transport: &http.Transport{
		// Proxy stays nil: see Fetcher. The look's own context is used because net/http hands DialContext one without the deadline.
		DialContext: func(_ context.Context, network, address string) (net.Conn, error) {
			return f.dialPublic(ctx, network, address)
		},
		TLSClientConfig:        &tls.Config{RootCAs: f.RootCAs, MinVersion: tls.VersionTLS12},
		MaxResponseHeaderBytes: maxHeader,
	}}
}

func (g *getter) close() { g.transport.CloseIdleConnections() }

// get reads one body. Redirects are followed here rather than by http.Client, because each target is judged first and no
// header of one host goes to the next.
func (g *getter) get(ctx context.Context, u *url.URL) ([]byte, *failed) {
	for redirects := 0; ; redirects++ {
		g.urls = append(g.urls, u.String())
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
		if err != nil {
			return nil, failedAt(u, err)
		}
		request.Header.Set("Accept", "application/json")
		request.Header.Set("User-Agent", "tbotctl")
		response, err := g.transport.RoundTrip(request)
		if err != nil {
			return nil, failedAt(u, err)
		}
		if at, err := http.ParseTime(response.Header.Get("Date")); err == nil {
			ahead := time.Until(at)
			g.ahead = &ahead
		}
		next, body, err := readAnswer(u, response)
		// A server that sees the time-out hang up may end its body properly: what was read then is cut off, not the answer.
		if err = errors.Join(err, response.Body.Close(), ctx.Err()); err != nil {
			return nil, failedAt(u, err)
		}
		if next == nil {
			return body, nil
		}
		if redirects == maxRedirects {
			return nil, &failed{kind: FailureRedirect, detail: fmt.Sprintf("more than %d redirects, the last one from %s", maxRedirects, spec.Quote(u.String()))}
		}
		u = next
	}
}

// readAnswer returns the target of a redirect or the body of a 200; everything else is an error.
func readAnswer(u *url.URL, response *http.Response) (next *url.URL, body []byte, err error) {
	status := fmt.Sprintf("HTTP %d from %s", response.StatusCode, spec.Quote(u.String()))
	switch response.StatusCode {
	case http.StatusOK:
		body, err = readBody(u, response.Body)
		return nil, body, err
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		next, err = redirectTarget(u, response.Header.Get("Location"))
		return next, nil, err
	case http.StatusUnauthorized, http.StatusForbidden:
		return nil, nil, &failed{kind: FailureUnauthorized, detail: status}
	case http.StatusNotFound, http.StatusGone:
		return nil, nil, &failed{kind: FailureNotFound, detail: status}
	}
	return nil, nil, &failed{kind: FailureHTTPStatus, detail: status}
}

func readBody(u *url.URL, from io.Reader) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(from, maxBody+1))
	if err != nil {
		return nil, err
	}
	if len(body) > maxBody {
		return nil, &failed{kind: FailureTooLarge, detail: "more than 1 MiB from " + spec.Quote(u.String())}
	}
	return body, nil
}

// redirectTarget holds the target of a redirect to the rules for the first hop; its address is judged when it is dialed.
func redirectTarget(from *url.URL, location string) (*url.URL, error) {
	to, err := from.Parse(location)
	if location == "" || err != nil || to.Hostname() == "" || to.User != nil {
		return nil, &failed{kind: FailureRedirect, detail: fmt.Sprintf("%s redirects to %s, which cannot be followed", spec.Quote(from.String()), spec.Quote(location)), err: err}
	}
	if to.Scheme != "https" {
		return nil, &failed{kind: FailureInsecureRedirect, detail: fmt.Sprintf("%s redirects to %s", spec.Quote(from.String()), spec.Quote(location))}
	}
	return to, nil
}
