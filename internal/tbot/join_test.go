package tbot_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/gravitational/teleport/api/types"

	"github.com/tbotctl/tbotctl/internal/tbot"
	"github.com/tbotctl/tbotctl/internal/teleporttest"
)

func TestJoinProtocols(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		options teleporttest.Options
		via     string
		methods []string
	}{
		"18.x over gRPC": {
			teleporttest.Options{Version: "18.2.0"}, "gRPC RegisterUsingToken", []string{"RegisterUsingToken"},
		},
		"16.x over HTTP, for want of the call": {
			teleporttest.Options{Version: "16.4.7"}, "HTTP host/credentials", []string{"RegisterUsingToken", "credentials"},
		},
		"18.x over HTTP, behind a load balancer": {
			teleporttest.Options{Version: "18.2.0", BehindL7LB: true}, "HTTP host/credentials", []string{"credentials"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, row.options, "access")
			identity, err := tbot.Join(t.Context(), l.request(t))
			if err != nil {
				t.Fatal(err)
			}
			if identity.Via != row.via || !slices.Equal(l.methods(), row.methods) {
				t.Errorf("joined via %q by %v, want %q by %v", identity.Via, l.methods(), row.via, row.methods)
			}
			if identity.User != "bot-example" || identity.Bot() != "example" || !slices.Equal(identity.Roles, []string{"bot-example"}) {
				t.Errorf("joined as %q, bot %q, roles %v", identity.User, identity.Bot(), identity.Roles)
			}
			if identity.Cluster.Name != clusterName {
				t.Errorf("joined cluster %q", identity.Cluster.Name)
			}
			if events := l.Events(); len(events) != 1 || events[0].GetType() != "bot.join" {
				t.Errorf("audit log: %v", events)
			}
		})
	}
}

func TestJoinTTL(t *testing.T) {
	t.Parallel()
	for _, o := range []teleporttest.Options{{}, {BehindL7LB: true}} {
		l := newLab(t, o)
		for asked, want := range map[time.Duration]time.Duration{
			0:                time.Hour, // the server's default
			7 * time.Minute:  7 * time.Minute,
			3 * time.Hour:    3 * time.Hour,
			48 * time.Hour:   24 * time.Hour, // the server's limit
			90 * time.Second: 90 * time.Second,
		} {
			request := l.request(t)
			request.TTL = asked
			before := time.Now()
			identity, err := tbot.Join(t.Context(), request)
			if err != nil {
				t.Fatal(err)
			}
			// Certificates count in whole seconds.
			if least, most := before.Add(want-2*time.Second), time.Now().Add(want+2*time.Second); identity.NotAfter.Before(least) || identity.NotAfter.After(most) {
				t.Errorf("asked for %v: ends in %v, want %v", asked, time.Until(identity.NotAfter), want)
			}
		}
	}
}

// The request is caught on its way, so that the keys that were sent are seen as they were sent.
func TestJoinKeys(t *testing.T) {
	t.Parallel()
	for suite, check := range map[string]func(any) bool{
		"":            isRSA2048,
		"legacy":      isRSA2048,
		"future-v9":   isRSA2048,
		"balanced-v1": isP256,
		"fips-v1":     isP256,
		"hsm-v1":      isP256,
	} {
		t.Run(suite, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, teleporttest.Options{})
			proxy := newHTTPProxy(t, l.Cluster, nil)
			request := l.request(t)
			request.Cluster.Suite = suite
			request.Cluster.Proxy, request.Cluster.CAs = proxy.addr, proxy.pool
			identity, err := tbot.Join(t.Context(), request)
			if err != nil {
				t.Fatal(err)
			}
			sent := proxy.joins()
			if len(sent) != 1 {
				t.Fatalf("%d joins were sent", len(sent))
			}
			block, public := parsePEM(t, sent[0].PublicTLSKey), parseSSHKey(t, sent[0].PublicSSHKey)
			if block.Type != "PUBLIC KEY" {
				t.Errorf("the TLS key is sent as %q", block.Type)
			}
			key, err := x509.ParsePKIXPublicKey(block.Bytes)
			if err != nil {
				t.Fatalf("the TLS key is no PKIX: %v", err)
			}
			if !check(key) {
				t.Errorf("the key is a %T: %v", key, key)
			}
			if !equalKeys(key, public) {
				t.Error("the TLS key and the SSH key differ")
			}
			if sent[0].Role != types.RoleBot || sent[0].Token != tokenName || sent[0].IDToken != request.IDToken.Reveal() {
				t.Errorf("sent role %q, token %q", sent[0].Role, sent[0].Token)
			}
			if identity.Bot() != "example" {
				t.Errorf("joined as %v", identity)
			}
		})
	}
}

func isRSA2048(key any) bool {
	public, ok := key.(*rsa.PublicKey)
	return ok && public.N.BitLen() == 2048
}

func isP256(key any) bool {
	public, ok := key.(*ecdsa.PublicKey)
	return ok && public.Curve.Params().Name == "P-256"
}

func TestJoinCancelled(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]teleporttest.Options{"gRPC": {}, "HTTP": {BehindL7LB: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			arrived := make(chan struct{}, 1)
			o.Before = func(context.Context, teleporttest.Request) error {
				arrived <- struct{}{}
				<-t.Context().Done()
				return t.Context().Err()
			}
			l := newLab(t, o)
			ctx, cancel := context.WithCancel(t.Context())
			result := make(chan error, 1)
			go func() {
				_, err := tbot.Join(ctx, l.request(t))
				result <- err
			}()
			<-arrived
			cancel()
			select {
			case err := <-result:
				var refused *tbot.Refused
				if !errors.Is(err, context.Canceled) || errors.As(err, &refused) {
					t.Errorf("cancelled: %v", err)
				}
			case <-time.After(5 * time.Second):
				t.Error("the join goes on after it was cancelled")
			}
			if n := len(l.methods()); n != 1 {
				t.Errorf("%d requests, want the one that was cancelled", n)
			}
		})
	}
}

func TestJoinDeadline(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]teleporttest.Options{"gRPC": {}, "HTTP": {BehindL7LB: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o.Before = func(context.Context, teleporttest.Request) error {
				<-t.Context().Done()
				return t.Context().Err()
			}
			l := newLab(t, o)
			ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
			defer cancel()
			_, err := tbot.Join(ctx, l.request(t))
			var refused *tbot.Refused
			if !errors.Is(err, context.DeadlineExceeded) || errors.As(err, &refused) {
				t.Errorf("out of time: %v", err)
			}
		})
	}
}
