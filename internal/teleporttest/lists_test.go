package teleporttest_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/gravitational/teleport/api/client"
	"github.com/gravitational/teleport/api/client/proto"
	machineidv1 "github.com/gravitational/teleport/api/gen/proto/go/teleport/machineid/v1"
	"github.com/gravitational/teleport/api/types"
	"github.com/gravitational/trace"

	"github.com/tbotctl/tbotctl/internal/teleporttest"
)

// lists are the calls that list resources, by what they list.
func lists() map[string]func(context.Context, *client.Client) error {
	return map[string]func(context.Context, *client.Client) error{
		"ListRoles": func(ctx context.Context, c *client.Client) error {
			_, err := c.ListRoles(ctx, &proto.ListRolesRequest{})
			return err
		},
		"ListProvisionTokens": func(ctx context.Context, c *client.Client) error {
			_, _, err := c.ListProvisionTokens(ctx, 0, "", nil, "")
			return err
		},
		"GetTokens": func(ctx context.Context, c *client.Client) error {
			_, err := c.GetTokens(ctx)
			return err
		},
		"ListBots": func(ctx context.Context, c *client.Client) error {
			_, err := c.BotServiceClient().ListBots(ctx, &machineidv1.ListBotsRequest{})
			return err
		},
	}
}

// TestListsNeedRights: all that is missing is said at once, as recorded for other calls (recordings/auth-calls.json).
func TestListsNeedRights(t *testing.T) {
	t.Parallel()
	both := func(kind string) string {
		return fmt.Sprintf("access denied to perform action %q on %q, access denied to perform action %q on %q", "list", kind, "read", kind)
	}
	c := teleporttest.New(t, teleporttest.Options{})
	c.AddRole(&types.RoleV6{Metadata: types.Metadata{Name: "lister"}, Spec: types.RoleSpecV6{Allow: types.RoleConditions{Rules: []types.Rule{
		types.NewRule(types.KindRole, []string{types.VerbList}), types.NewRule(types.KindToken, []string{types.VerbRead}),
	}}}})
	c.AddUser("lister", "lister")
	plain, lister := clientAs(t, c, "plain"), clientAs(t, c, "lister")
	for name, want := range map[string][2]string{
		"ListRoles":           {both("role"), `access denied to perform action "read" on "role"`},
		"ListProvisionTokens": {both("token"), `access denied to perform action "list" on "token"`},
		"GetTokens":           {both("token"), `access denied to perform action "list" on "token"`},
		"ListBots":            {`access denied to perform action "list" on "bot"`, `access denied to perform action "list" on "bot"`},
	} {
		call := lists()[name]
		for i, c := range []*client.Client{plain, lister} {
			if err := call(withTimeout(t), c); !trace.IsAccessDenied(err) || err.Error() != want[i] {
				t.Errorf("%s:\ngot  %v\nwant %s", name, err, want[i])
			}
		}
	}
}

// TestListsAndMFA: tokens alone can be secrets (teleport-facts 5.4).
func TestListsAndMFA(t *testing.T) {
	t.Parallel()
	c := teleporttest.New(t, teleporttest.Options{AdminMFA: true})
	admin := clientAs(t, c, "admin")
	for name, call := range lists() {
		err := call(withTimeout(t), admin)
		if wanted := name == "ListProvisionTokens" || name == "GetTokens"; (err != nil) != wanted || err != nil && err.Error() != "admin-level API request requires MFA verification" {
			t.Errorf("%s: %v, want a touch: %v", name, err, wanted)
		}
	}
}

// TestListsOfOldServers: the calls with pages came within 16 (teleport-facts 4.7).
func TestListsOfOldServers(t *testing.T) {
	t.Parallel()
	c := teleporttest.New(t, teleporttest.Options{Version: recorded})
	admin := clientAs(t, c, "admin")
	for name, call := range lists() {
		err := call(withTimeout(t), admin)
		switch missing := name == "ListRoles" || name == "ListProvisionTokens"; {
		case missing && (!trace.IsNotImplemented(err) || err.Error() != "unknown method "+name+" for service proto.AuthService"):
			t.Errorf("%s: %v, want one that the server does not know", name, err)
		case !missing && err != nil:
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestRolesByPages: a page is no larger than asked for, and the pages hold every role once.
func TestRolesByPages(t *testing.T) {
	t.Parallel()
	c := teleporttest.New(t, teleporttest.Options{})
	for i := range 7 {
		c.AddRole(&types.RoleV6{Metadata: types.Metadata{Name: fmt.Sprintf("role-%d", i)}})
	}
	admin := clientAs(t, c, "admin")
	request := &proto.ListRolesRequest{Limit: 3}
	var names []string
	for {
		answer, err := admin.ListRoles(withTimeout(t), request)
		if err != nil {
			t.Fatal(err)
		}
		if len(answer.Roles) == 0 || len(answer.Roles) > 3 {
			t.Fatalf("a page of %d", len(answer.Roles))
		}
		for _, role := range answer.Roles {
			names = append(names, role.GetName())
		}
		if request.StartKey = answer.NextKey; request.StartKey == "" {
			break
		}
	}
	// The presets are access, auditor and editor.
	if len(names) != 10 || !slices.IsSorted(names) || len(slices.Compact(names)) != 10 {
		t.Errorf("roles %v, want ten, each once", names)
	}
	if _, err := admin.ListRoles(withTimeout(t), &proto.ListRolesRequest{StartKey: "elsewhere"}); !trace.IsBadParameter(err) {
		t.Errorf("a key of no page: %v", err)
	}
}
