package cmd

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tbotctl/tbotctl/internal/plan"
	"github.com/tbotctl/tbotctl/internal/undo"
	"github.com/tbotctl/tbotctl/manifests"
)

// leaveToManagers ends a run before anything is written where a tool keeps what differs: the documents as they should stand go to stdout,
// or into the JSON document, for whoever changes them where the tool has them from.
func (r *initRun) leaveToManagers(planned plan.Plan) error {
	kept := planned.Kept()
	if len(kept) == 0 {
		return nil
	}
	where := "in the fields `manifest`"
	if r.output != formatJSON {
		where = "on stdout"
		if err := documents(kept).Write(r.factory.Streams.Out); err != nil {
			return err
		}
	}
	lines := []string{"nothing was applied: other tools keep what would change:"}
	for _, item := range kept {
		lines = append(lines, fmt.Sprintf("  %s (%s)", item.Resource.ID(), item.Owner))
	}
	lines = append(lines, "what each of them should be is "+where+", and --out-dir DIR writes it to files; then:")
	for _, change := range changes(kept) {
		lines = append(lines, "  "+change)
	}
	lines = append(lines, "--take-over writes it from here all the same; whoever keeps it now writes it again, until it is taken from them there")
	return &findingError{text: strings.Join(lines, "\n")}
}

// documents are the items as render prints them.
func documents(items []plan.Item) manifests.Set {
	var set manifests.Set
	for _, item := range items {
		set = append(set, item.Resource)
	}
	return set
}

// changes say, once for each of their managers, where those items are changed.
func changes(kept []plan.Item) []string {
	var all []string
	for _, item := range kept {
		if change := item.Manager.Change(); !slices.Contains(all, change) {
			all = append(all, change)
		}
	}
	return all
}

// sayManagers says of files where those of them go that are not for kubectl or tctl.
func (r *initRun) sayManagers(planned plan.Plan) {
	for _, item := range planned.Kept() {
		r.progress.Say(fmt.Sprintf("%s is %s: %s, and leave it out of these commands.", item.Resource.ID(), item.Owner, item.Manager.Change()))
	}
}

// sayKept says why a plan that somebody looks at cannot be applied from here.
func (r *initRun) sayKept(planned plan.Plan) {
	if kept := planned.Kept(); len(kept) > 0 {
		r.progress.Warn("this plan can be written to files and not applied from here, for other tools keep a part of it: " +
			strings.Join(changes(kept), "; ") + "; a run with --take-over adopts it")
	}
	r.sayTakenOver(planned)
}

// sayTakenOver says of what is taken over from a tool that the tool knows nothing of it.
func (r *initRun) sayTakenOver(planned plan.Plan) {
	var said []string
	for _, item := range planned.TakenOver() {
		if from := item.Manager.String(); !slices.Contains(said, from) {
			said = append(said, from)
			r.progress.Warn(fmt.Sprintf("what is taken over from %s is written by it again as long as it has it: %s", from, item.Manager.LetGo()))
		}
	}
}

// leftToManagers ends a deletion before anything is deleted where a tool keeps a part of the installation.
func leftToManagers(inventory undo.Inventory) error {
	kept := inventory.Managed()
	if len(kept) == 0 {
		return nil
	}
	lines := []string{"nothing was deleted: other tools keep a part of this installation and would make it again. Remove it there first; the same command then removes the rest:"}
	var said []string
	for _, item := range kept {
		lines = append(lines, fmt.Sprintf("  %s (managed by %s)", item.ID(), item.Manager))
		if way := item.Manager.String() + ": " + item.Manager.Removal(); !slices.Contains(said, way) {
			said = append(said, way)
		}
	}
	lines = append(lines, said...)
	return &findingError{text: strings.Join(lines, "\n")}
}
