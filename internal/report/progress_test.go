package report_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"

	"github.com/tbotctl/tbotctl/internal/apply"
	"github.com/tbotctl/tbotctl/internal/golden"
	"github.com/tbotctl/tbotctl/internal/plan"
	"github.com/tbotctl/tbotctl/internal/report"
	"github.com/tbotctl/tbotctl/manifests"
)

// wholeRun is a run in which everything happens that can be told of.
func wholeRun(p *report.Progress) {
	p.Warn("TBOTCTL_NAMESPACE overrides the namespace of answers.yaml, and this sentence is long enough to be wrapped")
	p.Head("Kubernetes prod-eu (https://api.example.com), namespace machines; Teleport through teleport.example.com:443")
	p.Head("Checks")
	p.Looking("asking both clusters")
	for _, result := range sampleChecks() {
		p.Check(result)
	}
	p.Head("Plan")
	p.Plan(samplePlan(), map[manifests.System]string{"kubernetes": "Kubernetes, context prod-eu", "teleport": "Teleport, cluster main.example.com"})
	p.Say("What this grants: pods of service account machines/tbot may join main.example.com as bot tbot-1a2b3c4d with the roles access, ci-deployer.")
	p.Head("Apply")
	for _, event := range []apply.Event{
		{Step: "ServiceAccount machines/tbot", State: apply.Started},
		{Step: "ServiceAccount machines/tbot", State: apply.Done, Detail: "created", Elapsed: 30 * time.Millisecond},
		{Step: "join", State: apply.Waiting, Detail: "presenting the token to Teleport"},
		{Step: "join", State: apply.Done, Detail: "proven as bot-tbot-1a2b3c4d", Elapsed: 2340 * time.Millisecond},
		{Step: "rollout", State: apply.Started},
		{Step: "rollout", State: apply.Waiting, Elapsed: 500 * time.Millisecond},
		{Step: "rollout", State: apply.Waiting, Detail: "ImagePullBackOff: Back-off pulling image", Elapsed: 61 * time.Second},
		{Step: "rollout", State: apply.Waiting, Detail: "ImagePullBackOff: Back-off pulling image", Elapsed: 62 * time.Second},
		{Step: "rollout", State: apply.Waiting, Elapsed: 63 * time.Second},
		{Step: "rollout", State: apply.Failed, Detail: "the Deployment is not ready after 5m0s: pod tbot-1: ImagePullBackOff", Elapsed: 5 * time.Minute},
	} {
		p.Event(event)
	}
	p.Error(errors.New("2 answers are missing:\n  --roles: the roles of the bot\n  --proxy: the address of the proxy"))
}

func TestProgressWithoutATerminal(t *testing.T) {
	t.Parallel()
	got := printed(t, terminal{}, wholeRun)
	if strings.ContainsAny(got, "\x1b\r") || !isASCII(got) {
		t.Error("a log has to be plain ASCII without escape sequences")
	}
	golden.Assert(t, "progress-plain.txt", []byte(got))
}

func TestProgressOnATerminal(t *testing.T) {
	t.Parallel()
	got := printed(t, terminal{tty: true, color: true, unicode: true}, wholeRun)
	for _, line := range strings.Split(strings.ReplaceAll(got, "\r\x1b[2K", "\n"), "\n") {
		if width := ansi.StringWidth(line); width > 80 && strings.Contains(strings.TrimSpace(ansi.Strip(line)), " ") {
			t.Errorf("%d columns on a terminal of 80: %q", width, line)
		}
	}
	// What a terminal acts on is shown, not acted on, in the golden file.
	golden.Assert(t, "progress-terminal.txt", []byte(strings.NewReplacer("\x1b", "<ESC>", "\r", "<CR>").Replace(got)))
}

func isASCII(text string) bool {
	for _, r := range text {
		if r > 0x7e {
			return false
		}
	}
	return true
}

// A terminal that knows no symbols gets neither them nor lines that replace each other.
func TestProgressOnADumbTerminal(t *testing.T) {
	t.Parallel()
	got := printed(t, terminal{tty: true}, wholeRun)
	if strings.ContainsAny(got, "\x1b\r") || !isASCII(got) {
		t.Errorf("a dumb terminal has to get plain ASCII without escape sequences: %q", got)
	}
}

// A line that stands for what is going on is gone before the next line comes, whichever that is.
func TestPassingLineIsWipedAway(t *testing.T) {
	t.Parallel()
	const wiped = "\r\x1b[2K"
	for name, next := range map[string]func(*report.Progress){
		"a check":        func(p *report.Progress) { p.Check(sampleChecks()[0]) },
		"a sentence":     func(p *report.Progress) { p.Say("something") },
		"a warning":      func(p *report.Progress) { p.Warn("something") },
		"an error":       func(p *report.Progress) { p.Error(errors.New("something")) },
		"a head":         func(p *report.Progress) { p.Head("something") },
		"an end":         func(p *report.Progress) { p.Event(apply.Event{Step: "x", State: apply.Done, Detail: "something"}) },
		"another of it":  func(p *report.Progress) { p.Looking("something") },
		"a plan":         func(p *report.Progress) { p.Plan(plan.Plan{}, map[manifests.System]string{"kubernetes": "something"}) },
		"a waiting step": func(p *report.Progress) { p.Event(apply.Event{Step: "x", State: apply.Waiting, Detail: "something"}) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := printed(t, terminal{tty: true, unicode: true}, func(p *report.Progress) {
				p.Looking("asking")
				next(p)
			})
			before, after, found := strings.Cut(got, wiped)
			if !found || !strings.Contains(before, "asking") || strings.Contains(before, "something") || strings.Contains(strings.TrimPrefix(after, wiped), wiped) {
				t.Errorf("printed %q, want the passing line wiped away once, before the next", got)
			}
		})
	}
}

func TestWaitDoesNotFillALog(t *testing.T) {
	t.Parallel()
	got := printed(t, terminal{}, func(p *report.Progress) {
		for _, detail := range []string{"", "ErrImagePull", "ErrImagePull", "ImagePullBackOff", "ImagePullBackOff", "ErrImagePull"} {
			p.Event(apply.Event{Step: "rollout", State: apply.Waiting, Detail: detail})
		}
	})
	if want := "  . rollout: ErrImagePull\n  . rollout: ImagePullBackOff\n  . rollout: ErrImagePull\n"; got != want {
		t.Errorf("printed %q, want a line for each change alone", got)
	}
}

func TestChangesOfATextOfManyLines(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct{ live, wanted, want string }{
		"one line":      {"a\nb: 1\nc\n", "a\nb: 2\nc\n", "b: 1 -> b: 2"},
		"a line more":   {"a\nc\n", "a\nb\nc\n", "(none) -> b"},
		"a line less":   {"a\nb\nc\n", "a\nc\n", "b -> (none)"},
		"two lines":     {"a\nb: 1\nc\nd: 1\ne\n", "a\nb: 2\nc\nd: 2\ne\n", "b: 1 c d: 1 -> b: 2 c d: 2"},
		"all is new":    {"", "a\nb\n", "(none) -> a b"},
		"a single line": {"same start 1", "same start 2", "same start 1 -> same start 2"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			item := plan.Item{Action: plan.Update, Resource: resource("kubernetes", "ConfigMap", "machines", "x"), Changes: []plan.Change{{Path: "data.x", Live: row.live, Wanted: row.wanted}}}
			got := printed(t, terminal{}, func(p *report.Progress) { p.Plan(plan.Plan{Items: []plan.Item{item}}, nil) })
			if !strings.Contains(got, "data.x: "+row.want+"\n") {
				t.Errorf("printed %q, want %q", got, row.want)
			}
		})
	}
}
