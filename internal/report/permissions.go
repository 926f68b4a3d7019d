package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/tbotctl/tbotctl/internal/rights"
	"github.com/tbotctl/tbotctl/internal/ui"
)

// Permissions writes in words what a command needs, in width columns: a line for each right, and below it what it is for. target is for
// what it needs in the clusters of --target-context.
func Permissions(w io.Writer, list rights.List, target bool, width int) error {
	p := &permissions{width: width}
	p.line("", fmt.Sprintf("What `tbotctl %s` needs at least, for installation %s in namespace %s.", list.Command, list.Installation, list.Namespace))
	system := "KUBERNETES"
	if target {
		system = "KUBERNETES, each cluster of --target-context"
	}
	p.places(system, list.Places(target, rights.Required, rights.Looks))
	if list.NoRole != "" && !target {
		p.line("  ", "All of it in the whole cluster: "+list.NoRole+".")
	}
	p.places(system+", not needed", list.Places(target, rights.Informs))
	if !target {
		p.teleport("TELEPORT", list, false)
		for _, sentence := range list.Beyond {
			p.line("  ", sentence)
		}
		p.teleport("TELEPORT, not needed", list, true)
	}
	if !target && len(list.Targets) > 0 {
		p.gap()
		p.line("", "The clusters of --target-context take rights of their own: --for-targets lists them.")
	}
	p.gap()
	p.line("", "--as-yaml prints this as roles.")
	if _, err := io.WriteString(w, p.text.String()); err != nil {
		return fmt.Errorf("writing the rights: %w", err)
	}
	return nil
}

// permissions is the text as it grows.
type permissions struct {
	text  strings.Builder
	width int
}

func (p *permissions) gap() { p.text.WriteString("\n") }

func (p *permissions) line(indent, words string) {
	p.text.WriteString(ui.Wrap(indent+ui.Clean(words), p.width, indent) + "\n")
}

func (p *permissions) places(head string, places []rights.Place) {
	for _, place := range places {
		where := "in the whole cluster"
		if place.Namespace != "" {
			where = "in namespace " + place.Namespace
		}
		p.gap()
		p.line("", head+", "+where)
		said := ""
		for i, rule := range place.Rules {
			p.line("  ", rule.Text())
			for _, or := range rule.Or {
				p.line("    ", "or instead "+or.Text())
			}
			said = rule.For
			// The words stand below the last of the rules that they are for.
			if i+1 == len(place.Rules) || place.Rules[i+1].For != said {
				p.line("      ", said)
			}
		}
	}
}

func (p *permissions) teleport(head string, list rights.List, informs bool) {
	said := false
	for _, need := range list.Teleport {
		if need.Informs != informs {
			continue
		}
		if !said {
			p.gap()
			p.line("", head)
			said = true
		}
		p.line("  ", need.Kind+": "+strings.Join(need.Verbs, ", "))
		p.line("      ", need.For)
	}
	if !said && !informs && len(list.Teleport) > 0 {
		p.gap()
		p.line("", head)
		p.line("  ", "no right at all")
	}
}
