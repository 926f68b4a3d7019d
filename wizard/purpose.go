package wizard

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/tbotctl/tbotctl/internal/prompt"
	"github.com/tbotctl/tbotctl/internal/spec"
)

func (w *Wizard) askAccess(ctx context.Context) error {
	field := w.field(FlagAccess, prompt.One)
	field.Choices = []prompt.Choice{
		{Value: string(spec.AccessIdentity), Label: "identity", Note: "credentials in a Secret, for tsh, tctl, ssh and Teleport's API"},
		{Value: string(spec.AccessNone), Label: "none", Note: "join only, write nothing"},
	}
	fields, err := w.ask(ctx, field)
	if err != nil {
		return err
	}
	return w.set(FlagAccess, fields[0].Value)
}

// askRoles lists the cluster's roles. An output without a role is no way on.
func (w *Wizard) askRoles(ctx context.Context) error {
	roles, err := w.listRoles(ctx)
	if err != nil {
		return err
	}
	needed := required("choose at least one role: an output without a role fails")
	field := w.field(FlagRoles, prompt.Text)
	field.Title += " (names separated by commas)"
	if len(roles) > 0 {
		field = w.field(FlagRoles, prompt.Many)
		field.Values = w.answers.Setup.Teleport.Roles
		for _, role := range roles {
			field.Choices = append(field.Choices, prompt.Choice{Value: role.Name, Label: role.Name, Note: role.Description})
		}
		// A role that was typed and does not exist is shown, for nothing that was answered is lost; the check says the rest.
		for _, name := range field.Values {
			if !slices.ContainsFunc(roles, func(role Role) bool { return role.Name == name }) {
				field.Choices = append(field.Choices, prompt.Choice{Value: name, Label: name, Note: "does not exist"})
			}
		}
	}
	field.Validate = both(needed, field.Validate)
	secret := w.field(FlagOutputSecret, prompt.Text)
	secret.Value = w.answers.Setup.Names().OutputSecret
	secret.Validate = both(required("it needs a name"), secret.Validate)
	fields, err := w.ask(ctx, field, secret)
	chosen := fields[0].Value
	if fields[0].Kind == prompt.Many {
		chosen = strings.Join(fields[0].Values, ",")
	}
	// Also on the way back: what was typed is kept.
	return errors.Join(err, w.set(FlagRoles, chosen), w.set(FlagOutputSecret, fields[1].Value))
}

func (w *Wizard) listRoles(ctx context.Context) ([]Role, error) {
	if w.answers.NoTeleport {
		w.Speaker.Say("Without a login the roles cannot be listed; ask whoever does the Teleport side for their names.")
		return nil, nil
	}
	var roles []Role
	err := w.work(ctx, "Listing the cluster's roles, for up to 20 s", func(ctx context.Context) (err error) {
		roles, err = w.Teleport.Roles(ctx)
		return err
	})
	if err != nil && !errors.Is(err, prompt.ErrCancelled) {
		w.Speaker.Warn("the roles could not be listed, so type their names: " + err.Error())
		return nil, nil
	}
	return roles, err
}
