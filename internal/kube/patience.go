package kube

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"

	"k8s.io/client-go/rest"
)

// httpClient is the config's own HTTP client, except that it never waits longer than its request: client-go runs a credential
// plugin without a bound, and one that hangs would hang every request and Ctrl-C with it.
func httpClient(config *rest.Config) (*http.Client, error) {
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		return nil, err
	}
	bounded := *client
	bounded.Transport = patience{next: client.Transport, plugin: plugin(config)}
	return &bounded, nil
}

// plugin names the credential plugin of a config; empty where it has none.
func plugin(config *rest.Config) string {
	if config.ExecProvider == nil {
		return ""
	}
	return config.ExecProvider.Command
}

// patience gives up on a request when its context does, whatever the transport is waiting for.
type patience struct {
	next   http.RoundTripper
	plugin string
}

// RoundTrip implements http.RoundTripper. An answer that comes too late is thrown away.
func (p patience) RoundTrip(request *http.Request) (*http.Response, error) {
	type answer struct {
		response *http.Response
		err      error
	}
	answered := make(chan answer, 1)
	var past atomic.Bool
	request = request.WithContext(afterPlugin(request.Context(), func() { past.Store(true) }))
	go func() {
		response, err := p.next.RoundTrip(request)
		answered <- answer{response, err}
	}()
	select {
	case a := <-answered:
		return a.response, a.err
	case <-request.Context().Done():
		go func() {
			if a := <-answered; a.response != nil {
				_ = a.response.Body.Close() // nobody reads it any more
			}
		}()
		err := request.Context().Err()
		if p.plugin != "" && !past.Load() {
			err = fmt.Errorf("%w: %s", err, silence(p.plugin))
		}
		return nil, err
	}
}

// afterPlugin calls when a request wants a connection: its credential plugin, which client-go runs before, has answered then.
func afterPlugin(ctx context.Context, call func()) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GetConn: func(string) { call() }})
}

// silence says that a plugin was waited for in vain. It is a text and no error, because http.Client keeps only the text of what
// has run into its time-out.
func silence(plugin string) string { return "the credential plugin " + plugin + " does not answer" }
