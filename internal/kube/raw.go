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
	if status != http.StatusOK {
		return ofStatus(path, status)
	}
	if err := json.Unmarshal(body, into); err != nil {
		return &Error{Kind: Other, Doing: "reading " + path, Err: fmt.Errorf("the answer is not JSON: %w", err)}
	}
	return nil
}

// ofStatus is the error of an answer that is not the wanted one.
func ofStatus(path string, status int) error {
	kind := Other
	switch status {
	case http.StatusUnauthorized:
		kind = Login
	case http.StatusForbidden:
		kind = Forbidden
	}
	return &Error{Kind: kind, Doing: "reading " + path, Err: fmt.Errorf("HTTP %d", status)}
}

// ServesGroup reports whether the API server has an API group. On most clusters any user may ask (ClusterRole system:discovery).
func (c *Cluster) ServesGroup(ctx context.Context, group string) (bool, error) {
	path := "/apis/" + group
	status, _, err := c.Raw(ctx, path)
	switch {
	case err != nil:
		return false, err
	case status == http.StatusOK, status == http.StatusNotFound:
		return status == http.StatusOK, nil
	}
	return false, ofStatus(path, status)
}
