package cmd_test

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gravitational/trace"

	"github.com/tbotctl/tbotctl/cmd"
	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/internal/teleporttest"
	"github.com/tbotctl/tbotctl/internal/testkit"
	"github.com/tbotctl/tbotctl/internal/ui"
)

// TestDeleteIsConfirmed holds that a person at a terminal is asked, and that a no deletes nothing.
func TestDeleteIsConfirmed(t *testing.T) {
	t.Parallel()
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
	made := b.install(t)
	args := b.deleteArgs()
	args = append(args[:1:1], args[3:]...) // without --non-interactive and --yes
	atTerminal := func(f *cmd.Factory) { f.Streams.InTTY, f.Streams.ErrTTY = true, true }

	runWith(t, nil, "", args...).want(t, 2, "--yes: ")
	b.allStands(t, made)
	for _, answer := range []string{"n\n", "\n", ""} {
		runWith(t, atTerminal, answer, args...).want(t, 130, "Delete this? [y/N]", "nothing was deleted")
		b.allStands(t, made)
	}
	runWith(t, atTerminal, "y\n", args...).want(t, 0, "of "+made.Setup.Install+"; a last look found nothing")
	b.nothingStands(t, made)
}

// TestDeleteThatMayNot holds that what a run is not allowed to do is found out before anything is deleted.
func TestDeleteThatMayNot(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		options teleporttest.Options
		prepare func(*testing.T, *bench) []string
		code    int
		want    []string
	}{
		"no Teleport login": {teleporttest.Options{}, func(_ *testing.T, b *bench) []string {
			return []string{"--identity", b.path("absent")}
		}, 4, []string{"does not exist"}},
		"another user of Teleport": {teleporttest.Options{}, func(t *testing.T, b *bench) []string {
			t.Helper()
			identity, err := b.teleport.IdentityFile("plain", time.Hour)
			if err != nil {
				t.Fatal(err)
			}
			b.write(t, "plain.identity", identity)
			return []string{"--identity", b.path("plain.identity")}
		}, 3, []string{"nothing was deleted", `access denied to perform action "read" on "token"`}},
		"another cluster name": {teleporttest.Options{}, func(*testing.T, *bench) []string {
			return []string{"--cluster-name", "other.example.com"}
		}, 3, []string{`"other.example.com"`, `"lab.example.com"`, "nothing was deleted"}},
		"no right to delete a Role": {teleporttest.Options{}, func(t *testing.T, b *bench) []string {
			t.Helper()
			user := b.namespace + "-user"
			b.kubectl(t, "create", "role", "most", "--verb=get,list,delete",
				"--resource=pods,configmaps,secrets,serviceaccounts,deployments.apps,rolebindings.rbac.authorization.k8s.io")
			b.kubectl(t, "create", "role", "look", "--verb=get,list", "--resource=roles.rbac.authorization.k8s.io")
			for _, role := range []string{"most", "look"} {
				b.kubectl(t, "create", "rolebinding", role, "--role="+role, "--user="+user)
			}
			b.kubectl(t, "create", "clusterrole", user, "--verb=get", "--resource=namespaces")
			b.kubectl(t, "create", "clusterrolebinding", user, "--clusterrole="+user, "--user="+user)
			t.Cleanup(func() {
				ctx := context.WithoutCancel(t.Context())
				if _, stderr, err := b.plane.Kubectl(ctx, nil, "delete", "clusterrole/"+user, "clusterrolebinding/"+user); err != nil {
					t.Error(stderr)
				}
			})
			return []string{"--as", user}
		}, 3, []string{"these deletions are refused, so nothing was deleted", `cannot delete resource "roles"`}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, testkit.SelfManaged, row.options)
			made := b.install(t)
			got := b.run(t, b.deleteArgs(row.prepare(t, b)...)...)
			got.want(t, row.code, row.want...)
			b.allStands(t, made)
			b.noSecrets(t, got)
		})
	}
}

// TestDeleteInterrupted breaks a run off after each of its steps: what stands is said, and the same command finishes.
func TestDeleteInterrupted(t *testing.T) {
	t.Parallel()
	for _, step := range []string{"token ", "Deployment ", "Role ", "ConfigMap ", "ServiceAccount "} {
		t.Run(strings.TrimSpace(step), func(t *testing.T) {
			t.Parallel()
			b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
			// Names that nobody gives again have to be found also half-way.
			made := b.install(t, "--bot-name", "robot", "--token-name", "door")
			b.runUntil(t, "✓ "+step, b.deleteArgs("-o", "json")...).want(t, 130, "Not deleted yet: ", "bot robot", "The same command goes on from here")
			if left := strings.Join(b.standing(t, made), " "); !strings.Contains(left, "bot") {
				t.Errorf("the run went on to the end: %s", left)
			}
			b.run(t, b.deleteArgs()...).want(t, 0, "bot robot: removed", "a last look found nothing")
			b.nothingStands(t, made)
		})
	}
}

// runUntil runs the program and interrupts it when a line on stderr says so.
func (b *bench) runUntil(t *testing.T, line string, args ...string) outcome {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var stdout bytes.Buffer
	stderr := &tripwire{at: line, trip: cancel}
	factory := cmd.NewFactory(&ui.Streams{In: strings.NewReader(""), Out: &stdout, Err: stderr, Width: 80, Unicode: true}, func(string) (string, bool) { return "", false })
	code := cmd.Main(ctx, factory, args)
	return outcome{code, stdout.String(), stderr.String()}
}

type tripwire struct {
	bytes.Buffer
	at   string
	trip func()
}

func (w *tripwire) Write(p []byte) (int, error) {
	if bytes.Contains(p, []byte(w.at)) {
		w.trip()
	}
	return w.Buffer.Write(p)
}

// TestDeleteHeldUp holds that an object that does not go ends the run with what holds it, and that the rest goes with the next.
func TestDeleteHeldUp(t *testing.T) {
	t.Parallel()
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
	made := b.install(t)
	b.kubectl(t, "patch", "configmap", "tbot-config", "--type=merge", "--patch", `{"metadata":{"finalizers":["example.com/hold"]}}`)
	got := b.run(t, b.deleteArgs("--timeout", "10s")...)
	got.want(t, 3, "ConfigMap "+b.namespace+"/tbot-config is still there after", "held by finalizer example.com/hold", "Not deleted yet: ConfigMap")
	b.kubectl(t, "patch", "configmap", "tbot-config", "--type=merge", "--patch", `{"metadata":{"finalizers":null}}`)
	b.run(t, b.deleteArgs()...).want(t, 0, "ServiceAccount "+b.namespace+"/tbot: removed")
	b.nothingStands(t, made)
}

// TestDeleteOfWhatChangedHands holds that what somebody else made between the look and the deletion stays.
func TestDeleteOfWhatChangedHands(t *testing.T) {
	t.Parallel()
	var (
		b     *bench
		reads int
	)
	b = newBench(t, testkit.SelfManaged, teleporttest.Options{Before: func(_ context.Context, r teleporttest.Request) error {
		if !strings.HasSuffix(r.Method, "/GetToken") {
			return nil
		}
		// The plan of init reads it once, delete to look and again before it deletes.
		if reads++; reads == 3 {
			token, _ := b.teleport.Token("door")
			metadata := token.GetMetadata()
			metadata.Labels = map[string]string{spec.MarkInstall: "somebody/else"}
			token.SetMetadata(metadata)
			b.teleport.PutToken(token)
		}
		return nil
	}})
	made := b.install(t, "--token-name", "door")
	got := b.run(t, b.deleteArgs("--token-name", "door")...)
	got.want(t, 3, "token door is left alone: it changed hands since it was looked at", `made by tbotctl for "somebody/else"`)
	b.allStands(t, made)
}

// TestDeleteUnderAdminMFA holds that a demanded touch ends the run before anything is deleted, with the commands that do it; what
// the one for Kubernetes selects is the whole installation.
func TestDeleteUnderAdminMFA(t *testing.T) {
	t.Parallel()
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
	made := b.install(t)
	demanding := teleporttest.New(t, teleporttest.Options{AdminMFA: true})
	identity, err := demanding.IdentityFile("admin", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	b.write(t, "admin.identity", identity)
	b.write(t, "web-ca.pem", demanding.WebCAPEM())
	got := b.run(t, b.deleteArgs("--proxy", demanding.Addr())...)
	got.want(t, 3, "nothing was deleted", "requires MFA verification", "tctl rm token/"+made.Setup.Token, "tctl bots rm "+made.Setup.Bot)
	b.allStands(t, made)

	_, command, _ := strings.Cut(got.stderr, "  kubectl --context self-managed ")
	command, _, _ = strings.Cut(command, "\n")
	if _, stderr, err := b.plane.Kubectl(t.Context(), nil, strings.Fields(command)...); err != nil {
		t.Fatalf("kubectl %s: %s", command, stderr)
	}
	if left := b.standing(t, made); !slices.Equal(left, []string{"token", "bot"}) {
		t.Errorf("kubectl left %v", left)
	}
}

// TestDeleteRefusedHalfWay holds that what Teleport refuses in the middle is said with what still stands, and done by the next run.
func TestDeleteRefusedHalfWay(t *testing.T) {
	t.Parallel()
	refuse := true
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{Before: func(_ context.Context, r teleporttest.Request) error {
		if refuse && strings.HasSuffix(r.Method, "/DeleteBot") {
			refuse = false
			return trace.AccessDenied("access denied to perform action %q on %q", "delete", "bot")
		}
		return nil
	}})
	made := b.install(t)
	got := b.run(t, b.deleteArgs("-o", "json")...)
	got.want(t, 3, `access denied to perform action "delete" on "bot"`, "Not deleted yet: bot "+made.Setup.Bot+". The same command goes on from here.")
	document := deleteOf(t, got)
	if document.Complete || document.Error == "" || document.of(t, "bot").Result != "remove" || document.of(t, "token").Result != "removed" {
		t.Errorf("document %+v", document)
	}
	if left := b.standing(t, made); !slices.Equal(left, []string{"bot"}) {
		t.Errorf("what stands: %v, want the bot alone", left)
	}
	b.run(t, b.deleteArgs()...).want(t, 0, "bot "+made.Setup.Bot+": removed")
	b.nothingStands(t, made)
}
