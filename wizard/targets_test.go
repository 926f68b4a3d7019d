package wizard_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/tbotctl/tbotctl/internal/prompt"
	"github.com/tbotctl/tbotctl/wizard"
)

// TestTargetContexts marks the contexts in whose clusters the binding is made: each stands with its address, none is marked for anybody,
// and what cannot be reached cannot be chosen.
func TestTargetContexts(t *testing.T) {
	t.Parallel()
	given := func(more ...string) map[string]string {
		return upToPurpose(append([]string{
			"access", "kubernetes", "kube-labels", "env=prod", "kube-groups", "readers", "cluster-role", "view", "target-namespace", "", "roles", "", "output-secret", "creds",
		}, more...)...)
	}
	for name, row := range map[string]struct {
		change func(*ground)
		given  map[string]string
		steps  []prompt.Step
		says   []string
		silent string
		want   []string
	}{
		"marked": {
			given: given(), steps: []prompt.Step{prompt.Choose("target-context", "prod", "staging")},
			says: []string{"- prod | https://prod.example.com, where tbot runs", "- staging | https://staging.example.com |"},
			want: []string{"prod", "staging"},
		},
		"none":  {given: given(), steps: []prompt.Step{prompt.Choose("target-context")}},
		"given": {given: given("target-context", "staging"), silent: "Where tbotctl binds it", want: []string{"staging"}},
		"nobody does the Teleport side here": {
			given: func() map[string]string {
				without := given()
				delete(without, "proxy")
				return without
			}(),
			steps: []prompt.Step{prompt.Answer("proxy", "nobody"), prompt.Answer("proxy", "example.teleport.sh:443")}, silent: "Where tbotctl binds it",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newGround()
			if row.change != nil {
				row.change(g)
			}
			answers, script, err := g.lead(t, row.given, append(row.steps, prompt.Answer("yes", "quit"))...)
			if !errors.Is(err, wizard.ErrQuit) {
				t.Fatalf("ended with %v\n%s", err, script.Shown())
			}
			says(t, script, row.says...)
			if row.silent != "" && strings.Contains(script.Shown(), row.silent) {
				t.Errorf("a page says %q:\n%s", row.silent, script.Shown())
			}
			if !slices.Equal(answers.Setup.Reach.Contexts, row.want) {
				t.Errorf("contexts %q, want %q", answers.Setup.Reach.Contexts, row.want)
			}
		})
	}
}

// A binding that was described before anybody said whom it is for: that is asked, also where roles are given beside.
func TestBindingGivenBeforeGroups(t *testing.T) {
	t.Parallel()
	g := newGround()
	answers, script, err := g.lead(t, upToPurpose("access", "kubernetes", "kube-labels", "env=prod", "target-namespace", "apps", "roles", "access", "output-secret", "creds"),
		prompt.Answer("kube-groups", "groups"), prompt.Answer("kube-groups", "readers"), prompt.Default("cluster-role"), prompt.Default("target-namespace"),
		prompt.Choose("target-context"), prompt.Answer("yes", "quit"))
	if !errors.Is(err, wizard.ErrQuit) {
		t.Fatalf("ended with %v\n%s", err, script.Shown())
	}
	if reach := answers.Setup.Reach; reach.Namespace != "apps" || !slices.Equal(reach.Groups, []string{"readers"}) {
		t.Errorf("reaches %+v", reach)
	}
}

// A context that does not answer is offered with the reason and cannot be marked.
func TestTargetContextThatDoesNotAnswer(t *testing.T) {
	t.Parallel()
	g := newGround()
	g.reach = func(_ context.Context, name string) wizard.Reach {
		if name == "staging" {
			return wizard.Reach{Problem: "the API server cannot be reached"}
		}
		return wizard.Reach{Version: "v1.36.3", User: "alice"}
	}
	without := upToPurpose("access", "kubernetes", "kube-labels", "env=prod", "kube-groups", "readers", "cluster-role", "view", "target-namespace", "", "roles", "", "output-secret", "creds")
	delete(without, "context")
	_, script, err := g.lead(t, without, prompt.Answer("context", "staging"), prompt.Answer("context", "prod"), prompt.Choose("target-context"), prompt.Answer("yes", "quit"))
	if !errors.Is(err, wizard.ErrQuit) {
		t.Fatalf("ended with %v\n%s", err, script.Shown())
	}
	says(t, script, "- staging | https://staging.example.com | the API server cannot be reached", "- prod | https://prod.example.com, where tbot runs, as alice")
}

// TestTargetScreens holds the screen of the page.
func TestTargetScreens(t *testing.T) {
	t.Parallel()
	photograph(t, "targets", healthy, upToPurpose(
		"access", "kubernetes", "kube-labels", "env=prod", "kube-groups", "readers", "cluster-role", "view", "target-namespace", "", "roles", "", "output-secret", "creds",
	), []prompt.Step{prompt.Choose("target-context", "staging"), prompt.Answer("yes", "quit")}, wizard.ErrQuit)
}
