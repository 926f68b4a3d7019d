package cmd_test

import (
	"encoding/json"
	"encoding/pem"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gravitational/teleport/api/utils/keypaths"

	"github.com/tbotctl/tbotctl/cmd"
	"github.com/tbotctl/tbotctl/internal/teleporttest"
	"github.com/tbotctl/tbotctl/internal/testkit"
	"github.com/tbotctl/tbotctl/internal/testkit/lab"
)

// left returns the file for the Teleport side that a run of -o json has left in the working directory, and holds it to what was
// said of it: one file, private, by the exact line.
func (b *bench) left(t *testing.T, got outcome) string {
	t.Helper()
	var document struct {
		Next  []string
		Error string
	}
	if err := json.Unmarshal([]byte(got.stdout), &document); err != nil || len(document.Next) == 0 {
		t.Fatalf("next is %v, %v\n%s", document.Next, err, got.stdout)
	}
	found, err := filepath.Glob("tbotctl-tbot-*/teleport/resources.yaml")
	if err != nil || len(found) != 1 {
		t.Fatalf("found %v, %v; want one file", found, err)
	}
	line := "tctl create -f ./" + found[0]
	if document.Next[0] != line || !strings.Contains(got.stderr, "  "+line+"\n") {
		t.Errorf("next is %q and stderr\n%s\nwant the line %q", document.Next, got.stderr, line)
	}
	for path, mode := range map[string]os.FileMode{found[0]: 0o600, filepath.Dir(found[0]): os.ModeDir | 0o700} {
		info, err := os.Stat(path)
		if err != nil || info.Mode() != mode {
			t.Errorf("%s: %v, %v; want %v", path, info.Mode(), err, mode)
		}
	}
	b.noSecrets(t, outcome{stdout: b.read(t, found[0]), stderr: got.stdout + got.stderr})
	return b.read(t, found[0])
}

// loggedOut runs init -o json with the tsh profiles of a folder and no identity file.
func (b *bench) loggedOut(t *testing.T, home string, more ...string) outcome {
	t.Helper()
	args := b.initArgs(append([]string{"-o", "json"}, more...)...)
	at := slices.Index(args, "--identity")
	return runWith(t, func(f *cmd.Factory) {
		f.Issuer = lab.Fetcher(b.plane)
		f.LookupEnv = func(name string) (string, bool) {
			if name == "TELEPORT_HOME" {
				return home, true
			}
			return "", false
		}
	}, "", slices.Delete(args, at, at+2)...)
}

// TestNoLogin holds that without a Teleport login all is looked up, nothing is applied, and one file is left with its line.
func TestNoLogin(t *testing.T) {
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
	t.Chdir(t.TempDir())
	home := t.TempDir()
	saved := b.path("answers.yaml")
	got := b.loggedOut(t, home, "--save", saved)
	got.want(t, 4, "TBC304", "without a Teleport login nothing was applied, on neither side", "static_jwks")
	b.nothingWritten(t)
	file := b.left(t, got)
	if !strings.Contains(got.stdout, `"tsh login --proxy=`+b.teleport.Addr()+`"`) {
		t.Errorf("how to log in is not in next:\n%s", got.stdout)
	}
	// It is what render prints, and a cluster takes it.
	rendered := runWith(t, noClusters(t), "", "render", "--from", saved, "--side", "teleport")
	if rendered.stdout != file {
		t.Errorf("the file differs from what render prints:\n%s\n%s", file, rendered.stdout)
	}
	if err := b.make([]byte(file)); err != nil {
		t.Errorf("%v\n%s", err, file)
	}
	// The same again is no trouble; what somebody changed is kept.
	b.loggedOut(t, home).want(t, 4, "  tctl create -f ./")
	found, err := filepath.Glob("tbotctl-tbot-*/teleport/resources.yaml")
	if err != nil || len(found) != 1 {
		t.Fatal(found, err)
	}
	if err := os.WriteFile(found[0], []byte("# mine\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	b.loggedOut(t, home).want(t, 4, "was not overwritten, move it away")
	if b.read(t, found[0]) != "# mine\n" {
		t.Error("it was overwritten")
	}
	b.nothingWritten(t)
	// Once there is a login, the same command does the whole.
	b.run(t, b.initArgs("--no-wait", "--take-over")...).want(t, 0)
}

// TestNoLoginOfUse tells the logins that are there and cannot be used.
func TestNoLoginOfUse(t *testing.T) {
	for name, row := range map[string]struct {
		prepare func(*testing.T, *bench, string)
		parts   []string
	}{
		"expired": {func(t *testing.T, b *bench, home string) {
			t.Helper()
			b.profile(t, home, -time.Minute)
		}, []string{"the tsh login ended at", "tsh login --proxy="}},
		"hardware key": {func(t *testing.T, b *bench, home string) {
			t.Helper()
			b.profile(t, home, time.Hour)
			host := strings.Split(b.teleport.Addr(), ":")[0]
			key := pem.EncodeToMemory(&pem.Block{Type: "PIV YUBIKEY PRIVATE KEY", Bytes: []byte("{}")})
			if err := os.WriteFile(keypaths.UserTLSKeyPath(home, host, "admin"), key, 0o600); err != nil {
				t.Fatal(err)
			}
		}, []string{"hardware token (PIV)", "tctl auth sign", "with --identity FILE."}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
			t.Chdir(t.TempDir())
			home := t.TempDir()
			row.prepare(t, b, home)
			got := b.loggedOut(t, home)
			got.want(t, 4, row.parts...)
			b.left(t, got)
			b.nothingWritten(t)
		})
	}
}

func (b *bench) profile(t *testing.T, home string, ttl time.Duration) {
	t.Helper()
	if err := b.teleport.WriteProfile(home, "admin", ttl); err != nil {
		t.Fatal(err)
	}
}

// TestNoLoginAndMore holds that a run that fails at something else too leaves no file.
func TestNoLoginAndMore(t *testing.T) {
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
	t.Chdir(t.TempDir())
	b.namespace += "-missing"
	b.loggedOut(t, t.TempDir()).want(t, 4, "TBC304", "does not exist")
	if found, err := filepath.Glob("*"); err != nil || len(found) != 0 {
		t.Errorf("left %v, %v", found, err)
	}
}

// TestNoLoginNowhereToWrite holds that a file that cannot be written is said.
func TestNoLoginNowhereToWrite(t *testing.T) {
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
	t.Chdir(t.TempDir())
	got := b.loggedOut(t, t.TempDir())
	b.left(t, got)
	folder, err := filepath.Glob("tbotctl-tbot-*")
	if err != nil || len(folder) != 1 {
		t.Fatal(folder, err)
	}
	if err := os.RemoveAll(folder[0]); err != nil {
		t.Fatal(err)
	}
	// A file in the folder's place: what would also stop root.
	if err := os.WriteFile(folder[0], nil, 0o600); err != nil {
		t.Fatal(err)
	}
	b.loggedOut(t, t.TempDir()).want(t, 4, "the file for the Teleport side could not be written", folder[0])
}
