package cmd_test

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tbotctl/tbotctl/internal/testkit/tty"
)

// The keys that are more than a letter.
const (
	keyEnter = "\r"
	keyEsc   = "\x1b"
	keyCtrlC = "\x03"
	keyDown  = "\x1b[B"
	keyUp    = "\x1b[A"
)

// patience is far above what anything here takes; only a failure waits so long.
const patience = 30 * time.Second

// person sits at a terminal on which the program runs.
type person struct {
	*tty.Terminal
	t   *testing.T
	ctx context.Context
}

// sitting is what is special about a run on a terminal.
type sitting struct {
	// env is set beside what every run has; later ones win.
	env []string
	// rows are the window's, where 24 will not do.
	rows int
	// kubeconfig is another one than that of the bench's plane.
	kubeconfig string
}

// sit starts init on a terminal of 80 by 24. tsh has logged the user in.
func (b *bench) sit(t *testing.T, s sitting) *person {
	t.Helper()
	if _, err := os.Stat(b.path("tsh")); os.IsNotExist(err) {
		b.profile(t, b.path("tsh"), time.Hour)
	}
	path, env := b.programFor(t)
	env = slices.Concat([]string{
		"HOME=" + b.dir, "PATH=" + os.Getenv("PATH"), "TERM=xterm-256color", "LANG=C.UTF-8", "TELEPORT_HOME=" + b.path("tsh"),
	}, env, s.env)
	kubeconfig := cmp.Or(s.kubeconfig, b.plane.KubeconfigFile())
	args := []string{"init", "--workload", "tbot", "--kubeconfig", kubeconfig, "--proxy-ca", b.path("web-ca.pem"), "--timeout", "60s"}
	terminal, err := tty.Start(t.Context(), tty.Command{Path: path, Args: args, Env: env, Dir: b.dir, Cols: 80, Rows: cmp.Or(s.rows, 24)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(func() {
		cancel()
		if err := terminal.Close(); err != nil {
			t.Error(err)
		}
	})
	return &person{Terminal: terminal, t: t, ctx: ctx}
}

// sees waits until all parts stand on the screen at the same time.
func (p *person) sees(parts ...string) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	if err := p.Wait(ctx, parts...); err != nil {
		p.t.Fatal(err)
	}
}

// prompted waits for the nth line on which an answer is typed, and for the question that stands last before it.
func (p *person) prompted(nth int, question string) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	err := p.Until(ctx, fmt.Sprintf("prompt %d, of %s", nth, question), func(screen string) bool {
		flat := tty.Flat(screen)
		asked := strings.Split(flat, "(? explains")
		return len(asked) == nth+1 && strings.HasSuffix(flat, ":") && strings.Contains(asked[nth-1], question)
	})
	if err != nil {
		p.t.Fatal(err)
	}
}

// types presses keys.
func (p *person) types(keys string) {
	p.t.Helper()
	if err := p.Type(keys); err != nil {
		p.t.Fatal(err)
	}
}

// waits waits for something that is not on the screen.
func (p *person) waits(came <-chan struct{}) {
	p.t.Helper()
	select {
	case <-came:
	case <-time.After(patience):
		p.t.Fatalf("it never came; the screen was\n%s", p.Screen())
	}
}

func (p *person) signals(signal os.Signal) {
	p.t.Helper()
	if err := p.Signal(signal); err != nil {
		p.t.Fatal(err)
	}
}

// hangsUp takes the terminal away.
func (p *person) hangsUp() {
	p.t.Helper()
	if err := p.HangUp(); err != nil {
		p.t.Fatal(err)
	}
}

// gone waits for the end of a program without a terminal. It ends by itself and is not struck down by the signal.
func (p *person) gone() {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	if ended, err := p.End(ctx); err != nil || ended.Code != 130 {
		p.t.Errorf("the program ended with %d, %v", ended.Code, err)
	}
}

// ends waits for the program's end, and wants the terminal back as it was.
func (p *person) ends(code int) outcome {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	ended, err := p.End(ctx)
	if err != nil {
		p.t.Fatal(err)
	}
	if !ended.Restored {
		p.t.Error("the terminal is not as it was: its modes, the ordinary screen or the cursor")
	}
	if strings.Contains(ended.Stdout, "\x1b") {
		p.t.Errorf("an escape sequence is on stdout: %q", ended.Stdout)
	}
	got := outcome{ended.Code, ended.Stdout, p.ordinary()}
	if got.code != code {
		p.t.Fatalf("exit code %d, want %d\nstdout:\n%s\nstderr:\n%s", got.code, code, got.stdout, got.stderr)
	}
	return got
}

// sequences are the escape sequences that are drawn: control sequences and those of two bytes (ECMA-48, 5.3 and 5.4).
var sequences = regexp.MustCompile(`\x1b(\[[0-9;?]*[ -/]*[@-~]|[@-Z\\-_=>])`)

// ordinary is what was printed on the ordinary screen after the pages.
func (p *person) ordinary() string {
	raw := p.Raw()
	if _, after, left := strings.Cut(raw, "\x1b[?1049l"); left {
		raw = after
	}
	return strings.ReplaceAll(sequences.ReplaceAllString(raw, ""), "\r\n", "\n")
}

// step is what to wait for, and what to press then. The first of a page has the name of its question.
type step struct{ name, sees, types string }

// way are the steps of a whole way to the plan.
func (b *bench) way() []step {
	return []step{
		{"context", "Which Kubernetes cluster?", keyEnter},
		{"proxy", "Which Teleport cluster?", keyEnter},
		{"join-type", "How does Teleport verify the token?", keyEnter},
		{"namespace", "In which namespace does tbot run?", "/"},
		{"", "/_", b.namespace},
		{"", "(1 of", keyEnter},
		{"service-account", "What is the service account called?", keyEnter},
		{"bot-name", "What is the bot called?", keyEnter},
		{"token-name", "What is the join token called?", keyEnter},
		{"access", "What is the bot for?", keyEnter},
		{"roles", "Which Teleport roles does the bot get?", "/"},
		{"", "/_", "access"},
		{"", "/access_", keyEnter},
		{"", "[ ] access", " "},
		{"", "[x] access", keyEnter},
		{"output-secret", "shift+tab field before", keyEnter},
	}
}

// before are the steps of the way before a question; all of them where the way has no such question.
func (b *bench) before(question string) []step {
	way := b.way()
	for i, s := range way {
		if s.name == question {
			return way[:i]
		}
	}
	return way
}

// applying are the steps from the plan to its application.
func applying() []step { return []step{{"yes", "What now?", keyUp}, {"", "> Apply", keyEnter}} }

// walk goes the steps.
func (p *person) walk(steps ...step) {
	p.t.Helper()
	for _, s := range steps {
		p.sees(s.sees)
		p.types(s.types)
	}
}
