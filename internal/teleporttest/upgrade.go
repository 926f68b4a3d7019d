package teleporttest

import (
	"bufio"
	"net"
	"net/http"
	"slices"
	"time"

	"github.com/gobwas/ws"
	"github.com/gravitational/teleport/api/constants"
	"github.com/gravitational/teleport/api/utils/pingconn"
	"github.com/gravitational/trace"
)

// upgradePing is how often the proxy pings an upgraded connection, so that a load balancer does not take it for idle.
const upgradePing = 30 * time.Second

// serveUpgrade turns a request into a connection to the ALPN router: how a client crosses a load balancer that
// terminates TLS (teleport-facts 1.3; lib/web/conn_upgrade.go@02cdf32d).
func (c *Cluster) serveUpgrade(w http.ResponseWriter, r *http.Request) {
	// A load balancer may have taken the first header away.
	wanted := slices.Concat(r.Header.Values(constants.WebAPIConnUpgradeTeleportHeader), r.Header.Values(constants.WebAPIConnUpgradeHeader))
	raw := func(kind string) bool { return c.behaviour.rawUpgrade && slices.Contains(wanted, kind) }
	switch {
	case slices.Contains(wanted, constants.WebAPIConnUpgradeTypeWebSocket):
		c.upgradeWebSocket(w, r)
	case raw(constants.WebAPIConnUpgradeTypeALPNPing):
		c.upgradeRaw(w, r, constants.WebAPIConnUpgradeTypeALPNPing)
	case raw(constants.WebAPIConnUpgradeTypeALPN):
		c.upgradeRaw(w, r, constants.WebAPIConnUpgradeTypeALPN)
	default:
		writeError(w, trace.NotFound("unsupported upgrade types: %v", wanted))
	}
}

// upgradeWebSocket speaks WebSocket; the sub-protocol says whether the proxy pings. Without one of Teleport's the
// connection ends after the handshake.
func (c *Cluster) upgradeWebSocket(w http.ResponseWriter, r *http.Request) {
	upgrader := ws.HTTPUpgrader{Protocol: func(name string) bool {
		return name == constants.WebAPIConnUpgradeTypeALPN || name == constants.WebAPIConnUpgradeTypeALPNPing
	}}
	conn, buffered, handshake, err := upgrader.Upgrade(r, w)
	if err != nil {
		c.logger.InfoContext(r.Context(), "A WebSocket handshake failed", "error", err)
		if conn != nil {
			_ = conn.Close() // The upgrader has told the client.
		}
		return
	}
	frames := newFrameConn(conn, buffered.Reader)
	switch handshake.Protocol {
	case constants.WebAPIConnUpgradeTypeALPNPing:
		c.keepPinging(frames.done, func() error { return frames.write(ws.NewPingFrame([]byte("teleport"))) })
	case constants.WebAPIConnUpgradeTypeALPN:
	default:
		_ = frames.Close() // There is nobody to tell.
		return
	}
	c.router.take(c.life, frames, true) //nolint:contextcheck // the connection outlives the request
}

// upgradeRaw is the older way: after the answer the connection carries TLS as it is, or with Teleport's own frames for
// pings.
func (c *Cluster) upgradeRaw(w http.ResponseWriter, r *http.Request, kind string) {
	hijacker, ok := w.(http.Hijacker)
	if !ok {
		writeError(w, trace.BadParameter("failed to hijack connection"))
		return
	}
	conn, buffered, err := hijacker.Hijack()
	if err != nil {
		writeError(w, trace.Wrap(err))
		return
	}
	answer := &http.Response{StatusCode: http.StatusSwitchingProtocols, ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{
		constants.WebAPIConnUpgradeHeader:           {kind},
		constants.WebAPIConnUpgradeTeleportHeader:   {kind},
		constants.WebAPIConnUpgradeConnectionHeader: {constants.WebAPIConnUpgradeConnectionType},
	}}
	if err := answer.Write(conn); err != nil {
		c.logger.InfoContext(r.Context(), "A connection upgrade failed", "error", err)
		_ = conn.Close() // The client is gone.
		return
	}
	plain := &readFirst{Conn: conn, reader: buffered.Reader, done: make(chan struct{})}
	var inner net.Conn = plain
	if kind == constants.WebAPIConnUpgradeTypeALPNPing {
		pinging := pingconn.New(plain)
		c.keepPinging(plain.done, pinging.WritePing)
		inner = pinging
	}
	c.router.take(c.life, inner, true) //nolint:contextcheck // the connection outlives the request
}

// keepPinging pings at once, so that a client which stumbles over a ping does so in a short test too, and then from time
// to time. It ends with the connection, whose end closes done, or with the cluster.
func (c *Cluster) keepPinging(done <-chan struct{}, ping func() error) {
	go func() {
		ticker := time.NewTicker(upgradePing)
		defer ticker.Stop()
		for ping() == nil {
			select {
			case <-done:
				return
			case <-c.life.Done():
				return
			case <-ticker.C:
			}
		}
	}()
}

// readFirst is a hijacked connection, of which the HTTP server may have read the first bytes.
type readFirst struct {
	net.Conn

	reader *bufio.Reader
	once   closeOnce
	done   chan struct{}
}

// Read reads what the HTTP server has read ahead, and then the connection.
func (c *readFirst) Read(b []byte) (int, error) { return c.reader.Read(b) }

// Close closes the connection.
func (c *readFirst) Close() error {
	c.once.do(c.done)
	return c.Conn.Close()
}
