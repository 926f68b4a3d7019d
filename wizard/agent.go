package wizard

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/tbotctl/tbotctl/internal/prompt"
	"github.com/tbotctl/tbotctl/internal/spec"
)

func (w *Wizard) isAgent() bool { return w.answers.Setup.IsAgent() }

func (w *Wizard) isTbot() bool { return !w.isAgent() }

// joiner is what joins, as sentences call it.
func (w *Wizard) joiner() string {
	if w.isAgent() {
		return "the agent"
	}
	return "the bot"
}

// askWorkload chooses between tbot and an agent. What the other one was asked is dropped, for each has answers that the other must not
// have.
func (w *Wizard) askWorkload(ctx context.Context) error {
	field := w.field(FlagWorkload, prompt.One)
	field.Validate = nil
	field.Choices = []prompt.Choice{
		{Value: string(spec.WorkloadTbot), Label: "tbot", Note: "credentials of a bot, for pods and jobs"},
		{Value: string(spec.WorkloadAgent), Label: "agent", Note: "teleport-kube-agent: applications, databases, this cluster"},
	}
	fields, err := w.ask(ctx, field)
	if err != nil {
		return err
	}
	before := w.isAgent()
	if err := w.set(FlagWorkload, fields[0].Value); err != nil || w.isAgent() == before {
		return err
	}
	s := &w.answers.Setup
	s.Teleport.BotName, s.Teleport.TokenName, s.Teleport.Roles, s.Output, s.Agent = "", "", nil, spec.Output{}, spec.Agent{}
	if w.isAgent() {
		s.Access = spec.AccessNone
	}
	w.shelve()
	return nil
}

// askAgentNames offers the names of an agent's parts.
func (w *Wizard) askAgentNames(ctx context.Context) error {
	there, named, err := w.nameable(ctx)
	if err != nil {
		return err
	}
	release := w.field(FlagAgentRelease, prompt.Text)
	release.Value, release.Validate = named.Release(), both(required("it needs a name"), release.Validate)
	token := w.field(FlagTokenName, prompt.Text)
	token.Value, token.Validate = named.Names().Token, both(both(required("it needs a name"), token.Validate), there.tokenFree)
	fields, err := w.ask(ctx, release, token)
	if err != nil {
		return err
	}
	return errors.Join(w.set(FlagAgentRelease, fields[0].Value), w.set(FlagTokenName, fields[1].Value))
}

// askAgentRoles has the services chosen. What no chosen one has a use for is dropped.
func (w *Wizard) askAgentRoles(ctx context.Context) error {
	field := w.field(FlagAgentRoles, prompt.Many)
	field.Values = w.answers.Setup.Agent.Roles
	field.Choices = []prompt.Choice{
		{Value: spec.RoleApp, Label: spec.RoleApp, Note: "applications, by HTTP or TCP"},
		{Value: spec.RoleKube, Label: spec.RoleKube, Note: "this Kubernetes cluster"},
		{Value: spec.RoleDb, Label: spec.RoleDb, Note: "databases"},
		{Value: spec.RoleDiscovery, Label: spec.RoleDiscovery, Note: "finds Services of this cluster"},
	}
	// Answers for a role that is unticked are judged when they are dropped, and so not here.
	field.Validate = required("choose at least one: a join token without a role lets nobody in")
	fields, err := w.ask(ctx, field)
	if err != nil {
		return err
	}
	if err := w.set(FlagAgentRoles, strings.Join(fields[0].Values, ",")); err != nil {
		return err
	}
	a := &w.answers.Setup.Agent
	if !a.Serves(spec.RoleApp) {
		a.Apps = nil
	}
	if !a.NeedsDatabases() {
		a.Databases = nil
	}
	if !a.NeedsKubeName() {
		a.KubeName = ""
	}
	return nil
}

// askServed asks what is behind each role that was chosen, on one page.
func (w *Wizard) askServed(ctx context.Context) error {
	a := w.answers.Setup.Agent
	var fields []prompt.Field
	ask := func(flag, hint, missing string) {
		field := w.field(flag, prompt.Text)
		field.Title += " (" + hint + ")"
		if missing != "" {
			field.Validate = both(required(missing), field.Validate)
		}
		fields = append(fields, field)
	}
	if a.Serves(spec.RoleApp) {
		hint, missing := "NAME=URI, several with semicolons", "name at least one application"
		if !a.NeedsApps() {
			hint, missing = hint+"; empty is those that Discovery finds", ""
		}
		ask(FlagAgentApp, hint, missing)
	}
	if a.NeedsDatabases() {
		ask(FlagAgentDatabase, "NAME=PROTOCOL=URI, several with semicolons", "name at least one database")
	}
	if a.NeedsKubeName() {
		ask(FlagAgentKubeName, "as people will see it", "it needs a name")
	}
	ask(FlagAgentLabels, "key=value, several with commas; empty is none", "")
	fields, err := w.ask(ctx, fields...)
	for _, field := range fields {
		if field.Validate != nil && field.Validate(field.Value) != nil {
			// What was typed on the way back need not be whole.
			continue
		}
		err = errors.Join(err, w.set(field.Key, field.Value))
	}
	return err
}

// served tells that flags have said all that the chosen roles need.
func (w *Wizard) served() bool {
	a := w.answers.Setup.Agent
	return (w.Given(FlagAgentApp) || !a.Serves(spec.RoleApp)) && (w.Given(FlagAgentDatabase) || !a.NeedsDatabases()) &&
		(w.Given(FlagAgentKubeName) || !a.NeedsKubeName()) && len(a.Roles) > 0
}

// asks tells that the roles that were chosen have a use for an answer.
func (w *Wizard) asks(flag string) bool {
	a := w.answers.Setup.Agent
	switch flag {
	case FlagAgentApp:
		return a.Serves(spec.RoleApp)
	case FlagAgentDatabase:
		return a.NeedsDatabases()
	case FlagAgentKubeName:
		return a.NeedsKubeName()
	}
	return true
}

// refuseInCluster says why in_cluster cannot be chosen for this Teleport cluster; empty is that it can.
func (w *Wizard) refuseInCluster() string {
	if w.answers.Setup.Teleport.OnCloud() {
		return spec.NoInClusterOnCloud
	}
	return ""
}

// applyNote says what applying comes to.
func (w *Wizard) applyNote() string {
	if w.isAgent() {
		return fmt.Sprintf("prove the join; running release %s is Helm's", w.answers.Setup.Release())
	}
	return "prove the join, then start tbot"
}
