package report

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"

	"github.com/tbotctl/tbotctl/checks"
	"github.com/tbotctl/tbotctl/internal/proof"
	"github.com/tbotctl/tbotctl/internal/ui"
)

// unbound is a cluster where no binding names the bot's group.
func unbound(name string) VerifyCluster {
	return VerifyCluster{
		Cluster: name, Output: "kubernetes-v2-1", Status: checks.Fail, Reached: WordYes, Version: "v1.36.3", User: "bot-robot", Listed: true, AnyUser: WordNo,
		Why: &checks.Refusal{ID: "P25", Cause: "Kubernetes allows nothing", Observed: "pods is forbidden", Expected: "a binding", Fix: "kubectl create clusterrolebinding robot-kubernetes --clusterrole=view --group=readers"},
	}
}

func asked(clusters ...VerifyCluster) Verify {
	v := Verify{Runtime: "embedded", Proof: &proof.Result{}, Clusters: clusters}
	v.Target.Deployment = "machines/tbot"
	return v
}

func tableOf(t *testing.T, v Verify, width int) string {
	t.Helper()
	var text strings.Builder
	if err := v.Table(&text, ui.NewStyle(io.Discard, false, true), width); err != nil {
		t.Fatal(err)
	}
	return text.String()
}

// Thirty clusters are one table, and what is the same for all of them is said once.
func TestThirtyClusters(t *testing.T) {
	var clusters []VerifyCluster
	for i := range 30 {
		clusters = append(clusters, unbound(fmt.Sprintf("cluster-%02d", i)))
	}
	text := tableOf(t, asked(clusters...), 80)
	for i := range 30 {
		if !strings.Contains(text, fmt.Sprintf("\n✗ cluster-%02d  v1.36.3    bot-robot  no    no\n", i)) {
			t.Fatalf("cluster %d has no row of its own:\n%s", i, text)
		}
	}
	for _, once := range []string{"IMPERSONATE", "cause: Kubernetes allows nothing", "--group=readers", "cluster-00, cluster-01, cluster-02, cluster-03 and 26 more", "the bot can do nothing in 30 of 30 clusters"} {
		if n := strings.Count(text, once); n != 1 {
			t.Errorf("%q stands there %d times:\n%s", once, n, text)
		}
	}
}

// Names come from agents, messages from servers: no escape reaches a terminal, no name breaks the table, no row is wider than it.
func TestHostileClusters(t *testing.T) {
	long := strings.Repeat("arn:aws:eks:eu-central-1:", 6)
	hostile := VerifyCluster{
		Cluster: "a\x1b[31mred\x1b]0;title\a\u202e\n✓ fake", Output: "out\x1b[2J", Status: checks.Unknown, Reached: WordYes, Version: "v1\x1b[31m" + long,
		User: long, Lists: []string{"namespaces", "pods", "pods in " + long}, Listed: false, AnyUser: WordYes, Means: "treat it as cluster-admin",
		Why: &checks.Refusal{Cause: "not all could be asked", Observed: "\x1b[31mno\nreally"},
	}
	longest := unbound(long)
	longest.Output = "another"
	silent := VerifyCluster{Cluster: "silent", Output: "another", Status: checks.Unknown, Reached: WordUnknown, AnyUser: WordUnknown, Why: &checks.Refusal{Cause: "no answer in time"}}
	for _, width := range []int{80, 200} {
		text := tableOf(t, asked(hostile, longest, silent), width)
		if strings.ContainsAny(text, "\x1b\a\u202e") {
			t.Errorf("an escape reaches the terminal: %q", text)
		}
		for line := range strings.Lines(text) {
			line = strings.TrimRight(line, "\n")
			if ansi.StringWidth(line) > 80 && !strings.Contains(line, "do: ") {
				t.Errorf("wider than 80 columns: %q", line)
			}
			if strings.HasPrefix(line, "✓ fake") {
				t.Errorf("a name made a row of its own: %q", line)
			}
		}
		for _, part := range []string{"by out", "by another", "any user", "? silent", "ared ✓ fake: treat it as cluster-admin"} {
			if !strings.Contains(text, part) {
				t.Errorf("the table does not say %q:\n%s", part, text)
			}
		}
	}
}

// What nobody knows is no yes and no no, neither for people nor in JSON.
func TestClustersUnknown(t *testing.T) {
	unsure := VerifyCluster{Cluster: "alpha", Status: checks.Unknown, Reached: WordYes, AnyUser: WordUnknown, Why: &checks.Refusal{Cause: "not all could be asked"}}
	if text := tableOf(t, asked(unsure), 80); !strings.Contains(text, "\n? alpha    yes        ?   ?     ?\n") {
		t.Errorf("the row:\n%s", text)
	}
	v := asked(unsure)
	if v.Failed() {
		t.Error("an unknown is a failure")
	}
	var text strings.Builder
	if err := v.JSON(&text); err != nil {
		t.Fatal(err)
	}
	var document struct {
		Clusters []struct {
			Cluster, Status, Reachable, AnyUser string
			ListsKnown                          bool
		}
	}
	if err := json.Unmarshal([]byte(text.String()), &document); err != nil {
		t.Fatal(err)
	}
	if c := document.Clusters; len(c) != 1 || c[0].Status != "unknown" || c[0].Reachable != WordYes || c[0].AnyUser != WordUnknown || c[0].ListsKnown {
		t.Errorf("%+v", document)
	}
	text.Reset()
	if err := (Verify{}).JSON(&text); err != nil || strings.Contains(text.String(), `"clusters"`) {
		t.Errorf("clusters that nobody asked for: %v %s", err, text.String())
	}
}
