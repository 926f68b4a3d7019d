package report

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/internal/ui"
	"github.com/tbotctl/tbotctl/internal/undo"
	"github.com/tbotctl/tbotctl/manifests"
)

// Delete is all that a run of delete came to know, as far as it came.
type Delete struct {
	Setup spec.Setup
	// Found is what was there before, Items the same with what became of each; nil where nothing was begun.
	Found undo.Inventory
	Items []undo.Item
	// Left are commands that remove what is on the side which this run did not touch.
	Left []string
	// Complete tells that a look afterwards found nothing of the installation left.
	Complete bool
	Err      error
}

type deleteDocument struct {
	SchemaVersion int              `json:"schemaVersion"`
	Setup         deleteSetupJSON  `json:"setup"`
	Resources     []deletedJSON    `json:"resources"`
	Certificates  certificatesJSON `json:"certificates"`
	Unknown       []string         `json:"unknown"`
	Left          []string         `json:"left,omitempty"`
	Complete      bool             `json:"complete"`
	Error         string           `json:"error,omitempty"`
}

type deleteSetupJSON struct {
	Context     string `json:"context"`
	Namespace   string `json:"namespace"`
	Proxy       string `json:"proxy"`
	ClusterName string `json:"clusterName"`
	Install     string `json:"install"`
}

type deletedJSON struct {
	System    string `json:"system"`
	Context   string `json:"context,omitempty"`
	Kind      string `json:"kind"`
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	// Action is what was meant (remove, keep or gone), Result what came of it: removed, gone, keep, or remove where the run did not
	// come so far.
	Action string   `json:"action"`
	Result string   `json:"result"`
	Reason string   `json:"reason"`
	UsedBy []string `json:"usedBy"`
	// Manager is the tool that keeps the resource and would make it again.
	Manager string `json:"manager,omitempty"`
}

type certificatesJSON struct {
	// MaxLifetimeSeconds bounds how long certificates go on working that were issued before.
	MaxLifetimeSeconds int64 `json:"maxLifetimeSeconds"`
	// Lock are the commands that end them at once.
	Lock []string `json:"lock"`
}

// JSON writes the one document of `delete -o json`.
func (d Delete) JSON(w io.Writer) error {
	document := deleteDocument{
		SchemaVersion: SchemaVersion,
		Setup: deleteSetupJSON{
			Context: d.Setup.Kubernetes.Context, Namespace: d.Setup.Kubernetes.Namespace, Proxy: d.Setup.Teleport.Proxy, Install: d.Found.Install,
		},
		Resources: []deletedJSON{}, Unknown: orEmpty(d.Found.Unknown), Left: d.Left, Complete: d.Complete,
		Certificates: certificatesJSON{MaxLifetimeSeconds: int64(d.Found.Lifetime / time.Second), Lock: orEmpty(d.Locks())},
	}
	if d.Setup.Resolved != nil {
		document.Setup.ClusterName = d.Setup.Resolved.ClusterName
	}
	for i, item := range d.Found.Items {
		result := item
		if i < len(d.Items) {
			result = d.Items[i]
		}
		document.Resources = append(document.Resources, deletedJSON{
			System: string(item.System), Context: item.Context, Kind: item.Kind, Namespace: item.Namespace, Name: item.Name,
			Action: string(item.Fate), Result: string(result.Fate), Reason: result.Reason, UsedBy: orEmpty(item.UsedBy), Manager: item.Manager.String(),
		})
	}
	if d.Err != nil {
		document.Error = d.Err.Error()
	}
	return writeJSON(w, document)
}

// Table writes the result for people.
func (d Delete) Table(w io.Writer) error {
	var text strings.Builder
	var removed int
	for _, item := range d.Items {
		if item.Fate == undo.Removed {
			removed++
		}
	}
	kept := slices.ContainsFunc(d.Found.Items, func(i undo.Item) bool { return i.Fate == undo.Keep })
	nothing := "nothing"
	if kept {
		nothing = "nothing else"
	}
	install, where := ui.Clean(d.Found.Install), "in either cluster"
	switch {
	case d.Setup.Side == spec.SideTeleport:
		where = "in Teleport"
	case d.Setup.Side == spec.SideKubernetes:
		where = "in Kubernetes"
	case len(d.Setup.Reach.Contexts) > 0:
		where = "in any of the clusters"
	}
	if d.Items == nil {
		fmt.Fprintf(&text, "Nothing to delete: a look found %s of %s %s.\n", nothing, install, where)
	} else {
		fmt.Fprintf(&text, "Removed %s of %s; a last look found %s of it %s.\n", ui.Counted(removed, "resource"), install, nothing, where)
	}
	items := d.Items
	if items == nil {
		items = d.Found.Items
	}
	for _, item := range items {
		if item.Fate == undo.Keep {
			fmt.Fprintf(&text, "Left alone: %s\n", ui.Clean(keptLine(item)))
		}
	}
	if len(d.Left) > 0 {
		text.WriteString("What is on the other side was not touched; there these remove it:\n")
		for _, command := range d.Left {
			fmt.Fprintf(&text, "  %s\n", ui.Clean(command))
		}
	}
	if certificates := d.Certificates(); d.Items != nil && certificates != "" {
		fmt.Fprintln(&text, certificates)
		for _, lock := range d.Locks() {
			fmt.Fprintf(&text, "  %s\n", ui.Clean(lock))
		}
	}
	if _, err := io.WriteString(w, text.String()); err != nil {
		return fmt.Errorf("writing the result: %w", err)
	}
	return nil
}

// Certificates says how long those live that were issued before, and introduces the Locks; empty where no bot goes.
func (d Delete) Certificates() string {
	if len(d.Found.Users) == 0 {
		return ""
	}
	return fmt.Sprintf("Certificates that were issued before go on working for at most %s. To end them at once:", short(d.Found.Lifetime))
}

// Locks are the commands that end every certificate of the bots at once. A lock outlives the bot and ends by itself when no
// certificate can live any more.
func (d Delete) Locks() []string {
	var commands []string
	for _, user := range d.Found.Users {
		commands = append(commands, fmt.Sprintf("tctl lock --user=%s --message='removed by tbotctl' --ttl=%s", spec.ShellWord(user), short(d.Found.Lifetime)))
	}
	return commands
}

// Removal shows, before anything is done, what goes, what stays and why.
func (p *Progress) Removal(found undo.Inventory, heads map[manifests.System]string) {
	for _, system := range []manifests.System{manifests.Teleport, manifests.Kubernetes, manifests.Target} {
		if system == manifests.Target && !slices.ContainsFunc(found.Items, func(i undo.Item) bool { return i.System == system }) {
			continue
		}
		if heads[system] == "" {
			continue // not this run's to touch
		}
		p.line("  " + ui.Clean(heads[system]))
		for _, item := range found.Items {
			if item.System == system {
				p.removal(item)
			}
		}
	}
	for _, unknown := range found.Unknown {
		p.Warn("not known: " + unknown)
	}
}

func (p *Progress) removal(item undo.Item) {
	id := ui.Clean(item.ID())
	switch item.Fate {
	case undo.Remove:
		p.line("    " + p.style.Bad("-") + " " + id)
		if len(item.UsedBy) > 0 {
			p.line(p.wrap("        ", "used by pods "+ui.Clean(strings.Join(item.UsedBy, ", "))))
		}
	case undo.Keep:
		p.line(p.wrap("    "+p.style.Dim("=")+" ", ui.Clean(keptLine(item))))
	case undo.Gone:
		p.line("    " + p.style.Dim("  "+id+": gone already"))
	case undo.Removed:
		p.line("    " + p.style.Dim("  "+id+": removed"))
	}
}

func keptLine(item undo.Item) string {
	line := item.ID() + ": " + item.Reason
	if len(item.UsedBy) > 0 {
		line += "; used by pods " + strings.Join(item.UsedBy, ", ")
	}
	return line
}

// short writes a lifetime as Teleport's tools and people do: 1h, 90m.
func short(d time.Duration) string {
	switch {
	case d >= time.Hour && d%time.Hour == 0:
		return fmt.Sprintf("%dh", d/time.Hour)
	case d >= time.Minute && d%time.Minute == 0:
		return fmt.Sprintf("%dm", d/time.Minute)
	}
	return d.String()
}
