package kube

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/tbotctl/tbotctl/internal/spec"

	"k8s.io/client-go/rest"
)

// maxBody bounds what is read of one answer; discovery documents are a few kilobytes.
const maxBody = 1 << 20

// Raw GETs a path of the API server with the user's credentials. The status is the server's own, also 401, 403 and 404; err
// is set only where no answer came.
func (c *Cluster) Raw(ctx context.Context, path string) (status int, body []byte, err error) {
	return get(ctx, c.config, path)
}

// RawAs is Raw with a service account's token instead of the user's credentials.
func (c *Cluster) RawAs(ctx context.Context, token spec.Secret, path string) (status int, body []byte, err error) {
	config := rest.CopyConfig(c.anonymous)
	config.BearerToken = token.Reveal()
	return get(ctx, config, path)
}

func get(ctx context.Context, config *rest.Config, path string) (int, []byte, error) {
	client, err := httpClient(config)
	if err != nil {
		return 0, nil, wrap(err, "reading %s", path)
	}
	// The status is to be the API server's own, and the transport would add the credentials for whoever it points at.
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	base, _, err := rest.DefaultServerUrlFor(config)
	if err != nil {
		return 0, nil, wrap(err, "reading %s", path)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(base.String(), "/")+path, nil)
	if err != nil {
		return 0, nil, wrap(err, "reading %s", path)
	}
	response, err := client.Do(request)
	if err != nil {
		return 0, nil, wrap(err, "reading %s", path)
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxBody+1))
	if err = errors.Join(err, response.Body.Close()); err != nil {
		return 0, nil, wrap(err, "reading %s", path)
	}
	if len(body) > maxBody {
		return 0, nil, &Error{Kind: Other, Doing: "reading " + path, Err: errors.New("the answer is larger than 1 MiB")}
	}
	return response.StatusCode, body, nil
}

func (c *Cluster) readJSON(ctx context.Context, path string, into any) error {
	status, body, err := c.Raw(ctx, path)
	if err != nil {
		return err
	}
	switch status {
	case http.StatusOK:
	case http.StatusUnauthorized:
		return &Error{Kind: Login, Doing: "reading " + path, Err: fmt.Errorf("HTTP %d", status)}
	case http.StatusForbidden:
		return &Error{Kind: Forbidden, Doing: "reading " + path, Err: fmt.Errorf("HTTP %d", status)}
	default:
		return &Error{Kind: Other, Doing: "reading " + path, Err: fmt.Errorf("HTTP %d", status)}
	}
	if err := json.Unmarshal(body, into); err != nil {
		return &Error{Kind: Other, Doing: "reading " + path, Err: fmt.Errorf("the answer is not JSON: %w", err)}
	}
	return nil
}
