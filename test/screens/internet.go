package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
)

// internet is an HTTP proxy behind which names and addresses lead to the clusters of this machine, so that what stands on the
// screens is what a user would see and nothing in it has to be painted over. It joins the ends of a connection and reads nothing.
type internet struct {
	server *httptest.Server
	// leads tells where a host really is. A host that leads nowhere takes connections and never answers.
	leads map[string]string
	ended context.Context
	end   context.CancelFunc
}

func newInternet(ctx context.Context, leads map[string]string) *internet {
	i := &internet{leads: leads}
	i.ended, i.end = context.WithCancel(ctx)
	i.server = httptest.NewServer(http.HandlerFunc(i.connect))
	return i
}

func (i *internet) url() string { return i.server.URL }

func (i *internet) close() {
	i.end()
	i.server.CloseClientConnections()
	i.server.Close()
}

// connect answers CONNECT (RFC 9110, 9.3.6).
func (i *internet) connect(w http.ResponseWriter, r *http.Request) {
	host, _, err := net.SplitHostPort(r.Host)
	address, known := i.leads[host]
	if r.Method != http.MethodConnect || err != nil || !known {
		http.Error(w, "no such host: "+r.Host, http.StatusBadGateway)
		return
	}
	hijacker, ok := w.(http.Hijacker)
	if !ok {
		http.Error(w, "no connection to take over", http.StatusInternalServerError)
		return
	}
	client, _, err := hijacker.Hijack()
	if err != nil {
		return
	}
	defer ignore(client.Close)
	if _, err := fmt.Fprint(client, "HTTP/1.1 200 Connection established\r\n\r\n"); err != nil {
		return
	}
	if address == "" {
		<-i.ended.Done()
		return
	}
	server, err := new(net.Dialer).DialContext(r.Context(), "tcp", address)
	if err != nil {
		return
	}
	defer ignore(server.Close)
	// Either end that has nothing more to say ends both.
	over := make(chan struct{}, 2)
	for to, from := range map[net.Conn]net.Conn{server: client, client: server} {
		go func() {
			_, _ = io.Copy(to, from)
			over <- struct{}{}
		}()
	}
	select {
	case <-over:
	case <-i.ended.Done():
	}
}

// ignore closes what has been broken off already, as the case may be.
func ignore(closeIt func() error) { _ = closeIt() }
