package teleport_test

import (
	"context"
	"strings"
	"testing"

	"github.com/gravitational/teleport/api/types"
	"github.com/gravitational/trace"

	"github.com/tbotctl/tbotctl/internal/teleport"
	"github.com/tbotctl/tbotctl/internal/teleporttest"
)

// roleWith has the allow and deny rules.
func roleWith(name string, allow, deny []types.Rule) *types.RoleV6 {
	return &types.RoleV6{
		Metadata: types.Metadata{Name: name},
		Spec:     types.RoleSpecV6{Allow: types.RoleConditions{Rules: allow}, Deny: types.RoleConditions{Rules: deny}},
	}
}

func rule(where string, kind string, verbs ...string) types.Rule {
	r := types.NewRule(kind, verbs)
	r.Where = where
	return r
}

// TestRights holds what is read from the roles to what the Auth Service does with the call itself.
func TestRights(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"18.2.0", "16.4.7"} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			c := teleporttest.New(t, teleporttest.Options{Version: version})
			c.AddRole(
				roleWith("bots", []types.Rule{rule("", types.KindBot, types.VerbRead, types.VerbCreate)}, nil),
				roleWith("bot-verbs", []types.Rule{rule("", types.KindBot, types.Wildcard)}, nil),
				roleWith("everything", []types.Rule{rule("", types.Wildcard, types.Wildcard)}, nil),
				roleWith("no-bots", nil, []types.Rule{rule("", types.KindBot, types.VerbCreate)}),
				roleWith("nothing", nil, []types.Rule{rule("", types.Wildcard, types.Wildcard)}),
			)
			for name, row := range map[string]struct {
				roles  []string
				want   bool
				reason string
			}{
				"the preset":                      {roles: []string{"access", "editor"}, want: true},
				"no role that allows":             {roles: []string{"access"}},
				"the verb":                        {roles: []string{"bots"}, want: true},
				"all verbs":                       {roles: []string{"bot-verbs"}, want: true},
				"all kinds":                       {roles: []string{"everything"}, want: true},
				"denied by another role":          {roles: []string{"bots", "no-bots"}, reason: "role no-bots denies it"},
				"all is denied":                   {roles: []string{"everything", "nothing"}, reason: "role nothing denies it"},
				"denied by the first, all in all": {roles: []string{"nothing", "everything", "bots"}, reason: "role nothing denies it"},
			} {
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					user := "user-" + strings.Map(onlyLetters, name)
					c.AddUser(user, row.roles...)
					client := clientAs(t, c, user)
					rights, err := client.Rights(t.Context())
					if err != nil {
						t.Fatal(err)
					}
					if got := rights.May(types.KindBot, types.VerbCreate); got.Err != nil || got.Allowed != row.want || got.Reason != row.reason {
						t.Errorf("may create a bot: %+v, want %v %q", got, row.want, row.reason)
					}
					if err := client.CreateBot(t.Context(), bot(user)); (err == nil) != row.want || err != nil && !teleport.Is(err, teleport.Denied) {
						t.Errorf("creating a bot: %v, want allowed %v", err, row.want)
					}
				})
			}
		})
	}
}

func onlyLetters(r rune) rune {
	if r < 'a' || r > 'z' {
		return -1
	}
	return r
}

// TestRightsUnderACondition holds that a rule with a `where` is neither a yes nor a no, unless another rule decides.
func TestRightsUnderACondition(t *testing.T) {
	t.Parallel()
	const where = `equals(resource.metadata.labels["team"], "machines")`
	c := teleporttest.New(t, teleporttest.Options{})
	c.AddRole(
		roleWith("conditional", []types.Rule{rule(where, types.KindToken, types.VerbCreate)}, nil),
		roleWith("plainly", []types.Rule{rule("", types.KindToken, types.VerbCreate)}, nil),
		roleWith("unless", nil, []types.Rule{rule(where, types.KindToken, types.VerbCreate)}),
		roleWith("never", nil, []types.Rule{rule("", types.KindToken, types.VerbCreate)}),
	)
	for name, row := range map[string]struct {
		roles   []string
		want    bool
		unknown string
	}{
		"allowed under a condition":                 {roles: []string{"conditional"}, unknown: "role conditional allows it under a condition"},
		"also allowed without":                      {roles: []string{"conditional", "plainly"}, want: true},
		"allowed, but denied under one":             {roles: []string{"plainly", "unless"}, unknown: "role unless denies it under a condition"},
		"denied under one, and not allowed at all":  {roles: []string{"unless"}},
		"denied in any case":                        {roles: []string{"conditional", "plainly", "unless", "never"}},
		"both sides hang on one":                    {roles: []string{"conditional", "unless"}, unknown: "role unless denies it under a condition"},
		"the condition is about another kind alone": {roles: []string{"access"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			user := "user-" + strings.Map(onlyLetters, name)
			c.AddUser(user, row.roles...)
			rights, err := clientAs(t, c, user).Rights(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			got := rights.May(types.KindToken, types.VerbCreate)
			switch {
			case row.unknown == "" && (got.Err != nil || got.Allowed != row.want):
				t.Errorf("%+v, want %v", got, row.want)
			case row.unknown != "" && (got.Err == nil || got.Allowed || !strings.Contains(got.Err.Error(), row.unknown)):
				t.Errorf("%+v, want unknown because %s", got, row.unknown)
			}
		})
	}
}

// TestRightsThatCannotBeRead holds that a server that does not tell its roles is an error and not a lack of rights.
func TestRightsThatCannotBeRead(t *testing.T) {
	t.Parallel()
	c := teleporttest.New(t, teleporttest.Options{Before: func(_ context.Context, r teleporttest.Request) error {
		if r.Method == "/proto.AuthService/GetCurrentUserRoles" {
			return trace.NotImplemented("unknown method GetCurrentUserRoles")
		}
		return nil
	}})
	_, err := clientAs(t, c, "admin").Rights(t.Context())
	wantError(t, err, teleport.Unsupported, "reading the roles of the login", "unknown method GetCurrentUserRoles")
}
