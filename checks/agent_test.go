package checks

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/gravitational/teleport/api/types"

	"github.com/tbotctl/tbotctl/internal/spec"
)

func agentSetup() spec.Setup {
	s := spec.Default()
	s.Name, s.Workload.Kind, s.Access = "edge", spec.WorkloadAgent, spec.AccessNone
	s.Agent.Roles = []string{"App", "Kube"}
	s.Teleport.TokenName = "edge-1"
	return s
}

// An agent is not asked about what it cannot have, and nothing that is left speaks of a bot.
func TestConcerning(t *testing.T) {
	t.Parallel()
	for _, stage := range []Stage{Before, After} {
		for _, check := range Concerning(agentSetup(), Select(Catalogue(), stage)) {
			if words := strings.Fields(check.Title); slices.Contains(words, "bot") || slices.Contains(words, "tbot") || slices.Contains(words, "Deployment") {
				t.Errorf("%s: %q of an agent", check.ID, check.Title)
			}
		}
	}
	before := Select(Catalogue(), Before)
	has := func(s spec.Setup, id ID) bool {
		return slices.ContainsFunc(Concerning(s, before), func(c Check) bool { return c.ID == id })
	}
	plain, reaching, inCluster := spec.Default(), spec.Default(), spec.Default()
	reaching.Access, inCluster.Join.Type = spec.AccessKubernetes, spec.JoinInCluster
	if has(plain, KubeClusters) || !has(reaching, KubeClusters) || has(plain, TokenReview) || !has(inCluster, TokenReview) || !has(plain, TeleportRoles) {
		t.Error("a check is asked that concerns nobody, or one is not that does")
	}
}

func TestJudgeHostProof(t *testing.T) {
	t.Parallel()
	if got := judgeHostProof([]string{"App", "Kube"}, Proof{Roles: []string{"Kube", "App"}, Via: "gRPC"}); got.Status != Pass {
		t.Errorf("%+v", got)
	}
	if got := judgeHostProof([]string{"App", "Kube"}, Proof{Roles: []string{"App"}}); got.Status != Fail || got.Err == nil {
		t.Errorf("%+v", got)
	}
}

func TestTokenReview(t *testing.T) {
	t.Parallel()
	may := func(allowed bool, err error) func(context.Context, string) (bool, error) {
		return func(_ context.Context, user string) (bool, error) {
			if user != "system:serviceaccount:teleport:auth" {
				t.Errorf("asked about %s", user)
			}
			return allowed, err
		}
	}
	join := spec.Join{Type: spec.JoinInCluster, AuthServiceAccount: "teleport:auth"}
	for name, row := range map[string]struct {
		join  spec.Join
		proxy string
		may   func(context.Context, string) (bool, error)
		want  Status
		says  string
	}{
		"another type":        {spec.Join{Type: spec.JoinOIDC}, "", nil, Skip, "in_cluster"},
		"nobody named":        {spec.Join{Type: spec.JoinInCluster}, "", nil, Skip, "--clusterrole=system:auth-delegator"},
		"allowed":             {join, "", may(true, nil), Pass, "teleport:auth"},
		"not allowed":         {join, "", may(false, nil), Fail, "--serviceaccount=teleport:auth"},
		"we may not ask":      {join, "", may(false, errors.New("forbidden")), Unknown, "forbidden"},
		"on Teleport's Cloud": {join, "example.teleport.sh:443", nil, Fail, "Teleport Cloud"},
		"hosted, it says":     {join, "hosted.example.com:443", nil, Fail, "Teleport Cloud"},
	} {
		s := agentSetup()
		s.Join, s.Teleport.Proxy = row.join, row.proxy
		got := reviewChecks()[0].Run(t.Context(), &Facts{Setup: s, MayReview: row.may, Login: func(context.Context) (Login, error) {
			return Login{Cloud: strings.HasPrefix(row.proxy, "hosted")}, nil
		}})
		if got.Status != row.want || !strings.Contains(got.Observed+got.Fix, row.says) {
			t.Errorf("%s: %+v, want %s and %q", name, got, row.want, row.says)
		}
	}
}

// Teleport's words to an agent, in which no bot is to be found.
func TestAgentRefusals(t *testing.T) {
	t.Parallel()
	token := &types.ProvisionTokenV2{Metadata: types.Metadata{Name: "edge-1", Labels: map[string]string{spec.MarkInstall: agentSetup().InstallID()}}}
	token.Spec.JoinMethod, token.Spec.Roles = types.JoinMethodKubernetes, []types.SystemRole{types.RoleApp}
	for message, row := range map[string]struct{ id, says string }{
		`node "tbotctl-proof" [1] can not join the cluster, the token does not allow "Kube" role`: {"P18", `has the roles ["App"]`},
		"access denied": {"P17", "instance.join"},
		"out of cheese": {"", "instance.join"},
	} {
		got := JudgeRefusal(message, Known{Setup: agentSetup(), Token: token})
		if text := got.Cause + got.Observed + got.Expected + got.Fix; got.ID != row.id || !strings.Contains(text, row.says) || strings.Contains(text, "bot ") {
			t.Errorf("%s: %+v", message, got)
		}
	}
}
