package wizard

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tbotctl/tbotctl/internal/prompt"
	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/internal/ui"
)

func (w *Wizard) askAccess(ctx context.Context) error {
	field := w.field(FlagAccess, prompt.One)
	field.Choices = []prompt.Choice{
		{Value: string(spec.AccessIdentity), Label: "identity", Note: "credentials in a Secret, for tsh, tctl, ssh and Teleport's API"},
		{Value: string(spec.AccessKubernetes), Label: "kubernetes", Note: "kubeconfigs for clusters that are enrolled in Teleport"},
		{Value: string(spec.AccessArgoCD), Label: "argocd", Note: "the same clusters for Argo CD, as its cluster Secrets", Refused: w.noArgoCD},
		{Value: string(spec.AccessNone), Label: "none", Note: "join only, write nothing"},
	}
	fields, err := w.ask(ctx, field)
	if err != nil {
		return err
	}
	err = w.set(FlagAccess, fields[0].Value)
	w.shelve()
	return err
}

// shelve puts away what no other purpose has a use for, and brings it back to whoever returns to that purpose.
func (w *Wizard) shelve() {
	reach := &w.answers.Setup.Reach
	switch given := reach.Selects() || reach.Impersonates(); {
	case !w.reachesClusters() && given:
		w.shelved, *reach = *reach, spec.Reach{}
	case w.reachesClusters() && !given:
		*reach = w.shelved
	}
	w.shelveArgoCD()
}

// askRoles lists the cluster's roles. An output without a role is no way on, but for the one that tbotctl makes.
func (w *Wizard) askRoles(ctx context.Context) error {
	made := w.answers.Setup.Names().KubeRole
	if made != "" {
		w.Speaker.Say(fmt.Sprintf("tbotctl makes Teleport role %s, which grants what you chose for the clusters; it needs no other one.", made))
		// The bot has it already where it was made by an earlier run.
		w.answers.Setup.Teleport.Roles = without(w.answers.Setup.Teleport.Roles, made)
	}
	roles, err := w.listRoles(ctx, made)
	if err != nil {
		return err
	}
	field := w.field(FlagRoles, prompt.Text)
	field.Title += " (names separated by commas)"
	if len(roles) > 0 {
		field = w.field(FlagRoles, prompt.Many)
		field.Values = w.answers.Setup.Teleport.Roles
		for _, role := range roles {
			if role.Name == made {
				continue
			}
			field.Choices = append(field.Choices, prompt.Choice{Value: role.Name, Label: role.Name, Note: role.Description})
		}
		// A role that was typed and does not exist is shown, for nothing that was answered is lost; the check says the rest.
		for _, name := range field.Values {
			if !slices.ContainsFunc(roles, func(role Role) bool { return role.Name == name }) {
				field.Choices = append(field.Choices, prompt.Choice{Value: name, Label: name, Note: "does not exist"})
			}
		}
	}
	if made == "" {
		field.Validate = both(required("choose at least one role: an output without a role fails"), field.Validate)
	}
	if w.forArgoCD() {
		fields, err := w.ask(ctx, field)
		return errors.Join(err, w.set(FlagRoles, chosenRoles(fields[0])))
	}
	secret := w.field(FlagOutputSecret, prompt.Text)
	secret.Value = w.answers.Setup.Names().OutputSecret
	secret.Validate = both(required("it needs a name"), secret.Validate)
	fields, err := w.ask(ctx, field, secret)
	// Also on the way back: what was typed is kept.
	return errors.Join(err, w.set(FlagRoles, chosenRoles(fields[0])), w.set(FlagOutputSecret, fields[1].Value))
}

func chosenRoles(field prompt.Field) string {
	if field.Kind == prompt.Many {
		return strings.Join(field.Values, ",")
	}
	return field.Value
}

// fillsInHeld tells whether the roles of a bot that is there have to be looked at: access to clusters is given in addition to them. They
// are filled in once for each bot.
func (w *Wizard) fillsInHeld() bool {
	return w.answers.Setup.ReachesClusters() && !w.Given(FlagRoles) && w.answers.RolesOf != w.answers.Setup.Names().Bot
}

// fillInHeld fills in the roles that the bot has, beside the one that tbotctl makes; those that a person takes the mark from it loses.
func (w *Wizard) fillInHeld(bots []Bot, made string) {
	name := w.answers.Setup.Names().Bot
	w.answers.RolesOf = name
	held := without(surroundings{bots: bots}.rolesOf(name), made)
	if len(held) == 0 {
		return
	}
	w.Speaker.Say("Bot " + ui.Clean(name) + " has these roles already, and loses those that you take the mark from: " + ui.Clean(strings.Join(held, ", ")) + ".")
	chosen := &w.answers.Setup.Teleport.Roles
	for _, role := range held {
		if !slices.Contains(*chosen, role) {
			*chosen = append(slices.Clone(*chosen), role)
		}
	}
}

func without(names []string, name string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(n string) bool { return n == name })
}

func (w *Wizard) listRoles(ctx context.Context, made string) ([]Role, error) {
	if w.answers.NoTeleport {
		w.Speaker.Say("Without a login the roles cannot be listed; ask whoever does the Teleport side for their names.")
		return nil, nil
	}
	var (
		roles  []Role
		bots   []Bot
		unseen error
	)
	fills := w.fillsInHeld()
	err := w.work(ctx, "Listing the cluster's roles, for up to 20 s", func(ctx context.Context) (err error) {
		if fills {
			bots, unseen = w.Teleport.Bots(ctx)
		}
		roles, err = w.Teleport.Roles(ctx)
		return err
	})
	switch {
	case errors.Is(err, prompt.ErrCancelled):
		return nil, err
	case fills && unseen != nil:
		w.answers.RolesOf = ""
		w.Speaker.Warn("whether the bot has roles already could not be looked at; it keeps those that it has: " + unseen.Error())
	case fills:
		w.fillInHeld(bots, made)
	}
	if err != nil {
		w.Speaker.Warn("the roles could not be listed, so type their names: " + err.Error())
		return nil, nil
	}
	return roles, nil
}
