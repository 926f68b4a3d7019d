package report

import (
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"github.com/tbotctl/tbotctl/checks"
	"github.com/tbotctl/tbotctl/internal/ui"
)

// Table writes the result for people: for each tbot first what it means, why and what to do, then the checks a category at a time.
// Text is wrapped at width columns, at most 80; a command is not, for somebody will copy it.
func (d Doctor) Table(w io.Writer, style ui.Style, width int) error {
	const most = 80
	t := doctorTable{style: style, width: min(width, most)}
	for i, one := range d.Installations {
		if i > 0 {
			t.text.WriteString("\n")
		}
		t.installation(one, len(d.Installations) > 1)
	}
	switch len(d.Installations) {
	case 0:
		t.put("", counts(nil))
	case 1:
	default:
		t.text.WriteString("\n")
		t.put("", fmt.Sprintf("%d tbots: %s", len(d.Installations), counts(d.count())))
	}
	return written(w, t.text.String())
}

type doctorTable struct {
	text  strings.Builder
	style ui.Style
	width int
}

// put writes one paragraph behind a prefix, further lines under the first.
func (t *doctorTable) put(prefix, text string) { t.putUnder(prefix, ansi.StringWidth(prefix), text) }

func (t *doctorTable) putUnder(prefix string, column int, text string) {
	// Wrap measures what it is given, so the prefix's columns are counted apart.
	indent := strings.Repeat(" ", column)
	lines := strings.Split(ui.Wrap(text, t.width-max(column, ansi.StringWidth(prefix)), ""), "\n")
	t.text.WriteString(strings.TrimRight(prefix+strings.Join(lines, "\n"+indent), " ") + "\n")
}

// line writes one line and cuts what is too long.
func (t *doctorTable) line(text string) {
	tail := "..."
	t.text.WriteString(ansi.Truncate(text, t.width, tail) + "\n")
}

// Columns at which things start: what stands behind IMPACT and the like, and what stands under a check's title.
const (
	headColumn  = 8
	checkColumn = 11
)

func (t *doctorTable) head(word string) string { return ui.Pad(t.style.Bold(word), headColumn) }

func (t *doctorTable) installation(one Installation, several bool) {
	n := one.count()
	name := ui.Clean(one.Name)
	if several {
		t.text.WriteString(t.style.Bold(named(name)) + "\n")
	}
	switch root := one.Conclusion.Root; {
	case root != nil:
		t.verdict(one, *root)
	case n[checks.Fail] == 0 && n[checks.Unknown] == 0:
		t.put(ui.Pad(t.style.Good("OK"), headColumn), fine(one, n))
	case n[checks.Fail] == 0:
		t.put(ui.Pad(t.style.Warn("UNSURE"), headColumn), fmt.Sprintf("nothing wrong was seen with %s, and %s impossible", named(name), looks(n[checks.Unknown])))
	}
	green := n[checks.Fail] == 0 && n[checks.Unknown] == 0 && n[checks.Warn] == 0
	t.categories(one, green)
	if !green {
		t.text.WriteString("\n")
		t.put("", counts(n))
	}
}

func named(name string) string {
	if name == "" {
		return "this cluster"
	}
	return name
}

func looks(n int) string {
	if n == 1 {
		return "1 look was"
	}
	return fmt.Sprintf("%d looks were", n)
}

// fine is the one line of a tbot that works.
func fine(one Installation, n map[checks.Status]int) string {
	line := fmt.Sprintf("%s: nothing is wrong, %s", named(ui.Clean(one.Name)), ui.Counted(n[checks.Pass], "check")+" passed")
	if n[checks.Warn] > 0 {
		line += fmt.Sprintf("; %d deserve a look", n[checks.Warn])
		if n[checks.Warn] == 1 {
			line = strings.TrimSuffix(line, "deserve a look") + "deserves a look"
		}
	}
	if !one.Until.IsZero() {
		line += "; its certificates live until " + timestamp(one.Until)
	}
	return line
}

// verdict are the lines that somebody reads at three in the morning.
func (t *doctorTable) verdict(one Installation, root checks.Result) {
	for i, sentence := range one.Conclusion.Impact {
		word := "IMPACT"
		if i > 0 {
			word = ""
		}
		t.putUnder(t.head(word), headColumn, ui.Clean(sentence))
	}
	t.putUnder(ui.Pad(t.style.Bad("CAUSE"), headColumn), headColumn, ui.Clean(root.Finding.Observed))
	under := strings.Repeat(" ", headColumn)
	if expected := ui.Clean(root.Finding.Expected); expected != "" {
		t.put(under+"expected: ", expected)
	}
	check := fmt.Sprintf("%s fails: %s", root.Check.ID, root.Check.Title)
	if !one.Conclusion.Since.IsZero() {
		check += "; since " + timestamp(one.Conclusion.Since)
	}
	t.put(under, check)
	switch {
	case len(one.Send) > 0:
		for i, line := range one.Send {
			word := "SEND"
			if i > 0 {
				word = ""
			}
			t.do(word, line)
		}
	case root.Finding.Fix != "":
		t.do("DO", root.Finding.Fix)
	}
	if others := others(one.Conclusion); len(others) > 0 {
		t.putUnder(t.head("ALSO"), headColumn, strings.Join(others, ", ")+" fail beside it")
	}
}

// others are the failures that do not follow from the root.
func others(c checks.Conclusion) []string {
	var ids []string
	for _, cause := range c.Causes {
		if cause.Check.ID != c.Root.Check.ID {
			ids = append(ids, string(cause.Check.ID))
		}
	}
	return ids
}

// command is what is typed of a fix, and not read: all of it, or what stands behind a colon.
var command = regexp.MustCompile(`(?:^|: )((?:kubectl|tctl|tsh|tbotctl|helm|timedatectl|curl|echo|printf) .*)$`)

// toDo writes a fix behind a prefix: words are wrapped, a command stands on one line of its own, for somebody will copy it.
func (t *doctorTable) toDo(prefix string, column int, fix string) {
	fix = ui.Clean(fix)
	at := command.FindStringSubmatchIndex(fix)
	if at == nil {
		t.putUnder(prefix, column, fix)
		return
	}
	words, typed := strings.TrimSpace(fix[:at[2]]), fix[at[2]:]
	if words != "" {
		t.putUnder(prefix, column, words)
		prefix = strings.Repeat(" ", column)
	}
	t.text.WriteString(prefix + typed + "\n")
}

func (t *doctorTable) do(word, fix string) { t.toDo(t.head(word), headColumn, fix) }

// categories lists the checks, what follows from the root folded into one line under it. Of a tbot that works only what was skipped
// is of interest.
func (t *doctorTable) categories(one Installation, green bool) {
	for _, group := range byCategory(one.Results) {
		begun := false
		for _, result := range group {
			if green && result.Finding.Status != checks.Skip || slices.Contains(one.Conclusion.Follows, result.Check.ID) {
				continue
			}
			if !begun {
				t.text.WriteString("\n" + t.style.Bold(string(result.Check.Category)) + "\n")
				begun = true
			}
			t.check(result, one.Conclusion)
		}
	}
}

// byCategory groups results, in the order in which the categories come up first.
func byCategory(results []checks.Result) [][]checks.Result {
	var groups [][]checks.Result
	index := map[checks.Category]int{}
	for _, result := range results {
		i, begun := index[result.Check.Category]
		if !begun {
			i = len(groups)
			index[result.Check.Category] = i
			groups = append(groups, nil)
		}
		groups[i] = append(groups[i], result)
	}
	return groups
}

func (t *doctorTable) check(result checks.Result, conclusion checks.Conclusion) {
	finding, indent := result.Finding, strings.Repeat(" ", checkColumn)
	prefix := fmt.Sprintf("  %s %s ", t.style.Symbol(symbolOf(finding.Status)), t.style.Dim(string(result.Check.ID)))
	observed := ui.Clean(finding.Observed)
	root := conclusion.Root != nil && conclusion.Root.Check.ID == result.Check.ID
	switch finding.Status {
	case checks.Pass:
		t.line(prefix + result.Check.Title + ": " + observed)
		return
	case checks.Skip:
		t.line(prefix + result.Check.Title + ": skipped, " + observed)
		t.fix(indent, finding)
		return
	case checks.Unknown:
		t.putUnder(prefix, checkColumn, result.Check.Title+": unknown, "+observed)
		t.fix(indent, finding)
		return
	case checks.Warn, checks.Fail:
	}
	t.putUnder(prefix, checkColumn, result.Check.Title)
	if root {
		t.put(indent, "the cause; see above")
		t.follows(indent, conclusion.Follows)
		return
	}
	if expected := ui.Clean(finding.Expected); expected != "" {
		t.put(indent+"seen:     ", observed)
		t.put(indent+"expected: ", expected)
	} else {
		t.put(indent, observed)
	}
	t.fix(indent, finding)
}

func (t *doctorTable) fix(indent string, finding checks.Finding) {
	if finding.Fix != "" {
		prefix := indent + "fix: "
		t.toDo(prefix, len(prefix), finding.Fix)
	}
}

func (t *doctorTable) follows(indent string, ids []checks.ID) {
	switch len(ids) {
	case 0:
		return
	case 1:
		t.put(indent+"+ ", "1 more follows from this: "+string(ids[0]))
	default:
		t.put(indent+"+ ", fmt.Sprintf("%d more follow from this: %s", len(ids), strings.Join(idsOf(ids), ", ")))
	}
}

// counts says how many checks ended how, leaving out what there was none of.
func counts(n map[checks.Status]int) string {
	var parts []string
	for _, part := range []struct {
		status checks.Status
		word   string
	}{
		{checks.Pass, "passed"},
		{checks.Warn, "warned"},
		{checks.Fail, "failed"},
		{checks.Skip, "skipped"},
		{checks.Unknown, "unknown"},
	} {
		if n[part.status] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n[part.status], part.word))
		}
	}
	if len(parts) == 0 {
		return "nothing was looked at"
	}
	return strings.Join(parts, ", ") + "; more by: tbotctl explain ID"
}

// Short writes the failures alone, one line each.
func (d Doctor) Short(w io.Writer) error {
	var text strings.Builder
	for _, one := range d.Installations {
		for _, result := range one.Results {
			if result.Finding.Status == checks.Fail {
				text.WriteString(shortLine(one, result) + "\n")
			}
		}
	}
	return written(w, text.String())
}

func shortLine(one Installation, result checks.Result) string {
	line := string(result.Check.ID)
	if one.Name != "" {
		line += " " + ui.Clean(one.Name)
	}
	switch root := one.Conclusion.Root; {
	case root != nil && root.Check.ID == result.Check.ID:
		line += " (cause)"
	case slices.Contains(one.Conclusion.Follows, result.Check.ID):
		line += " (follows)"
	}
	line += ": not so that " + result.Check.Title + ": " + ui.Clean(result.Finding.Observed)
	if expected := ui.Clean(result.Finding.Expected); expected != "" {
		line += "; expected " + expected
	}
	if fix := ui.Clean(result.Finding.Fix); fix != "" {
		line += "; fix: " + fix
	}
	return line
}
