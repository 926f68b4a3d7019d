package teleport_test

import (
	"context"
	"crypto/x509"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tbotctl/tbotctl/internal/route/routetest"
	"github.com/tbotctl/tbotctl/internal/teleport"
	"github.com/tbotctl/tbotctl/internal/teleporttest"
)

func TestLookAt(t *testing.T) {
	t.Parallel()
	plain := teleporttest.New(t, teleporttest.Options{PublicName: "proxy.example.com"})
	for name, row := range map[string]struct {
		cluster      *teleporttest.Cluster
		loadBalancer bool
	}{
		"a proxy":                 {plain, false},
		"behind a load balancer":  {teleporttest.New(t, teleporttest.Options{BehindL7LB: true, PublicName: "proxy.example.com"}), true},
		"a proxy of the year ago": {teleporttest.New(t, teleporttest.Options{Version: "16.4.7", PublicName: "proxy.example.com"}), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			look, err := teleport.LookAt(t.Context(), targetOf(row.cluster), time.Now())
			if err != nil {
				t.Fatal(err)
			}
			got := look.Certificate
			if look.LoadBalancer != row.loadBalancer || got.Trouble != nil {
				t.Errorf("%+v, want one to be trusted and a load balancer: %v", look, row.loadBalancer)
			}
			if !slices.Contains(got.Names, "proxy.example.com") || !slices.Contains(got.Names, "localhost") || got.Issuer == "" || time.Until(got.Expires) <= 0 {
				t.Errorf("certificate %+v", got)
			}
		})
	}

	t.Run("nobody trusts it", func(t *testing.T) {
		t.Parallel()
		look, err := teleport.LookAt(t.Context(), teleport.Target{Proxy: plain.Addr(), CAs: x509.NewCertPool()}, time.Now())
		if err != nil || look.LoadBalancer || look.Certificate.Trouble == nil || !strings.Contains(look.Certificate.Trouble.Error(), "--proxy-ca") {
			t.Errorf("%+v, %v; want a certificate that is not trusted", look, err)
		}
	})
	t.Run("another day", func(t *testing.T) {
		t.Parallel()
		look, err := teleport.LookAt(t.Context(), targetOf(plain), time.Now().AddDate(100, 0, 0))
		if err != nil || look.Certificate.Trouble == nil || !strings.Contains(look.Certificate.Trouble.Error(), "expired") {
			t.Errorf("%+v, %v; want a certificate that has expired by then", look, err)
		}
	})
	if asked := plain.Requests(); len(asked) > 0 {
		t.Errorf("a look at the certificate asked for %v", asked)
	}
}

// TestLookAtKnowsNoProtocol holds the other answer that a load balancer gives: an alert, after which the certificate takes a
// second handshake.
func TestLookAtKnowsNoProtocol(t *testing.T) {
	t.Parallel()
	// The Go standard library's server refuses a client that offers none of its protocols.
	target := siteNamed(t, time.Now().Add(time.Hour), "localhost")
	look, err := teleport.LookAt(t.Context(), target, time.Now())
	if err != nil || !look.LoadBalancer || look.Certificate.Trouble != nil {
		t.Errorf("%+v, %v; want a load balancer with a certificate to be trusted", look, err)
	}
}

func TestLookAtSilentPort(t *testing.T) {
	t.Parallel()
	addr := routetest.Port(t, routetest.Silent)
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	_, err := teleport.LookAt(ctx, teleport.Target{Proxy: addr}, time.Now())
	wantError(t, err, teleport.Unreachable, addr)
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if _, err := teleport.LookAt(ctx, teleport.Target{Proxy: addr}, time.Now()); !teleport.Is(err, teleport.Other) {
		t.Errorf("cancelled: %v, want an error that blames nobody", err)
	}
	_, err = teleport.LookAt(t.Context(), teleport.Target{Proxy: "no-port"}, time.Now())
	wantError(t, err, teleport.Other, "missing port")
}

// The environment is the process's, so this test is not parallel.
func TestLookAtIsOverridden(t *testing.T) {
	c := teleporttest.New(t, teleporttest.Options{})
	for value, want := range map[string]bool{"yes": true, c.Addr() + "=yes": true, "elsewhere.example.com:443=yes": false, "no": false} {
		t.Setenv("TELEPORT_TLS_ROUTING_CONN_UPGRADE", value)
		if look, err := teleport.LookAt(t.Context(), targetOf(c), time.Now()); err != nil || look.LoadBalancer != want {
			t.Errorf("%s: %+v, %v; want a load balancer: %v", value, look, err, want)
		}
	}
}
