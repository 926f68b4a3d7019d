package report

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tbotctl/tbotctl/checks"
	"github.com/tbotctl/tbotctl/internal/proof"
	"github.com/tbotctl/tbotctl/internal/ui"
)

// Table writes the result for people: the verdict, the join, and each output with what it would write where. Text is wrapped at width
// columns, at most 80; a command is not.
func (v Verify) Table(w io.Writer, style ui.Style, width int) error {
	const most = 80
	t := verifyTable{doctorTable{style: style, width: min(width, most)}}
	t.verdict(v)
	t.pod(v)
	if v.Proof != nil {
		t.join(v.Runtime, v.Proof)
		for _, output := range v.Proof.Outputs {
			t.output(v, output)
		}
	}
	t.clusters(v.Clusters)
	for _, result := range v.Evidence {
		t.check(result)
	}
	t.rest(v)
	return written(w, t.text.String())
}

// verifyTable lays the result out.
type verifyTable struct{ doctorTable }

// Columns of what stands under an output.
const (
	outputColumn = 4
	wordColumn   = 13
)

func (t *verifyTable) verdict(v Verify) {
	name := ui.Clean(v.Target.Deployment)
	switch {
	case v.Failed():
		t.putUnder(t.pad(t.style.Bad("FAILED")), headColumn, fmt.Sprintf("%s: %s", name, t.failures(v)))
	case v.Err != nil:
		t.putUnder(t.pad(t.style.Warn("UNSURE")), headColumn, fmt.Sprintf("%s: nothing wrong was seen, but not all could be looked at", name))
	case v.Runtime == "":
		t.putUnder(t.pad(t.style.Good("OK")), headColumn, name+": works, by what could be seen; nothing was made and no token was read")
	default:
		t.putUnder(t.pad(t.style.Good("PROVEN")), headColumn, fmt.Sprintf("%s: Teleport lets it in and gives it what it asks for", name))
	}
	if v.ProofErr == nil {
		return
	}
	said := ui.Clean(v.ProofErr.Error())
	if v.Refusal == nil {
		t.putUnder(t.pad(t.style.Bad("CAUSE")), headColumn, said)
		return
	}
	refusal := *v.Refusal
	t.putUnder(t.pad(t.style.Bad("CAUSE")), headColumn, ui.Clean(refusal.Cause))
	t.put(strings.Repeat(" ", headColumn)+"said: ", said)
	refusal.Cause = ""
	t.explained(headColumn, refusal)
}

func (t *verifyTable) pad(word string) string { return ui.Pad(word, headColumn) }

func (t *verifyTable) failures(v Verify) string {
	switch n := v.Failures(); {
	case v.ProofErr != nil:
		return t.notIn(v)
	case v.Runtime == "":
		return ui.Counted(n, "check") + " failed"
	default:
		return v.Complaint()
	}
}

// notIn says how far it came that did not get in.
func (t *verifyTable) notIn(v Verify) string {
	for _, step := range v.Pod.Steps {
		if step.Err != nil && step.What != "join" {
			return "its pod fails at " + step.What
		}
	}
	if v.Refusal == nil {
		return "it could not be proven that it gets in"
	}
	return "it does not get in"
}

func (t *verifyTable) join(runtime string, proven *proof.Result) {
	by := "over"
	if runtime == "pod" || runtime == "binary" {
		by = "by" // whose way to Teleport is not seen
	}
	line := fmt.Sprintf("as %s %s %s", proven.User, by, proven.Via)
	if !proven.NotAfter.IsZero() {
		line += ", certificate until " + clockTime(proven.NotAfter)
	}
	t.text.WriteString("\n")
	t.putUnder(t.head("Join"), headColumn, ui.Clean(line))
	t.put(strings.Repeat(" ", headColumn), ui.Clean("seen from "+proven.From))
	for _, note := range proven.Notes {
		t.put(strings.Repeat(" ", headColumn), ui.Clean(note))
	}
}

// pod tells what only the pod itself can show.
func (t *verifyTable) pod(v Verify) {
	p := v.Pod
	if p.Job == "" {
		return
	}
	t.text.WriteString("\n")
	line := "Job " + p.Job
	if p.Pod != "" {
		line += fmt.Sprintf(", pod %s on node %s", p.Pod, p.Node)
	}
	if p.Image != "" {
		line += ", image " + p.Image
	}
	t.putUnder(t.head("Pod"), headColumn, ui.Clean(line))
	for _, step := range p.Steps {
		switch {
		case step.Err != nil && v.ProofErr != nil:
			t.fact(ui.SymbolFail, step.What, "failed; the words stand above")
		case step.Err != nil:
			t.fact(ui.SymbolFail, step.What, step.Err.Error())
		case step.Untested != "":
			t.fact(ui.SymbolSkip, step.What, "not tested: "+step.Untested)
		default:
			t.fact(ui.SymbolPass, step.What, "as it should be")
		}
	}
}

func (t *verifyTable) output(v Verify, output proof.Output) {
	title := t.style.Bold(ui.Clean(output.Name))
	if output.Destination != "" {
		title += " to " + ui.Clean(destination(output))
	}
	t.text.WriteString("\n")
	t.put("", title)
	refusal, wrong := v.Outputs[output.Name]
	switch {
	case output.NotExercised != "":
		t.fact(ui.SymbolSkip, "output", "not exercised: "+output.NotExercised)
		return
	case output.Err != nil:
		t.fact(ui.SymbolFail, "output", output.Err.Error())
		t.explained(outputColumn, refusal)
		return
	}
	if output.User != "" {
		t.fact(ui.SymbolPass, "certificate", certificateLine(output))
	} else {
		t.fact(ui.SymbolPass, "output", "came out, as tbot says; what is in it is not seen from here")
	}
	if len(output.KubernetesGroups)+len(output.KubernetesUsers) > 0 {
		t.fact(ui.SymbolPass, "Kubernetes", kubernetesLine(output))
	}
	switch {
	case len(output.Clusters) > 0:
		t.fact(ui.SymbolPass, "clusters", strings.Join(output.Clusters, ", "))
	case wrong && refusal.ID == "P27":
		t.fact(ui.SymbolFail, "clusters", "none")
	}
	if len(output.Files) > 0 {
		t.fact(ui.SymbolPass, "files", strings.Join(output.Files, ", "))
	}
	for _, note := range output.Notes {
		t.fact(ui.SymbolWarn, "note", note)
	}
	for _, write := range output.Writes {
		switch {
		case write.Err != nil:
			t.fact(ui.SymbolFail, "write", placed(write))
			refusal.Observed = "" // it says the same
		case write.Untested != "":
			t.fact(ui.SymbolSkip, "write", write.Place+": "+write.Untested)
		default:
			t.fact(ui.SymbolPass, "write", "the pod could write "+write.Place)
		}
	}
	if wrong {
		t.explained(outputColumn, refusal)
	}
}

// destination is one place in words, or how many there are: each of several stands in a line of its own below.
func destination(output proof.Output) string {
	if n := len(output.Writes); n > 1 {
		return fmt.Sprintf("%d places", n)
	}
	return output.Destination
}

// placed is a refusal with its place, which most refusals name themselves.
func placed(write proof.Write) string {
	said := write.Err.Error()
	if strings.Contains(said, write.Place) {
		return said
	}
	return write.Place + ": " + said
}

func (t *verifyTable) fact(symbol ui.Symbol, word, text string) {
	t.putUnder("  "+t.style.Symbol(symbol)+" "+ui.Pad(word, wordColumn), outputColumn+wordColumn, ui.Clean(text))
}

// explained writes the cause, the two values and the way out.
func (t *verifyTable) explained(column int, refusal checks.Refusal) {
	under := strings.Repeat(" ", column)
	if refusal.ID != "" {
		refusal.Cause += " (" + refusal.ID + ")" // which `tbotctl explain` knows
	}
	for _, row := range [][2]string{{"cause: ", refusal.Cause}, {"seen: ", refusal.Observed}, {"expected: ", refusal.Expected}} {
		if row[1] != "" {
			t.put(under+row[0], ui.Clean(row[1]))
		}
	}
	if refusal.Fix != "" {
		// A command is copied, so it is never wrapped.
		fmt.Fprintf(&t.text, "%sdo: %s\n", under, ui.Clean(refusal.Fix))
	}
}

func (t *verifyTable) check(result checks.Result) {
	f := result.Finding
	t.putUnder("  "+t.style.Symbol(symbolOf(f.Status))+" "+ui.Pad(string(result.Check.ID), wordColumn-5), outputColumn+wordColumn-5, ui.Clean(checkLine(result)))
	if f.Fix != "" && f.Status != checks.Pass {
		fmt.Fprintf(&t.text, "%sdo: %s\n", strings.Repeat(" ", outputColumn+wordColumn-5), ui.Clean(f.Fix))
	}
}

func checkLine(result checks.Result) string {
	line := result.Check.Title
	switch result.Finding.Status {
	case checks.Skip:
		line += "; not asked"
	case checks.Unknown:
		line += "; not known"
	case checks.Pass, checks.Warn, checks.Fail:
	}
	if result.Finding.Observed != "" {
		line += ": " + result.Finding.Observed
	}
	if result.Finding.Status != checks.Pass && result.Finding.Expected != "" {
		line += "; expected: " + result.Finding.Expected
	}
	return line
}

func (t *verifyTable) rest(v Verify) {
	var lines []string
	for _, name := range sortedKeys(v.Written) {
		lines = append(lines, fmt.Sprintf("Written: %s in %s, good until %s", name, v.Written[name], clockTime(v.Until)))
	}
	switch {
	case v.Instance.ID == "":
	case v.Instance.Removed:
		lines = append(lines, "Bot instance "+v.Instance.ID+", which this made, was removed.")
	default:
		lines = append(lines, "Bot instance "+v.Instance.ID+", which this made, stays until it ends by itself: "+v.Instance.Why+".")
	}
	for _, what := range v.NotTested {
		lines = append(lines, "Not tested from here: "+what+".")
	}
	if len(lines) > 0 {
		t.text.WriteString("\n")
	}
	for _, line := range lines {
		t.put("", ui.Clean(line))
	}
}

func certificateLine(output proof.Output) string {
	line := output.User
	if len(output.Roles) > 0 {
		line += ", roles " + strings.Join(output.Roles, ", ")
	}
	if !output.NotAfter.IsZero() {
		line += ", until " + clockTime(output.NotAfter)
	}
	return line
}

func kubernetesLine(output proof.Output) string {
	var parts []string
	if len(output.KubernetesGroups) > 0 {
		parts = append(parts, "groups "+strings.Join(output.KubernetesGroups, ", "))
	}
	if len(output.KubernetesUsers) > 0 {
		parts = append(parts, "users "+strings.Join(output.KubernetesUsers, ", "))
	}
	return strings.Join(parts, "; ")
}

func clockTime(t time.Time) string { return t.UTC().Format(time.TimeOnly) + " UTC" }

func sortedKeys(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }
