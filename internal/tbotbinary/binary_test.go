//go:build unix

package tbotbinary_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tbotctl/tbotctl/internal/golden"
	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/internal/tbotbinary"
	"github.com/tbotctl/tbotctl/internal/tbotconfig"
	"github.com/tbotctl/tbotctl/internal/testkit"
)

// secretWord is the token: nothing may hold it that a run leaves or shows.
const secretWord = "hunter2-very-secret"

const joined = `{"level":"info","message":"Fetched new bot identity","identity":"ci, id=0a1b | valid: after=2026-01-02T03:00:00Z, before=2026-01-02T04:01:00Z, duration=1h1m0s | kind=tls, roles=[bot-ci]"}`

// stub is a tbot that leaves what it was started with in a folder and then does what body says.
func stub(t *testing.T, body string) (tbot tbotbinary.Binary, record string) {
	t.Helper()
	record = t.TempDir()
	path := filepath.Join(t.TempDir(), "tbot")
	script := fmt.Sprintf(`#!/bin/sh
record='%s'
printf '%%s\n' "$@" > "$record/argv"
env > "$record/env"
echo $$ > "$record/pid"
case "$2" in --config=*)
	file="${2#--config=}"
	ls -ld "$(dirname "$file")" "$file" "$KUBERNETES_TOKEN_PATH" > "$record/modes"
	cp "$file" "$record/file"
	[ -z "$SSL_CERT_FILE" ] || cp "$SSL_CERT_FILE" "$record/authority" ;;
esac
%s
`, record, body)
	if err := os.WriteFile(path, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	return tbotbinary.Binary{Path: path}, record
}

func read(t *testing.T, path ...string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// gone fails the test where the folder that tbot was given is still there.
func gone(t *testing.T, record string) {
	t.Helper()
	file := strings.TrimPrefix(strings.Split(read(t, record, "argv"), "\n")[1], "--config=")
	if _, err := os.Stat(filepath.Dir(file)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s is left behind: %v", filepath.Dir(file), err)
	}
}

func config() tbotbinary.Config {
	return tbotbinary.Config{
		Version: "18.2.0", Namespace: "machines",
		Environ: []string{"PATH=" + os.Getenv("PATH"), "HOME=/home/ann", "HTTPS_PROXY=http://proxy.example.com:3128", "TBOT_DEBUG=1", "TELEPORT_PROXY=other.example.com", "AWS_SECRET_ACCESS_KEY=x"},
		Tbot: tbotconfig.Config{
			Version: tbotconfig.Version, ProxyServer: "teleport.example.com:443", DiagAddr: "0.0.0.0:3001",
			Onboarding: tbotconfig.Onboarding{
				Token: "tbot-1a2b3c4d", JoinMethod: tbotconfig.JoinMethodKubernetes, CAPath: "/config/ca.pem",
				Kubernetes: tbotconfig.OnboardingKubernetes{TokenPath: "/var/run/secrets/tokens/join-sa-token"},
			},
			Storage: tbotconfig.Secret("state"),
			Outputs: []tbotconfig.Output{
				tbotconfig.NewIdentity(tbotconfig.Secret("out")),
				tbotconfig.NewKubernetesV2(tbotconfig.Directory("/opt/machine-id"), tbotconfig.Selector{Labels: map[string]string{"env": "prod"}}),
				tbotconfig.NewArgoCD(tbotconfig.Selector{Name: "prod"}),
			},
		},
	}
}

func TestRun(t *testing.T) {
	t.Parallel()
	tbot, record := stub(t, `cat "$KUBERNETES_TOKEN_PATH" > "$record/token"
echo '`+joined+`' >&2
echo '{"level":"info","message":"Service finished","service":"identity-1"}'
printf 'last words'`)
	var said []string
	c := config()
	untouched := config().Tbot
	c.ProxyCA = "-----BEGIN CERTIFICATE-----\n"
	result, err := tbot.Run(t.Context(), c, spec.NewSecret(secretWord), func(line string) { said = append(said, line) })
	if err != nil {
		t.Fatal(err)
	}
	if a := result.Account; !a.Joined || a.Bot != "ci" || a.Instance != "0a1b" || len(a.Outputs) != 1 || !a.Outputs[0].Done {
		t.Errorf("account %+v, want a join and an output", a)
	}
	if len(said) != 3 || said[2] != "last words" {
		t.Errorf("it said %q, want every line, also one without an end", said)
	}
	left := []tbotbinary.LeftOut{{Name: c.Tbot.NameOf(2), Type: "kubernetes/argo-cd", Why: "it writes Argo CD's Secrets and has no other destination"}}
	if diff := cmp.Diff(left, result.LeftOut); diff != "" {
		t.Errorf("left out (-want +got):\n%s", diff)
	}
	if !reflect.DeepEqual(untouched, c.Tbot) {
		t.Errorf("the configuration was changed to %+v", c.Tbot)
	}
	golden.Assert(t, "tbot.yaml", []byte(read(t, record, "file")))

	if token := read(t, record, "token"); token != secretWord {
		t.Errorf("it read %q as its token", token)
	}
	args := strings.Split(strings.TrimSpace(read(t, record, "argv")), "\n")
	if len(args) != 4 || args[0] != "start" || !strings.HasSuffix(args[1], "/tbot.yaml") || args[2] != "--oneshot" || args[3] != "--log-format=json" {
		t.Errorf("arguments %q", args)
	}
	folder := filepath.Dir(strings.TrimPrefix(args[1], "--config="))
	var env []string
	for _, variable := range strings.Split(strings.TrimSpace(read(t, record, "env")), "\n") {
		if name, _, _ := strings.Cut(variable, "="); name != "PWD" && name != "PATH" && name != "_" && name != "SHLVL" && name != "OLDPWD" { // the shell's own
			env = append(env, strings.ReplaceAll(variable, folder, "FOLDER"))
		}
	}
	slices.Sort(env)
	want := []string{
		"HOME=/home/ann", "HTTPS_PROXY=http://proxy.example.com:3128", "KUBERNETES_TOKEN_PATH=FOLDER/token", "POD_NAMESPACE=machines",
		"SSL_CERT_FILE=FOLDER/proxy-ca.pem", "TELEPORT_ANONYMOUS_TELEMETRY=0",
	}
	if !slices.Equal(env, want) {
		t.Errorf("environment %q, want %q", env, want)
	}
	modes := strings.Split(strings.TrimSpace(read(t, record, "modes")), "\n")
	slices.Sort(modes)
	for i, mode := range []string{"-rw-------", "drwx------", "prw-------"} {
		if !strings.HasPrefix(modes[i], mode) {
			t.Errorf("modes %q, want a private file, folder and pipe", modes)
			break
		}
	}
	if read(t, record, "authority") != c.ProxyCA {
		t.Error("the proxy's authority did not reach it")
	}
	gone(t, record)
	for _, name := range []string{"argv", "env", "file", "modes"} {
		if strings.Contains(read(t, record, name), secretWord) {
			t.Errorf("the token is in its %s", name)
		}
	}
}

// tbot reads its token anew for each try to join.
func TestRunGivesTheTokenToEachReader(t *testing.T) {
	t.Parallel()
	long := strings.Repeat(secretWord, 100)
	tbot, record := stub(t, `for try in 1 2 3; do cat "$KUBERNETES_TOKEN_PATH" >> "$record/token"; echo >> "$record/token"; done`)
	if _, err := tbot.Run(t.Context(), config(), spec.NewSecret(long), nil); err != nil {
		t.Fatal(err)
	}
	if got := read(t, record, "token"); got != long+"\n"+long+"\n"+long+"\n" {
		t.Errorf("it read %d bytes, want three whole tokens of %d", len(got), len(long))
	}
	gone(t, record)
}

func TestRunFails(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		body, want string
		joined     bool
	}{
		"refused":           {`echo 'ERROR: kubernetes token did not match any allow rules' >&2; exit 1`, "tbot failed: kubernetes token did not match any allow rules", false},
		"an output":         {"echo '" + joined + `'; echo 'ERROR: service(identity-1)' >&2; printf '\taccess denied\n' >&2; exit 1`, "tbot failed: identity-1: access denied", true},
		"silent":            {"exit 7", "tbot failed and did not say why: exit status 7", false},
		"says the token":    {`echo "ERROR: bad token $(cat "$KUBERNETES_TOKEN_PATH")"; exit 1`, "tbot failed: bad token [redacted]", false},
		"a line of 200 KiB": {`printf 'ERROR: '; head -c 204800 /dev/zero | tr '\0' x; exit 1`, "tbot failed: xxx", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tbot, record := stub(t, row.body)
			var said strings.Builder
			result, err := tbot.Run(t.Context(), config(), spec.NewSecret(secretWord), func(line string) { said.WriteString(line) })
			var failed *tbotbinary.Failed
			if !errors.As(err, &failed) || failed.Joined != row.joined || !strings.HasPrefix(err.Error(), row.want) || len(err.Error()) > 100<<10 {
				t.Errorf("error %.200v, want %s", err, row.want)
			}
			if strings.Contains(said.String()+fmt.Sprintf("%+v", result), secretWord) {
				t.Error("the token was shown")
			}
			gone(t, record)
		})
	}
}

// Ctrl-C asks tbot to end, and where it does not, ends it: neither files nor a process stay.
func TestRunBrokenOff(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"obedient": `trap 'echo asked > "$record/asked"; exit 3' INT; while :; do sleep 0.05; done`,
		"deaf":     `trap '' INT; exec sleep 60`,
		"plain":    `while :; do sleep 0.05; done`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tbot, record := stub(t, body)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			ended := make(chan error, 1)
			go func() {
				_, err := tbot.Run(ctx, config(), spec.NewSecret(secretWord), nil)
				ended <- err
			}()
			testkit.Eventually(t, "tbot to start", func(context.Context) error {
				_, err := os.Stat(filepath.Join(record, "file"))
				return err
			})
			cancel()
			select {
			case err := <-ended:
				if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "tbot was ended before it was done") {
					t.Errorf("error %v, want the context's", err)
				}
			case <-time.After(30 * time.Second):
				t.Fatal("it does not end")
			}
			if pid := strings.TrimSpace(read(t, record, "pid")); alive(t, pid) {
				t.Errorf("process %s is left behind", pid)
			}
			gone(t, record)
		})
	}
}

// alive looks for a process by its number.
func alive(t *testing.T, pid string) bool {
	t.Helper()
	number, err := strconv.Atoi(pid)
	if err != nil {
		t.Fatal(err)
	}
	return syscall.Kill(number, 0) == nil
}

func TestRunRefusesWhatCannotBeTried(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		change func(*tbotconfig.Config)
		want   string
	}{
		"another method":  {func(c *tbotconfig.Config) { c.Onboarding.JoinMethod, c.Onboarding.Token = "token", secretWord }, `joins by method "token"`},
		"a token's file":  {func(c *tbotconfig.Config) { c.Onboarding.Token = "/config/token" }, "from the file /config/token of the pod"},
		"a URI":           {func(c *tbotconfig.Config) { c.JoinURI = tbotconfig.Hide("tbot+proxy+kubernetes://" + secretWord) }, "joins by join_uri"},
		"no proxy at all": {func(c *tbotconfig.Config) { c.ProxyServer = "" }, "writing a tbot.yaml for this machine"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tbot, record := stub(t, "")
			c := config()
			row.change(&c.Tbot)
			_, err := tbot.Run(t.Context(), c, spec.NewSecret(secretWord), nil)
			if err == nil || !strings.Contains(err.Error(), row.want) || strings.Contains(err.Error(), secretWord) {
				t.Errorf("error %v, want %q and no secret", err, row.want)
			}
			if _, err := os.Stat(filepath.Join(record, "argv")); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("tbot was started: %v", err)
			}
		})
	}
}

// A tbot before 17.2.8 has no credential_ttl in its file, and would refuse all of it.
func TestRunOfAnOlderTbot(t *testing.T) {
	t.Parallel()
	tbot, record := stub(t, "")
	c := config()
	c.Version = "17.2.7"
	if _, err := tbot.Run(t.Context(), c, spec.NewSecret(secretWord), nil); err != nil {
		t.Fatal(err)
	}
	if file := read(t, record, "file"); strings.Contains(file, "credential_ttl") {
		t.Errorf("its file holds credential_ttl:\n%s", file)
	}
}
