package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"github.com/tbotctl/tbotctl/internal/plan"
	"github.com/tbotctl/tbotctl/internal/ui"
	"github.com/tbotctl/tbotctl/manifests"
)

// Plan prints what happens to which resource: the two systems side by side where a terminal is wide enough for both, with what
// changes below, and else one after the other. The clusters that the bot reaches follow, where anything is written there. A
// system with neither a head nor a resource is left out.
func (p *Progress) Plan(planned plan.Plan, heads map[manifests.System]string) {
	left, right := p.column(planned, manifests.Kubernetes, heads), p.column(planned, manifests.Teleport, heads)
	const gap = 2
	if width := widest(left) + gap; len(left) > 0 && len(right) > 0 && p.streams.ErrTTY && width+widest(right) <= p.width() {
		for i := range max(len(left), len(right)) {
			p.line(strings.TrimRight(ui.Pad(at(left, i), width)+at(right, i), " "))
		}
		if targets := p.column(planned, manifests.Target, heads); len(targets) > 1 {
			for _, line := range targets {
				p.line(line)
			}
		}
		for _, item := range planned.Items {
			if len(item.Changes) > 0 {
				p.line("")
				p.line(p.item(item))
				p.changes(item)
			}
		}
		p.legend(planned)
		return
	}
	for _, system := range []manifests.System{manifests.Kubernetes, manifests.Teleport, manifests.Target} {
		if column := p.column(planned, system, heads); len(column) == 0 || system == manifests.Target && len(column) == 1 {
			continue
		}
		p.line("  " + ui.Clean(heads[system]))
		for _, item := range planned.Items {
			if item.Resource.System == system {
				p.line(p.item(item))
				p.changes(item)
			}
		}
	}
	p.legend(planned)
}

// legend says what the signs mean that the plan uses. A log is searched by names rather than read, so it goes without.
func (p *Progress) legend(planned plan.Plan) {
	if !p.streams.ErrTTY {
		return
	}
	var meanings []string
	for _, sign := range []struct {
		action plan.Action
		text   string
	}{
		{plan.Create, "+ will be made"}, {plan.Update, "~ will be changed"}, {plan.Same, "= stays"}, {plan.Unseen, "? is written unseen"}, {plan.Conflict, "! is somebody else's"},
	} {
		if slices.ContainsFunc(planned.Items, func(item plan.Item) bool { return item.Action == sign.action }) {
			meanings = append(meanings, sign.text)
		}
	}
	for line := range strings.SplitSeq(ui.Wrap(strings.Join(meanings, ", "), p.width()-2, ""), "\n") {
		p.line("  " + p.style.Dim(line))
	}
}

func (p *Progress) column(planned plan.Plan, system manifests.System, heads map[manifests.System]string) []string {
	lines := []string{"  " + ui.Clean(heads[system])}
	for _, item := range planned.Items {
		if item.Resource.System == system {
			lines = append(lines, p.item(item))
		}
	}
	if heads[system] == "" && len(lines) == 1 {
		return nil
	}
	return lines
}

func widest(lines []string) int {
	width := 0
	for _, line := range lines {
		width = max(width, ansi.StringWidth(line))
	}
	return width
}

func at(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return ""
}

// item is the line of one resource: a sign, its name, and whose it is where that matters.
func (p *Progress) item(item plan.Item) string {
	id := ui.Clean(item.Resource.ID())
	switch item.Action {
	case plan.Create:
		return "    " + p.style.Good("+") + " " + id
	case plan.Same:
		return "    " + p.style.Dim("= "+id)
	case plan.Update:
		if item.Force {
			id += ", taken over: " + ui.Clean(item.Owner)
		}
		return "    " + p.style.Warn("~") + " " + id
	case plan.Unseen:
		return "    " + p.style.Warn("?") + " " + id + ": " + ui.Clean(item.Owner)
	case plan.Conflict:
		return "    " + p.style.Bad("!") + " " + id + ": " + ui.Clean(item.Owner)
	}
	return "    " + id
}

// mostChanges is how many fields of one resource are shown, where nobody else's are among them.
const mostChanges = 8

func (p *Progress) changes(item plan.Item) {
	all := item.Force || item.Action == plan.Conflict
	for i, change := range item.Changes {
		if i == mostChanges && !all {
			p.line(fmt.Sprintf("        and %d more fields", len(item.Changes)-mostChanges))
			break
		}
		live, wanted := differing(change.Live, change.Wanted)
		p.line("        " + p.cut(ui.Clean(fmt.Sprintf("%s: %s -> %s%s", change.Path, shown(live), shown(wanted), heldBy(change))), 8))
	}
}

// differing cuts texts of several lines, such as a whole tbot.yaml, down to what lies between the first and the last line in
// which they differ.
func differing(live, wanted string) (differingLive, differingWanted string) {
	l, w := strings.Split(live, "\n"), strings.Split(wanted, "\n")
	for len(l) > 0 && len(w) > 0 && l[0] == w[0] {
		l, w = l[1:], w[1:]
	}
	for len(l) > 0 && len(w) > 0 && l[len(l)-1] == w[len(w)-1] {
		l, w = l[:len(l)-1], w[:len(w)-1]
	}
	return strings.Join(l, "\n"), strings.Join(w, "\n")
}

// heldBy says whose a field is by what the API server has noted.
func heldBy(change plan.Change) string {
	if change.Manager == "" {
		return ""
	}
	return ", held by " + change.Manager
}

func shown(value string) string {
	if value == "" {
		return "(none)"
	}
	return value
}
