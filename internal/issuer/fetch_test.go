package issuer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

const (
	testHost   = "keys.example.com"
	testIssuer = "https://keys.example.com/id/abc"
	testWell   = "/id/abc/.well-known/openid-configuration"
	testKeys   = "/id/abc/keys"
)

// served is a sound issuer at testIssuer; change replaces pages.
func served(t *testing.T, change map[string][]byte) *pages {
	t.Helper()
	p := &pages{bodies: map[string][]byte{
		testWell: discovery(t, testIssuer, "https://keys.example.com"+testKeys),
		testKeys: keySet(t, newKey(t, "b"), newKey(t, "a")),
	}}
	for path, body := range change {
		p.bodies[path] = body
	}
	return p
}

func TestFetchReadsASoundIssuer(t *testing.T) {
	t.Parallel()
	w := newWeb(t)
	w.host(t, served(t, nil))
	r := w.fetcher().Fetch(t.Context(), testIssuer)
	if r.Ahead == nil || r.Ahead.Abs() > time.Minute {
		t.Errorf("the issuer's clock is %v ahead, want it to be this machine's", r.Ahead)
	}
	if !r.Reachable || r.Kind != FailureNone || r.Why() != "" {
		t.Fatalf("not reachable: %s", r.Why())
	}
	if r.Issuer != testIssuer || !slices.Equal(r.Keys.IDs(), []string{"a", "b"}) || r.SeenFrom == "" {
		t.Errorf("got issuer %q, keys %v, seen from %q", r.Issuer, r.Keys.IDs(), r.SeenFrom)
	}
	if want := []string{testIssuer + discoveryPath, "https://keys.example.com" + testKeys}; !slices.Equal(r.URLs, want) {
		t.Errorf("asked %v, want %v", r.URLs, want)
	}
}

// AKS issuers end in a slash (field-notes P16): it stays in the issuer and is not doubled in the URL.
func TestFetchKeepsTheSlashAtTheEnd(t *testing.T) {
	t.Parallel()
	issuer := testIssuer + "/"
	for name, test := range map[string]struct {
		says string
		want FailureKind
	}{
		"document keeps it":  {issuer, FailureNone},
		"document drops it":  {testIssuer, FailureIssuerMismatch},
		"other letter case":  {strings.Replace(issuer, "keys", "Keys", 1), FailureIssuerMismatch},
		"port that is added": {strings.Replace(issuer, ".com", ".com:443", 1), FailureIssuerMismatch},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWeb(t)
			w.host(t, served(t, map[string][]byte{testWell: discovery(t, test.says, "https://keys.example.com"+testKeys)}))
			r := w.fetcher().Fetch(t.Context(), issuer)
			if r.Kind != test.want {
				t.Fatalf("kind %q (%s), want %q", r.Kind, r.Why(), test.want)
			}
			if r.Issuer != test.says {
				t.Errorf("issuer %q was changed from %q", r.Issuer, test.says)
			}
		})
	}
}

func TestFetchAllowsKeysOnAnotherHost(t *testing.T) {
	t.Parallel()
	w := newWeb(t)
	w.host(t, served(t, map[string][]byte{testWell: discovery(t, testIssuer, "https://cdn.example.net:8443/k")}))
	w.hostAt(t, "cdn.example.net", "203.0.113.20", w.ca.leaf(t, "cdn.example.net", time.Now().Add(time.Hour)), &pages{bodies: map[string][]byte{"/k": keySet(t, newKey(t, "x"))}})
	w.servers["203.0.113.20:8443"] = w.servers["203.0.113.20:443"]
	if r := w.fetcher().Fetch(t.Context(), testIssuer); !r.Reachable || !r.Keys.Has("x") {
		t.Fatalf("not reachable: %s", r.Why())
	}
}

func TestFetchClassifiesAnswers(t *testing.T) {
	t.Parallel()
	private := jose.JSONWebKey{Key: newECKey(t), KeyID: "p", Algorithm: "ES256", Use: "sig"}
	encrypting := newKey(t, "e")
	encrypting.Use = "enc"
	tests := map[string]struct {
		change map[string][]byte
		kind   FailureKind
		detail string
	}{
		"html":                   {map[string][]byte{testWell: []byte("<!doctype html><title>Sign in</title>")}, FailureNotJSON, "<!doctype"},
		"empty":                  {map[string][]byte{testWell: {}}, FailureNotJSON, "empty"},
		"escape sequence":        {map[string][]byte{testWell: []byte("\x1b[31mred")}, FailureNotJSON, `\x1b[31mred`},
		"two documents":          {map[string][]byte{testWell: []byte(`{"issuer":"x"}{}`)}, FailureNotJSON, "line 1, column 15"},
		"a list":                 {map[string][]byte{testWell: []byte(`[]`)}, FailureBadDocument, "wrong JSON type"},
		"null":                   {map[string][]byte{testWell: []byte(`null`)}, FailureBadDocument, "no `issuer`"},
		"issuer is a number":     {map[string][]byte{testWell: []byte(`{"issuer":1,"jwks_uri":"https://a.example.com"}`)}, FailureBadDocument, `"issuer"`},
		"algorithms are a word":  {map[string][]byte{testWell: []byte(`{"issuer":"i","jwks_uri":"j","id_token_signing_alg_values_supported":"RS256"}`)}, FailureBadDocument, "alg_values"},
		"no jwks_uri":            {map[string][]byte{testWell: asJSON(t, map[string]string{"issuer": testIssuer})}, FailureBadDocument, "jwks_uri"},
		"http jwks_uri":          {map[string][]byte{testWell: discovery(t, testIssuer, "http://keys.example.com/keys")}, FailureBadDocument, "not https"},
		"jwks_uri with password": {map[string][]byte{testWell: discovery(t, testIssuer, "https://me:hunter2@keys.example.com/keys")}, FailureBadDocument, "holds a user"},
		"private jwks_uri":       {map[string][]byte{testWell: discovery(t, testIssuer, "https://10.0.0.1/openid/v1/jwks")}, FailurePrivateAddress, "10.0.0.1"},
		"another issuer":         {map[string][]byte{testWell: discovery(t, "https://other.example.com", "https://keys.example.com"+testKeys)}, FailureIssuerMismatch, "other.example.com"},
		"no document":            {map[string][]byte{"/": nil, testWell: nil}, FailureNotJSON, "empty"},
		"no keys":                {map[string][]byte{testKeys: []byte(`{"keys":[]}`)}, FailureNoKeys, ""},
		"keys are null":          {map[string][]byte{testKeys: []byte(`{"keys":null}`)}, FailureBadKeys, "not a list"},
		"keys are html":          {map[string][]byte{testKeys: []byte(`<html>`)}, FailureBadKeys, "line 1, column 1"},
		"only unusable keys":     {map[string][]byte{testKeys: keySet(t, encrypting)}, FailureNoKeys, `"enc"`},
		"published private key":  {map[string][]byte{testKeys: keySet(t, private)}, FailureBadKeys, "can sign tokens"},
		"two keys, one kid":      {map[string][]byte{testKeys: keySet(t, newKey(t, "a"), newKey(t, "a"))}, FailureBadKeys, `"a"`},
		"endless keys":           {map[string][]byte{testKeys: append([]byte(`{"keys":[`), bytes.Repeat([]byte(" "), maxBody)...)}, FailureTooLarge, "1 MiB"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWeb(t)
			w.host(t, served(t, test.change))
			r := w.fetcher().Fetch(t.Context(), testIssuer)
			if r.Reachable || r.Kind != test.kind || !strings.Contains(r.Detail, test.detail) {
				t.Fatalf("reachable %v, kind %q, detail %q; want kind %q with %q", r.Reachable, r.Kind, r.Detail, test.kind, test.detail)
			}
			if strings.ContainsAny(r.Why(), "\x1b\n") || strings.Contains(r.Why(), "hunter2") {
				t.Errorf("foreign text reaches the reader: %q", r.Why())
			}
		})
	}
}

func TestFetchLeavesOutUnusableKeys(t *testing.T) {
	t.Parallel()
	w := newWeb(t)
	good := asJSON(t, newKey(t, "good"))
	set := fmt.Appendf(nil, `{"keys":[%s,{"kty":"OKP","crv":"X448","kid":"odd","x":"AA"},{"kty":"RSA","kid":"cut","e":"AQAB"},7]}`, good)
	w.host(t, served(t, map[string][]byte{testKeys: set}))
	r := w.fetcher().Fetch(t.Context(), testIssuer)
	if !r.Reachable || !slices.Equal(r.Keys.IDs(), []string{"good"}) || len(r.Notes) != 3 {
		t.Fatalf("reachable %v (%s), keys %v, notes %q", r.Reachable, r.Why(), r.Keys.IDs(), r.Notes)
	}
}

func TestFetchClassifiesStatus(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]FailureKind{
		http.StatusUnauthorized: FailureUnauthorized, http.StatusForbidden: FailureUnauthorized,
		http.StatusNotFound: FailureNotFound, http.StatusGone: FailureNotFound,
		http.StatusInternalServerError: FailureHTTPStatus, http.StatusTooManyRequests: FailureHTTPStatus,
		http.StatusNoContent: FailureHTTPStatus, http.StatusMultipleChoices: FailureHTTPStatus,
	} {
		t.Run(http.StatusText(status), func(t *testing.T) {
			t.Parallel()
			w := newWeb(t)
			w.host(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
			r := w.fetcher().Fetch(t.Context(), testIssuer)
			if r.Kind != want || !strings.Contains(r.Detail, fmt.Sprint(status)) {
				t.Fatalf("kind %q, detail %q; want %q", r.Kind, r.Detail, want)
			}
		})
	}
}

func TestFetchSendsNoCredentials(t *testing.T) {
	t.Parallel()
	w := newWeb(t)
	headers := make(chan http.Header, 1)
	w.host(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		headers <- r.Header
		http.NotFound(w, r)
	}))
	w.fetcher().Fetch(t.Context(), testIssuer)
	got := <-headers
	for _, name := range []string{"Authorization", "Cookie", "Referer", "Proxy-Authorization"} {
		if got.Get(name) != "" {
			t.Errorf("%s was sent: %q", name, got.Get(name))
		}
	}
}

func TestFetchJudgesTLS(t *testing.T) {
	t.Parallel()
	stranger := newAuthority(t)
	for name, test := range map[string]struct {
		prepare func(t *testing.T, w *web)
		want    FailureKind
	}{
		"authority of the cluster": {func(t *testing.T, w *web) {
			t.Helper()
			w.hostAt(t, testHost, publicIP, stranger.leaf(t, testHost, time.Now().Add(time.Hour)), served(t, nil))
		}, FailurePrivateCA},
		"another name": {func(t *testing.T, w *web) {
			t.Helper()
			w.hostAt(t, testHost, publicIP, w.ca.leaf(t, "other.example.com", time.Now().Add(time.Hour)), served(t, nil))
		}, FailureTLS},
		"expired": {func(t *testing.T, w *web) {
			t.Helper()
			w.hostAt(t, testHost, publicIP, w.ca.leaf(t, testHost, time.Now().Add(-time.Minute)), served(t, nil))
		}, FailureTLS},
		"no TLS at all": {func(t *testing.T, w *web) {
			t.Helper()
			w.names[testHost] = []netip.Addr{netip.MustParseAddr(publicIP)}
			w.servers[publicIP+":443"] = talker(t, "HTTP/1.1 400 Bad Request\r\n\r\n")
		}, FailureTLS},
		"hangs up": {func(t *testing.T, w *web) {
			t.Helper()
			w.names[testHost] = []netip.Addr{netip.MustParseAddr(publicIP)}
			w.servers[publicIP+":443"] = talker(t, "")
		}, FailureConnection},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWeb(t)
			test.prepare(t, w)
			if r := w.fetcher().Fetch(t.Context(), testIssuer); r.Kind != test.want {
				t.Fatalf("kind %q (%s), want %q", r.Kind, r.Detail, test.want)
			}
		})
	}
}

// talker is a plain TCP server that says one thing to each caller and hangs up.
func talker(t *testing.T, says string) (address string) {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Write([]byte(says))
			_ = conn.Close()
		}
	}()
	return listener.Addr().String()
}

func TestFetchClassifiesTheNetwork(t *testing.T) {
	t.Parallel()
	at := func(ips ...string) map[string][]netip.Addr {
		var all []netip.Addr
		for _, ip := range ips {
			all = append(all, netip.MustParseAddr(ip))
		}
		return map[string][]netip.Addr{testHost: all}
	}
	for name, test := range map[string]struct {
		issuer string
		names  map[string][]netip.Addr
		want   FailureKind
	}{
		"unknown name":      {testIssuer, nil, FailureDNS},
		"name without any":  {testIssuer, at(), FailureDNS},
		"nobody listens":    {testIssuer, at(publicIP), FailureRefused},
		"none of two":       {testIssuer, at(publicIP, "203.0.113.11"), FailureRefused},
		"private":           {testIssuer, at("10.1.2.3"), FailurePrivateAddress},
		"one of two":        {testIssuer, at(publicIP, "192.168.0.7"), FailurePrivateAddress},
		"mapped":            {testIssuer, at("::ffff:127.0.0.1"), FailurePrivateAddress},
		"cluster name":      {"https://kubernetes.default.svc.cluster.local", nil, FailurePrivateAddress},
		"short name":        {"https://kubernetes", nil, FailurePrivateAddress},
		"http":              {"http://keys.example.com", nil, FailureBadIssuer},
		"no URL":            {"kubernetes/serviceaccount", nil, FailureBadIssuer},
		"empty":             {"", nil, FailureBadIssuer},
		"query":             {"https://keys.example.com?a=b", nil, FailureBadIssuer},
		"fragment":          {"https://keys.example.com#", nil, FailureBadIssuer},
		"user and password": {"https://a:b@keys.example.com", nil, FailureBadIssuer},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWeb(t)
			w.names = test.names
			r := w.fetcher().Fetch(t.Context(), test.issuer)
			if r.Kind != test.want || r.Detail == "" {
				t.Fatalf("kind %q, detail %q, want %q", r.Kind, r.Detail, test.want)
			}
		})
	}
}

// An address that nobody answers on must not keep the next one from its turn.
func TestFetchTriesEachAddress(t *testing.T) {
	t.Parallel()
	w := newWeb(t)
	w.host(t, served(t, nil))
	w.names[testHost] = []netip.Addr{netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr(publicIP)}
	f := w.fetcher()
	f.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		if strings.HasPrefix(address, "[2001:db8") {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		return w.dial(ctx, network, address)
	}
	f.Timeout = 2 * time.Second
	if r := f.Fetch(t.Context(), testIssuer); !r.Reachable {
		t.Fatal(r.Why())
	}
}

func TestFetchEndsInTime(t *testing.T) {
	t.Parallel()
	for name, handler := range map[string]http.HandlerFunc{
		"no answer": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"body without an end": func(w http.ResponseWriter, r *http.Request) {
			_, _ = w.Write([]byte("{"))
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWeb(t)
			w.host(t, handler)
			f := w.fetcher()
			f.Timeout = 100 * time.Millisecond
			if r := f.Fetch(t.Context(), testIssuer); r.Kind != FailureTimeout {
				t.Fatalf("kind %q (%s)", r.Kind, r.Detail)
			}
		})
	}
	if maxTime != 10*time.Second || maxBody != 1<<20 || maxRedirects != 5 {
		t.Error("the limits are not those that the documentation promises")
	}
}

func TestFetchStopsWhenCancelled(t *testing.T) {
	t.Parallel()
	w := newWeb(t)
	ctx, cancel := context.WithCancel(t.Context())
	w.host(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	}))
	r := w.fetcher().Fetch(ctx, testIssuer)
	if r.Kind != FailureCancelled || !errors.Is(r.Err, context.Canceled) {
		t.Fatalf("kind %q, err %v", r.Kind, r.Err)
	}
}

func TestFetchLimitsHeadersAndUnpackedBodies(t *testing.T) {
	t.Parallel()
	w := newWeb(t)
	w.host(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for i := range 100 {
			w.Header().Set(fmt.Sprintf("X-Long-%d", i), strings.Repeat("a", 1024))
		}
	}))
	if r := w.fetcher().Fetch(t.Context(), testIssuer); r.Kind != FailureTooLarge {
		t.Fatalf("headers: kind %q (%s)", r.Kind, r.Detail)
	}
}
