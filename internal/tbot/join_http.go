package tbot

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"

	"github.com/gravitational/teleport/api/client/proto"
	"github.com/gravitational/teleport/api/types"
)

// maxCerts bounds the answer: four certificates are a few kilobytes.
const maxCerts = 1 << 20

// registerHTTP posts the join to the proxy's web endpoint, the way of tbot before 17 and the one that every proxy serves.
func registerHTTP(ctx context.Context, cluster Cluster, request *types.RegisterUsingTokenRequest) (*proto.Certs, error) {
	body, err := json.Marshal(request)
	if err != nil {
		return nil, fmt.Errorf("encoding the join: %w", err)
	}
	post, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://"+cluster.Proxy+"/v1/webapi/host/credentials", bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("preparing the join: %w", err)
	}
	post.Header.Set("Content-Type", "application/json")
	proxy := cluster.proxy()
	secured, err := proxy.TLS()
	if err != nil {
		return nil, err
	}
	transport := &http.Transport{
		TLSClientConfig: secured,
		DialContext:     func(ctx context.Context, _, _ string) (net.Conn, error) { return proxy.Dial(ctx) },
	}
	defer transport.CloseIdleConnections()
	web := &http.Client{
		Transport: transport, Timeout: joinTimeout,
		// The request carries a service account token: it goes where it was addressed and nowhere else.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	answer, err := web.Do(post)
	if err != nil {
		return nil, fmt.Errorf("asking %s: %w", cluster.Proxy, err)
	}
	content, err := io.ReadAll(io.LimitReader(answer.Body, maxCerts))
	if err = errors.Join(err, answer.Body.Close()); err != nil {
		return nil, fmt.Errorf("reading the answer of %s: %w", cluster.Proxy, err)
	}
	if answer.StatusCode != http.StatusOK {
		return nil, httpVerdict(answer.StatusCode, content)
	}
	certs := &proto.Certs{}
	if err := json.Unmarshal(content, certs); err != nil {
		return nil, fmt.Errorf("the answer of %s holds no certificates: %w", cluster.Proxy, err)
	}
	return certs, nil
}

// httpVerdict tells Teleport's own refusal, a JSON body in the shape of trace's errors with one of its statuses, from any other
// server's page, from what was lost on the way to the Auth Service and from what is a matter of time (teleport-facts 2.4).
func httpVerdict(code int, content []byte) error {
	var body struct {
		Error struct {
			Message string `json:"message"`
		} `json:"error"`
	}
	if err := json.Unmarshal(content, &body); err != nil || body.Error.Message == "" {
		return fmt.Errorf("the proxy answered HTTP %d, and not in Teleport's words", code)
	}
	refused := refuse(askedJoin, viaHTTP, body.Error.Message)
	switch code {
	case http.StatusBadRequest, http.StatusForbidden, http.StatusNotFound, http.StatusConflict, http.StatusPreconditionFailed,
		http.StatusInternalServerError, http.StatusNotImplemented:
		return refused
	}
	return fmt.Errorf("the proxy answered HTTP %d: %s", code, refused.Message)
}
