package teleporttest

import (
	"errors"
	"net"
	"sync"
)

// connListener is a net.Listener that is fed with connections that somebody else accepted.
type connListener struct {
	addr  net.Addr
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func newConnListener(addr net.Addr) *connListener {
	return &connListener{addr: addr, conns: make(chan net.Conn), done: make(chan struct{})}
}

// give passes a connection to Accept, or closes it if the listener is closed.
func (l *connListener) give(conn net.Conn) error {
	select {
	case l.conns <- conn:
		return nil
	case <-l.done:
		return errors.Join(net.ErrClosed, conn.Close())
	}
}

// Accept returns the next connection, or net.ErrClosed.
func (l *connListener) Accept() (net.Conn, error) {
	select {
	case conn := <-l.conns:
		return conn, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *connListener) shut() { l.once.Do(func() { close(l.done) }) }

// Close ends Accept. Connections that were accepted live on.
func (l *connListener) Close() error {
	l.shut()
	return nil
}

// Addr is the address of the listener that the connections came from.
func (l *connListener) Addr() net.Addr { return l.addr }
