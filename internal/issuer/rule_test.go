package issuer

import (
	"compress/gzip"
	"context"
	"fmt"
	"go/ast"
	"go/build/constraint"
	"go/parser"
	"go/token"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
)

func TestRedirects(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		to   func(hop int) string
		want FailureKind
		hops int
	}{
		"five are followed":  {func(hop int) string { return fmt.Sprintf("/hop/%d", hop+1) }, FailureNone, 6},
		"for ever":           {func(int) string { return testIssuer + discoveryPath }, FailureRedirect, 6},
		"to http":            {func(int) string { return "http://keys.example.com/" }, FailureInsecureRedirect, 1},
		"to ftp":             {func(int) string { return "ftp://keys.example.com/" }, FailureInsecureRedirect, 1},
		"to nowhere":         {func(int) string { return "" }, FailureRedirect, 1},
		"to no URL":          {func(int) string { return "https://%zz/" }, FailureRedirect, 1},
		"with a password":    {func(int) string { return "https://a:b@keys.example.com/" }, FailureRedirect, 1},
		"to metadata":        {func(int) string { return "https://169.254.169.254/latest/meta-data" }, FailurePrivateAddress, 1},
		"to loopback":        {func(int) string { return "https://127.0.0.1/" }, FailurePrivateAddress, 1},
		"to IPv6 loopback":   {func(int) string { return "https://[::1]/" }, FailurePrivateAddress, 1},
		"to a private name":  {func(int) string { return "https://inside.example.com/" }, FailurePrivateAddress, 1},
		"to a cluster name":  {func(int) string { return "https://kubernetes.default.svc/" }, FailurePrivateAddress, 1},
		"to an unknown name": {func(int) string { return "https://gone.example.com/" }, FailureDNS, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWeb(t)
			sound := served(t, nil)
			hop := 0
			w.host(t, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/hop/5" {
					r.URL.Path = testWell
					sound.ServeHTTP(rw, r)
					return
				}
				if r.URL.Path == testKeys {
					sound.ServeHTTP(rw, r)
					return
				}
				rw.Header().Set("Location", test.to(hop))
				rw.WriteHeader(http.StatusFound)
				hop++
			}))
			w.names["inside.example.com"] = []netip.Addr{netip.MustParseAddr("172.16.3.4")}
			r := w.fetcher().Fetch(t.Context(), testIssuer)
			if r.Kind != test.want {
				t.Fatalf("kind %q (%s), want %q", r.Kind, r.Detail, test.want)
			}
			asked := slices.DeleteFunc(r.URLs, func(u string) bool { return !strings.Contains(u, testHost) || strings.HasSuffix(u, testKeys) })
			if len(asked) != test.hops {
				t.Errorf("asked %v, want %d requests of the host", asked, test.hops)
			}
		})
	}
}

// A name whose answer changes between the look and the dial (DNS rebinding) is dialed where it was judged.
func TestDialsWhatWasJudged(t *testing.T) {
	t.Parallel()
	w := newWeb(t)
	w.host(t, served(t, nil))
	var dialed []string
	f := w.fetcher()
	f.Resolver = rebinding{first: netip.MustParseAddr(publicIP), asked: new(atomic.Int32)}
	f.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		dialed = append(dialed, address)
		return w.dial(ctx, network, address)
	}
	if r := f.Fetch(t.Context(), testIssuer); !r.Reachable {
		t.Fatal(r.Why())
	}
	if !slices.Equal(dialed, []string{publicIP + ":443"}) {
		t.Errorf("dialed %v", dialed)
	}
}

type rebinding struct {
	first netip.Addr
	asked *atomic.Int32
}

func (r rebinding) LookupNetIP(context.Context, string, string) ([]netip.Addr, error) {
	if r.asked.Add(1) == 1 {
		return []netip.Addr{r.first}, nil
	}
	return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
}

func TestUnpackedBodyIsLimited(t *testing.T) {
	t.Parallel()
	w := newWeb(t)
	w.host(t, http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Encoding", "gzip")
		packed := gzip.NewWriter(rw)
		for range 64 {
			_, _ = packed.Write([]byte(strings.Repeat(" ", 64<<10)))
		}
		_ = packed.Close()
	}))
	if r := w.fetcher().Fetch(t.Context(), testIssuer); r.Kind != FailureTooLarge {
		t.Fatalf("kind %q (%s)", r.Kind, r.Detail)
	}
}

func TestJudgeAddress(t *testing.T) {
	t.Parallel()
	for address, public := range map[string]bool{
		"0.0.0.0": false, "0.1.2.3": false, "10.0.0.1": false, "100.64.0.1": false, "100.127.255.255": false, "127.0.0.1": false, "127.255.0.1": false,
		"169.254.169.254": false, "172.16.0.1": false, "172.31.255.255": false, "192.0.0.8": false, "192.88.99.1": false, "192.168.1.1": false,
		"198.18.0.1": false, "198.19.255.255": false, "224.0.0.1": false, "240.0.0.1": false, "255.255.255.255": false,
		"1.1.1.1": true, "9.255.255.255": true, "11.0.0.1": true, "100.63.255.255": true, "100.128.0.1": true, "172.15.255.255": true, "172.32.0.1": true,
		"192.167.255.255": true, "198.17.0.1": true, "198.20.0.1": true, "223.255.255.255": true, publicIP: true,
		"::": false, "::1": false, "fc00::1": false, "fd12:3456::1": false, "fe80::1": false, "fe80::1%eth0": false, "fec0::1": false, "ff02::1": false,
		"100::1": false, "2001::1": false, "2001:2::1": false, "2002:0a00:0001::1": false, "5f00::1": false, "64:ff9b:1::1": false, "4000::1": false,
		"::ffff:10.0.0.1": false, "::ffff:127.0.0.1": false, "::ffff:8.8.8.8": true, "::127.0.0.1": false,
		"64:ff9b::10.0.0.1": false, "64:ff9b::127.0.0.1": false, "64:ff9b::8.8.8.8": true,
		"2600:1f13::1": true, "2a00:1450:4001::200e": true, "2001:db8::1": true, "2001:4860:4860::8888": true,
	} {
		if why := judgeAddress(netip.MustParseAddr(address)); (why == "") != public {
			t.Errorf("%s: %q, want public %v", address, why, public)
		}
	}
}

func TestInsideName(t *testing.T) {
	t.Parallel()
	for host, inside := range map[string]bool{
		"kubernetes": true, "localhost": true, "LOCALHOST.": true, "a.localhost": true, "printer.local": true, "nas.home.arpa": true,
		"ip-10-0-0-1.ec2.internal": true, "kubernetes.default.svc": true, "kubernetes.default.svc.cluster.local": true, "kubernetes.default.svc.k8s.corp": true,
		"oidc.eks.us-west-2.amazonaws.com": false, "example.com.": false, "svc.example.com": false, "internal.example.com": false, "127.0.0.1": false, "::1": false,
	} {
		if got := insideName(host); got != inside {
			t.Errorf("%s: %v, want %v", host, got, inside)
		}
	}
}

// The Fetcher that is shipped is the zero value. Whatever the environment says, it connects to nothing on this machine or network.
func TestShippedFetcherRefusesInsideAddresses(t *testing.T) {
	for _, name := range []string{
		"TBOTCTL_INSECURE", "TBOTCTL_ISSUER", "TBOTCTL_ALLOW_PRIVATE_ISSUER", "TBOTCTL_JOIN_TYPE", "TBOTCTL_ACCEPT_ROTATION_RISK", "TBOTCTL_PROXY",
		"TELEPORT_PROXY", "INSECURE", "DEBUG", "CI", "KUBERNETES_SERVICE_HOST",
	} {
		t.Setenv(name, "true")
	}
	var connections atomic.Int32
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	server.StartTLS()
	t.Cleanup(server.Close)
	_, port, err := net.SplitHostPort(server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "ALL_PROXY"} {
		t.Setenv(name, "http://127.0.0.1:"+port)
	}
	t.Setenv("NO_PROXY", "*.example.com")
	for _, host := range []string{
		"127.0.0.1", "127.1.2.3", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "[::]", "10.0.0.1", "172.16.0.1", "192.168.0.1",
		"169.254.169.254", "100.64.0.1", "[fd00::1]", "[fe80::1]", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local",
	} {
		var shipped Fetcher
		if r := shipped.Fetch(t.Context(), "https://"+host+":"+port); r.Reachable || r.Kind != FailurePrivateAddress {
			t.Errorf("%s: reachable %v, kind %q (%s)", host, r.Reachable, r.Kind, r.Detail)
		}
	}
	w := newWeb(t)
	w.host(t, served(t, nil))
	if r := w.fetcher().Fetch(t.Context(), testIssuer); !r.Reachable {
		t.Errorf("beside a proxy that is set: %s", r.Why())
	}
	if n := connections.Load(); n != 0 {
		t.Errorf("%d connections were made to this machine, or through the proxy", n)
	}
}

// No flag, variable or build tag of the shipped binary relaxes the rule: this package reads no environment and has no variants,
// and outside of tests and test kits nobody fills a Fetcher in.
func TestNothingShippedRelaxesTheRule(t *testing.T) {
	t.Parallel()
	root := filepath.Join("..", "..")
	kits := []string{"test", filepath.Join("internal", "testkit"), filepath.Join("internal", "teleporttest")}
	own, seen := filepath.Join("internal", "issuer"), 0
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		here, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if slices.Contains(kits, here) || (strings.HasPrefix(entry.Name(), ".") && here != ".") || entry.Name() == "testdata" {
				return filepath.SkipDir
			}
			return nil
		}
		if filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		seen++
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		if filepath.Dir(here) == own {
			checkOwnFile(t, here, file)
			return nil
		}
		checkCaller(t, here, file)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if seen < 10 {
		t.Errorf("only %d files were looked at", seen)
	}
}

func checkOwnFile(t *testing.T, path string, file *ast.File) {
	t.Helper()
	for _, group := range file.Comments {
		for _, comment := range group.List {
			if constraint.IsGoBuild(comment.Text) {
				t.Errorf("%s has a build tag: %s", path, comment.Text)
			}
		}
	}
	for _, spec := range file.Imports {
		if name, err := strconv.Unquote(spec.Path.Value); err != nil || slices.Contains([]string{"os", "flag", "syscall/js", "github.com/spf13/pflag"}, name) {
			t.Errorf("%s imports %s", path, name)
		}
	}
}

// checkCaller refuses Fetcher literals with fields, and assignments to its fields, in files that import this package.
func checkCaller(t *testing.T, path string, file *ast.File) {
	t.Helper()
	if !slices.ContainsFunc(file.Imports, func(s *ast.ImportSpec) bool { return strings.HasSuffix(s.Path.Value, `/internal/issuer"`) }) {
		return
	}
	ast.Inspect(file, func(node ast.Node) bool {
		switch n := node.(type) {
		case *ast.CompositeLit:
			if s, ok := n.Type.(*ast.SelectorExpr); ok && s.Sel.Name == "Fetcher" && len(n.Elts) > 0 {
				t.Errorf("%s fills a Fetcher in", path)
			}
		case *ast.AssignStmt:
			for _, left := range n.Lhs {
				if s, ok := left.(*ast.SelectorExpr); ok && slices.Contains([]string{"Resolver", "Dial", "RootCAs"}, s.Sel.Name) {
					t.Errorf("%s sets %s", path, s.Sel.Name)
				}
			}
		}
		return true
	})
}
