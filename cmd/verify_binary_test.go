//go:build unix

package cmd_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tbotctl/tbotctl/internal/teleporttest"
	"github.com/tbotctl/tbotctl/internal/testkit"
)

// stubTbot puts a tbot on PATH that names its version, records what it was given, and then does what body says. It gives the folder of
// its records. PATH and TMPDIR are the process's, so its tests run alone.
func stubTbot(t *testing.T, version, body string) (record string) {
	t.Helper()
	record = t.TempDir()
	folder := t.TempDir()
	script := fmt.Sprintf(`#!/bin/sh
if [ "$1" = version ]; then echo 'Teleport v%s git:v%s-0-g1a2b3c4 go1.24.6'; exit; fi
record='%s'
printf '%%s\n' "$@" > "$record/argv"
env > "$record/env"
cp "${2#--config=}" "$record/config"
cat "$KUBERNETES_TOKEN_PATH" > "$record/token"
%s
`, version, version, record, body)
	if err := os.WriteFile(filepath.Join(folder, "tbot"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", folder+":"+os.Getenv("PATH"))
	return record
}

// logging is a body that says these lines.
func logging(lines ...string) string {
	return "cat <<'END' >&2\n" + strings.Join(lines, "\n") + "\nEND\n"
}

// The tbot on PATH does what the pod's would, with a token that lies nowhere.
func TestVerifyByBinary(t *testing.T) {
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
	b.healthy(t, "--save", b.path("answers.yaml"))
	bot, temporary := b.bot(t), t.TempDir()
	t.Setenv("TMPDIR", temporary)
	record := stubTbot(t, "18.2.0", logging(wholeLog(bot)...))
	for _, form := range []string{"table", "json"} {
		got := b.run(t, b.verifyArgs("--runtime", "binary", "-o", form)...)
		got.want(t, 0, "identity-1", "version 18.2.0")
		b.noSecrets(t, got)
		token := b.read(t, filepath.Join(record, "token"))
		if strings.Count(token, ".") != 2 {
			t.Fatalf("tbot was given no token, but %d bytes", len(token))
		}
		left := files(t, temporary)
		if len(left) > 0 {
			t.Errorf("%d temporary files are left", len(left))
		}
		left["argv"], left["env"] = b.read(t, filepath.Join(record, "argv")), b.read(t, filepath.Join(record, "env"))
		left["tbot.yaml"], left["stdout"], left["stderr"] = b.read(t, filepath.Join(record, "config")), got.stdout, got.stderr
		for where, content := range left {
			if strings.Contains(content, token) {
				t.Errorf("%s holds the token", where)
			}
		}
		if form == "table" {
			got.want(t, 0, "PROVEN")
			got.narrow(t)
			continue
		}
		document := verifiedOf(t, got)
		if document.Status != "proven" || document.Runtime != "binary" || document.Proof.User != "bot-"+bot || len(document.Proof.Outputs) != 1 {
			t.Errorf("the document is %+v", document)
		}
	}
	b.noProbePods(t)
}

// What stands in the way of the tbot on PATH is named, with what to do.
func TestVerifyByBinaryFails(t *testing.T) {
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
	b.healthy(t, "--save", b.path("answers.yaml"))
	args := b.verifyArgs("--runtime", "binary")
	t.Run("not on PATH", func(t *testing.T) {
		t.Setenv("PATH", t.TempDir())
		b.run(t, args...).want(t, 3, "looking for tbot on PATH", "--runtime")
	})
	for name, row := range map[string]struct {
		version, body string
		says          []string
	}{
		"newer than the server": {"19.0.0", "", []string{"tbot 19.0.0 is newer than Teleport 18.2.0"}},
		"too old":               {"16.5.0", "", []string{"tbot 16.5.0 is too old"}},
		"refused": {
			"18.2.0", logging("ERROR: kubernetes token did not match any allow rules") + "exit 1",
			[]string{"FAILED", "kubernetes token did not match any allow rules", "the join token does not let this service account in", "do: "},
		},
		"an output that fails": {
			"18.2.0", logging(
				wholeLog(b.bot(t))[0],
				`{"level":"error","message":"Service exited with error","service":"identity-1","error":"access denied"}`,
				`ERROR: service(s) failed: [identity-1]`,
			) + "exit 1",
			[]string{"FAILED", "identity-1"},
		},
		"dies in silence": {"18.2.0", "exit 7", []string{"did not say why", "exit status 7"}},
	} {
		t.Run(name, func(t *testing.T) {
			stubTbot(t, row.version, row.body)
			got := b.run(t, args...)
			got.want(t, 3, row.says...)
			b.noSecrets(t, got)
			got.narrow(t)
			document := verifiedOf(t, b.run(t, append(args, "-o", "json")...))
			if document.Status != "failed" {
				t.Errorf("status %s, error %s", document.Status, document.Error)
			}
		})
	}
	b.noProbePods(t)
}
