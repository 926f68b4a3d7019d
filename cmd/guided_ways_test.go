package cmd_test

import (
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tbotctl/tbotctl/cmd"
	"github.com/tbotctl/tbotctl/internal/prompt"
	"github.com/tbotctl/tbotctl/internal/teleporttest"
	"github.com/tbotctl/tbotctl/internal/testkit"
	"github.com/tbotctl/tbotctl/internal/testkit/lab"
)

// wayKeys are the questions of a whole way in their order, for tests that leave at each of them.
func wayKeys() []string {
	return []string{"context", "proxy", "join-type", "namespace", "service-account", "bot-name", "token-name", "access", "roles", "output-secret", "yes"}
}

// TestGuidedLeave leaves at every question before the plan is applied: nothing was made, it is said, and so is how to go on.
func TestGuidedLeave(t *testing.T) {
	t.Parallel()
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
	for i, key := range wayKeys() {
		steps := append(slices.Clone(b.answers()[:i]), prompt.Cancel(key))
		got := b.guide(t, prompt.NewScript(t, steps...))
		got.want(t, 130, "nothing has been changed", "tbotctl init")
		if key == "yes" && !strings.Contains(got.stderr, "--roles access") {
			t.Errorf("the answers are lost:\n%s", got.stderr)
		}
	}
	b.guide(t, prompt.NewScript(t, b.answers(prompt.Answer("yes", "quit"))...)).want(t, 130, "nothing has been changed")
	b.nothingWritten(t)
}

// TestGuidedBack goes back from every page, and finds every answer as it was given.
func TestGuidedBack(t *testing.T) {
	t.Parallel()
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
	script := prompt.NewScript(t,
		prompt.Answer("context", b.plane.Flavour().String()), prompt.Back("proxy"),
		prompt.Default("context"), prompt.Answer("proxy", b.teleport.Addr()), prompt.Back("join-type"),
		prompt.Default("proxy"), prompt.Answer("join-type", "static_jwks"), prompt.Back("namespace"),
		prompt.Default("join-type"), prompt.Answer("namespace", b.namespace), prompt.Back("service-account"),
		prompt.Default("namespace"), prompt.Answer("service-account", "robot"), prompt.Default("bot-name"), prompt.Default("token-name"), prompt.Back("access"),
		prompt.Default("service-account"), prompt.Default("bot-name"), prompt.Default("token-name"), prompt.Default("access"), prompt.Back("roles"),
		prompt.Default("access"), prompt.Choose("roles", "access"), prompt.Answer("output-secret", "creds"), prompt.Back("yes"),
		prompt.Default("roles"), prompt.Default("output-secret"), prompt.Answer("yes", "quit"))
	got := b.guide(t, script)
	got.want(t, 130, "--service-account robot", "--output-secret creds", "--roles access")
	says(t, script, "ServiceAccount "+b.namespace+"/robot", "may write Secret creds")
	b.nothingWritten(t)
}

// TestGuidedMends fails at the join, whose issuer Teleport cannot read, and goes back to the question that mends it; no other is
// asked again, and what was written before is not written twice.
func TestGuidedMends(t *testing.T) {
	t.Parallel()
	b := newBench(t, testkit.CloudLike, teleporttest.Options{})
	b.teleport = teleporttest.New(t, teleporttest.Options{OIDCClient: &http.Client{Transport: refusing{}}})
	b.write(t, "web-ca.pem", b.teleport.WebCAPEM())
	b.play(t)
	script := prompt.NewScript(t, b.answers(
		prompt.Answer("yes", "apply"), prompt.Answer("yes", "join-type"), prompt.Answer("join-type", "static_jwks"),
		prompt.Answer("yes", "apply"), prompt.Answer("yes", "finish"))...)
	got := b.guide(t, script)
	got.want(t, 0, "Proof:", "static_jwks")
	if at := strings.Index(script.Shown(), "It did not work out"); at < 0 || !strings.Contains(script.Shown()[:at], "issuer") {
		t.Errorf("the failure does not show its cause:\n%s", script.Shown())
	}
	b.noProbePods(t)
}

// TestGuidedFiles leaves the Teleport side to somebody else: no login is used, nothing is applied, and the files are there.
func TestGuidedFiles(t *testing.T) {
	t.Parallel()
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
	dir := filepath.Join(t.TempDir(), "out")
	script := prompt.NewScript(t,
		prompt.Answer("context", b.plane.Flavour().String()),
		prompt.Answer("proxy", "nobody"), prompt.Answer("proxy", b.teleport.Addr()),
		prompt.Default("join-type"), prompt.Answer("namespace", b.namespace),
		prompt.Default("service-account"), prompt.Default("bot-name"), prompt.Default("token-name"), prompt.Default("access"),
		prompt.Answer("roles", "access"), prompt.Default("output-secret"),
		prompt.Answer("yes", "files"), prompt.Answer("out-dir", dir), prompt.Answer("yes", "finish"))
	got := b.guideAs(t, script)
	got.want(t, 0, "tctl create -f", "kubectl", "apply --server-side")
	says(t, script, "not readable without a login")
	for _, name := range []string{"kubernetes/rbac.yaml", "kubernetes/config.yaml", "kubernetes/deployment.yaml", "teleport/resources.yaml"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Error(err)
		}
	}
	b.nothingWritten(t)
}

// TestGuidedWaitsForALogin shows the line that logs in, and goes on by itself once somebody has.
func TestGuidedWaitsForALogin(t *testing.T) {
	t.Parallel()
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
	b.profile(t, b.path("tsh"), -time.Minute)
	steps := b.answers(prompt.Answer("yes", "quit"))
	login := prompt.Settle("identity").Before(func() { b.profile(t, b.path("tsh"), time.Hour) })
	script := prompt.NewScript(t, slices.Insert(steps, 2, login)...)
	b.guideAs(t, script).want(t, 130)
	says(t, script, "expired", "tsh login --proxy="+b.teleport.Addr(), "Logged in as admin")
}

// TestGuidedGiven asks nothing that a flag has answered, and with all given and a yes nothing at all.
func TestGuidedGiven(t *testing.T) {
	t.Parallel()
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
	given := []string{
		"--context", b.plane.Flavour().String(), "--proxy", b.teleport.Addr(), "--namespace", b.namespace, "--roles", "access", "--access", "identity",
		"--join-type", "static_jwks", "--output-secret", "creds", "--service-account", "robot", "--bot-name", "b1", "--token-name", "t1",
	}
	script := prompt.NewScript(t, prompt.Answer("yes", "quit"))
	b.guide(t, script, given...).want(t, 130, "nothing has been changed")
	b.nothingWritten(t)
	got := b.guide(t, prompt.NewScript(t), append(given, "--yes", "--no-wait")...)
	got.want(t, 0, "Proof:")
}

// TestGuidedSave saves the answers before anything is applied; the next run goes on from them and asks for nothing but the yes.
func TestGuidedSave(t *testing.T) {
	t.Parallel()
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
	b.play(t)
	path := b.path("answers.yaml")
	b.guide(t, prompt.NewScript(t, b.answers(prompt.Answer("yes", "save"), prompt.Answer("save", path), prompt.Answer("yes", "quit"))...)).want(t, 130)
	b.guide(t, prompt.NewScript(t, prompt.Answer("yes", "apply"), prompt.Answer("yes", "finish")), "--from", path).want(t, 0, "Proof:")
}

// TestGuidedTakesOver names a bot that somebody else made: the plan shows whose it is and what would change, and nothing is adopted
// without a word.
func TestGuidedTakesOver(t *testing.T) {
	t.Parallel()
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
	b.play(t)
	if err := b.make([]byte("kind: bot\nversion: v1\nmetadata:\n  name: theirs\nspec:\n  roles: [auditor]\n")); err != nil {
		t.Fatal(err)
	}
	steps := b.answers(prompt.Answer("yes", "take-over"), prompt.Answer("yes", "apply"), prompt.Answer("yes", "finish"))
	// The bots that are there are offered before the names are typed, and one that was chosen is named already.
	steps = slices.Delete(steps, 5, 6)
	script := prompt.NewScript(t, slices.Insert(steps, 4, prompt.Answer("bot-name", "theirs"))...)
	b.guide(t, script).want(t, 0, "theirs")
	says(t, script, "roles auditor", "not made by tbotctl", "spec.roles", "taken over")
}

// TestGuidedRepeats runs the command line that the end shows: it does the same, which by now is nothing.
func TestGuidedRepeats(t *testing.T) {
	t.Parallel()
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
	b.play(t)
	got := b.guide(t, prompt.NewScript(t, b.answers(prompt.Answer("yes", "apply"), prompt.Answer("yes", "finish"))...))
	got.want(t, 0)
	_, line, found := strings.Cut(got.stderr, "The same run without questions")
	if !found {
		t.Fatal(got.stderr)
	}
	words := strings.Fields(line)
	b.teleport.Reset()
	before := len(b.kubernetesWrites(t))
	again := runWith(t, func(f *cmd.Factory) {
		f.Issuer = lab.Fetcher(b.plane)
		f.LookupEnv = func(name string) (string, bool) {
			if name == "TELEPORT_HOME" {
				return b.path("tsh"), true
			}
			return "", false
		}
	}, "", words[1:]...)
	again.want(t, 0, "nothing changed, and it works")
	if after := len(b.kubernetesWrites(t)); after != before {
		t.Errorf("%d writes to Kubernetes, want none", after-before)
	}
	for _, request := range b.teleport.Requests() {
		if request.Write {
			t.Errorf("Teleport was written to: %s", request.Method)
		}
	}
}
