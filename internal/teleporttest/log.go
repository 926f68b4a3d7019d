package teleporttest

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"
)

// Request is one call that reached the cluster, whether or not it was served.
type Request struct {
	Time time.Time
	// Protocol is http, grpc, or kube for a request to a Kubernetes cluster.
	Protocol string
	// Method is "POST /v1/webapi/host/credentials", "/proto.AuthService/Ping" or "GET /api/v1/pods".
	Method string
	// KubeCluster is the Kubernetes cluster that a request is for.
	KubeCluster string
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

// Writes are the methods of the requests so far that change the cluster's state, in the order of arrival: empty where
// somebody has only looked. Certificates that were issued are not among them (Request.Mints).
func (c *Cluster) Writes() []string {
	return c.methods(func(r Request) bool { return r.Write })
}

// TokenReads are the methods of the requests so far that read provision tokens, one or all.
func (c *Cluster) TokenReads() []string {
	return c.methods(func(r Request) bool { return r.Protocol == "grpc" && readsTokens(r.Method) })
}

func (c *Cluster) methods(of func(Request) bool) []string {
	var out []string
	for _, r := range c.Requests() {
		if of(r) {
			out = append(out, r.Method)
		}
	}
	return out
}

// readsTokens knows every RPC that answers with tokens, also those that this cluster does not serve: a client that calls
// one has tried.
func readsTokens(method string) bool {
	_, rpc := splitMethod(method)
	switch rpc {
	case "GetToken", "GetTokens", "ListProvisionTokens", "GetStaticTokens", "ListScopedTokens", "GetScopedToken":
		return true
	}
	return false
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
