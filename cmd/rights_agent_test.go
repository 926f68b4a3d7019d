package cmd_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/gravitational/teleport/api/types"

	"github.com/tbotctl/tbotctl/internal/testkit"
)

// leastAgentRights are all that init needs for an agent whose release is teleport-app-service: no right on what runs, for that is Helm's.
func leastAgentRights() []right {
	return slices.Concat(
		rightToRead("/.well-known/openid-configuration"), rightToRead("/openid/v1/jwks"),
		rightOn("", "serviceaccounts", "teleport-app-service", "get", "patch", "create"),
		rightOn("", "configmaps", "teleport-agent-config", "get", "patch", "create"),
		rightOn("", "pods", "", "list", "create", "delete"),
		rightOn("", "serviceaccounts/token", "teleport-app-service", "create"),
	)
}

// TestRightsOfAnAgent holds that an agent takes no right on Deployments, roles and bots, that to lack any one that it takes is said by
// name before anything is written, and that who may not ask about the Auth Service's account is told by the proof.
func TestRightsOfAnAgent(t *testing.T) {
	t.Parallel()
	b := newBenchReviewed(t, testkit.SelfManaged)
	var verbs []verbOn
	for _, verb := range []string{types.VerbRead, types.VerbCreate, types.VerbUpdate} {
		verbs = append(verbs, verbOn{verb, types.KindToken})
	}
	identity := b.teleportUser(t, "ann", verbs)
	b.teleport.Reset()
	args := b.agentArgs("--identity", identity, "--join-type", "in_cluster", "--auth-service-account", b.namespace+":auth", "-o", "json")
	least := leastAgentRights()
	t.Run("without", func(t *testing.T) {
		for i, dropped := range least {
			t.Run(dropped.text, func(t *testing.T) {
				t.Parallel()
				user := strings.NewReplacer("/", "-", ".", "-", " ", "-").Replace(dropped.text) + "-" + b.namespace
				kubeconfig := b.userWith(t, strings.Trim(user, "-"), slices.Delete(slices.Clone(least), i, i+1))
				got := b.run(t, append(slices.Clone(args), "--kubeconfig", kubeconfig)...)
				got.want(t, 3, "TBC601", "nothing was applied")
				if finding := got.finding(t, "TBC601"); !strings.Contains(finding.Observed, dropped.text) {
					t.Errorf("finding %+v, want %q to be missing", finding, dropped.text)
				}
			})
		}
	})
	b.nothingWritten(t)
	got := b.run(t, append(slices.Clone(args), "--kubeconfig", b.userWith(t, "agent-"+b.namespace, least))...)
	got.want(t, 0)
	if finding := got.finding(t, "TBC410"); finding.Status != "skip" || !strings.Contains(finding.Observed, "proved by TBC801") {
		t.Errorf("finding %+v", finding)
	}
}
