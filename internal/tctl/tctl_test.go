package tctl_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tbotctl/tbotctl/internal/tctl"
	"github.com/tbotctl/tbotctl/internal/testkit"
	"github.com/tbotctl/tbotctl/manifests"
)

// stub is an executable that leaves what it was started with in a folder and then does what body says.
func stub(t *testing.T, body string) (path, record string) {
	t.Helper()
	record = t.TempDir()
	path = filepath.Join(t.TempDir(), "tctl")
	script := fmt.Sprintf(`#!/bin/sh
record='%s'
for file; do :; done
printf '%%s\n' "$@" > "$record/argv"
env > "$record/env"
ls -ld "$(dirname "$file")" "$file" > "$record/modes"
cp "$file" "$record/file"
[ -z "$SSL_CERT_FILE" ] || cp "$SSL_CERT_FILE" "$record/authority"
%s
`, record, body)
	if err := os.WriteFile(path, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	return path, record
}

func resources() manifests.Set {
	return manifests.Set{
		{System: manifests.Teleport, Stage: manifests.StageBot, YAML: []byte("kind: bot\n")},
		{System: manifests.Teleport, Stage: manifests.StageToken, YAML: []byte("kind: token\n")},
	}
}

func read(t *testing.T, path ...string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// gone fails the test where the file that tctl was given, or its folder, is still there.
func gone(t *testing.T, record string) {
	t.Helper()
	lines := strings.Fields(read(t, record, "argv"))
	file := lines[len(lines)-1]
	if _, err := os.Stat(filepath.Dir(file)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s is left behind: %v", filepath.Dir(file), err)
	}
}

func TestCreate(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		hand    tctl.Tctl
		replace bool
		args    []string
		env     []string
	}{
		"tsh profile": {
			tctl.Tctl{ProfileDir: "/home/somebody/.tsh"},
			false,
			[]string{"--auth-server=teleport.example.com:443", "create"},
			[]string{"TELEPORT_HOME=/home/somebody/.tsh"},
		},
		"identity file, replacing": {
			tctl.Tctl{IdentityFile: "/etc/admin identity"},
			true,
			[]string{"--auth-server=teleport.example.com:443", "--identity=/etc/admin identity", "create", "-f"},
			nil,
		},
		"private authority, unverified": {
			tctl.Tctl{ProxyCA: "an authority", Insecure: true},
			false,
			[]string{"--auth-server=teleport.example.com:443", "--insecure", "create"},
			nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path, record := stub(t, `echo 'bot "b" has been created'; printf 'Tap your \033[31msecurity key' >&2`)
			var said bytes.Buffer
			row.hand.Path, row.hand.Proxy, row.hand.Out = path, "teleport.example.com:443", &said
			if err := row.hand.Create(t.Context(), resources(), row.replace); err != nil {
				t.Fatal(err)
			}
			args := strings.Split(strings.TrimSpace(read(t, record, "argv")), "\n")
			if !slices.Equal(args[:len(args)-1], row.args) {
				t.Errorf("arguments %q, want %q and the file", args, row.args)
			}
			for _, variable := range row.env {
				if !strings.Contains(read(t, record, "env"), variable+"\n") {
					t.Errorf("%s is not in the environment", variable)
				}
			}
			if got := read(t, record, "file"); got != "kind: bot\n---\nkind: token\n" {
				t.Errorf("the file holds %q", got)
			}
			if row.hand.ProxyCA != "" && read(t, record, "authority") != row.hand.ProxyCA {
				t.Error("the authority is another")
			}
			modes := strings.Split(read(t, record, "modes"), "\n")
			if !strings.HasPrefix(modes[0], "drwx------") || !strings.HasPrefix(modes[1], "-rw-------") {
				t.Errorf("folder and file are not private: %q", modes)
			}
			if got := said.String(); got != "bot \"b\" has been created\nTap your [31msecurity key\n" {
				t.Errorf("it said %q", got)
			}
			gone(t, record)
		})
	}
}

// TestCreateFails holds that the end of what tctl said is the error, on one line, and that its file is gone.
func TestCreateFails(t *testing.T) {
	t.Parallel()
	path, record := stub(t, `head -c 2000 /dev/zero | tr '\0' x; printf '\nERROR: access denied to perform action "create" on "bot"\n' >&2; exit 1`)
	var said bytes.Buffer
	err := tctl.Tctl{Path: path, Proxy: "p:443", Out: &said}.Create(t.Context(), resources(), false)
	var failed *tctl.Failed
	if !errors.As(err, &failed) || !strings.Contains(err.Error(), `ERROR: access denied to perform action "create" on "bot" (exit status 1)`) {
		t.Errorf("error %v, want what tctl said", err)
	}
	if strings.Contains(err.Error(), "\n") || len(err.Error()) > 600 {
		t.Errorf("the error is no line for people: %q", err)
	}
	gone(t, record)

	err = tctl.Tctl{Path: filepath.Join(t.TempDir(), "tctl"), Out: &said}.Create(t.Context(), resources(), false)
	if !errors.As(err, &failed) || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error %v, want that there is no such file", err)
	}
}

// TestCreateIsEnded holds that the end of the context ends tctl as Ctrl-C would, and that its file is gone.
func TestCreateIsEnded(t *testing.T) {
	t.Parallel()
	path, record := stub(t, `trap 'echo asked to end > "$record/ended"; exit 130' INT; touch "$record/waiting"; while :; do sleep 0.05; done`)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error, 1)
	var said bytes.Buffer
	go func() { ended <- tctl.Tctl{Path: path, Out: &said}.Create(ctx, resources(), false) }()
	testkit.Eventually(t, "tctl waits for the touch", func(context.Context) error {
		_, err := os.Stat(filepath.Join(record, "waiting"))
		return err
	})
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want that it was cancelled", err)
	}
	if read(t, record, "ended") != "asked to end\n" {
		t.Error("tctl was not asked")
	}
	gone(t, record)
}

// TestCreateReadsTheTerminal holds that what a person types reaches tctl: a PIN.
func TestCreateReadsTheTerminal(t *testing.T) {
	t.Parallel()
	path, record := stub(t, `read -r pin; echo "$pin" > "$record/pin"`)
	var said bytes.Buffer
	if err := (tctl.Tctl{Path: path, In: strings.NewReader("1234\n"), Out: &said}).Create(t.Context(), resources(), false); err != nil {
		t.Fatal(err)
	}
	if got := read(t, record, "pin"); got != "1234\n" {
		t.Errorf("tctl read %q", got)
	}
}

func TestLook(t *testing.T) {
	path, _ := stub(t, "")
	t.Setenv("PATH", filepath.Dir(path))
	if got, err := tctl.Look(); err != nil || got != path {
		t.Errorf("found %q, %v; want %q", got, err, path)
	}
	t.Setenv("PATH", t.TempDir())
	if _, err := tctl.Look(); err == nil {
		t.Error("found a tctl where there is none")
	}
}

// TestWriter holds that all is written once, at the first call, and again only where that failed.
func TestWriter(t *testing.T) {
	t.Parallel()
	calls, fail := 0, errors.New("no touch")
	w := &tctl.Writer{All: func() error { calls++; return fail }}
	if err := w.UpsertBot(t.Context(), nil); !errors.Is(err, fail) {
		t.Errorf("error %v, want that of the writer", err)
	}
	fail = nil
	for name, write := range map[string]func() error{
		"bot": func() error { return w.CreateBot(t.Context(), nil) }, "token": func() error { return w.CreateToken(t.Context(), nil) },
		"role": func() error { return w.CreateRole(t.Context(), nil) }, "role again": func() error { return w.UpsertRole(t.Context(), nil) },
		"token again": func() error { return w.UpsertToken(t.Context(), nil) },
	} {
		if err := write(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if calls != 2 {
		t.Errorf("written %d times, want one that failed and one", calls)
	}
}

// TestCreateAfterAKilledRun holds that a run removes what one left that was killed an hour ago.
func TestCreateAfterAKilledRun(t *testing.T) {
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)
	if os.TempDir() != temporary {
		t.Skip("this system takes its temporary folder from elsewhere")
	}
	left := filepath.Join(temporary, "tbotctl-for-tctl-1")
	if err := os.Mkdir(left, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(left, "resources.yaml"), []byte("kind: bot\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	long := time.Now().Add(-time.Hour)
	if err := os.Chtimes(left, long, long); err != nil {
		t.Fatal(err)
	}
	path, _ := stub(t, "")
	var said bytes.Buffer
	if err := (tctl.Tctl{Path: path, Out: &said}).Create(t.Context(), resources(), false); err != nil {
		t.Fatal(err)
	}
	if entries, err := os.ReadDir(temporary); err != nil || len(entries) != 0 {
		t.Errorf("left in the temporary folder: %v, %v", entries, err)
	}
}
