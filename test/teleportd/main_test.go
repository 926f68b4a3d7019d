package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gravitational/teleport/api/client"
	"github.com/gravitational/teleport/api/client/webclient"
)

func TestServesUntilStdinEnds(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "state")
	stdin, parent := io.Pipe()
	output, stdout := io.Pipe()
	var stderr bytes.Buffer
	code := make(chan int, 1)
	go func() {
		code <- run(t.Context(), []string{"--dir", dir, "--cluster-name", "demo.example.com", "--version", "18.2.0"}, stdin, stdout, &stderr)
	}()
	text, err := bufio.NewReader(output).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	var line ready
	if err := json.Unmarshal([]byte(text), &line); err != nil {
		t.Fatalf("%v: %q", err, text)
	}
	if line.ClusterName != "demo.example.com" || line.Dir != dir {
		t.Errorf("ready line %q", text)
	}
	ca, err := os.ReadFile(filepath.Join(dir, "web-ca.pem"))
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(ca)
	found, err := webclient.Find(&webclient.Config{Context: t.Context(), ProxyAddr: line.Proxy, Pool: pool})
	if err != nil || found.ClusterName != line.ClusterName {
		t.Fatalf("find: %+v, %v", found, err)
	}
	identity := filepath.Join(dir, "admin.identity")
	info, err := os.Stat(identity)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("admin.identity: %v, %v", info, err)
	}
	clt, err := client.New(t.Context(), client.Config{
		Addrs: []string{line.Proxy}, ALPNSNIAuthDialClusterName: line.ClusterName,
		Credentials: []client.Credentials{client.LoadIdentityFile(identity)},
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := clt.Ping(t.Context()); err != nil {
		t.Error(err)
	}
	if err := clt.Close(); err != nil {
		t.Error(err)
	}
	if err := parent.Close(); err != nil {
		t.Fatal(err)
	}
	if got := <-code; got != 0 {
		t.Errorf("exit code %d: %s", got, stderr.String())
	}
}

func TestEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	stdin, parent := io.Pipe()
	defer parent.Close() //nolint:errcheck // a pipe's Close does not fail
	output, stdout := io.Pipe()
	code := make(chan int, 1)
	go func() { code <- run(ctx, []string{"--dir", t.TempDir()}, stdin, stdout, io.Discard) }()
	if _, err := bufio.NewReader(output).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	cancel()
	if got := <-code; got != 0 {
		t.Errorf("exit code %d", got)
	}
}

func TestBadFlags(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		args []string
		code int
		want string
	}{
		"no dir":       {nil, 2, "--dir is required"},
		"argument":     {[]string{"--dir", "x", "start"}, 2, `unexpected argument "start"`},
		"map":          {[]string{"--dir", "x", "--oidc-map", "name"}, 2, `"name" is not name=address`},
		"map port":     {[]string{"--dir", "x", "--oidc-map", "a=b"}, 2, "missing port"},
		"CA file":      {[]string{"--dir", "x", "--oidc-ca", "/nonexistent"}, 1, "reading the CAs for issuers"},
		"version":      {[]string{"--dir", "x", "--version", "eighteen"}, 1, "not a semantic version"},
		"unknown flag": {[]string{"--nonsense"}, 2, "flag provided but not defined"},
	} {
		var stderr bytes.Buffer
		if got := run(t.Context(), row.args, strings.NewReader(""), io.Discard, &stderr); got != row.code {
			t.Errorf("%s: exit code %d, want %d", name, got, row.code)
		}
		if !strings.Contains(stderr.String(), row.want) {
			t.Errorf("%s: stderr %q, want %q", name, stderr.String(), row.want)
		}
	}
}

func TestOIDCClientReachesMappedName(t *testing.T) {
	t.Parallel()
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Host == "example.com" {
			_, _ = io.WriteString(w, "mapped")
		}
	}))
	t.Cleanup(server.Close)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	block := &pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}
	if err := os.WriteFile(ca, pem.EncodeToMemory(block), 0o600); err != nil {
		t.Fatal(err)
	}
	mapped := addressMap{}
	// httptest's certificate is for example.com.
	if err := mapped.Set("example.com=" + server.Listener.Addr().String()); err != nil {
		t.Fatal(err)
	}
	web, err := oidcClient(mapped, ca)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://example.com/.well-known/openid-configuration", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := web.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close() //nolint:errcheck // a body that was read
	body, err := io.ReadAll(resp.Body)
	if err != nil || string(body) != "mapped" {
		t.Errorf("%q, %v", body, err)
	}
}
