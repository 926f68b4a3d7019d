package report_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/tbotctl/tbotctl/internal/golden"
	"github.com/tbotctl/tbotctl/internal/report"
	"github.com/tbotctl/tbotctl/internal/undo"
	"github.com/tbotctl/tbotctl/manifests"
)

// sampleDelete is a run that came to an end: every fate is in it.
func sampleDelete() report.Delete {
	found := undo.Inventory{
		Install: "1a2b3c4d/main.example.com/machines/tbot", Lifetime: 90 * time.Minute, Users: []string{"bot-tbot-1a2b3c4d", "bot-it's"},
		Unknown: []string{"which pods use the credentials: forbidden"},
		Items: []undo.Item{
			{System: manifests.Teleport, Kind: "token", Name: "tbot-1a2b3c4d", Fate: undo.Remove},
			{System: manifests.Kubernetes, Kind: "Deployment", Namespace: "machines", Name: "tbot", Fate: undo.Gone},
			{System: manifests.Kubernetes, Kind: "Secret", Namespace: "machines", Name: "tbot-output", Fate: undo.Remove, UsedBy: []string{"ci-1", "ci-2"}},
			{System: manifests.Kubernetes, Kind: "Role", Namespace: "machines", Name: "tbot-output", Fate: undo.Keep, Reason: "made by tbotctl for \"x\"", UsedBy: []string{"ci-1"}},
			{System: manifests.Teleport, Kind: "bot", Name: "tbot-1a2b3c4d", Fate: undo.Remove},
		},
	}
	items := append([]undo.Item{}, found.Items...)
	items[0].Fate, items[2].Fate, items[4].Fate = undo.Removed, undo.Removed, undo.Gone
	return report.Delete{Setup: sampleSetup(), Found: found, Items: items, Complete: true}
}

func TestDeleteForPeople(t *testing.T) {
	t.Parallel()
	var whole bytes.Buffer
	run := sampleDelete()
	if err := run.Table(&whole); err != nil {
		t.Fatal(err)
	}
	nothing := report.Delete{Setup: sampleSetup(), Found: undo.Inventory{Install: run.Found.Install, Items: []undo.Item{{Kind: "bot", Name: "x", Fate: undo.Gone}}}}
	if err := nothing.Table(&whole); err != nil {
		t.Fatal(err)
	}
	golden.Assert(t, "delete.txt", whole.Bytes())
}

func TestRemovalBeforeTheQuestion(t *testing.T) {
	t.Parallel()
	got := printed(t, terminal{}, func(p *report.Progress) {
		p.Removal(sampleDelete().Found, map[manifests.System]string{manifests.Kubernetes: "Kubernetes, context prod-eu", manifests.Teleport: "Teleport, cluster main.example.com"})
	})
	golden.Assert(t, "removal.txt", []byte(got))
}

func TestDeleteAsJSON(t *testing.T) {
	t.Parallel()
	failed := sampleDelete()
	failed.Items, failed.Complete, failed.Err = nil, false, errors.New("refused")
	for name, run := range map[string]report.Delete{"delete.json": sampleDelete(), "delete-failed.json": failed} {
		var document bytes.Buffer
		if err := run.JSON(&document); err != nil {
			t.Fatal(err)
		}
		golden.Assert(t, name, document.Bytes())
	}
}

// TestDeleteThatFoundNothingOut holds that lists of the document are lists also where a run failed at once.
func TestDeleteThatFoundNothingOut(t *testing.T) {
	t.Parallel()
	var document bytes.Buffer
	if err := (report.Delete{Err: errors.New("no login")}).JSON(&document); err != nil {
		t.Fatal(err)
	}
	if !json.Valid(document.Bytes()) || strings.Contains(document.String(), "null") {
		t.Errorf("document %s", document.String())
	}
}
