package teleporttest

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"
)

// Request is one call that reached the cluster, HTTP or gRPC, whether or not it was served.
type Request struct {
	Time time.Time
	// Protocol is http or grpc.
	Protocol string
	// Method is "POST /v1/webapi/host/credentials" or "/proto.AuthService/Ping".
	Method string
	// User is the user name in the client's certificate, empty without one.
	User string
	// Impersonated is set where the certificate was issued for role impersonation: a bot's output identity.
	Impersonated bool
	// Write says that the call changes the cluster's state if it is served: it creates, changes or deletes
	// something, a bot instance by a join included.
	Write bool
	// Mints says that the call issues certificates.
	Mints bool
}

type requestLog struct {
	mu   sync.Mutex
	list []Request
}

func (l *requestLog) add(r Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.list = append(l.list, r)
}

// Requests returns every request so far, in the order of arrival.
func (c *Cluster) Requests() []Request {
	c.log.mu.Lock()
	defer c.log.mu.Unlock()
	return slices.Clone(c.log.list)
}

// Reset forgets the requests so far. It touches no resource.
func (c *Cluster) Reset() {
	c.log.mu.Lock()
	defer c.log.mu.Unlock()
	c.log.list = nil
}

// note logs a request and runs the Before hook. The caller must not serve the request if it returns an error.
func (c *Cluster) note(ctx context.Context, r Request) error {
	r.Time = c.opts.Now()
	r.Write, r.Mints = effects(r.Method)
	c.log.add(r)
	if c.opts.Before == nil {
		return nil
	}
	return c.opts.Before(ctx, r)
}

// effects classifies a method by its name: Teleport's RPCs start with what they do.
func effects(method string) (write, mints bool) {
	if strings.HasSuffix(method, "/webapi/host/credentials") {
		return true, true
	}
	if !strings.HasPrefix(method, "/") {
		return false, false
	}
	rpc := method[strings.LastIndexByte(method, '/')+1:]
	if strings.HasPrefix(rpc, "RegisterUsing") {
		return true, true
	}
	if strings.HasPrefix(rpc, "Generate") {
		return false, true
	}
	for _, verb := range []string{"Create", "Upsert", "Update", "Delete", "Set", "Reset", "Rotate", "Submit", "Emit", "Add", "Remove"} {
		if strings.HasPrefix(rpc, verb) {
			return rpc != "CreateAuthenticateChallenge", false
		}
	}
	return false, false
}
