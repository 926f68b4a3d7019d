package cmd_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tbotctl/tbotctl/cmd"
	"github.com/tbotctl/tbotctl/internal/prompt"
	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/internal/teleporttest"
	"github.com/tbotctl/tbotctl/internal/testkit"
	"github.com/tbotctl/tbotctl/internal/testkit/lab"
)

// requests has the Kubernetes side write a request, and nothing else.
func (b *bench) requests(t *testing.T, more ...string) {
	t.Helper()
	args := b.kubernetesArgs("init", "--roles", "access", "--request", b.path("req.yaml"), "--out-dir", filepath.Join(t.TempDir(), "out"))
	b.asKubernetes(t, append(args, more...)...).want(t, 0, "The request is in")
}

// TestRequestRefused holds that a request that is not what was written, or is for other clusters, is granted by nobody.
func TestRequestRefused(t *testing.T) {
	t.Parallel()
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
	b.requests(t)
	b.nothingWritten(t)
	whole := b.read(t, b.path("req.yaml"))
	other := newBench(t, testkit.SelfManaged, teleporttest.Options{ClusterName: "other.example.com"})
	prints, _, found := strings.Cut(strings.SplitAfter(whole, "thumbprints:\n")[1], "\n")
	if !found {
		t.Fatalf("no thumbprints in\n%s", whole)
	}
	print := strings.TrimPrefix(strings.TrimSpace(prints), "- ")
	for name, row := range map[string]struct {
		text string
		more []string
		code int
		says string
	}{
		"more roles":            {strings.Replace(whole, "- access", "- editor", 1), nil, 3, "was changed after it was written"},
		"other thumbprint":      {strings.ReplaceAll(whole, print, strings.Repeat("A", len(print))), nil, 3, "was changed after it was written"},
		"made up, with digest":  {redigested(t, whole, print, strings.Repeat("A", len(print))), nil, 3, "are not those of its keys"},
		"other account":         {strings.Replace(whole, "serviceAccount: tbot", "serviceAccount: root", 1), nil, 3, "was changed after it was written"},
		"unknown key":           {whole + "more: true\n", nil, 2, "more"},
		"two documents":         {whole + "---\n" + whole, nil, 2, "more than one"},
		"no name of Kubernetes": {redigested(t, whole, "namespace: "+b.namespace, "namespace: Not A Name"), nil, 2, "--namespace"},
		"other Teleport": {
			whole,
			[]string{"--proxy", other.teleport.Addr(), "--proxy-ca", other.path("web-ca.pem"), "--identity", other.path("admin.identity")},
			3,
			`was made for Teleport cluster "lab.example.com", and the proxy belongs to "other.example.com"; nothing was done`,
		},
		"another name for it": {whole, []string{"--token-name", "mine"}, 2, "the other side goes by that"},
	} {
		b.write(t, "req.yaml", []byte(row.text))
		b.asTeleport(t, b.teleportArgs("init", append([]string{"--yes"}, row.more...)...)...).want(t, row.code, row.says)
		if t.Failed() {
			t.Fatal(name)
		}
	}
	b.nothingGranted(t)
	other.nothingGranted(t)

	// The cluster that is to join finds out too.
	b.write(t, "req.yaml", []byte(whole))
	elsewhere := newBench(t, testkit.CloudLike, teleporttest.Options{})
	args := []string{
		"init", "--side", "kubernetes", "--non-interactive", "--yes", "--from", b.path("req.yaml"),
		"--kubeconfig", elsewhere.plane.KubeconfigFile(), "--context", elsewhere.plane.Flavour().String(), "--roles", "access",
	}
	elsewhere.plane.Client()
	elsewhere.asKubernetes(t, append(args, "--create-namespace")...).want(t, 3, "the request was made for Kubernetes cluster")
	elsewhere.nothingWritten(t)
	// And the one that wrote it goes on from it.
	b.asKubernetes(t, b.kubernetesArgs("diff", "--from", b.path("req.yaml"))...).want(t, 3, "resources differ")
}

// TestRequestOfOtherKeys makes up a request for an issuer whose keys are others: whoever can read the issuer finds out, on either side.
func TestRequestOfOtherKeys(t *testing.T) {
	t.Parallel()
	b := newBench(t, testkit.CloudLike, teleporttest.Options{})
	b.requests(t)
	whole := b.read(t, b.path("req.yaml"))
	prints, _, _ := strings.Cut(strings.SplitAfter(whole, "thumbprints:\n")[1], "access:")
	madeUp := redigested(t, whole, prints, "    - "+strings.Repeat("A", 43)+"\n")
	b.write(t, "req.yaml", []byte(madeUp))
	b.asTeleport(t, b.teleportArgs("init", "--yes")...).want(t, 3, "publishes", "nothing was done")
	b.asKubernetes(t, b.kubernetesArgs("init", "--yes", "--from", b.path("req.yaml"))...).want(t, 3, "the request was made for a cluster with issuer")
	b.nothingWritten(t)

	b.write(t, "req.yaml", []byte(whole))
	b.asTeleport(t, b.teleportArgs("init", "--yes")...).want(t, 0, "publishes keys of these thumbprints")
}

// redigested is a request in which somebody replaced a text and computed the digest anew.
func redigested(t *testing.T, whole, old, replacement string) string {
	t.Helper()
	changed := strings.ReplaceAll(whole, old, replacement)
	_, err := spec.LoadRequest(strings.NewReader(changed), nil)
	if err == nil {
		t.Fatalf("%q is not in\n%s", old, whole)
	}
	_, is, _ := strings.Cut(err.Error(), "its content has ")
	is, _, _ = strings.Cut(is, ";")
	_, was, _ := strings.Cut(whole, "digest: ")
	was, _, _ = strings.Cut(was, "\n")
	return strings.Replace(changed, was, is, 1)
}

// TestRequestKept writes over an earlier request of the same installation and over nothing else.
func TestRequestKept(t *testing.T) {
	t.Parallel()
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
	b.requests(t)
	first := b.read(t, b.path("req.yaml"))
	b.requests(t, "--out-dir", filepath.Join(t.TempDir(), "again"))
	if b.read(t, b.path("req.yaml")) != first {
		t.Error("the same request has other bytes")
	}
	b.write(t, "req.yaml", []byte("mine\n"))
	args := b.kubernetesArgs("init", "--yes", "--roles", "access", "--request", b.path("req.yaml"))
	b.asKubernetes(t, args...).want(t, 3, "is no request of this installation")
	if b.read(t, b.path("req.yaml")) != "mine\n" {
		t.Error("somebody's file was overwritten")
	}
	if _, err := os.Stat(b.path("req.yaml")); err != nil {
		t.Fatal(err)
	}
}

// TestKubernetesSideUnanswered does not wait: it says what the other side has to run, ends with 3, and the same command goes on from there.
func TestKubernetesSideUnanswered(t *testing.T) {
	t.Parallel()
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
	b.play(t)
	args := b.kubernetesArgs("init", "--yes", "--roles", "access", "--request", b.path("req.yaml"), "-o", "json")
	got := b.asKubernetes(t, args...)
	got.want(t, 3, "the join token", "tbotctl init --side teleport --from req.yaml", "Then repeat this command")
	var document struct {
		Request struct{ Path, Fingerprint string }
		Setup   struct{ Side string }
		Next    []string
	}
	if err := json.Unmarshal([]byte(got.stdout), &document); err != nil {
		t.Fatal(err)
	}
	if document.Setup.Side != "kubernetes" || document.Request.Path != b.path("req.yaml") || !strings.HasPrefix(document.Request.Fingerprint, "sha256:") ||
		len(document.Next) != 1 || document.Next[0] != "tbotctl init --side teleport --from req.yaml" {
		t.Errorf("%+v", document)
	}
	for _, write := range b.kubernetesWrites(t) {
		if strings.Contains(write, "deployments") || strings.Contains(write, "configmaps") {
			t.Errorf("%s before the join was proven", write)
		}
	}
	// A short wait that nobody answers ends the same, and says that it waits.
	b.asKubernetes(t, append(args, "--wait-teleport", "3s")...).want(t, 3, "waiting for the Teleport side, for another less than a minute")
	b.noProbePods(t)
	b.asTeleport(t, b.teleportArgs("init", "--yes")...).want(t, 0, document.Request.Fingerprint)
	b.asKubernetes(t, args...).want(t, 0)
}

// TestSideUsage refuses flags that a side has no use for, and a Teleport side that does not know what for.
func TestSideUsage(t *testing.T) {
	t.Parallel()
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
	b.requests(t)
	for _, row := range []struct {
		args []string
		says string
	}{
		{[]string{"init", "--side", "teleport", "--proxy", "example.teleport.sh:443", "--roles", "access", "--yes"}, "give --from FILE"},
		{[]string{"delete", "--side", "teleport", "--proxy", "example.teleport.sh:443", "--yes"}, "give --from FILE"},
		{b.teleportArgs("init", "--yes", "--request", "x.yaml"), "--request goes with --side kubernetes"},
		{b.teleportArgs("init", "--yes", "--prove", "always"), "--prove always"},
		{b.teleportArgs("init", "--yes", "--wait-teleport", "1m"), "--wait-teleport goes with"},
		{b.initArgs("--wait-teleport", "1m"), "--wait-teleport goes with"},
		{b.teleportArgs("doctor", "--prove"), "--side teleport goes with neither"},
		{b.teleportArgs("init"), "--yes"},
		{[]string{"init", "--side", "sideways", "--yes"}, "--side"},
	} {
		b.asTeleport(t, row.args...).want(t, 2, row.says)
	}
	b.nothingGranted(t)
}

// TestTeleportSideAsks asks a person at a terminal for a yes, and for nothing that the request says.
func TestTeleportSideAsks(t *testing.T) {
	t.Parallel()
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
	b.requests(t)
	args := []string{"init", "--side", "teleport", "--from", b.path("req.yaml"), "--identity", b.path("admin.identity")}
	answered := func(answer string) outcome {
		return runWith(t, func(f *cmd.Factory) {
			noClusters(t)(f)
			f.Issuer = lab.Fetcher(b.plane)
			f.Streams.InTTY, f.Streams.ErrTTY = true, true
			f.Streams.In = strings.NewReader(answer)
			f.Prompter = prompt.NewLine(f.Streams.In, f.Streams.Err)
		}, "", args...)
	}
	answered("n\n").want(t, 130, "Grant this?", "declined: nothing was applied")
	b.nothingGranted(t)
	answered("y\n").want(t, 0, "Grant this?")
}

// TestThumbprints prints for one person what the other was shown.
func TestThumbprints(t *testing.T) {
	t.Parallel()
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
	b.requests(t)
	jwks, stderr, err := b.plane.Kubectl(t.Context(), nil, "get", "--raw", "/openid/v1/jwks")
	if err != nil {
		t.Fatal(err, stderr)
	}
	got := runWith(t, noClusters(t), jwks, "thumbprints")
	got.want(t, 0)
	first, _, _ := strings.Cut(got.stdout, " ")
	if len(first) != 43 || !strings.Contains(b.read(t, b.path("req.yaml")), first) {
		t.Errorf("thumbprint %q is not in the request", first)
	}
	b.asTeleport(t, b.teleportArgs("init", "--yes")...).want(t, 0, first)
	runWith(t, noClusters(t), "{}", "thumbprints").want(t, 2, "stdin")
}
