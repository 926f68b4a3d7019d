package route

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/gobwas/ws"
	"github.com/gravitational/teleport/api/constants"
)

// ErrNoTunnel means that a load balancer in front of the proxy ends TLS and that no tunnel leads through it: the proxy does not
// know the upgrade, or what stands before it does not let it pass (teleport-facts 1.3).
var ErrNoTunnel = errors.New("the proxy is behind a load balancer that ends TLS, and its connection upgrade is not to be had")

// dialUpgraded has the proxy turn an HTTP connection into a tunnel for what a load balancer would not pass on: a websocket whose
// binary frames carry any other connection. The api module's own dialer does the same for the system's authorities alone.
func (p Proxy) dialUpgraded(ctx context.Context) (net.Conn, error) {
	secured, err := p.DialTLS(ctx, "http/1.1")
	if err != nil {
		return nil, err
	}
	if err := secured.SetDeadline(time.Now().Add(dialTimeout)); err != nil {
		return nil, errors.Join(err, secured.Close())
	}
	stop := context.AfterFunc(ctx, func() { _ = secured.SetDeadline(time.Now()) })
	defer stop()
	asked := &url.URL{Scheme: "https", Host: p.Addr, Path: constants.WebAPIConnUpgrade}
	// With this sub-protocol the proxy pings, so that a load balancer does not take a quiet connection for a dead one.
	early, _, err := ws.Dialer{Protocols: []string{constants.WebAPIConnUpgradeTypeALPNPing}}.Upgrade(secured, asked)
	if err == nil {
		err = secured.SetDeadline(time.Time{})
	}
	if err != nil {
		return nil, errors.Join(p.upgradeError(ctx, err), secured.Close())
	}
	return newTunnel(secured, early), nil
}

// upgradeError says what the address answered instead of switching protocols.
func (p Proxy) upgradeError(ctx context.Context, err error) error {
	asked := "asking " + p.Addr + " at " + constants.WebAPIConnUpgrade
	var status ws.StatusError
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("%s: %w", asked, ctx.Err())
	case errors.As(err, &status) && int(status) == http.StatusNotFound:
		return fmt.Errorf("%w: %s answered HTTP 404, so this proxy knows no upgrade by websocket", ErrNoTunnel, p.Addr)
	case errors.As(err, &status):
		return fmt.Errorf("%w: %s answered HTTP %d; the load balancer has to pass websockets on", ErrNoTunnel, p.Addr, int(status))
	}
	return fmt.Errorf("%w: %s: %w", ErrNoTunnel, asked, err)
}

// maxFrame bounds what one frame of the proxy may hold; a TLS record is 16 KiB.
const maxFrame = 1 << 20

// tunnel is a connection inside the binary frames of a websocket, seen from the client. Reads are for one goroutine at a time,
// writes for another, as with any net.Conn.
type tunnel struct {
	net.Conn

	frames io.Reader
	// rest is what of the last frame nobody has read yet.
	rest    []byte
	reading sync.Mutex
	writing sync.Mutex
}

// newTunnel begins after the handshake; early is what the server has sent right behind it, nil where that is nothing.
func newTunnel(conn net.Conn, early *bufio.Reader) *tunnel {
	if early == nil {
		return &tunnel{Conn: conn, frames: conn}
	}
	return &tunnel{Conn: conn, frames: early}
}

// Read gives the bytes of binary frames, answers pings on the way and takes the proxy's close for the end.
func (t *tunnel) Read(into []byte) (int, error) {
	t.reading.Lock()
	defer t.reading.Unlock()
	for len(t.rest) == 0 {
		header, err := ws.ReadHeader(t.frames)
		if err != nil {
			return 0, err
		}
		if header.Length < 0 || header.Length > maxFrame {
			return 0, fmt.Errorf("the proxy sent a frame of %d bytes through its connection upgrade; %d are expected at most", header.Length, maxFrame)
		}
		frame := ws.Frame{Header: header, Payload: make([]byte, header.Length)}
		if _, err := io.ReadFull(t.frames, frame.Payload); err != nil {
			return 0, err
		}
		if header.Masked {
			frame = ws.UnmaskFrameInPlace(frame)
		}
		switch header.OpCode {
		case ws.OpClose:
			return 0, io.EOF
		case ws.OpPing:
			if err := t.send(ws.OpPong, frame.Payload); err != nil {
				return 0, err
			}
		case ws.OpBinary, ws.OpContinuation:
			t.rest = frame.Payload
		case ws.OpText, ws.OpPong:
			// Nothing of the connection inside.
		}
	}
	n := copy(into, t.rest)
	t.rest = t.rest[n:]
	return n, nil
}

// Write sends one binary frame.
func (t *tunnel) Write(data []byte) (int, error) {
	if err := t.send(ws.OpBinary, data); err != nil {
		return 0, err
	}
	return len(data), nil
}

// send writes one frame, masked by zeroes: the standard wants a mask of every client, and Teleport's proxies do not take it off.
func (t *tunnel) send(kind ws.OpCode, data []byte) error {
	frame := ws.NewFrame(kind, true, data)
	frame.Header.Masked = true
	t.writing.Lock()
	defer t.writing.Unlock()
	return ws.WriteFrame(t.Conn, frame)
}
