package tty_test

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/tbotctl/tbotctl/internal/testkit/tty"
)

// start runs a shell script on a terminal.
func start(t *testing.T, script string) (*tty.Terminal, context.Context) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	terminal, err := tty.Start(ctx, tty.Command{Path: "/bin/sh", Args: []string{"-c", script}, Env: []string{"PATH=" + os.Getenv("PATH")}, Cols: 40, Rows: 10})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		if err := terminal.Close(); err != nil {
			t.Error(err)
		}
	})
	return terminal, ctx
}

func TestTerminal(t *testing.T) {
	t.Parallel()
	// A character that is drawn in two parts, with a person's answer between them.
	terminal, ctx := start(t, `printf '\342' >&2; stty -echo; printf 'ask ' >&2; read answer; stty echo; printf '\r\342\234' >&2; printf '\223 %s' "$answer" >&2; stty size; exit 7`)
	if err := terminal.Until(ctx, "the question", func(string) bool { return strings.Contains(terminal.Raw(), "ask ") }); err != nil {
		t.Fatal(err)
	}
	if err := terminal.Resize(50, 12); err != nil {
		t.Fatal(err)
	}
	if err := terminal.Type("yes\n"); err != nil {
		t.Fatal(err)
	}
	if err := terminal.Wait(ctx, "✓ yes"); err != nil {
		t.Fatal(err)
	}
	ended, err := terminal.End(ctx)
	if want := (tty.Ended{Code: 7, Stdout: "12 50\n", Restored: true}); err != nil || ended != want {
		t.Errorf("it ended as %+v, %v; want %+v", ended, err, want)
	}
	if err := terminal.Wait(ctx, "never drawn"); err == nil || !strings.Contains(err.Error(), "ended with code 7") {
		t.Errorf("waiting for what never comes: %v", err)
	}
}

func TestTerminalSeesWhatIsLeftBehind(t *testing.T) {
	t.Parallel()
	for name, script := range map[string]string{
		"the alternate screen": `printf '\033[?1049h' >&2`, "no cursor": `printf '\033[?25l' >&2`, "no echo": `stty -echo`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			terminal, ctx := start(t, script)
			if ended, err := terminal.End(ctx); err != nil || ended.Restored {
				t.Errorf("it ended as %+v, %v", ended, err)
			}
		})
	}
}

func TestTerminalHangsUp(t *testing.T) {
	t.Parallel()
	terminal, ctx := start(t, `trap 'exit 9' HUP; printf ready >&2; while :; do read line || :; done`)
	if err := terminal.Wait(ctx, "ready"); err != nil {
		t.Fatal(err)
	}
	if err := terminal.HangUp(); err != nil {
		t.Fatal(err)
	}
	if ended, err := terminal.End(ctx); err != nil || ended.Code != 9 {
		t.Errorf("it ended as %+v, %v", ended, err)
	}
}
