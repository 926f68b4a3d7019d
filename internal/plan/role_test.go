package plan_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tbotctl/tbotctl/internal/plan"
	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/manifests"
)

// reaching is a Setup for access kubernetes, whose Teleport role tbotctl makes.
func (b bench) reaching(version string) spec.Setup {
	s := b.setup()
	s.Access = spec.AccessKubernetes
	s.Reach = spec.Reach{Labels: []map[string]string{{"env": "prod"}}, Groups: []string{"tbot-readers"}}
	s.Resolved.ServerVersion, s.Resolved.Image = version, s.Workload.ImageFor(version, false)
	return s
}

// What was made is the same afterwards: what the server fills in is no difference.
func TestRoleThatWasMadeStaysTheSame(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"17.7.4", "18.2.0"} {
		b := newBench(t, version)
		setup := b.reaching(version)
		before := b.compute(t, setup)
		if got := item(t, before, "role").Action; got != plan.Create {
			t.Errorf("%s: before it is there: %s", version, got)
		}
		for _, item := range before.Items {
			if item.Resource.System == manifests.Target {
				t.Errorf("%s: the plan holds %s, which goes to no cluster of ours", version, item.Resource.ID())
			}
		}
		b.apply(t, setup)
		if after := b.compute(t, setup); after.Changed() {
			t.Errorf("%s: after it was made: %+v", version, item(t, after, "role"))
		}
	}
}

func TestRoleThatDiffers(t *testing.T) {
	t.Parallel()
	b := newBench(t, "18.2.0")
	setup := b.reaching("18.2.0")
	b.apply(t, setup)
	// Somebody widened it by hand.
	role, err := b.teleport.Role(t.Context(), setup.Names().KubeRole)
	if err != nil {
		t.Fatal(err)
	}
	role.Spec.Allow.KubeGroups = append(role.Spec.Allow.KubeGroups, "system:authenticated")
	role.Spec.Allow.Logins = []string{"root"}
	if err := b.teleport.UpsertRole(t.Context(), role); err != nil {
		t.Fatal(err)
	}
	widened := []plan.Change{{Path: "spec.allow.kubernetes_groups[1]", Live: "system:authenticated"}, {Path: "spec.allow.logins[0]", Live: "root"}}
	got := item(t, b.compute(t, setup), "role")
	if diff := cmp.Diff(widened, got.Changes); got.Action != plan.Update || diff != "" {
		t.Errorf("ours: %s (-want +got):\n%s", got.Action, diff)
	}

	// A server that was upgraded takes the newer version of roles.
	older := b.reaching("17.7.4")
	older.Resolved.Image = setup.Resolved.Image
	var paths []string
	for _, change := range item(t, b.compute(t, older), "role").Changes {
		paths = append(paths, change.Path)
	}
	wantFields(t, paths, "version", "spec.allow.kubernetes_resources[0].api_group")

	// Somebody else's is shown and not written, unless that is allowed.
	role.Metadata.Labels = map[string]string{"team": "platform"}
	if err := b.teleport.UpsertRole(t.Context(), role); err != nil {
		t.Fatal(err)
	}
	computed := b.compute(t, setup)
	foreign := item(t, computed, "role")
	if foreign.Action != plan.Conflict || foreign.Reason != plan.Foreign || foreign.Owner != "not made by tbotctl" || len(foreign.Changes) < len(widened) {
		t.Errorf("somebody else's: %+v", foreign)
	}
	if allowed := item(t, computed.Allow(true, false), "role"); allowed.Action != plan.Update || !allowed.Force {
		t.Errorf("taken over: %+v", allowed)
	}
}
