package cmd_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tbotctl/tbotctl/cmd"
	"github.com/tbotctl/tbotctl/internal/kube"
	"github.com/tbotctl/tbotctl/internal/prompt"
	"github.com/tbotctl/tbotctl/internal/teleporttest"
	"github.com/tbotctl/tbotctl/internal/testkit"
	"github.com/tbotctl/tbotctl/internal/testkit/lab"
	"github.com/tbotctl/tbotctl/internal/ui"
)

func TestMain(m *testing.M) {
	if public, wanted := os.LookupEnv(publicIssuer); wanted {
		os.Exit(program(public))
	}
	code := testkit.Main(m)
	os.Exit(max(code, removeBuilt()))
}

// bench is both clusters and a namespace of one test, and the program run against them in-process.
type bench struct {
	plane     *testkit.ControlPlane
	teleport  *teleporttest.Cluster
	namespace string
	dir       string
}

// newBenchReviewed is a bench whose Auth Service runs in the same Kubernetes cluster.
func newBenchReviewed(t *testing.T, flavour testkit.Flavour) *bench {
	t.Helper()
	return newBench(t, flavour, teleporttest.Options{ReviewToken: lab.Reviewer(testkit.Shared(t, flavour))})
}

func newBench(t *testing.T, flavour testkit.Flavour, options teleporttest.Options) *bench {
	t.Helper()
	return benchOn(t, testkit.Shared(t, flavour), options)
}

func benchOn(t *testing.T, plane *testkit.ControlPlane, options teleporttest.Options) *bench {
	t.Helper()
	b := &bench{
		plane: plane, namespace: plane.Namespace(t), dir: t.TempDir(),
		teleport: teleporttest.New(t, lab.Teleport(plane, options)),
	}
	identity, err := b.teleport.IdentityFile("admin", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	b.write(t, "admin.identity", identity)
	b.write(t, "web-ca.pem", b.teleport.WebCAPEM())
	return b
}

func (b *bench) path(name string) string { return filepath.Join(b.dir, name) }

func (b *bench) write(t *testing.T, name string, data []byte) {
	t.Helper()
	if err := os.WriteFile(b.path(name), data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// play starts the player for the test's pods; the returned function gives what it said.
func (b *bench) play(t *testing.T) func() string {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var (
		lock  sync.Mutex
		said  []string
		ended = make(chan struct{})
	)
	player := lab.Player{Plane: b.plane, Namespace: b.namespace, Say: func(line string) {
		lock.Lock()
		defer lock.Unlock()
		said = append(said, line)
	}}
	go func() {
		defer close(ended)
		player.Play(ctx)
	}()
	t.Cleanup(func() { cancel(); <-ended })
	return func() string {
		lock.Lock()
		defer lock.Unlock()
		return strings.Join(said, "\n")
	}
}

// initArgs are the flags of a complete init; later ones win.
func (b *bench) initArgs(more ...string) []string {
	return append([]string{
		"init", "--non-interactive", "--yes", "--kubeconfig", b.plane.KubeconfigFile(), "--context", b.plane.Flavour().String(),
		"--namespace", b.namespace, "--proxy", b.teleport.Addr(), "--proxy-ca", b.path("web-ca.pem"),
		"--identity", b.path("admin.identity"), "--roles", "access", "--timeout", "60s",
	}, more...)
}

// outcome is one run of the program.
type outcome struct {
	code           int
	stdout, stderr string
}

func (b *bench) run(t *testing.T, args ...string) outcome {
	t.Helper()
	return runWith(t, func(f *cmd.Factory) { f.Issuer = lab.Fetcher(b.plane) }, "", args...)
}

// runWith runs the whole program in-process, without a terminal and with an empty environment.
func runWith(t *testing.T, change func(*cmd.Factory), stdin string, args ...string) outcome {
	t.Helper()
	var stdout, stderr bytes.Buffer
	streams := &ui.Streams{In: strings.NewReader(stdin), Out: &stdout, Err: &stderr, Width: 80}
	factory := cmd.NewFactory(streams, func(string) (string, bool) { return "", false })
	factory.Prompter = prompt.NewLine(streams.In, streams.Err)
	factory.Patience = time.Second
	if change != nil {
		change(factory)
	}
	code := cmd.Main(t.Context(), factory, args)
	return outcome{code, stdout.String(), stderr.String()}
}

// want fails the test with all that the program said where the exit code is another.
func (o outcome) want(t *testing.T, code int, parts ...string) {
	t.Helper()
	if o.code != code {
		t.Fatalf("exit code %d, want %d\nstdout:\n%s\nstderr:\n%s", o.code, code, o.stdout, o.stderr)
	}
	for _, part := range parts {
		if !strings.Contains(o.stdout+o.stderr, part) {
			t.Errorf("the program does not say %q\nstdout:\n%s\nstderr:\n%s", part, o.stdout, o.stderr)
		}
	}
}

// noClusters makes every way to a cluster a failure of the test.
func noClusters(t *testing.T) func(*cmd.Factory) {
	t.Helper()
	return func(f *cmd.Factory) {
		f.Kube = func(kube.Options) (*kube.Cluster, error) {
			t.Error("a cluster was connected to")
			return nil, errors.New("no cluster here")
		}
		f.Issuer = nil
	}
}

// noProbePods fails the test where a pod of a proof was left behind.
func (b *bench) noProbePods(t *testing.T) {
	t.Helper()
	pods, err := b.plane.Client().CoreV1().Pods(b.namespace).List(t.Context(), metav1.ListOptions{LabelSelector: "tbotctl.dev/probe"})
	if err != nil {
		t.Fatal(err)
	}
	for _, pod := range pods.Items {
		t.Errorf("probe pod %s is left behind", pod.Name)
	}
}

// noSecrets fails the test where a token or a private key stands in what was printed.
func (b *bench) noSecrets(t *testing.T, got outcome) {
	t.Helper()
	for _, part := range []string{"eyJ", "PRIVATE KEY", "-cert-v01@openssh.com"} {
		if strings.Contains(got.stdout+got.stderr, part) {
			t.Errorf("the program printed %q", part)
		}
	}
}

// nothingWritten fails the test where either cluster saw a write since the bench was made; the dry runs of a plan and the
// tokens that discovery reads the header of are none.
func (b *bench) nothingWritten(t *testing.T) {
	t.Helper()
	for _, write := range b.kubernetesWrites(t) {
		t.Errorf("Kubernetes was written to: %s", write)
	}
	for _, request := range b.teleport.Requests() {
		if request.Write {
			t.Errorf("Teleport was written to: %s", request.Method)
		}
	}
}

// kubernetesWrites are the writes of tbotctl in the test's namespace, from the audit log. Dry runs, access reviews and the tokens
// that discovery reads the header of keep nothing.
func (b *bench) kubernetesWrites(t *testing.T) []string {
	t.Helper()
	events, err := b.plane.AuditEvents(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var writes []string
	for _, event := range events {
		kept := event.Write() && !event.DryRun && event.Subresource != "token" && event.Resource != "selfsubjectaccessreviews"
		if kept && event.Namespace == b.namespace && strings.HasPrefix(event.UserAgent, "tbotctl/") {
			writes = append(writes, event.Verb+" "+event.Resource+" "+event.Name)
		}
	}
	return writes
}
