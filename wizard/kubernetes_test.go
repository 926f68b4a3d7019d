package wizard_test

import (
	"context"
	"strings"
	"testing"

	"github.com/tbotctl/tbotctl/internal/prompt"
	"github.com/tbotctl/tbotctl/wizard"
)

// watching is a Prompter that looks at the first form's newer choices before its script answers.
type watching struct {
	*prompt.Script
	look func(updates <-chan []prompt.Choice)
}

func (w *watching) Ask(ctx context.Context, form *prompt.Form) error {
	if look := w.look; look != nil {
		w.look = nil
		look(form.Fields[0].Updates)
	}
	return w.Script.Ask(ctx, form)
}

// TestContextsAreAskedSideBySide holds that what answers is shown while another context is still silent, and that the silent one is
// asked no longer once the page is left.
func TestContextsAreAskedSideBySide(t *testing.T) {
	t.Parallel()
	g, given := newGround(), make(chan struct{})
	g.reach = func(ctx context.Context, name string) wizard.Reach {
		if name == "prod" {
			<-ctx.Done()
			close(given)
			return wizard.Reach{Problem: "gave up"}
		}
		return wizard.Reach{Version: "v1.33.0", Provider: "kind", User: "alice"}
	}
	script := prompt.NewScript(t, prompt.Answer("context", "staging"), prompt.Cancel("proxy"))
	g.out = script.Body()
	w := wizard.Wizard{
		Prompt: &watching{script, func(updates <-chan []prompt.Choice) {
			choices := <-updates
			if choices[0].Note != "asking https://prod.example.com" || choices[1].Note != "kind, v1.33.0, as alice" {
				t.Errorf("shown %+v", choices)
			}
		}},
		Speaker: g, Kubernetes: g, Teleport: g, Deeds: g, Given: func(string) bool { return false }, Now: nil,
	}
	g.profiles = func() ([]wizard.Profile, error) { return nil, nil }
	if _, err := w.Run(t.Context(), wizard.Answers{}); err == nil {
		t.Error("a cancelled run has no error")
	}
	<-given
}

// TestAContextThatHasNotAnsweredIsWaitedFor holds that nobody goes on with a cluster of which nothing is known yet.
func TestAContextThatHasNotAnsweredIsWaitedFor(t *testing.T) {
	t.Parallel()
	g := newGround()
	g.reach = func(ctx context.Context, name string) wizard.Reach {
		if _, probing := ctx.Deadline(); !probing && name == "prod" {
			return wizard.Reach{Problem: "no answer", Fix: "see that the VPN is up"}
		}
		return wizard.Reach{Version: "v1.33.0"}
	}
	_, script, err := g.lead(t, nil, prompt.Answer("context", "staging"), prompt.Cancel("proxy"))
	if err == nil {
		t.Error("a cancelled run has no error")
	}
	if strings.Contains(script.Shown(), "no answer") {
		t.Errorf("another context's trouble is in the way:\n%s", script.Shown())
	}
	g.reach = func(context.Context, string) wizard.Reach {
		return wizard.Reach{Problem: "no answer", Fix: "see that the VPN is up"}
	}
	_, script, err = g.lead(t, nil, prompt.Answer("context", "prod"), prompt.Cancel("context"))
	if err == nil {
		t.Error("a cancelled run has no error")
	}
	says(t, script, "prod: no answer; see that the VPN is up")
}
