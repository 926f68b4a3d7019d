package kube

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// maxLog bounds what is fetched of one log. The kubelet counts from the front, so it is well above what the lines asked for may
// come to.
const maxLog = maxBody / 2

// Logs gives the last lines that a container of a pod wrote, or, with previous, the one before its last restart. No lines without an
// error mean that it wrote none, or that there is no such container (yet). They are foreign text.
func (c *Cluster) Logs(ctx context.Context, namespace, pod, container string, previous bool, lines int) ([]string, error) {
	query := url.Values{
		"container": {container}, "tailLines": {strconv.Itoa(lines)}, "limitBytes": {strconv.Itoa(maxLog)}, "previous": {strconv.FormatBool(previous)},
	}
	path := fmt.Sprintf("/api/v1/namespaces/%s/pods/%s/log?%s", url.PathEscape(namespace), url.PathEscape(pod), query.Encode())
	doing := fmt.Sprintf("reading the log of pod %s/%s", namespace, pod)
	status, body, err := c.Raw(ctx, path)
	if err != nil {
		return nil, err
	}
	if status == http.StatusNoContent { // the pod is on no node yet
		return nil, nil
	}
	if status != http.StatusOK {
		err := wrap(asStatus(status, body), "%s", doing)
		if Is(err, NotFound) || Is(err, Invalid) && hasNoLog(err) {
			return nil, nil
		}
		return nil, err
	}
	text := strings.TrimSuffix(string(body), "\n")
	if text == "" {
		return nil, nil
	}
	return strings.Split(text, "\n"), nil
}

// hasNoLog knows the kubelet's words for a container that has not begun, and for one that has not been before (HTTP 400).
func hasNoLog(err error) bool {
	text := err.Error()
	return strings.Contains(text, "is waiting to start") || strings.Contains(text, "previous terminated container") ||
		strings.Contains(text, "is not available") || strings.Contains(text, "does not have a host assigned")
}

// ProxyGet asks a port of a pod by HTTP, through the API server. Status and body are the pod's own; err says that the API server did
// not pass the request on or that nobody answered it.
func (c *Cluster) ProxyGet(ctx context.Context, namespace, pod string, port int, path string) (status int, body []byte, err error) {
	doing := fmt.Sprintf("asking pod %s/%s for %s on port %d", namespace, pod, path, port)
	status, body, err = c.Raw(ctx, fmt.Sprintf("/api/v1/namespaces/%s/pods/%s:%d/proxy%s", url.PathEscape(namespace), url.PathEscape(pod), port, path))
	if err != nil {
		return 0, nil, err
	}
	own, ok := readStatus(body)
	if status < http.StatusBadRequest || !ok {
		return status, body, nil
	}
	failed := apierrors.FromObject(own)
	kind := kindOf(failed)
	if kind == Unreachable {
		kind = Other // it is the pod that does not answer, not the API server
	}
	return 0, nil, &Error{Kind: kind, Doing: doing, Err: failed}
}

// asStatus makes client-go's error of an answer that is none of its own clients'.
func asStatus(status int, body []byte) error {
	if own, ok := readStatus(body); ok {
		return apierrors.FromObject(own)
	}
	text := strings.TrimSpace(string(bytes.ToValidUTF8(body[:min(len(body), 200)], nil)))
	if text == "" {
		return fmt.Errorf("HTTP %d", status)
	}
	return fmt.Errorf("HTTP %d: %w", status, errors.New(text))
}

// readStatus reads the form in which the API server itself refuses (Kubernetes API: Status).
func readStatus(body []byte) (*metav1.Status, bool) {
	var status metav1.Status
	if json.Unmarshal(body, &status) != nil || status.Kind != "Status" || status.APIVersion != "v1" {
		return nil, false
	}
	return &status, true
}
