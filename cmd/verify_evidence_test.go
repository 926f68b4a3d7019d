package cmd_test

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gravitational/teleport/api/types"
	"google.golang.org/protobuf/types/known/timestamppb"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tbotctl/tbotctl/checks"
	"github.com/tbotctl/tbotctl/cmd"
	"github.com/tbotctl/tbotctl/internal/teleporttest"
	"github.com/tbotctl/tbotctl/internal/testkit"
	"github.com/tbotctl/tbotctl/internal/testkit/lab"
)

// witnessArgs are the flags of a `verify --evidence` that may see everything; later ones win.
func (b *bench) witnessArgs(more ...string) []string {
	return append([]string{
		"verify", "--evidence", "--non-interactive", "--kubeconfig", b.plane.KubeconfigFile(), "--context", b.plane.Flavour().String(),
		"--namespace", b.namespace, "--proxy-ca", b.path("web-ca.pem"), "--identity", b.path("admin.identity"), "--timeout", "60s", "-o", "json",
	}, more...)
}

// witnessed gathers evidence, under a user agent that is no other test's, and holds it to an exit code. Of the checks, those that are
// not named are to pass.
func (b *bench) witnessed(t *testing.T, args []string, code int, others map[checks.ID]checks.Status) map[checks.ID]lookedCheck {
	t.Helper()
	got := runWith(t, func(f *cmd.Factory) {
		f.Issuer = lab.Fetcher(b.plane)
		f.Build.Version = "witness-" + b.namespace
	}, "", args...)
	got.want(t, code)
	b.noSecrets(t, got)
	seen := map[checks.ID]lookedCheck{}
	for _, check := range lookedOf(t, got).Checks {
		seen[checks.ID(check.ID)] = check
	}
	for _, check := range checks.Evidence() {
		want, named := others[check.ID]
		if !named {
			want = checks.Pass
		}
		if seen[check.ID].Status != string(want) {
			t.Errorf("%s: %+v, want %s", check.ID, seen[check.ID], want)
		}
	}
	return seen
}

// TestEvidenceLeavesNothing holds, by both clusters' own accounts, that evidence is gathered by reads alone, and that no token is read
// or made for it.
func TestEvidenceLeavesNothing(t *testing.T) {
	t.Parallel()
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
	b.healthy(t)
	b.teleport.Reset()
	b.witnessed(t, b.witnessArgs(), 0, nil)
	events, err := b.plane.AuditEvents(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	asked := 0
	for _, event := range events {
		if !strings.HasPrefix(event.UserAgent, "tbotctl/witness-"+b.namespace) {
			continue
		}
		asked++
		if event.Write() || event.Subresource == "token" || event.Resource == "tokenreviews" {
			t.Errorf("Kubernetes was asked to %s", kubernetesName(event))
		}
	}
	if asked == 0 {
		t.Error("the API server's log shows no request of this test's")
	}
	var methods []string
	for _, request := range b.teleport.Requests() {
		name := teleportName(request)
		if request.Write || request.Mints || strings.Contains(name, "Token") {
			t.Errorf("Teleport was asked to %s", name)
		}
		methods = append(methods, name)
	}
	if !slices.Contains(methods, "BotInstanceService/GetBotInstance") {
		t.Errorf("Teleport was asked %v, and not for the instance that the certificate names", methods)
	}
	b.noProbePods(t)
}

// TestEvidenceByRights holds that what a login may not see of Teleport is left out with the reason, and that a closed Secret or a
// closed proxy is unknown.
func TestEvidenceByRights(t *testing.T) {
	t.Parallel()
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
	b.healthy(t)
	b.teleport.AddRole(&types.RoleV6{Metadata: types.Metadata{Name: "nothing"}})
	b.teleport.AddUser("plain", "nothing")
	plain, err := b.teleport.IdentityFile("plain", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	b.write(t, "plain.identity", plain)
	for name, row := range map[string]struct {
		args []string
		code int
		want map[checks.ID]checks.Status
		says string
	}{
		"no right on instances": {[]string{"--identity", b.path("plain.identity")}, 0, map[checks.ID]checks.Status{checks.InstanceRecent: checks.Skip}, "may not read bot instances"},
		"no login":              {[]string{"--identity", b.path("no.identity")}, 0, map[checks.ID]checks.Status{checks.InstanceRecent: checks.Skip}, "no Teleport login"},
		"who may only view": {
			[]string{"--kubeconfig", b.viewer(t)},
			5,
			map[checks.ID]checks.Status{checks.OutputRecent: checks.Unknown, checks.OutputValid: checks.Unknown, checks.InstanceRecent: checks.Skip},
			"no certificate is seen",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := b.witnessed(t, b.witnessArgs(row.args...), row.code, row.want)
			if said := got[checks.InstanceRecent].Observed; !strings.Contains(said, row.says) {
				t.Errorf("it says %q, want %q", said, row.says)
			}
		})
	}
}

// TestContraryEvidence makes one thing after the other contrary.
func TestContraryEvidence(t *testing.T) {
	t.Parallel()
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
	b.healthy(t)
	got := b.witnessed(t, b.witnessArgs("--max-age", "1ms"), 3, map[checks.ID]checks.Status{checks.OutputRecent: checks.Fail, checks.InstanceRecent: checks.Fail})
	if fix := got[checks.OutputRecent].Fix; !strings.Contains(fix, " --context "+b.plane.Flavour().String()+" ") {
		t.Errorf("the fix does not go to the cluster that was looked at: %s", fix)
	}

	got = b.witnessed(t, b.witnessArgs("--kubeconfig", b.says503(t), "--context", lab.GatewayContext), 3, map[checks.ID]checks.Status{checks.ReadyzHealthy: checks.Fail})
	if said := got[checks.ReadyzHealthy].Observed; !strings.Contains(said, "output: denied") {
		t.Errorf("tbot's own words are not said: %q", said)
	}

	for _, instance := range b.teleport.Instances("") {
		for _, one := range append(instance.GetStatus().GetLatestAuthentications(), instance.GetStatus().GetInitialAuthentication()) {
			one.AuthenticatedAt = timestamppb.New(time.Now().Add(-time.Hour))
		}
		b.teleport.PutInstance(instance)
	}
	b.witnessed(t, b.witnessArgs(), 3, map[checks.ID]checks.Status{checks.InstanceRecent: checks.Fail})
	// To init the same evidence says that the join has to be proven anew.
	b.run(t, b.initArgs()...).want(t, 0, "that it works is not evident: instance ", "using running pod")

	secrets := b.plane.Client().CoreV1().Secrets(b.namespace)
	if err := secrets.DeleteCollection(t.Context(), metav1.DeleteOptions{}, metav1.ListOptions{}); err != nil {
		t.Fatal(err)
	}
	gone := map[checks.ID]checks.Status{checks.OutputRecent: checks.Fail, checks.OutputValid: checks.Skip, checks.InstanceRecent: checks.Skip}
	b.witnessed(t, b.witnessArgs(), 3, gone)

	b.stop(t)
	gone[checks.ReadyzHealthy] = checks.Fail
	b.witnessed(t, b.witnessArgs(), 3, gone)
}

// says503 gives the kubeconfig of a way to the API server on which tbot's /readyz says that an output fails.
func (b *bench) says503(t *testing.T) (kubeconfig string) {
	t.Helper()
	gateway, err := lab.NewGateway(t.Context(), b.plane)
	if err != nil {
		t.Fatal(err)
	}
	kubeconfig, closeIt, err := gateway.Open(b.dir, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !strings.HasSuffix(r.URL.Path, "/proxy/readyz") {
				next.ServeHTTP(w, r)
				return
			}
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = io.WriteString(w, `{"status":"unhealthy","services":{"output":{"status":"unhealthy","reason":"denied"}}}`)
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(closeIt)
	return kubeconfig
}
