package checks_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/tbotctl/tbotctl/checks"
	"github.com/tbotctl/tbotctl/internal/spec"
)

// healthyTarget is a cluster in which all is as it should be; rows break one thing each.
func healthyTarget(name string) checks.Target {
	yes := func(context.Context) (bool, error) { return true, nil }
	return checks.Target{
		Context: name, Host: "https://" + name + ".example.com", Version: func(context.Context) (string, error) { return "v1.36.3", nil },
		NamespaceExists: yes, RoleExists: yes,
		Needs: []checks.Access{
			{Verb: "get", Group: "rbac.authorization.k8s.io", Resource: "rolebindings", Namespace: "apps", Name: "robot-kubernetes"},
			{Verb: "create", Group: "rbac.authorization.k8s.io", Resource: "rolebindings", Namespace: "apps", Name: "robot-kubernetes"},
		},
		May: func(_ context.Context, asked []checks.Access) []checks.Verdict {
			verdicts := make([]checks.Verdict, len(asked))
			for i := range verdicts {
				verdicts[i].Allowed = true
			}
			return verdicts
		},
		Rehearse: func(context.Context) checks.Rehearsal { return checks.Rehearsal{} },
	}
}

// TestTargets breaks the second of two clusters: the finding names it, its address and what mends it, and not the one that is well.
func TestTargets(t *testing.T) {
	t.Parallel()
	no := func(context.Context) (bool, error) { return false, nil }
	rehearsed := func(r checks.Rehearsal) func(*checks.Target) {
		return func(target *checks.Target) {
			target.Rehearse = func(context.Context) checks.Rehearsal { return r }
		}
	}
	bind := checks.Access{Verb: "bind", Group: "rbac.authorization.k8s.io", Resource: "clusterroles", Namespace: "apps", Name: "deployer"}
	for name, row := range map[string]struct {
		change func(*checks.Target)
		id     checks.ID
		status checks.Status
		says   []string
	}{
		"all is well": {func(*checks.Target) {}, checks.TargetsRights, checks.Pass, []string{`"east" (https://east.example.com)`, `"west"`, "a dry run is taken"}},
		"no answer": {
			func(target *checks.Target) {
				target.Version = func(context.Context) (string, error) { return "", errLook }
			},
			checks.TargetsAnswer, checks.Fail,
			[]string{errLook.Error(), "kubectl --context west get --raw /version"},
		},
		"no namespace": {
			func(target *checks.Target) { target.NamespaceExists = no }, checks.TargetsReady, checks.Fail,
			[]string{"there is no namespace apps", "kubectl --context west create namespace apps"},
		},
		"no ClusterRole": {
			func(target *checks.Target) { target.RoleExists = no }, checks.TargetsReady, checks.Fail,
			[]string{"there is no ClusterRole deployer", "kubectl --context west get clusterroles"},
		},
		"a namespace that may not be looked for": {
			func(target *checks.Target) {
				target.NamespaceExists = func(context.Context) (bool, error) { return false, errLook }
			},
			checks.TargetsReady, checks.Unknown,
			[]string{errLook.Error()},
		},
		"no right to write": {
			func(target *checks.Target) {
				target.May = func(_ context.Context, asked []checks.Access) []checks.Verdict {
					return make([]checks.Verdict, len(asked))
				}
			},
			checks.TargetsRights, checks.Fail,
			[]string{"may not: get, create rolebindings robot-kubernetes", `in the cluster of context "west"`, "kubectl create rolebinding tbotctl-init --namespace apps"},
		},
		"no right to bind": {
			rehearsed(checks.Rehearsal{Lacks: bind, Refused: true, Err: errors.New("may not bind")}), checks.TargetsRights, checks.Fail,
			[]string{"may not bind", `resourceNames: ["deployer"], verbs: [bind]`},
		},
		"a policy": {
			rehearsed(checks.Rehearsal{Refused: true, Err: errors.New("denied by policy")}), checks.TargetsRights, checks.Fail,
			[]string{"denied by policy", "whoever owns the policy"},
		},
		"a rehearsal that did not come through": {
			rehearsed(checks.Rehearsal{Err: errLook}), checks.TargetsRights, checks.Unknown, []string{errLook.Error()},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			east, west := healthyTarget("east"), healthyTarget("west")
			row.change(&west)
			facts := &checks.Facts{Setup: setup(), Targets: []checks.Target{east, west}}
			facts.Setup.Access, facts.Setup.Reach = spec.AccessKubernetes, spec.Reach{Groups: []string{"readers"}, Namespace: "apps", ClusterRole: "deployer"}
			for _, result := range checks.Run(t.Context(), checks.Select(checks.Catalogue(), checks.Targets), facts, quiet) {
				if result.Check.ID != row.id {
					continue
				}
				finding := result.Finding
				if finding.Status != row.status {
					t.Errorf("status %s, want %s: %+v", finding.Status, row.status, finding)
				}
				for _, part := range row.says {
					if !strings.Contains(finding.Observed+"\n"+finding.Fix, part) {
						t.Errorf("%+v lacks %q", finding, part)
					}
				}
				if row.status != checks.Pass && strings.Contains(finding.Observed, "east") {
					t.Errorf("the one that is well is named: %s", finding.Observed)
				}
			}
		})
	}
}

// Of several statuses the worst counts: what failed is not hidden by what could not be seen.
func TestTargetsOfWhichOneFailsAndOneIsUnknown(t *testing.T) {
	t.Parallel()
	east, west := healthyTarget("east"), healthyTarget("west")
	east.NamespaceExists = func(context.Context) (bool, error) { return false, nil }
	west.NamespaceExists = func(context.Context) (bool, error) { return false, errLook }
	facts := &checks.Facts{Setup: setup(), Targets: []checks.Target{east, west}}
	facts.Setup.Reach.Namespace = "apps"
	for _, result := range checks.Run(t.Context(), checks.Select(checks.Catalogue(), checks.Targets), facts, quiet) {
		if result.Check.ID == checks.TargetsReady && (result.Finding.Status != checks.Fail || !errors.Is(result.Finding.Err, errLook)) {
			t.Errorf("%+v", result.Finding)
		}
	}
}
