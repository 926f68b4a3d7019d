package cmd_test

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gravitational/teleport/api/mfa"
	"github.com/gravitational/trace"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tbotctl/tbotctl/internal/teleporttest"
	"github.com/tbotctl/tbotctl/internal/testkit"
)

// noAdminAction fails the test where tbotctl itself asked for what takes a touch.
func (b *bench) noAdminAction(t *testing.T) {
	t.Helper()
	for _, request := range b.teleport.Requests() {
		method := request.Method[strings.LastIndexByte(request.Method, '/')+1:]
		if request.User == "admin" && (request.Write || method == "GetToken") {
			t.Errorf("%s would have taken a touch", request.Method)
		}
	}
}

// TestInitWithATouch is the main job where administrators confirm by a hardware key: bot and token in one file for one tctl, the
// join proven after it, and no touch at all for a second run over what works.
func TestInitWithATouch(t *testing.T) {
	t.Parallel()
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{AdminMFA: true})
	b.play(t)
	stub := b.stubTctl(t, false)
	got := b.atTerminal(t, stub, b.initArgs("-o", "json")...)
	got.want(t, 0, "one touch", "not readable without a touch", "Tap any security key", "tctl says:")
	document := got.document(t)
	if document.Proof.Status != "proven" {
		t.Errorf("proof %+v, want proven", document.Proof)
	}
	for _, resource := range document.Resources {
		want := "create"
		if resource.Kind == "token" {
			want = "unseen"
		}
		if resource.Action != want || !resource.Applied {
			t.Errorf("%s %s: action %s, applied %v", resource.Kind, resource.Name, resource.Action, resource.Applied)
		}
	}
	files := stub.given()
	if len(files) != 1 || strings.Count(files[0], "kind: bot") != 1 || strings.Count(files[0], "kind: token") != 1 {
		t.Fatalf("tctl was given %d files, want one with bot and token: %q", len(files), files)
	}
	argv := strings.Split(stub.recorded(t, "argv"), "\n")
	want := []string{"--auth-server=" + b.teleport.Addr(), "--identity=" + b.path("admin.identity"), "create"}
	if len(argv) != 4 || !slices.Equal(argv[:3], want) || filepath.Base(argv[3]) != "resources.yaml" {
		t.Errorf("arguments %q, want %q and a file", argv, want)
	}
	if stub.recorded(t, "authority") != strings.TrimSpace(b.read(t, b.path("web-ca.pem"))) {
		t.Error("tctl was told of another authority for the proxy")
	}
	b.noSecrets(t, outcome{stdout: stub.recorded(t, "env") + files[0], stderr: got.stdout + got.stderr})
	b.noAdminAction(t)
	b.noProbePods(t)

	again := b.atTerminal(t, stub, b.initArgs("-o", "json")...)
	again.want(t, 0, "The token was not looked at", "nothing changed, and it works")
	for _, resource := range again.document(t).Resources {
		if resource.Action != "same" || resource.Applied {
			t.Errorf("%s %s: action %s, applied %v; want it left alone", resource.Kind, resource.Name, resource.Action, resource.Applied)
		}
	}
	// A change that Teleport's side has to follow takes one touch, and replaces the bot.
	b.atTerminal(t, stub, b.initArgs("--roles", "access,auditor", "--no-wait")...).want(t, 0, "one touch")
	if files := stub.given(); len(files) != 2 || !strings.Contains(files[1], "auditor") {
		t.Errorf("tctl was given %q, want a second file with the new role", files)
	}
	if !slices.Contains(strings.Split(stub.recorded(t, "argv"), "\n"), "-f") {
		t.Error("tctl was not told to replace the bot")
	}
	b.noAdminAction(t)
}

// TestTouchRefused holds that a tctl that fails ends the run with its words, and that the same command goes on from there.
func TestTouchRefused(t *testing.T) {
	t.Parallel()
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{AdminMFA: true})
	got := b.atTerminal(t, b.stubTctl(t, true), b.initArgs("-o", "json")...)
	got.want(t, 3, "tctl failed", "ERROR: no touch", "the same command goes on from here")
	for _, resource := range got.document(t).Resources {
		if resource.Applied && (resource.System == "teleport" || resource.Kind == "Deployment" || resource.Kind == "ConfigMap") {
			t.Errorf("%s %s counts as written", resource.Kind, resource.Name)
		}
	}
	b.atTerminal(t, b.stubTctl(t, false), b.initArgs("--no-wait")...).want(t, 0)
}

// TestTouchAndAChosenToken holds that a token of a name that somebody chose is not overwritten unseen.
func TestTouchAndAChosenToken(t *testing.T) {
	t.Parallel()
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{AdminMFA: true})
	stub := b.stubTctl(t, false)
	got := b.atTerminal(t, stub, b.initArgs("--token-name", "shared", "--no-wait")...)
	got.want(t, 3, "token shared", "somebody else's, perhaps: not readable without a touch", "--take-over", "nothing was applied")
	b.nothingWritten(t)
	if files := stub.given(); len(files) != 0 {
		t.Errorf("tctl was given %q", files)
	}
	b.atTerminal(t, stub, b.initArgs("--token-name", "shared", "--no-wait", "--take-over")...).want(t, 0)
}

// TestTouchNobodyCanGive holds that without a terminal, or without a tctl, nothing is applied and the Teleport side is left in a
// file; once somebody has made it, the same command goes on and proves it.
func TestTouchNobodyCanGive(t *testing.T) {
	for name, row := range map[string]struct {
		run func(*testing.T, *bench, ...string) outcome
		why string
	}{
		"no terminal": {func(t *testing.T, b *bench, args ...string) outcome { t.Helper(); return b.run(t, args...) }, "without a terminal"},
		"no tctl": {
			func(t *testing.T, b *bench, args ...string) outcome { t.Helper(); return b.atTerminal(t, nil, args...) }, "there is no tctl on PATH",
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, testkit.SelfManaged, teleporttest.Options{AdminMFA: true})
			t.Chdir(t.TempDir())
			got := row.run(t, b, b.initArgs("-o", "json", "--no-wait")...)
			got.want(t, 3, row.why, "nothing was applied, on neither side", "repeat this command")
			b.nothingWritten(t)
			file := b.left(t, got)
			if err := b.make([]byte(file)); err != nil {
				t.Fatalf("%v\n%s", err, file)
			}
			row.run(t, b, b.initArgs("-o", "json", "--no-wait")...).want(t, 0, "the token is left as it is", `"status": "proven"`)
			b.noAdminAction(t)
		})
	}
}

// TestTouchShownByTheWriteAlone holds that a demand that only the write itself shows also leaves the file.
func TestTouchShownByTheWriteAlone(t *testing.T) {
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{Before: func(_ context.Context, r teleporttest.Request) error {
		if strings.HasSuffix(r.Method, "/CreateBot") {
			return trace.Wrap(&mfa.ErrAdminActionMFARequired)
		}
		return nil
	}})
	t.Chdir(t.TempDir())
	got := b.run(t, b.initArgs("-o", "json", "--no-wait")...)
	got.want(t, 3, mfa.ErrAdminActionMFARequired.Message, "goes on from there")
	b.left(t, got)
	if _, err := b.plane.Client().AppsV1().Deployments(b.namespace).Get(t.Context(), "tbot", metav1.GetOptions{}); err == nil {
		t.Error("a Deployment was made")
	}
}
