package cmd_test

import (
	"context"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/tbotctl/tbotctl/internal/teleporttest"
	"github.com/tbotctl/tbotctl/internal/testkit"
)

// TestOnATerminalLeave leaves by Ctrl-C at every screen, also where its help or a filter is open: nothing has been changed by then,
// it is said, and so is how to go on.
func TestOnATerminalLeave(t *testing.T) {
	t.Parallel()
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
	menu := func(downs int, to string) []step {
		return []step{{"", "What now?", keyUp}, {"", "> Apply", strings.Repeat(keyDown, downs)}, {"", "> " + to, keyEnter}}
	}
	// What is done at a screen before leaving it, and where.
	further := map[string]map[string][]step{
		"context":         {"help": {{"", "", "?"}, {"", "About: Which Kubernetes cluster?", ""}}, "filter": {{"", "", "/"}, {"", "/_", ""}}},
		"proxy":           {"typed": {{"", "", keyDown}, {"", "> another proxy", keyEnter}, {"", "(host:port)", "example.teleport.sh"}, {"", "example.teleport.sh", ""}}},
		"namespace":       {"typed": {{"", "> a new one", keyEnter}, {"", "> tbot", ""}}, "filter": {{"", "", "/"}, {"", "/_", "no such"}, {"", "no name holds this", ""}}},
		"service-account": {"help": {{"", "", "?"}, {"", "About: What is the service account called?", ""}}},
		"roles":           {"help and filter": {{"", "", "/"}, {"", "/_", "access"}, {"", "/access_", keyEnter}, {"", "/access (1", "?"}, {"", "About: Which Teleport roles", ""}}},
		"yes": {
			"help":   {{"", "", "?"}, {"", "About: What now?", ""}},
			"files":  append(menu(1, "Write files"), step{"", "Into which folder?", ""}),
			"save":   append(menu(2, "Save the answers"), step{"", "Into which file?", ""}),
			"change": append(menu(3, "Change an answer"), step{"", "Which answer?", ""}),
			"quit":   menu(4, "Quit"),
		},
	}
	t.Run("at", func(t *testing.T) {
		for _, s := range append(b.way(), step{"yes", "What now?", ""}) {
			if s.name == "" {
				continue
			}
			ways := map[string][]step{"question": nil}
			for name, steps := range further[s.name] {
				ways[name] = steps
			}
			for name, steps := range ways {
				t.Run(s.name+", "+name, func(t *testing.T) {
					t.Parallel()
					p := b.sit(t, sitting{})
					p.walk(b.before(s.name)...)
					p.walk(slices.Concat([]step{{"", s.sees, ""}}, steps)...)
					if name != "quit" {
						p.types(keyCtrlC)
					}
					p.ends(130).want(t, 130, "nothing has been changed", "tbotctl init")
				})
			}
		}
	})
	b.nothingWritten(t)
}

// held is a Teleport cluster on whose requests somebody can sit.
type held struct {
	// came is closed when the request has come, letGo when it may go on.
	came, letGo chan struct{}
}

// hold makes options for a cluster that holds the first request whose method ends in this until it is let go.
func hold(method string) (*held, teleporttest.Options) {
	h := &held{came: make(chan struct{}), letGo: make(chan struct{})}
	first := make(chan struct{}, 1)
	first <- struct{}{}
	return h, teleporttest.Options{Before: func(_ context.Context, r teleporttest.Request) error {
		if !strings.HasSuffix(r.Method, method) {
			return nil
		}
		select {
		case <-first:
			close(h.came)
			// Also where its client has gone by then: the work that was begun is carried on.
			<-h.letGo
		default:
		}
		return nil
	}}
}

// TestOnATerminalLooking leaves by Ctrl-C while a cluster lets the program wait, which ends at once.
func TestOnATerminalLooking(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct{ method, before, sees string }{
		"proxy": {"/webapi/find", "join-type", "who it is, for up to 20 s"},
		"login": {"/Ping", "join-type", "Trying the login"},
		"bots":  {"/ListBots", "service-account", "Looking at bots"},
		"roles": {"/ListRoles", "roles", "Listing the cluster's roles"},
		"plan":  {"/GetBot", "yes", "comparing with what is there"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, options := hold(row.method)
			b := newBench(t, testkit.SelfManaged, options)
			t.Cleanup(func() { close(h.letGo) })
			p := b.sit(t, sitting{})
			p.walk(b.before(row.before)...)
			p.waits(h.came)
			p.sees(row.sees)
			p.types(keyCtrlC)
			p.ends(130).want(t, 130, "nothing has been changed", "tbotctl init")
			b.nothingWritten(t)
		})
	}
}

// TestOnATerminalInterrupted breaks an apply off in the middle of a step, by the keyboard and by a signal: the step in hand is
// finished or undone, no pod of a proof is left, it is said what stands, and the line that is shown goes on from there.
func TestOnATerminalInterrupted(t *testing.T) {
	t.Parallel()
	for name, method := range map[string]string{"bot": "/CreateBot", "token": "/CreateTokenV2", "join": "/RegisterUsingToken"} {
		for how, interrupt := range map[string]func(*person){
			"Ctrl-C":  func(p *person) { p.types(keyCtrlC) },
			"SIGTERM": func(p *person) { p.signals(syscall.SIGTERM) },
		} {
			t.Run(name+", "+how, func(t *testing.T) {
				t.Parallel()
				h, options := hold(method)
				b := newBench(t, testkit.SelfManaged, options)
				p := b.sit(t, sitting{})
				p.walk(b.way()...)
				p.walk(applying()...)
				p.waits(h.came)
				p.sees("Applying")
				interrupt(p)
				if how == "Ctrl-C" && name != "join" {
					// A write is waited for, once it is sent; a join is not, for its own end undoes it.
					p.sees("Cancelled: finishing the step in hand.")
				}
				close(h.letGo)
				got := p.ends(130)
				got.want(t, 130, "left in the middle", "were written and stand", "tbotctl init")
				b.noProbePods(t)
				b.run(t, b.initArgs("--no-wait")...).want(t, 0, "Proof:")
				b.noProbePods(t)
			})
		}
	}
}

// TestOnATerminalHungUp takes the terminal away, at a question and in the middle of a write: the program ends by itself, in the
// order in which Ctrl-C ends it.
func TestOnATerminalHungUp(t *testing.T) {
	t.Parallel()
	t.Run("at a question", func(t *testing.T) {
		t.Parallel()
		b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
		p := b.sit(t, sitting{})
		p.walk(b.before("namespace")...)
		p.sees("In which namespace does tbot run?")
		p.hangsUp()
		p.gone()
		b.nothingWritten(t)
	})
	t.Run("at a write", func(t *testing.T) {
		t.Parallel()
		h, options := hold("/CreateBot")
		b := newBench(t, testkit.SelfManaged, options)
		p := b.sit(t, sitting{})
		p.walk(b.way()...)
		p.walk(applying()...)
		p.waits(h.came)
		p.hangsUp()
		close(h.letGo)
		p.gone()
		b.noProbePods(t)
		b.run(t, b.initArgs("--no-wait")...).want(t, 0, "Proof:")
	})
}
