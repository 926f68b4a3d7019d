package cmd_test

import (
	"context"
	"strings"
	"testing"

	"github.com/gravitational/teleport/api/types"
	"github.com/gravitational/trace"

	"github.com/tbotctl/tbotctl/internal/kube"
	"github.com/tbotctl/tbotctl/internal/teleporttest"
	"github.com/tbotctl/tbotctl/internal/testkit"
)

// onlooker are the rights at Teleport that a look at an installation takes.
func onlooker(more ...verbOn) []verbOn {
	return append([]verbOn{
		{types.VerbRead, types.KindBot},
		{types.VerbList, types.KindBot},
		{types.VerbRead, types.KindToken},
	}, more...)
}

// TestDeleteWithoutTeleportRights holds that to lack the right to delete bot or token is said before the first deletion, with the
// role that grants it; and that this role is enough.
func TestDeleteWithoutTeleportRights(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		may     []verbOn
		missing string
	}{
		"no right to delete":       {onlooker(), "delete token; delete bot"},
		"no right to delete bots":  {onlooker(verbOn{types.VerbDelete, types.KindToken}), "delete bot"},
		"no right to delete token": {onlooker(verbOn{types.VerbDelete, types.KindBot}), "delete token"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
			made := b.install(t)
			identity := b.teleportUser(t, "ann", row.may)
			args := b.deleteArgs("--identity", identity, "-o", "json")
			got := b.run(t, args...)
			got.want(t, 3, "these deletions are refused, so nothing was deleted:", "in Teleport ann may not: "+row.missing+"\n")
			b.allStands(t, made)

			role := roleOf(t, deleteOf(t, got).Error)
			if role.GetName() != "tbotctl-delete" {
				t.Errorf("the role is called %s", role.GetName())
			}
			b.teleport.AddRole(role)
			b.teleport.AddUser("ann", "ann", "tbotctl-delete")
			b.identity(t, "ann")
			b.run(t, args...).want(t, 0)
			b.nothingStands(t, made)
		})
	}
}

// TestDeleteWithoutRights holds that what is missing on both sides stands in one list, and that each of the two roles is enough.
func TestDeleteWithoutRights(t *testing.T) {
	t.Parallel()
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
	made := b.install(t)
	user := b.namespace + "-onlooker"
	var rights []right
	for _, resource := range []string{"pods", "configmaps", "secrets", "serviceaccounts"} {
		rights = append(rights, rightOn("", resource, "", "get", "list")...)
	}
	for _, resource := range []string{"roles", "rolebindings"} {
		rights = append(rights, rightOn("rbac.authorization.k8s.io", resource, "", "get", "list")...)
	}
	rights = append(rights, rightOn("apps", "deployments", "", "get", "list")...)
	rights = append(rights, rightOn("", "namespaces", "", "get")...)
	kubeconfig := b.userWith(t, user, rights)
	b.kubectl(t, "create", "clusterrole", user+"-uid", "--verb=get", "--resource=namespaces", "--resource-name=kube-system")
	b.kubectl(t, "create", "clusterrolebinding", user+"-uid", "--clusterrole="+user+"-uid", "--user="+user)
	b.waitFor(t, kubeconfig, kube.Access{Verb: "get", Resource: "namespaces", Namespace: "kube-system", Name: "kube-system"})
	args := b.deleteArgs("--kubeconfig", kubeconfig, "--context", b.plane.Flavour().String(), "--identity", b.teleportUser(t, "ann", onlooker()), "-o", "json")
	got := b.run(t, args...)
	got.want(t, 3, "these deletions are refused, so nothing was deleted:", `cannot delete resource "deployments"`, "in Teleport ann may not: delete token; delete bot")
	b.allStands(t, made)

	text := deleteOf(t, got).Error
	_, script, found := strings.Cut(text, "a cluster administrator grants it with: ")
	if !found {
		t.Fatalf("no command in the error: %s", text)
	}
	script, ofTeleport, _ := strings.Cut(script, "\n")
	b.asAdministrator(t, strings.NewReplacer("USER", user).Replace(script))
	b.waitFor(t, kubeconfig, kube.Access{Verb: "delete", Group: "apps", Resource: "deployments", Namespace: b.namespace, Name: "tbot"})
	b.teleport.AddRole(roleOf(t, ofTeleport))
	b.teleport.AddUser("ann", "ann", "tbotctl-delete")
	b.identity(t, "ann")
	b.run(t, args...).want(t, 0)
	b.nothingStands(t, made)
}

// TestDeleteWithUnknownRights holds that rights which cannot be known ahead are said and stop nothing.
func TestDeleteWithUnknownRights(t *testing.T) {
	t.Parallel()
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{Before: func(_ context.Context, r teleporttest.Request) error {
		if r.Method == "/proto.AuthService/GetCurrentUserRoles" {
			return trace.NotImplemented("unknown method GetCurrentUserRoles")
		}
		return nil
	}})
	got := b.run(t, b.initArgs("--no-wait", "-o", "json")...)
	got.want(t, 0)
	made := got.document(t)
	b.run(t, b.deleteArgs()...).want(t, 0, "whether Teleport lets this login delete is not known: reading the roles of the login")
	b.nothingStands(t, made)
}
