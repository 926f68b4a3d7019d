// Package routetest is what can stand on the way to a Teleport Proxy: ports that misbehave, the HTTP proxy of the environment, and the
// port for agents of a proxy without TLS routing. It is test support; the Teleport cluster itself is teleporttest's.
package routetest

import (
	"context"
	"net"
	"sync"
	"testing"
)

// Port is an address at which serve gets every connection; it stays open until the test ends, whatever serve does not close.
func Port(t *testing.T, serve func(net.Conn)) (addr string) {
	t.Helper()
	var config net.ListenConfig
	listener, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	running.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			context.AfterFunc(t.Context(), func() { _ = conn.Close() })
			running.Go(func() { serve(conn) })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		running.Wait()
	})
	return listener.Addr().String()
}

// ClosedPort is an address that nothing listens at.
func ClosedPort(t *testing.T) (addr string) {
	t.Helper()
	var config net.ListenConfig
	listener, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	return listener.Addr().String()
}

// Silent accepts and says nothing.
func Silent(net.Conn) {}
