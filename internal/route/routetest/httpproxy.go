package routetest

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
)

// HTTPProxy is a proxy of HTTPS_PROXY: it notes where it is asked to connect to, and connects to one address whatever that is.
type HTTPProxy struct {
	// Addr is host:port.
	Addr string

	lock  sync.Mutex
	asked []string
}

// NewHTTPProxy is one that leads to an address; it ends with the test.
func NewHTTPProxy(t *testing.T, to string) *HTTPProxy {
	t.Helper()
	p := &HTTPProxy{}
	p.Addr = Port(t, func(conn net.Conn) {
		reader := bufio.NewReader(conn)
		request, err := http.ReadRequest(reader)
		if err != nil || request.Method != http.MethodConnect {
			_ = conn.Close()
			return
		}
		p.lock.Lock()
		p.asked = append(p.asked, request.Host)
		p.lock.Unlock()
		var dialer net.Dialer
		there, err := dialer.DialContext(t.Context(), "tcp", to)
		if err != nil {
			_ = conn.Close()
			return
		}
		_, _ = io.WriteString(conn, "HTTP/1.1 200 Connection established\r\n\r\n")
		go func() {
			_, _ = io.Copy(there, reader)
			_ = there.Close()
		}()
		_, _ = io.Copy(conn, there)
		_ = conn.Close()
	})
	return p
}

// Asked gives where it was asked to connect to since the last call.
func (p *HTTPProxy) Asked() []string {
	p.lock.Lock()
	defer p.lock.Unlock()
	asked := p.asked
	p.asked = nil
	return asked
}
