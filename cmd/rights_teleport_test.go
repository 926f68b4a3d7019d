package cmd_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gravitational/teleport/api/types"
	"github.com/gravitational/trace"
	"sigs.k8s.io/yaml"

	"github.com/tbotctl/tbotctl/internal/teleporttest"
	"github.com/tbotctl/tbotctl/internal/testkit"
)

// verbOn is one verb on one kind.
type verbOn struct{ verb, kind string }

func (v verbOn) String() string { return v.verb + " " + v.kind }

func leastVerbs() []verbOn {
	var all []verbOn
	for _, kind := range []string{types.KindBot, types.KindToken} {
		for _, verb := range []string{types.VerbRead, types.VerbCreate, types.VerbUpdate} {
			all = append(all, verbOn{verb, kind})
		}
	}
	return all
}

// teleportUser makes a user with just these rights, and gives the identity file.
func (b *bench) teleportUser(t *testing.T, user string, verbs []verbOn, more ...string) (identity string) {
	t.Helper()
	role := &types.RoleV6{Metadata: types.Metadata{Name: user}}
	for _, v := range verbs {
		role.Spec.Allow.Rules = append(role.Spec.Allow.Rules, types.NewRule(v.kind, []string{v.verb}))
	}
	b.teleport.AddRole(role)
	b.teleport.AddUser(user, append(more, user)...)
	return b.identity(t, user)
}

// identity logs the user in anew: a login carries the roles of its time.
func (b *bench) identity(t *testing.T, user string) (path string) {
	t.Helper()
	content, err := b.teleport.IdentityFile(user, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	b.write(t, user, content)
	return b.path(user)
}

// TestLeastTeleportRights holds that init runs through with six verbs, and that to lack any one of them is said before anything is
// written on either side; and that the role of the fix grants it.
func TestLeastTeleportRights(t *testing.T) {
	t.Parallel()
	least := leastVerbs()
	for i, dropped := range least {
		t.Run("without "+dropped.String(), func(t *testing.T) {
			t.Parallel()
			b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
			user := "without-" + dropped.verb + "-" + dropped.kind
			identity := b.teleportUser(t, user, slices.Delete(slices.Clone(least), i, i+1))
			b.teleport.Reset()
			args := b.initArgs("--identity", identity, "--no-wait", "-o", "json")
			got := b.run(t, args...)
			got.want(t, 3, "TBC602", "nothing was applied")
			finding := got.finding(t, "TBC602")
			if finding.Status != "fail" || finding.Observed != user+" may not: "+dropped.String() {
				t.Errorf("finding %+v, want exactly %q to be missing", finding, dropped)
			}
			b.nothingWritten(t)

			b.teleport.AddRole(roleOf(t, finding.Fix))
			b.teleport.AddUser(user, user, "tbotctl-init")
			b.identity(t, user)
			b.run(t, args...).want(t, 0)
		})
	}
	t.Run("all", func(t *testing.T) {
		t.Parallel()
		b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
		got := b.run(t, b.initArgs("--identity", b.teleportUser(t, "least", least), "--no-wait", "-o", "json")...)
		got.want(t, 0)
		want := "least may: read, create, update bot; read, create, update token; read role would show more"
		if finding := got.finding(t, "TBC602"); finding.Status != "pass" || finding.Observed != want {
			t.Errorf("finding %+v, want %q", finding, want)
		}
	})
}

// roleOf reads the role in a fix as tctl would.
func roleOf(t *testing.T, fix string) *types.RoleV6 {
	t.Helper()
	_, rest, _ := strings.Cut(fix, "echo '")
	text, _, found := strings.Cut(rest, "' | tctl create")
	if !found {
		t.Fatalf("no role in the fix: %s", fix)
	}
	role := new(types.RoleV6)
	if err := yaml.UnmarshalStrict([]byte(text), role); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return role
}

// TestDeniedTeleportRights holds that a deny rule is named, and that no role is made up against it.
func TestDeniedTeleportRights(t *testing.T) {
	t.Parallel()
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
	b.teleport.AddRole(&types.RoleV6{
		Metadata: types.Metadata{Name: "no-bots"},
		Spec:     types.RoleSpecV6{Deny: types.RoleConditions{Rules: []types.Rule{types.NewRule(types.KindBot, []string{types.Wildcard})}}},
	})
	b.teleport.AddUser("ann", "editor", "no-bots")
	identity := b.identity(t, "ann")
	b.teleport.Reset()
	got := b.run(t, b.initArgs("--identity", identity, "-o", "json")...)
	got.want(t, 3, "TBC602")
	finding := got.finding(t, "TBC602")
	if finding.Observed != "ann may not: read, create, update bot" || !strings.Contains(finding.Fix, "role no-bots denies it") || strings.Contains(finding.Fix, "tctl") {
		t.Errorf("finding %+v", finding)
	}
	b.nothingWritten(t)
}

// TestUnknownTeleportRights holds that what cannot be known ahead is said and stops nothing: the join that is proven afterwards
// settles it, and without a proof it stays unknown.
func TestUnknownTeleportRights(t *testing.T) {
	t.Parallel()
	unread := func(_ context.Context, r teleporttest.Request) error {
		if r.Method == "/proto.AuthService/GetCurrentUserRoles" {
			return trace.NotImplemented("unknown method GetCurrentUserRoles")
		}
		return nil
	}
	for name, row := range map[string]struct {
		options teleporttest.Options
		args    []string
		code    int
		status  string
		says    string
	}{
		"a condition":                          {teleporttest.Options{}, nil, 0, "skip", "role unless denies it under a condition (where)"},
		"a condition, and no proof":            {teleporttest.Options{}, []string{"--prove", "never"}, 5, "unknown", "role unless denies it under a condition (where)"},
		"a server that does not say":           {teleporttest.Options{Before: unread}, nil, 0, "skip", "reading the roles of the login"},
		"an old server that does not say":      {teleporttest.Options{Before: unread, Version: "16.4.0"}, nil, 0, "skip", "reading the roles of the login"},
		"a server that does not say, unproven": {teleporttest.Options{Before: unread}, []string{"--prove", "never"}, 5, "unknown", "unknown method"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, testkit.SelfManaged, row.options)
			b.teleport.AddRole(&types.RoleV6{
				Metadata: types.Metadata{Name: "unless"},
				Spec: types.RoleSpecV6{Deny: types.RoleConditions{Rules: []types.Rule{{
					Resources: []string{types.KindToken}, Verbs: []string{types.VerbUpdate}, Where: `equals(resource.metadata.name, "nobodys")`,
				}}}},
			})
			b.teleport.AddUser("ann", "editor", "unless")
			got := b.run(t, b.initArgs(append(row.args, "--identity", b.identity(t, "ann"), "--no-wait", "-o", "json")...)...)
			got.want(t, row.code)
			if finding := got.finding(t, "TBC602"); finding.Status != row.status || !strings.Contains(finding.Observed, row.says) {
				t.Errorf("finding %+v, want %s with %q", finding, row.status, row.says)
			}
		})
	}
}
