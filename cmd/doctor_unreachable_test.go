package cmd_test

import (
	"context"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tbotctl/tbotctl/internal/teleporttest"
	"github.com/tbotctl/tbotctl/internal/testkit"
	"github.com/tbotctl/tbotctl/internal/testkit/lab"
)

// TestDoctorReachesNoTeleport holds that a proxy that does not answer is one finding, and that nothing passes that only Teleport knows.
func TestDoctorReachesNoTeleport(t *testing.T) {
	t.Parallel()
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
	b.healthy(t)
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	got := b.run(t, b.lookArgs("--proxy", closed, "-o", "json")...)
	got.want(t, 3, "TBC301")
	document := lookedOf(t, got)
	if failed := document.statuses("fail"); !slices.Equal(failed, []string{"TBC301"}) {
		t.Errorf("failed: %v", failed)
	}
	for _, check := range document.Checks {
		if check.Status == "pass" && (check.Category == "teleport" || check.Category == "token" || check.Category == "audit" || check.ID == "TBC504") {
			t.Errorf("%s passes without Teleport: %s", check.ID, check.Observed)
		}
	}
}

// TestDoctorReachesNoKubernetes holds that an API server that does not answer is one finding, and that doctor says nothing of a tbot
// that it could not look for.
func TestDoctorReachesNoKubernetes(t *testing.T) {
	t.Parallel()
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
	b.write(t, "closed.kubeconfig", []byte(closedKubeconfig))
	got := b.run(t, b.lookArgs("--kubeconfig", b.path("closed.kubeconfig"), "--context", "x", "-o", "json")...)
	got.want(t, 3, "TBC101")
	document := lookedOf(t, got)
	if failed := document.statuses("fail"); !slices.Equal(failed, []string{"TBC101"}) || !slices.Contains(document.statuses("unknown"), "TBC502") {
		t.Errorf("failed %v, unknown %v", failed, document.statuses("unknown"))
	}
}

// TestDoctorIsNotLoggedIn holds a login that the API server refuses to its own exit code: doctor cannot do without.
func TestDoctorIsNotLoggedIn(t *testing.T) {
	t.Parallel()
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
	refused := strings.NewReplacer("https://127.0.0.1:1", b.plane.RESTConfig().Host, `"}}]`, `", insecure-skip-tls-verify: true}}]`, "user: {}", "user: {token: nobodys}").Replace(closedKubeconfig)
	b.write(t, "refused.kubeconfig", []byte(refused))
	got := b.run(t, b.lookArgs("--kubeconfig", b.path("refused.kubeconfig"), "--context", "x", "-o", "json")...)
	got.want(t, 4, "TBC101")
	if failed := lookedOf(t, got).statuses("fail"); !slices.Equal(failed, []string{"TBC101"}) {
		t.Errorf("failed %v", failed)
	}
}

const closedKubeconfig = `{apiVersion: v1, kind: Config, clusters: [{name: x, cluster: {server: "https://127.0.0.1:1"}}],
contexts: [{name: x, context: {cluster: x, user: x}}], users: [{name: x, user: {}}]}`

// TestDoctorIsHeldUp lets every second call of both clusters hang, or break off: the run ends by its deadline, with the results that
// it has, and what a healthy setup has wrong is nothing.
func TestDoctorIsHeldUp(t *testing.T) {
	t.Parallel()
	const deadline, grace = 4 * time.Second, 3 * time.Second
	for name, spoil := range map[string]func(context.Context){
		"hanging":    func(ctx context.Context) { <-ctx.Done() },
		"broken off": func(context.Context) {},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var (
				calls    atomic.Int64
				spoiling atomic.Bool
			)
			second := func() bool { return spoiling.Load() && calls.Add(1)%2 == 0 }
			b := newBench(t, testkit.SelfManaged, teleporttest.Options{Before: func(ctx context.Context, _ teleporttest.Request) error {
				if second() {
					spoil(ctx)
					return context.DeadlineExceeded
				}
				return nil
			}})
			b.healthy(t)
			gateway, err := lab.NewGateway(t.Context(), b.plane)
			if err != nil {
				t.Fatal(err)
			}
			kubeconfig, closeIt, err := gateway.Open(t.TempDir(), func(next http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if !second() {
						next.ServeHTTP(w, r)
						return
					}
					spoil(r.Context())
					panic(http.ErrAbortHandler)
				})
			})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(closeIt)
			spoiling.Store(true)
			start := time.Now()
			got := b.run(t, b.lookArgs("--kubeconfig", kubeconfig, "--context", lab.GatewayContext, "--timeout", deadline.String(), "-o", "json")...)
			if took := time.Since(start); took > deadline+grace {
				t.Errorf("it took %s, with a deadline of %s", took, deadline)
			}
			document := lookedOf(t, got)
			code := 5
			for _, check := range document.Checks {
				switch {
				case check.Status != "fail":
				case check.ID == "TBC101" || check.ID == "TBC301":
					code = 3 // a server that breaks off is a finding
				default:
					t.Errorf("%s fails: %s", check.ID, check.Observed)
				}
			}
			got.want(t, code)
			if name == "hanging" && code != 5 {
				t.Error("what takes too long was not seen")
			}
		})
	}
}
