package wizard_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/tbotctl/tbotctl/internal/plan"
	"github.com/tbotctl/tbotctl/internal/prompt"
	"github.com/tbotctl/tbotctl/wizard"
)

// What a tool keeps can be written to files. It is not taken over by a choice in a menu, not even together with what somebody else made.
func TestManagedPlan(t *testing.T) {
	t.Parallel()
	g := newGround()
	g.planned = func(wizard.Answers) (wizard.Planned, error) {
		return wizard.Planned{Plan: plan.Plan{Items: []plan.Item{{Action: plan.Conflict, Reason: plan.Foreign}, {Action: plan.Conflict, Reason: plan.Managed}}}}, nil
	}
	_, script, err := g.lead(t, nil, way(prompt.Answer("yes", "quit"))...)
	if !errors.Is(err, wizard.ErrQuit) {
		t.Fatal(err)
	}
	if shown := script.Shown(); strings.Contains(shown, "- Take over") || strings.Contains(shown, "- Apply") || !strings.Contains(shown, "- Write files") {
		t.Errorf("the menu offers something else than files:\n%s", shown)
	}
}
