package report

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/tbotctl/tbotctl/internal/issuer"
	"github.com/tbotctl/tbotctl/internal/plan"
	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/internal/ui"
	"github.com/tbotctl/tbotctl/manifests"
)

// Diff is what a run of diff came to know, as far as it came.
type Diff struct {
	Setup  spec.Setup
	Choice issuer.Choice
	Plan   plan.Plan
	Err    error
}

type diffDocument struct {
	SchemaVersion int            `json:"schemaVersion"`
	Setup         setupJSON      `json:"setup"`
	JoinType      joinTypeJSON   `json:"joinType"`
	Differs       bool           `json:"differs"`
	ByReading     bool           `json:"byReading,omitempty"`
	Resources     []resourceJSON `json:"resources"`
	Error         string         `json:"error,omitempty"`
}

// JSON writes the one document of `diff -o json`.
func (d Diff) JSON(w io.Writer) error {
	same := Init{Setup: d.Setup, Choice: d.Choice, Plan: d.Plan, Err: d.Err}.document()
	return writeJSON(w, diffDocument{
		SchemaVersion: SchemaVersion, Setup: same.Setup, JoinType: same.JoinType, Differs: d.Differing() > 0, ByReading: d.Plan.ByReading(), Resources: same.Resources, Error: same.Error,
	})
}

// Differing counts the resources that are seen to differ.
func (d Diff) Differing() int {
	n := 0
	for _, item := range d.Plan.Items {
		if item.Action != plan.Same && item.Action != plan.Unseen {
			n++
		}
	}
	return n
}

// Table writes the plan for people: each resource with a sign, and every field that differs. A system that is the other side's has no part
// in it.
func (d Diff) Table(w io.Writer) error {
	var text strings.Builder
	for _, system := range []manifests.System{manifests.Kubernetes, manifests.Teleport, manifests.Target} {
		if !slices.ContainsFunc(d.Plan.Items, func(item plan.Item) bool { return item.Resource.System == system }) {
			continue
		}
		fmt.Fprintln(&text, d.head(system))
		for _, item := range d.Plan.Items {
			if item.Resource.System == system {
				d.item(&text, item)
			}
		}
	}
	if _, err := io.WriteString(w, text.String()); err != nil {
		return fmt.Errorf("writing the result: %w", err)
	}
	return nil
}

func (d Diff) head(system manifests.System) string {
	switch system {
	case manifests.Kubernetes:
		return ui.Clean("Kubernetes, context " + d.Setup.Kubernetes.Context)
	case manifests.Target:
		return "Kubernetes clusters that the bot reaches"
	case manifests.Teleport, manifests.Helm: // the values of a release are in no plan
	}
	return ui.Clean("Teleport, cluster " + d.Setup.Resolved.ClusterName)
}

func (d Diff) item(text *strings.Builder, item plan.Item) {
	sign, note := " ", ""
	switch item.Action {
	case plan.Create:
		sign = "+"
	case plan.Update:
		sign = "~"
	case plan.Same:
		sign = "="
	case plan.Conflict:
		sign, note = "!", ": "+item.Owner
	case plan.Unseen:
		sign, note = "?", ": "+item.Owner
	}
	fmt.Fprintf(text, "  %s %s\n", sign, ui.Clean(item.Resource.ID()+note))
	for _, change := range item.Changes {
		fmt.Fprintf(text, "      %s\n", ui.Clean(fmt.Sprintf("%s: %s -> %s%s", change.Path, shown(change.Live), shown(change.Wanted), heldBy(change))))
	}
}
