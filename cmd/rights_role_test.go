package cmd_test

import (
	"testing"

	"github.com/gravitational/teleport/api/types"

	"github.com/tbotctl/tbotctl/internal/teleporttest"
)

// TestRightsOfARole holds that init and delete want the verbs on roles where a role is made, say beforehand which is missing, and
// write and delete nothing without it; and that the role of the fix is enough.
func TestRightsOfARole(t *testing.T) {
	t.Parallel()
	b, _ := newReachBench(t, teleporttest.Options{})
	reaching := []string{"--kube-labels", "env=prod", "--kube-groups", "readers", "--no-wait", "-o", "json"}
	// The clusters that a login sees are those that its own roles reach.
	identity := b.teleportUser(t, "ann", leastVerbs(), "access")
	b.teleport.Reset()
	args := b.reachArgs(append([]string{"--identity", identity}, reaching...)...)
	got := b.run(t, args...)
	got.want(t, 3, "TBC602", "nothing was applied")
	finding := got.finding(t, "TBC602")
	if want := "ann may not: read, create, update role"; finding.Observed != want {
		t.Errorf("finding %+v, want %q", finding, want)
	}
	b.nothingWritten(t)
	b.teleport.AddRole(roleOf(t, finding.Fix))
	b.teleport.AddUser("ann", "ann", "access", "tbotctl-init")
	b.identity(t, "ann")
	b.run(t, args...).want(t, 0)
	name := b.bot(t) + "-kubernetes"
	if b.role(t, name) == nil {
		t.Fatal("there is no role " + name)
	}

	identity = b.teleportUser(t, "bob", onlooker(verbOn{types.VerbRead, types.KindRole}, verbOn{types.VerbDelete, types.KindToken}, verbOn{types.VerbDelete, types.KindBot}))
	args = b.deleteArgs("--identity", identity, "-o", "json")
	got = b.run(t, args...)
	got.want(t, 3, "nothing was deleted:", "in Teleport bob may not: delete role\n")
	if b.role(t, name) == nil {
		t.Error("the role was deleted")
	}
	b.teleport.AddRole(roleOf(t, deleteOf(t, got).Error))
	b.teleport.AddUser("bob", "bob", "tbotctl-delete")
	b.identity(t, "bob")
	got = b.run(t, args...)
	got.want(t, 0)
	if b.role(t, name) != nil {
		t.Error("the role stands after a delete")
	}
	if told := deleteOf(t, got).of(t, "role"); told.Name != name || told.Result != "removed" {
		t.Errorf("the result says of the role: %+v", told)
	}
}
