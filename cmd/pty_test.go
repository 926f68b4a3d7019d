package cmd_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/tbotctl/tbotctl/internal/teleporttest"
	"github.com/tbotctl/tbotctl/internal/testkit"
	"github.com/tbotctl/tbotctl/internal/testkit/tty"
)

// TestOnATerminal goes the whole way with the keyboard, on a terminal of 80 by 24 and against real clusters, from nothing to a tbot
// that runs: the result alone is on stdout, and what was on the last page stands on the ordinary screen too.
func TestOnATerminal(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		flavour testkit.Flavour
		join    string
	}{{testkit.SelfManaged, "static_jwks"}, {testkit.CloudLike, "oidc"}} {
		t.Run(row.flavour.String(), func(t *testing.T) {
			t.Parallel()
			b := newBench(t, row.flavour, teleporttest.Options{})
			b.play(t)
			p := b.sit(t, sitting{})
			p.walk(b.way()...)
			p.walk(applying()...)
			p.walk(step{sees: "Anything else?", types: keyEnter})
			got := p.ends(0)
			b.noSecrets(t, outcome{stdout: got.stdout, stderr: p.Raw()})
			b.noProbePods(t)
			for _, part := range []string{"Deployment:", "Join token:", row.join, "Proof:            joined as bot-"} {
				if !strings.Contains(got.stdout, part) {
					t.Errorf("stdout does not say %q:\n%s", part, got.stdout)
				}
			}
			for _, part := range []string{"How to use it", "How to undo it", "The same run without questions", "tbotctl init --non-interactive --yes"} {
				if !strings.Contains(got.stderr, part) {
					t.Errorf("the ordinary screen does not say %q:\n%s", part, got.stderr)
				}
			}
		})
	}
}

// TestOnATerminalMends fails at the join, whose issuer Teleport cannot read, and goes back to the answer that mends it.
func TestOnATerminalMends(t *testing.T) {
	t.Parallel()
	b := newBench(t, testkit.CloudLike, teleporttest.Options{})
	b.teleport = teleporttest.New(t, teleporttest.Options{OIDCClient: &http.Client{Transport: refusing{}}})
	b.write(t, "web-ca.pem", b.teleport.WebCAPEM())
	b.play(t)
	p := b.sit(t, sitting{})
	p.walk(b.way()...)
	p.walk(applying()...)
	p.walk(
		step{sees: "It did not work out. What now? > Change: How does Teleport verify the token?", types: keyEnter},
		step{sees: "> oidc", types: keyDown},
		step{sees: "> static_jwks", types: keyEnter},
		step{sees: "What now?", types: keyUp}, step{sees: "> Apply", types: keyEnter},
		step{sees: "Anything else?", types: keyEnter},
	)
	p.ends(0).want(t, 0, "static_jwks", "Proof:            joined as bot-")
	b.noProbePods(t)
}

// TestOnATerminalLogsIn waits at the line that logs in until somebody has, goes on by itself, and then leads back past it.
func TestOnATerminalLogsIn(t *testing.T) {
	t.Parallel()
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
	b.profile(t, b.path("tsh"), -time.Minute)
	p := b.sit(t, sitting{})
	p.walk(b.before("join-type")...)
	p.sees("How does tbotctl log in to Teleport?", "tsh login --proxy="+b.teleport.Addr())
	b.profile(t, b.path("tsh"), time.Hour)
	p.sees("How does Teleport verify the token?")
	p.types(keyEsc)
	p.sees("Which Teleport cluster?")
	p.types(keyEsc)
	p.sees("Which Kubernetes cluster?")
	p.types(keyCtrlC)
	p.ends(130)
	b.nothingWritten(t)
}

// colour are the sequences that colour text or change its weight; reverse video is how the cursor is drawn and none of them.
var colour = regexp.MustCompile(`\x1b\[([0-9;]*;)?(1|2|3[0-9]|4[0-9]|9[0-7])(;[0-9;]*)?m`)

// TestOnATerminalWithoutColour draws no colour with NO_COLOR, and some without it.
func TestOnATerminalWithoutColour(t *testing.T) {
	t.Parallel()
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
	for name, env := range map[string][]string{"NO_COLOR": {"NO_COLOR=1"}, "colour": nil} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := b.sit(t, sitting{env: env})
			p.walk(b.way()...)
			p.walk(step{sees: "What now?", types: keyCtrlC})
			p.ends(130)
			if drawn := colour.FindString(p.Raw()); (drawn == "") != (env != nil) {
				t.Errorf("the first colour is %q", drawn)
			}
		})
	}
}

// TestOnATerminalResized changes the size of the window in the middle of a page: the page is there in each, as far as it can be.
func TestOnATerminalResized(t *testing.T) {
	t.Parallel()
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
	p := b.sit(t, sitting{})
	p.walk(b.way()...)
	p.sees("What now?", "What will be made", "below, PgDn")
	for _, size := range []struct {
		cols, rows int
		sees       []string
	}{
		{120, 40, []string{"What now?", "What will be made", "What this grants", "telemetry"}},
		{80, 24, []string{"What now?", "What will be made", "below, PgDn"}},
		{30, 8, []string{"The window is too small: 30x8"}},
		{80, 24, []string{"What now?", "What will be made", "below, PgDn"}},
	} {
		if err := p.Resize(size.cols, size.rows); err != nil {
			t.Fatal(err)
		}
		p.sees(size.sees...)
	}
	p.types("?")
	p.sees("About: What now?", "esc close the help")
	p.types(keyEsc)
	p.sees("What will be made")
	p.types(keyCtrlC)
	p.ends(130)
}

// cursorMoves is every sequence that is none of colour.
var cursorMoves = regexp.MustCompile(`\x1b[^\[]|\x1b\[[0-9;?]*[^0-9;?m]`)

// TestOnATerminalLineByLine goes the whole way by typed lines, as a screen reader and a terminal that cannot move its cursor need
// it: nothing is drawn over.
func TestOnATerminalLineByLine(t *testing.T) {
	t.Parallel()
	for name, env := range map[string]string{"accessible": "ACCESSIBLE=1", "dumb": "TERM=dumb"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
			b.play(t)
			// What is printed scrolls away, so a terminal is taken that keeps it all.
			p := b.sit(t, sitting{env: []string{env}, rows: 400})
			for i, q := range []step{
				{"context", "Which Kubernetes cluster?", ""},
				{"proxy", "Which Teleport cluster?", ""},
				{"join-type", "How does Teleport verify the token?", ""},
				{"namespace", "In which namespace does tbot run?", b.namespace},
				{"service-account", "What is the service account called?", "?"},
				{"", "and the join token admits it and no other", ""},
				{"bot-name", "What is the bot called?", ""},
				{"token-name", "What is the join token called?", "<"},
				{"bot-name", "What is the bot called?", ""},
				{"token-name", "What is the join token called?", ""},
				{"access", "What is the bot for?", ""},
				{"roles", "Which Teleport roles does the bot get?", "access"},
				{"output-secret", "Which Secret are the credentials written to?", ""},
				{"yes", "What now?", "1"},
				{"yes", "Anything else?", ""},
			} {
				p.prompted(i+1, q.sees)
				p.types(q.types + keyEnter)
			}
			got := p.ends(0)
			got.want(t, 0, "Proof:            joined as bot-", "The same run without questions")
			if moved := cursorMoves.FindString(p.Raw()); moved != "" {
				t.Errorf("the cursor is moved by %q", moved)
			}
			if name == "dumb" && strings.Contains(p.Raw(), "\x1b") {
				t.Error("an escape sequence goes to a dumb terminal")
			}
			if shown := tty.Flat(got.stderr); strings.Index(shown, "Step 1 of 8, Kubernetes") > strings.Index(shown, "Step 8 of 8, Done") {
				t.Errorf("the steps are not told in their order:\n%s", shown)
			}
			b.noProbePods(t)
		})
	}
}
