package wizard

import (
	"context"
	"errors"
	"slices"

	"github.com/tbotctl/tbotctl/internal/prompt"
	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/internal/ui"
)

// Who the bot can be in the clusters.
const (
	asGroups = "groups"
	asUsers  = "users"
	asRoles  = "roles"
	asAnyone = "anyone"
)

// askWho has chosen as whom the bot acts: as groups or users, for which tbotctl makes the Teleport role, or as roles that are there say.
func (w *Wizard) askWho(ctx context.Context) error {
	if len(w.answers.Setup.Reach.Clusters) > 0 && w.clusters == nil {
		if err := w.lookAtClusters(ctx); err != nil {
			return err
		}
	}
	field := w.field(FlagKubeGroups, prompt.One)
	field.Title, field.Validate, field.Choices = "As whom does the bot act there?", nil, w.whos()
	switch reach := w.answers.Setup.Reach; {
	case field.Choices[0].Refused != "", (w.byRoles || w.rolesGiven()) && !w.answers.Setup.MakesRole():
		field.Value = asRoles
	case w.answers.Setup.Impersonates():
		field.Value = asAnyone
	case len(reach.Users) > 0 && len(reach.Groups) == 0:
		field.Value = asUsers
	default:
		field.Value = asGroups
	}
	for {
		fields, err := w.ask(ctx, field)
		if err != nil {
			return err
		}
		field.Value = fields[0].Value
		w.byRoles = field.Value == asRoles
		if w.byRoles {
			w.leaveToRoles()
			return nil
		}
		name := func(ctx context.Context) error { return w.nameThem(ctx, field.Value) }
		if field.Value == asAnyone {
			name = w.letImpersonate
		}
		if err := name(ctx); !errors.Is(err, prompt.ErrBack) {
			return err
		}
	}
}

// rolesGiven tells that roles were given for this very purpose, and so grant what it takes. A binding that was described beside them is for
// groups or users, who are asked for.
func (w *Wizard) rolesGiven() bool {
	if w.answers.Setup.ValidateBinding() != nil {
		return false
	}
	return w.Given(FlagRoles) && w.Given(FlagAccess) && len(w.answers.Setup.Teleport.Roles) > 0
}

func (w *Wizard) whos() []prompt.Choice {
	refused := w.noRoleFor()
	whos := []prompt.Choice{
		{Value: asGroups, Label: "as Kubernetes groups", Note: "recommended; tbotctl makes the Teleport role", Refused: refused},
		{Value: asUsers, Label: "as Kubernetes users", Note: "for rules by user name; tbotctl makes the role", Refused: refused},
		{Value: asRoles, Label: "as Teleport roles say", Note: "roles that are there, chosen next; nothing bound"},
	}
	if w.forArgoCD() {
		whos = slices.Insert(whos, 2, prompt.Choice{Value: asAnyone, Label: "as whomever Argo CD names", Note: "its impersonation, a user for each project", Refused: refused})
	}
	return whos
}

// noRoleFor says why no role can be made for the clusters that are named: a role knows clusters by their labels alone. Empty is that
// one can.
func (w *Wizard) noRoleFor() string {
	for _, name := range w.answers.Setup.Reach.Clusters {
		switch cluster := w.cluster(name); {
		case w.clusters == nil:
			return "a role picks clusters by their labels, and those of " + ui.Clean(name) + " could not be looked up"
		case cluster == nil:
			return ui.Clean(name) + " is not enrolled, as far as this login sees"
		case !tellable(*cluster):
			return "a role picks clusters by their labels, and " + ui.Clean(name) + " has none"
		}
	}
	return ""
}

// tellable reports whether a cluster has a label by which a role can tell it from others.
func tellable(cluster spec.ResolvedCluster) bool {
	for key, value := range cluster.Labels {
		if spec.PlainLabel(key, value) {
			return true
		}
	}
	return false
}

// leaveToRoles takes back what only a role of tbotctl's own would hold.
func (w *Wizard) leaveToRoles() {
	reach := &w.answers.Setup.Reach
	reach.Groups, reach.Users, reach.ClusterRole, reach.Namespace, reach.Contexts = nil, nil, "", "", nil
	w.answers.Setup.ArgoCD.Impersonation = false
}

// nameThem asks for groups or users; those of the other kind are given up with it.
func (w *Wizard) nameThem(ctx context.Context, kind string) (err error) {
	reach := &w.answers.Setup.Reach
	before, flag, needed := *reach, FlagKubeGroups, "give at least one group"
	impersonation := &w.answers.Setup.ArgoCD.Impersonation
	anyone := *impersonation
	*impersonation = false
	// Nobody is judged beside those that are about to be replaced.
	if kind == asGroups {
		reach.Users = nil
	} else {
		reach.Groups, flag, needed = nil, FlagKubeUsers, "give at least one user"
	}
	defer func() {
		if err != nil {
			*reach, *impersonation = before, anyone
		}
	}()
	field := w.field(flag, prompt.Text)
	field.Title += " (names separated by commas)"
	if field.Value == "" && kind == asGroups {
		field.Value = w.answers.Setup.Names().Bot
	}
	field.Validate = both(required(needed), field.Validate)
	for {
		fields, err := w.askWithin(ctx, field)
		if err != nil {
			return err
		}
		field.Value = fields[0].Value
		if err := w.set(flag, field.Value); err != nil || !reach.AsAnyone() {
			return err
		}
		if err := w.sure(ctx, flag, spec.AnyUserMeans); !errors.Is(err, prompt.ErrBack) {
			return err
		}
	}
}

// anotherRole is the way to a ClusterRole that is not listed.
const anotherRole = "another"

// askRights has chosen what is bound to the groups or users, and where; the least comes first.
func (w *Wizard) askRights(ctx context.Context) error {
	reach := &w.answers.Setup.Reach
	role := w.field(FlagClusterRole, prompt.One)
	role.Validate = nil
	role.Choices = []prompt.Choice{
		{Value: spec.DefaultClusterRole, Label: spec.DefaultClusterRole, Note: "the least: reads most things, neither Secrets nor RBAC"},
		{Value: "edit", Label: "edit", Note: "changes, Secrets, pods as any service account"},
		{Value: anotherRole, Label: "another ClusterRole", Note: "typed; what it allows is up to each cluster"},
	}
	role.Value = reach.BoundRole()
	if role.Value != spec.DefaultClusterRole && role.Value != "edit" {
		role.Value = anotherRole
	}
	where := w.field(FlagTargetNamespace, prompt.Text)
	where.Title += " (empty is all)"
	for {
		fields, err := w.ask(ctx, role, where)
		role.Value, where.Value = fields[0].Value, fields[1].Value
		if role.Value != anotherRole {
			// Also on the way back: what was chosen is kept.
			return errors.Join(err, w.set(FlagClusterRole, role.Value), w.set(FlagTargetNamespace, where.Value))
		}
		if err := errors.Join(err, w.set(FlagTargetNamespace, where.Value)); err != nil {
			return err
		}
		if err := w.typeClusterRole(ctx); !errors.Is(err, prompt.ErrBack) {
			return err
		}
	}
}

// typeClusterRole asks for a name, and for a yes to the one that allows everything.
func (w *Wizard) typeClusterRole(ctx context.Context) error {
	field := w.field(FlagClusterRole, prompt.Text)
	field.Title = "Which ClusterRole?"
	if field.Value == spec.DefaultClusterRole || field.Value == "edit" {
		field.Value = ""
	}
	field.Validate = both(required("it has a name, such as `kubectl get clusterroles` shows"), field.Validate)
	for {
		fields, err := w.askWithin(ctx, field)
		if err != nil {
			return err
		}
		field.Value = fields[0].Value
		if field.Value == "cluster-admin" {
			err = w.sure(ctx, FlagClusterRole, spec.EveryRightMeans)
		}
		switch {
		case err == nil:
			return w.set(FlagClusterRole, field.Value)
		case !errors.Is(err, prompt.ErrBack):
			return err
		}
	}
}
