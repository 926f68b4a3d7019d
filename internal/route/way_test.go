package route_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/gravitational/trace"

	"github.com/tbotctl/tbotctl/internal/route"
	"github.com/tbotctl/tbotctl/internal/route/routetest"
	"github.com/tbotctl/tbotctl/internal/teleporttest"
)

// outside is a host name that only an HTTP proxy knows; Teleport's programs ask none for this machine itself.
const outside = "proxy.example.invalid"

// nobody is a login that must not be asked.
type nobody struct{ t *testing.T }

func (n nobody) SSHClientConfig() (*ssh.ClientConfig, error) {
	n.t.Error("the login was asked for")
	return nil, errors.New("nobody is logged in")
}

func proxyOf(c *teleporttest.Cluster) route.Proxy {
	return route.Proxy{Addr: c.Addr(), CAs: c.WebCAs()}
}

// reachesAuth holds that what comes out of the dialer leads to the Auth Service, which shows a certificate of the cluster's own.
func reachesAuth(t *testing.T, open func(context.Context) (net.Conn, error)) {
	t.Helper()
	conn, err := open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close() //nolint:errcheck // nothing is lost
	secured := tls.Client(conn, &tls.Config{ServerName: "teleport.cluster.local", InsecureSkipVerify: true, NextProtos: []string{"teleport-auth@", "h2"}})
	if err := secured.HandshakeContext(t.Context()); err != nil {
		t.Fatal(err)
	}
	if shown := secured.ConnectionState().PeerCertificates[0]; shown.VerifyHostname("teleport.cluster.local") != nil {
		t.Errorf("the certificate is for %v", shown.DNSNames)
	}
}

func TestWay(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		options  teleporttest.Options
		upgraded bool
	}{
		"straight":               {teleporttest.Options{}, false},
		"behind a load balancer": {teleporttest.Options{BehindL7LB: true}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			way := route.FindWay(t.Context(), proxyOf(teleporttest.New(t, row.options)), true)
			if way.Upgraded != row.upgraded {
				t.Errorf("upgraded %v, want %v", way.Upgraded, row.upgraded)
			}
			dialer, err := way.Open(t.Context(), nobody{t})
			if err != nil {
				t.Fatal(err)
			}
			again := func(ctx context.Context) (net.Conn, error) { return dialer.DialContext(ctx, "tcp", "auth") }
			reachesAuth(t, again)
			reachesAuth(t, again)
			reachesAuth(t, dialer.Dial)
			if err := dialer.Close(); err != nil {
				t.Errorf("closing what was taken: %v", err)
			}
		})
	}
}

// Where the question for the way has no answer, Open says why, and does not take the silence for a straight way.
func TestWayUnanswered(t *testing.T) {
	t.Parallel()
	closed := routetest.ClosedPort(t)
	if _, err := route.FindWay(t.Context(), route.Proxy{Addr: closed}, true).Open(t.Context(), nobody{t}); !errors.Is(err, syscall.ECONNREFUSED) ||
		!strings.Contains(err.Error(), "connecting to "+closed) {
		t.Errorf("a closed port: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	silent := route.Proxy{Addr: routetest.Port(t, routetest.Silent)}
	if _, err := route.FindWay(ctx, silent, true).Open(t.Context(), nobody{t}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a silent port: %v", err)
	}
	if _, err := route.FindWay(t.Context(), route.Proxy{Addr: "no-port"}, true).Open(t.Context(), nobody{t}); err == nil || !strings.Contains(err.Error(), "the proxy's address") {
		t.Errorf("no address: %v", err)
	}
}

// A proxy without TLS routing wants an SSH certificate.
func TestWayWithoutSSH(t *testing.T) {
	t.Parallel()
	c := teleporttest.New(t, teleporttest.Options{})
	if _, err := route.FindWay(t.Context(), proxyOf(c), false).Open(t.Context(), unable{}); !errors.Is(err, route.ErrSSHLogin) {
		t.Errorf("without a certificate: %v", err)
	}
	if asked := c.Requests(); len(asked) > 0 {
		t.Errorf("the proxy was asked for %v", asked)
	}
}

// unable is a login without an SSH side.
type unable struct{}

func (unable) SSHClientConfig() (*ssh.ClientConfig, error) {
	return nil, trace.NotImplemented("no ssh config")
}

// The environment is the process's, so this test is not parallel.
func TestWayIsOverridden(t *testing.T) {
	p := proxyOf(teleporttest.New(t, teleporttest.Options{}))
	for value, want := range map[string]bool{"yes": true, p.Addr + "=yes": true, "elsewhere.example.com:443=yes": false, "no": false} {
		t.Setenv("TELEPORT_TLS_ROUTING_CONN_UPGRADE", value)
		if way := route.FindWay(t.Context(), p, true); way.Upgraded != want {
			t.Errorf("%s: upgraded %v, want %v", value, way.Upgraded, want)
		}
	}
}

// What the HTTP proxy of the environment says or leaves unsaid is its own trouble and not Teleport's verdict.
func TestHTTPProxyInTheWay(t *testing.T) {
	says := func(answer string) func(net.Conn) {
		return func(conn net.Conn) {
			_, _ = conn.Read(make([]byte, 1<<10))
			_, _ = io.WriteString(conn, answer)
			_ = conn.Close()
		}
	}
	t.Setenv("NO_PROXY", "")
	for name, row := range map[string]struct {
		between string
		part    string
	}{
		"refuses":         {"http://" + routetest.Port(t, says("HTTP/1.1 403 Forbidden\r\n\r\n")), "403 Forbidden"},
		"is closed":       {"http://" + routetest.ClosedPort(t), "connection refused"},
		"says nothing":    {"http://" + routetest.Port(t, routetest.Silent), "deadline exceeded"},
		"hangs up":        {"http://" + routetest.Port(t, says("")), "EOF"},
		"is of no kind":   {"gopher://localhost:70", "not supported"},
		"silent by SOCKS": {"socks5://" + routetest.Port(t, routetest.Silent), ""}, // who notices first gives the words
	} {
		t.Setenv("HTTPS_PROXY", row.between)
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		_, err := route.Proxy{Addr: outside + ":443"}.Dial(ctx)
		cancel()
		var operation *net.OpError
		if !errors.As(err, &operation) || operation.Op != "proxyconnect" || !strings.Contains(err.Error(), row.part) || !strings.Contains(err.Error(), outside) {
			t.Errorf("%s: %v", name, err)
		}
		if trace.IsBadParameter(err) {
			t.Errorf("%s: taken for a verdict of Teleport", name)
		}
	}
}

// All goes through the HTTP proxy, which counts the connections: one for the question, one that Open makes and the dialer hands out
// first. A connection lives on when the time for opening it is over.
func TestHTTPProxy(t *testing.T) {
	c := teleporttest.New(t, teleporttest.Options{PublicName: outside})
	between := routetest.NewHTTPProxy(t, c.Addr())
	t.Setenv("HTTPS_PROXY", "http://"+between.Addr)
	t.Setenv("NO_PROXY", "")
	ctx, cancel := context.WithCancel(t.Context())
	p := route.Proxy{Addr: outside + ":443", CAs: c.WebCAs()}
	dialer, err := route.FindWay(ctx, p, true).Open(ctx, nobody{t})
	cancel()
	if err != nil {
		t.Fatal(err)
	}
	if asked := between.Asked(); len(asked) != 2 || asked[0] != p.Addr || asked[1] != p.Addr {
		t.Errorf("the HTTP proxy was asked for %v", asked)
	}
	next := func(ctx context.Context) (net.Conn, error) { return dialer.DialContext(ctx, "tcp", "auth") }
	for _, more := range []int{0, 1} {
		reachesAuth(t, next)
		if asked := between.Asked(); len(asked) != more {
			t.Errorf("%d more connections, want %d", len(asked), more)
		}
	}
	unused, err := route.FindWay(t.Context(), p, true).Open(t.Context(), nobody{t})
	if err != nil {
		t.Fatal(err)
	}
	if err := unused.Close(); err != nil {
		t.Errorf("closing what nobody took: %v", err)
	}
	between.Asked()
	reachesAuth(t, func(ctx context.Context) (net.Conn, error) { return unused.DialContext(ctx, "tcp", "auth") })
	if asked := between.Asked(); len(asked) != 1 {
		t.Errorf("%d connections after the first was closed, want one", len(asked))
	}
}
