package kube

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"k8s.io/client-go/rest"
)

// maxLine bounds one line of a log that is followed; what is beyond it is left out.
const maxLine = 64 << 10

// FollowLogs hands over a container's log from its beginning, line by line as it is written, until the container ends (nil) or ctx
// does. It is one stream: where that breaks, the error says so and the log is not asked for again, so that no line comes twice. A
// container that has not begun yet, or a pod that is not there, is an error of kind NotFound. The lines are foreign text.
func (c *Cluster) FollowLogs(ctx context.Context, namespace, pod, container string, line func(string)) error {
	doing := fmt.Sprintf("following the log of pod %s/%s", namespace, pod)
	query := url.Values{"container": {container}, "follow": {"true"}}
	path := fmt.Sprintf("/api/v1/namespaces/%s/pods/%s/log?%s", url.PathEscape(namespace), url.PathEscape(pod), query.Encode())
	response, err := c.stream(ctx, path)
	if err != nil {
		return wrap(err, "%s", doing)
	}
	defer response.Body.Close() //nolint:errcheck // everything was read, or nobody wants the rest
	switch response.StatusCode {
	case http.StatusOK:
		return wrap(eachLine(response.Body, line), "%s", doing)
	case http.StatusNoContent: // nobody to ask
		return &Error{Kind: NotFound, Doing: doing, Err: errors.New("the pod is on no node yet")}
	default:
		body, err := io.ReadAll(io.LimitReader(response.Body, maxBody))
		if err != nil {
			return wrap(err, "%s", doing)
		}
		failed := asStatus(response.StatusCode, body)
		if err := wrap(failed, "%s", doing); !Is(err, Invalid) || !hasNoLog(err) {
			return err
		}
		return &Error{Kind: NotFound, Doing: doing, Err: failed}
	}
}

// stream GETs a path whose answer lasts: the bound on a request counts to the answer's end, and would cut it off.
func (c *Cluster) stream(ctx context.Context, path string) (*http.Response, error) {
	config := rest.CopyConfig(c.config)
	config.Timeout = 0
	client, err := httpClient(config)
	if err != nil {
		return nil, err
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	base, _, err := rest.DefaultServerUrlFor(config)
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(base.String(), "/")+path, nil)
	if err != nil {
		return nil, err
	}
	return client.Do(request)
}

func eachLine(from io.Reader, line func(string)) error {
	reader := bufio.NewReaderSize(from, maxLine)
	for {
		text, err := reader.ReadSlice('\n')
		if len(text) > 0 {
			line(strings.TrimRight(string(text), "\r\n"))
		}
		for errors.Is(err, bufio.ErrBufferFull) {
			_, err = reader.ReadSlice('\n')
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
