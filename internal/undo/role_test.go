package undo_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/gravitational/teleport/api/types"

	"github.com/tbotctl/tbotctl/internal/apply"
	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/internal/undo"
)

const roleName = "tbot-1a2b3c4d-kubernetes"

// reaching is a site with the role that init makes for access kubernetes.
func reaching(t *testing.T, mark string) *site {
	t.Helper()
	at := installed(t)
	at.roles[roleName] = &types.RoleV6{Metadata: types.Metadata{Name: roleName, Labels: map[string]string{spec.MarkInstall: mark}}}
	bot := at.bots["tbot-1a2b3c4d"]
	bot.Spec.Roles = append(bot.Spec.Roles, roleName)
	return at
}

// The role goes after the bot that has it, although the one who deletes does not say what the bot was for.
func TestRoleGoesAfterTheBot(t *testing.T) {
	t.Parallel()
	at := reaching(t, setup().InstallID())
	var events []apply.Event
	items, err := at.runner(&events).Run(t.Context(), at.look(t, false))
	if err != nil {
		t.Fatal(err)
	}
	bot, role := slices.Index(at.deleted, "bot tbot-1a2b3c4d"), slices.Index(at.deleted, "role "+roleName)
	if bot < 0 || role != bot+1 || len(at.roles) != 0 {
		t.Errorf("deleted %v", at.deleted)
	}
	if left := (undo.Inventory{Items: items}).Of(undo.Remove); len(left) != 0 {
		t.Errorf("left %v", ids(left))
	}
}

func TestRoleThatABrokenRunLeftIsFound(t *testing.T) {
	t.Parallel()
	at := reaching(t, setup().InstallID())
	at.bots = nil
	if got := item(t, at.look(t, false), "role"); got.Fate != undo.Remove || got.Name != roleName {
		t.Errorf("%+v", got)
	}
}

func TestRoleOfSomebodyElseStays(t *testing.T) {
	t.Parallel()
	at := reaching(t, "another/installation")
	if got := item(t, at.look(t, false), "role"); got.Fate != undo.Keep || !strings.Contains(got.Reason, "another/installation") {
		t.Errorf("held by the bot: %+v", got)
	}
	at.bots["tbot-1a2b3c4d"].Spec.Roles = nil
	if found := at.look(t, false); strings.Contains(strings.Join(ids(found.Items), " "), "role ") {
		t.Errorf("not held by the bot, and none of our business: %v", ids(found.Items))
	}
	at = reaching(t, setup().InstallID())
	found := at.look(t, false)
	at.roles[roleName].Metadata.Labels[spec.MarkInstall] = "another/installation"
	var events []apply.Event
	if _, err := at.runner(&events).Run(t.Context(), found); !errors.Is(err, undo.ErrChangedHands) || len(at.roles) != 1 {
		t.Errorf("changed hands: error %v, roles %v", err, at.roles)
	}
}

func TestRoleThatMayNotBeRead(t *testing.T) {
	t.Parallel()
	at := reaching(t, setup().InstallID())
	at.fails["Role"] = errBroken
	if _, err := undo.Look(t.Context(), undo.Target{Setup: setup()}, at, at); !errors.Is(err, errBroken) {
		t.Errorf("a role that the bot has: error %v, want the server's", err)
	}
	at = installed(t)
	at.fails["Role"] = errBroken
	found := at.look(t, false)
	if len(found.Unknown) != 1 || !strings.Contains(found.Unknown[0], "a role of this installation") {
		t.Errorf("a bot without it: unknown %v", found.Unknown)
	}
}

func TestRunStopsAtTheRole(t *testing.T) {
	t.Parallel()
	at := reaching(t, setup().InstallID())
	found := at.look(t, false)
	at.fails["DeleteRole"] = errBroken
	var events []apply.Event
	items, err := at.runner(&events).Run(t.Context(), found)
	if left := (undo.Inventory{Items: items}).Of(undo.Remove); !errors.Is(err, errBroken) || !slices.Equal(ids(left), []string{"role " + roleName, "Namespace machines"}) {
		t.Errorf("error %v, left %v", err, ids(left))
	}
}
