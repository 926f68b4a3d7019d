package teleporttest

import (
	"bufio"
	"io"
	"net"
	"sync"

	"github.com/gobwas/ws"
	"github.com/gravitational/trace"
)

// maxControl is the longest payload of a WebSocket control frame (RFC 6455, 5.5).
const maxControl = 125

// frameConn is the stream of bytes in the binary frames of a WebSocket connection, as the proxy reads and writes it:
// frames of a client may be masked with zeros, and those of a server are not masked
// (api/client/alpn_websocket.go).
type frameConn struct {
	net.Conn

	reading sync.Mutex
	reader  *bufio.Reader
	header  ws.Header
	read    int64 // of the payload of header

	writing sync.Mutex
	once    closeOnce
	done    chan struct{}
}

func newFrameConn(conn net.Conn, reader *bufio.Reader) *frameConn {
	return &frameConn{Conn: conn, reader: reader, done: make(chan struct{})}
}

// Read returns payload of binary frames. A close frame is the end of the stream.
func (c *frameConn) Read(b []byte) (int, error) {
	c.reading.Lock()
	defer c.reading.Unlock()
	for c.read == c.header.Length {
		if err := c.next(); err != nil {
			return 0, err
		}
	}
	n, err := c.reader.Read(b[:min(int64(len(b)), c.header.Length-c.read)])
	if c.header.Masked {
		ws.Cipher(b[:n], c.header.Mask, int(c.read))
	}
	c.read += int64(n)
	return n, err
}

// next reads headers up to that of a binary frame, and answers pings on the way.
func (c *frameConn) next() error {
	for {
		// Nothing of a header is consumed until all of its fixed part is there: the HTTP server that this connection may
		// be handed to breaks reads off by a deadline, and goes on to read.
		if _, err := c.reader.Peek(2); err != nil {
			return err
		}
		header, err := ws.ReadHeader(c.reader)
		if err != nil {
			return err
		}
		if !header.OpCode.IsControl() {
			if header.OpCode == ws.OpText {
				return trace.BadParameter("a text frame in a connection upgrade")
			}
			c.header, c.read = header, 0
			return nil
		}
		if header.Length > maxControl {
			return trace.BadParameter("a control frame of %d bytes in a connection upgrade", header.Length)
		}
		payload := make([]byte, header.Length)
		if _, err := io.ReadFull(c.reader, payload); err != nil {
			return err
		}
		if header.OpCode == ws.OpClose {
			return io.EOF
		}
		if header.OpCode == ws.OpPing {
			if header.Masked {
				ws.Cipher(payload, header.Mask, 0)
			}
			if err := c.write(ws.NewPongFrame(payload)); err != nil {
				return err
			}
		}
	}
}

// Write sends b as one binary frame.
func (c *frameConn) Write(b []byte) (int, error) {
	if err := c.write(ws.NewBinaryFrame(b)); err != nil {
		return 0, err
	}
	return len(b), nil
}

func (c *frameConn) write(frame ws.Frame) error {
	bytes, err := ws.CompileFrame(frame)
	if err != nil {
		return err
	}
	c.writing.Lock()
	defer c.writing.Unlock()
	_, err = c.Conn.Write(bytes)
	return err
}

// Close closes the connection without a close frame, as the proxy does.
func (c *frameConn) Close() error {
	c.once.do(c.done)
	return c.Conn.Close()
}

// closeOnce closes a channel once, however often a connection is closed.
type closeOnce struct{ once sync.Once }

func (o *closeOnce) do(done chan struct{}) { o.once.Do(func() { close(done) }) }
