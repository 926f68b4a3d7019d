package route

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"slices"
	"testing"

	"github.com/gobwas/ws"
)

// wire is the far end of a tunnel: what was sent there, and what is still to come from it.
type wire struct {
	net.Conn

	sent, coming bytes.Buffer
}

func (w *wire) Read(into []byte) (int, error)  { return w.coming.Read(into) }
func (w *wire) Write(data []byte) (int, error) { return w.sent.Write(data) }

// frames writes what a proxy sends.
func frames(tb testing.TB, all ...ws.Frame) []byte {
	tb.Helper()
	var out bytes.Buffer
	for _, frame := range all {
		if err := ws.WriteFrame(&out, frame); err != nil {
			tb.Fatal(err)
		}
	}
	return out.Bytes()
}

func TestTunnel(t *testing.T) {
	t.Parallel()
	w := &wire{}
	w.coming.Write(frames(t, ws.NewPingFrame([]byte("are you there")), ws.NewBinaryFrame(nil), ws.NewBinaryFrame([]byte("world")),
		ws.NewTextFrame([]byte("not ours")), ws.NewCloseFrame(nil), ws.NewBinaryFrame([]byte("too late"))))
	early := bufio.NewReader(io.MultiReader(bytes.NewReader(frames(t, ws.NewBinaryFrame([]byte("hello ")))), w))
	got, err := io.ReadAll(newTunnel(w, early))
	if err != nil || string(got) != "hello world" {
		t.Errorf("read %q, %v", got, err)
	}
	if n, err := newTunnel(w, nil).Write([]byte("GET /")); n != 5 || err != nil {
		t.Errorf("wrote %d, %v", n, err)
	}
	var sent []string
	for w.sent.Len() > 0 {
		frame, err := ws.ReadFrame(&w.sent)
		if err != nil {
			t.Fatal(err)
		}
		// Proxies do not take the mask off, so that the bytes have to be the plain ones under a mask of zeroes.
		if !frame.Header.Masked || frame.Header.Mask != [4]byte{} || !frame.Header.Fin {
			t.Errorf("frame %+v", frame.Header)
		}
		sent = append(sent, string(frame.Payload))
	}
	if !slices.Equal(sent, []string{"are you there", "GET /"}) {
		t.Errorf("sent %q", sent)
	}
}

// FuzzTunnel: whatever comes out of a proxy, a tunnel ends, gives no more bytes than came, and answers only pings.
func FuzzTunnel(f *testing.F) {
	f.Add(frames(f, ws.NewBinaryFrame([]byte("hello")), ws.NewPingFrame([]byte("x")), ws.NewCloseFrame(nil)))
	f.Add(frames(f, ws.MaskFrame(ws.NewBinaryFrame([]byte("masked"))), ws.NewTextFrame([]byte("text"))))
	f.Add([]byte{0x82, 0x7f, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff})
	f.Add([]byte{0x82, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff})
	f.Add([]byte("HTTP/1.1 400 Bad Request\r\n\r\n"))
	f.Fuzz(func(t *testing.T, coming []byte) {
		w := &wire{}
		w.coming.Write(coming)
		got, _ := io.ReadAll(newTunnel(w, nil)) // any error is fine, a panic or a hang is not
		if len(got) > len(coming) {
			t.Errorf("%d bytes of %d", len(got), len(coming))
		}
		for w.sent.Len() > 0 {
			if frame, err := ws.ReadFrame(&w.sent); err != nil || frame.Header.OpCode != ws.OpPong || len(frame.Payload) > len(coming) {
				t.Fatalf("sent %+v, %v", frame.Header, err)
			}
		}
	})
}
