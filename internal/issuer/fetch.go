package issuer

import (
	"context"
	"crypto/x509"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/tbotctl/tbotctl/internal/spec"
)

// The limits of a look at an issuer, redirects and keys included.
const (
	maxTime      = 10 * time.Second
	maxBody      = 1 << 20
	maxHeader    = 64 << 10
	maxRedirects = 5
)

// seenFromHere is where a look of ours is made from: about as Teleport makes its own, but from another place.
const seenFromHere = "this machine, by system roots alone, without the cluster's CA, credentials or a proxy"

// Resolver finds the addresses of a host name; *net.Resolver is one.
type Resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// Fetcher reads an issuer's public document and keys as a stranger on the internet would. The zero value is how tbotctl is
// shipped. The rule on addresses has no switch: Resolver says which addresses a name has, each is judged, and Dial is given
// only addresses that passed, never a name. A test kit that wants a public-looking issuer answers with a public-looking
// address and connects it to its own server.
//
// Proxies are not used. Teleport does not go through this machine's proxy, so what is seen through one says little of what
// Teleport sees, and behind one nobody could hold the rule on addresses.
type Fetcher struct {
	// Resolver is net.DefaultResolver where nil.
	Resolver Resolver
	// Dial connects an address of the form ip:port; a plain net.Dialer where nil.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// RootCAs are the system's where nil.
	RootCAs *x509.CertPool
	// Timeout bounds the whole look; 10 s where zero.
	Timeout time.Duration
}

// PublicResult is what a look at an issuer gave. The zero value means that nobody looked.
type PublicResult struct {
	// Reachable means: document and keys were read over https from public addresses, the document names the issuer byte for
	// byte, and at least one key is usable.
	Reachable bool
	// Kind and Detail say what failed; Detail is safe to show and may be empty.
	Kind   FailureKind
	Detail string
	// Err is the cause, where there is one; a cancelled context is found in it.
	Err error
	// Issuer and JWKSURI are the document's own words, also where they were refused.
	Issuer  string
	JWKSURI string
	// Algorithms are those that the document says tokens are signed with.
	Algorithms []string
	Keys       Keys
	// Notes say what was left out of the keys and why.
	Notes []string
	// URLs are those that were asked, redirects included, in order.
	URLs []string
	// SeenFrom says from where this was seen.
	SeenFrom string
	// Ahead is how far the issuer's clock is ahead of this machine's, by the Date of its answers; nil where none told the time.
	Ahead *time.Duration
}

// Why says in one sentence, without a full stop, why the issuer is not known to be public; empty where it is.
func (r PublicResult) Why() string {
	switch {
	case r.Reachable:
		return ""
	case r.Kind == FailureNone:
		return "nobody looked at the issuer's public address"
	case r.Detail == "":
		return r.Kind.Explain()
	}
	return r.Kind.Explain() + ": " + r.Detail
}

// Fetch looks at the issuer's public document and the keys that it names. Every failure is part of the result.
func (f *Fetcher) Fetch(ctx context.Context, issuer string) PublicResult {
	limit := f.Timeout
	if limit <= 0 {
		limit = maxTime
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()

	result := PublicResult{SeenFrom: seenFromHere}
	g := newGetter(ctx, f)
	defer g.close()
	err := look(ctx, g, issuer, &result)
	result.URLs, result.Ahead = g.urls, g.ahead
	if err == nil {
		result.Reachable = true
		return result
	}
	result.Kind, result.Detail, result.Err = err.kind, err.detail, err
	return result
}

// look fills the result in the order in which Teleport reads, and stops at the first failure.
func look(ctx context.Context, g *getter, issuer string, result *PublicResult) *failed {
	address, problem := wellKnown(issuer)
	if problem != "" {
		return &failed{kind: FailureBadIssuer, detail: problem}
	}
	body, fault := g.get(ctx, address)
	if fault != nil {
		return fault
	}
	d, fault := decodeDocument(body)
	if fault != nil {
		return fault
	}
	result.Issuer, result.JWKSURI, result.Algorithms = d.Issuer, d.JWKSURI, d.Algorithms
	if d.Issuer != issuer {
		return &failed{kind: FailureIssuerMismatch, detail: fmt.Sprintf("it names %s where the cluster says %s", spec.Quote(d.Issuer), spec.Quote(issuer))}
	}
	// Another host than the issuer's is legal for the keys; the same rules hold for it.
	if address, problem = parseHTTPS(d.JWKSURI); problem != "" {
		return &failed{kind: FailureBadDocument, detail: "its `jwks_uri` cannot be used: " + problem}
	}
	if body, fault = g.get(ctx, address); fault != nil {
		return fault
	}
	keys, notes, err := usableKeys(body)
	result.Notes = notes
	switch {
	case err != nil:
		return &failed{kind: FailureBadKeys, detail: err.Error(), err: err}
	case len(keys) == 0:
		return &failed{kind: FailureNoKeys, detail: strings.Join(notes, "; ")}
	}
	result.Keys = keys
	return nil
}
