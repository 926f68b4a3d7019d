package report

import (
	"fmt"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"github.com/tbotctl/tbotctl/checks"
	"github.com/tbotctl/tbotctl/internal/ui"
)

// What is known of one thing about a cluster.
const (
	WordYes     = "yes"
	WordNo      = "no"
	WordUnknown = "unknown"
)

// VerifyCluster is what one Kubernetes cluster said by the credentials of one output.
type VerifyCluster struct {
	// Cluster is its name in Teleport.
	Cluster, Output string
	Status          checks.Status
	// Reached and AnyUser are one of the words above; AnyUser tells whether Teleport lets the bot act as whom it likes.
	Reached, AnyUser string
	// Version, User and Groups are empty where the API server did not say.
	Version, User string
	Groups        []string
	// Lists are what it may list; Listed tells that all of them were answered.
	Lists  []string
	Listed bool
	// Impersonates are the kinds of subjects that Kubernetes' own rules let it act as.
	Impersonates []string
	// Means says in a half sentence what this gives away; empty where it is not much.
	Means string
	// Why is set where Status is not pass.
	Why *checks.Refusal
}

type verifyClusterJSON struct {
	Cluster      string     `json:"cluster"`
	Output       string     `json:"output"`
	Status       string     `json:"status"`
	Reachable    string     `json:"reachable"`
	Version      string     `json:"version"`
	User         string     `json:"user"`
	Groups       []string   `json:"groups"`
	Lists        []string   `json:"lists"`
	ListsKnown   bool       `json:"listsKnown"`
	AnyUser      string     `json:"anyUser"`
	Impersonates []string   `json:"impersonates"`
	Means        string     `json:"means,omitempty"`
	Cause        *causeJSON `json:"cause,omitempty"`
}

// clustersJSON is nil where nobody asked for clusters, and empty where there were none.
func clustersJSON(clusters []VerifyCluster) *[]verifyClusterJSON {
	if clusters == nil {
		return nil
	}
	documents := []verifyClusterJSON{}
	for _, c := range clusters {
		one := verifyClusterJSON{
			Cluster: c.Cluster, Output: c.Output, Status: string(c.Status), Reachable: c.Reached, Version: c.Version, User: c.User,
			Groups: orEmpty(c.Groups), Lists: orEmpty(c.Lists), ListsKnown: c.Listed, AnyUser: c.AnyUser,
			Impersonates: orEmpty(c.Impersonates), Means: c.Means,
		}
		if c.Why != nil {
			one.Cause = causeOf(*c.Why)
		}
		documents = append(documents, one)
	}
	return &documents
}

// failedClusters counts those that are contrary to what is wanted.
func (v Verify) failedClusters() int {
	n := 0
	for _, c := range v.Clusters {
		if c.Status == checks.Fail {
			n++
		}
	}
	return n
}

// Complaint says in one sentence without a full stop what a run whose join is proven found to be contrary.
func (v Verify) Complaint() string {
	var parts []string
	if n := len(v.Outputs); n > 0 {
		parts = append(parts, ui.Counted(n, "output")+" would not come out as asked")
	}
	if n := v.failedClusters(); n > 0 {
		parts = append(parts, fmt.Sprintf("the bot can do nothing in %d of %s", n, ui.Counted(len(v.Clusters), "cluster")))
	}
	return strings.Join(parts, ", and ")
}

// Widths of the table of clusters: a longer name stands on a line of its own, a longer cell is cut (the JSON has it whole).
const (
	mostCluster  = 24
	leastColumn  = 11
	betweenCells = 2
	// mostNamed is the most of a name where several are named in a sentence.
	mostNamed = 60
)

// clusters writes one table of all clusters, a part for each output where there are several, and below it what is wrong with which.
func (t *verifyTable) clusters(all []VerifyCluster) {
	if all == nil {
		return
	}
	t.text.WriteString("\n")
	if len(all) == 0 {
		t.put("", "No Kubernetes cluster to ask.")
		return
	}
	rows := [][]string{{"CLUSTER", "REACHABLE", "AS", "LIST", "IMPERSONATE"}}
	for _, c := range all {
		rows = append(rows, c.cells())
	}
	widths := columnsOf(rows, t.width)
	t.row(ui.SymbolPass, rows[0], widths, true)
	output, several := all[0].Output, false
	for _, c := range all {
		several = several || c.Output != output
	}
	output = ""
	for i, c := range all {
		if several && c.Output != output {
			output = c.Output
			t.line(t.style.Dim("  by " + ui.Clean(output)))
		}
		t.row(symbolOf(c.Status), rows[i+1], widths, false)
	}
	t.reasons(all)
}

// cells are the row of a cluster.
func (c VerifyCluster) cells() []string {
	row := []string{c.Cluster, c.Version, c.User, strings.Join(c.Lists, ", "), ""}
	if c.Reached != WordYes {
		reached := WordNo
		if c.Reached == WordUnknown {
			reached = "?"
		}
		return []string{ui.Clean(c.Cluster), reached, "-", "-", "-"}
	}
	if row[1] == "" {
		row[1] = WordYes
	}
	if row[2] == "" {
		row[2] = "?"
	}
	switch {
	case len(c.Lists) > 0:
	case c.Listed:
		row[3] = WordNo
	default:
		row[3] = "?"
	}
	switch {
	case c.AnyUser == WordYes:
		row[4] = "any user"
	case len(c.Impersonates) > 0:
		row[4] = "any " + strings.TrimSuffix(c.Impersonates[0], "s")
	case c.AnyUser == WordNo:
		row[4] = WordNo
	default:
		row[4] = "?"
	}
	for i := range row {
		row[i] = ui.Clean(row[i])
	}
	return row
}

// columnsOf makes each column as wide as its cells, and takes from the widest what a line has not.
func columnsOf(rows [][]string, width int) []int {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], ansi.StringWidth(cell))
		}
	}
	widths[0] = min(widths[0], mostCluster)
	for width -= betweenCells * len(widths); ; {
		sum, widest := 0, 0
		for i, w := range widths {
			sum += w
			if w > widths[widest] {
				widest = i
			}
		}
		if sum <= width || widths[widest] <= leastColumn {
			return widths
		}
		widths[widest]--
	}
}

func (t *verifyTable) row(symbol ui.Symbol, cells []string, widths []int, head bool) {
	line := t.style.Symbol(symbol) + " "
	if head {
		line = "  "
	}
	if ansi.StringWidth(cells[0]) > widths[0] {
		t.line(line + cells[0])
		line, cells = "  ", append([]string{""}, cells[1:]...)
	}
	for i, width := range widths {
		line += ui.Pad(ansi.Truncate(cells[i], width, "..."), width) + strings.Repeat(" ", betweenCells)
	}
	line = strings.TrimRight(line, " ")
	if head {
		line = t.style.Bold(line)
	}
	t.line(line)
}

// reasons tell once what is the same for several clusters.
func (t *verifyTable) reasons(all []VerifyCluster) {
	var (
		keys  []string
		which = map[string][]string{}
		first = map[string]VerifyCluster{}
	)
	gather := func(key string, c VerifyCluster) {
		if _, known := which[key]; !known {
			keys = append(keys, key)
			first[key] = c
		}
		which[key] = append(which[key], ansi.Truncate(ui.Clean(c.Cluster), mostNamed, "..."))
	}
	for _, c := range all {
		if c.Why != nil {
			gather(fmt.Sprintf("%s\x00%s\x00%s\x00%s", c.Status, c.Why.Cause, c.Why.Expected, c.Why.Fix), c)
		}
		if c.Means != "" {
			gather(c.Means, VerifyCluster{Cluster: c.Cluster, Status: checks.Warn, Means: c.Means})
		}
	}
	for _, key := range keys {
		c, names := first[key], someOf(which[key])
		t.text.WriteString("\n")
		if c.Why == nil {
			names += ": " + ui.Clean(c.Means)
		}
		t.putUnder(t.style.Symbol(symbolOf(c.Status))+" ", 2, names)
		if c.Why != nil {
			t.explained(2, *c.Why)
		}
	}
}

// someOf names the first of many, each once.
func someOf(names []string) string {
	const most = 4
	var shown []string
	for _, name := range names {
		if len(shown) == 0 || shown[len(shown)-1] != name {
			shown = append(shown, name)
		}
	}
	if len(shown) > most {
		return strings.Join(shown[:most], ", ") + fmt.Sprintf(" and %d more", len(shown)-most)
	}
	return strings.Join(shown, ", ")
}
