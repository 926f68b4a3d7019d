package main

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// The sides of a fault.
const (
	sideNone       = "no"
	sideKubernetes = "Kubernetes"
	sideTeleport   = "Teleport"
)

// kind is what goes wrong.
type kind string

const (
	reset     kind = "reset"
	limited   kind = "429 with Retry-After"
	broken    kind = "500"
	stall     kind = "stall"
	truncated kind = "truncated body"
	interrupt kind = "SIGINT"
	terminate kind = "SIGTERM"
	kill      kind = "SIGKILL"
)

func kindsOf(string) []kind {
	return []kind{reset, limited, broken, stall, truncated, interrupt, terminate, kill}
}

func (k kind) isSignal() bool { return k == interrupt || k == terminate || k == kill }

// stalled is how long a stalled request hangs: longer than the program's own bound of a request.
const stalled = 4 * time.Second

// injector counts the requests of one side, once it is armed, and acts at one of them, once.
type injector struct {
	lock   sync.Mutex
	fault  fault
	side   string
	armed  bool
	struck bool
	seen   int
	signal func(kind)
}

func (i *injector) arm() {
	i.lock.Lock()
	defer i.lock.Unlock()
	i.armed = true
}

// next counts a request and tells what is to happen to it; empty means nothing.
func (i *injector) next() kind {
	i.lock.Lock()
	defer i.lock.Unlock()
	if !i.armed {
		return ""
	}
	index := i.seen
	i.seen++
	if i.fault.side != i.side || i.fault.index != index {
		return ""
	}
	i.struck = true
	if i.fault.kind.isSignal() {
		i.signal(i.fault.kind)
		return ""
	}
	return i.fault.kind
}

// account tells how many requests were counted, and whether the fault was among them.
func (i *injector) account() (seen int, struck bool) {
	i.lock.Lock()
	defer i.lock.Unlock()
	return i.seen, i.struck
}

// wrap lets requests of an HTTP handler go wrong.
func (i *injector) wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch i.next() {
		case reset:
			cut(w, nil)
		case limited:
			w.Header().Set("Retry-After", "1")
			http.Error(w, "too many requests", http.StatusTooManyRequests)
		case broken:
			http.Error(w, "an internal error", http.StatusInternalServerError)
		case stall:
			select {
			case <-time.After(stalled):
			case <-r.Context().Done():
			}
			cut(w, nil)
		case truncated:
			// The request is served, and half of the answer arrives.
			whole := &recorder{header: http.Header{}}
			next.ServeHTTP(whole, r)
			cut(w, whole)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// cut ends the connection, after half of an answer where there is one.
func cut(w http.ResponseWriter, half *recorder) {
	hijacker, ok := w.(http.Hijacker)
	if !ok {
		panic(http.ErrAbortHandler)
	}
	connection, _, err := hijacker.Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if half != nil {
		body := half.body.Bytes()
		head := "HTTP/1.1 " + strconv.Itoa(half.status) + " OK\r\nContent-Type: " + half.header.Get("Content-Type") + "\r\nContent-Length: " + strconv.Itoa(len(body)) + "\r\n\r\n"
		_, _ = io.WriteString(connection, head)
		_, _ = connection.Write(body[:len(body)/2])
	} else if raw, isTCP := connection.(interface{ NetConn() net.Conn }); isTCP {
		if tcp, isTCP := raw.NetConn().(*net.TCPConn); isTCP {
			_ = tcp.SetLinger(0)
			_ = tcp.Close()
		}
	}
	_ = connection.Close()
}

// recorder keeps an answer.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (r *recorder) Header() http.Header { return r.header }
func (r *recorder) WriteHeader(s int)   { r.status = s }
func (r *recorder) Write(b []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	return r.body.Write(b)
}
