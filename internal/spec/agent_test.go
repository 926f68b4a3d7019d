package spec_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/tbotctl/tbotctl/internal/spec"
)

// agent is a Setup for an agent that serves one application.
func agent(t *testing.T, answers ...[2]string) spec.Setup {
	t.Helper()
	s := spec.Default()
	for _, answer := range append([][2]string{{"workload", "agent"}, {"agent-roles", "app"}, {"agent-app", "shop=http://shop.svc:80"}, {"namespace", "edge"}}, answers...) {
		if err := field(t, answer[0]).Set(&s, answer[1]); err != nil {
			t.Fatalf("--%s %s: %v", answer[0], answer[1], err)
		}
	}
	return s
}

func TestAgentIsNoBot(t *testing.T) {
	t.Parallel()
	s := agent(t).WithClusterID("1a2b3c4d")
	if err := s.Validate(); err != nil {
		t.Fatal(err)
	}
	want := spec.Names{Namespace: "edge", ServiceAccount: "teleport-agent", Token: "teleport-agent-1a2b3c4d"}
	if got := s.Names(); got != want {
		t.Errorf("names %+v, want %+v", got, want)
	}
	if s.Access != spec.AccessNone || s.HasOutput() || s.MakesRole() {
		t.Errorf("access %s of an agent", s.Access)
	}
	if err := field(t, "workload").Set(&s, "tbot"); err != nil || s.Name != "tbot" || s.Access != spec.AccessIdentity {
		t.Errorf("back to tbot: name %s, access %s, error %v", s.Name, s.Access, err)
	}
}

// The allow rule follows the release, so that no second place has to agree with it (field-notes section 5, trap 28).
func TestAgentAccountFollowsRelease(t *testing.T) {
	t.Parallel()
	for want, answers := range map[string][][2]string{
		"edge:teleport-agent":       nil,
		"edge:web":                  {{"name", "web"}},
		"edge:teleport-app-service": {{"name", "web"}, {"agent-release", "teleport-app-service"}},
		"edge:given":                {{"agent-release", "web"}, {"service-account", "given"}},
	} {
		if got := agent(t, answers...).ServiceAccountRef(); got != want {
			t.Errorf("%v: %s, want %s", answers, got, want)
		}
	}
}

// A role is known in whatever case it was typed, and kept in the one that Teleport compares.
func TestAgentRoles(t *testing.T) {
	t.Parallel()
	s := agent(t, [2]string{"agent-roles", "app,KUBE,db,Discovery"})
	if want := []string{"App", "Kube", "Db", "Discovery"}; !slices.Equal(s.Agent.Roles, want) {
		t.Errorf("roles %q, want %q", s.Agent.Roles, want)
	}
	a := s.Agent
	if a.NeedsApps() || !a.NeedsDatabases() || !a.NeedsKubeName() {
		t.Error("what the roles need is wrong")
	}
}

// A file that says nothing of name and access means those of its workload.
func TestLoadAgent(t *testing.T) {
	t.Parallel()
	s, err := spec.Load(strings.NewReader(header + "workload: {kind: agent}\nagent: {roles: [App]}\n"))
	if err != nil || s.Name != spec.DefaultAgentName || s.Access != spec.AccessNone {
		t.Errorf("name %s, access %s, error %v", s.Name, s.Access, err)
	}
	s, err = spec.Load(strings.NewReader(header + "name: tbot\nworkload: {kind: agent}\n"))
	if err != nil || s.Name != "tbot" {
		t.Errorf("name %s, error %v", s.Name, err)
	}
}

func TestValidateAgent(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		answers [][2]string
		flag    string
		says    string
	}{
		"a role that Teleport does not know":  {[][2]string{{"agent-roles", "App,Web"}}, "agent-roles", `"Web" is no role of an agent`},
		"a role of another program":           {[][2]string{{"agent-roles", "App,Proxy"}}, "agent-roles", "App, Kube, Db, Discovery"},
		"a role twice":                        {[][2]string{{"agent-roles", "App,app"}}, "agent-roles", "stands twice"},
		"access":                              {[][2]string{{"access", "identity"}}, "access", "no bot"},
		"roles":                               {[][2]string{{"roles", "access"}}, "roles", "no bot"},
		"a bot":                               {[][2]string{{"bot-name", "robot"}}, "bot-name", "no bot"},
		"a Secret":                            {[][2]string{{"output-secret", "out"}}, "output-secret", "no bot"},
		"an image":                            {[][2]string{{"image", "a/b:1"}}, "image", "Helm chart"},
		"limits":                              {[][2]string{{"limits", "memory=1Gi"}}, "limits", "Helm chart"},
		"an application without its role":     {[][2]string{{"agent-roles", "Kube"}}, "agent-app", "does not name App"},
		"a database without its role":         {[][2]string{{"agent-database", "a=postgres=b:1"}}, "agent-database", "does not name Db"},
		"a cluster's name without its role":   {[][2]string{{"agent-kube-name", "prod"}}, "agent-kube-name", "does not name Kube or Discovery"},
		"an application without a scheme":     {[][2]string{{"agent-app", "shop=shop.svc:80"}}, "agent-app", "no URI"},
		"an application's name":               {[][2]string{{"agent-app", "My_Shop=http://shop"}}, "agent-app", "My_Shop"},
		"an application twice":                {[][2]string{{"agent-app", "a=http://a;a=http://b"}}, "agent-app", "stands twice"},
		"a password in a URI":                 {[][2]string{{"agent-app", "a=http://u:p@a"}}, "agent-app", "no URI"},
		"a database's protocol":               {[][2]string{{"agent-roles", "Db"}, {"agent-app", ""}, {"agent-database", "a=PG=b:1"}}, "agent-database", "no protocol"},
		"a release that Helm does not take":   {[][2]string{{"agent-release", "Edge_1"}}, "agent-release", "Edge_1"},
		"a release that is too long for Helm": {[][2]string{{"agent-release", strings.Repeat("a", 54)}}, "agent-release", "at most 53"},
		"in_cluster on Teleport Cloud":        {[][2]string{{"proxy", "example.teleport.sh:443"}, {"join-type", "in_cluster"}}, "join-type", "Teleport Cloud"},
		"an Auth Service that nobody asks":    {[][2]string{{"auth-service-account", "a:b"}}, "auth-service-account", "only join type in_cluster"},
		"an Auth Service without a namespace": {[][2]string{{"join-type", "in_cluster"}, {"auth-service-account", "auth"}}, "auth-service-account", "NAMESPACE:NAME"},
		"an agent's answer for a tbot":        {[][2]string{{"workload", "tbot"}}, "agent-roles", "deploys no agent"},
		"a workload that is not known":        {[][2]string{{"workload", "proxy"}}, "workload", "tbot, agent"},
	} {
		err := agent(t, row.answers...).Validate()
		var invalid *spec.Invalid
		if !errors.As(err, &invalid) || !slices.ContainsFunc(invalid.Fields, func(f spec.FieldError) bool {
			return f.Flag == row.flag && strings.Contains(f.Problem+" "+f.Fix, row.says)
		}) {
			t.Errorf("%s: %v, want --%s and %q", name, err, row.flag, row.says)
		}
	}
}

// Cloud's Auth Service runs in nobody's cluster, but the two other types work there (field-notes section 5, trap 25).
func TestCloudTakesOtherTypes(t *testing.T) {
	t.Parallel()
	for _, join := range []string{"oidc", "static_jwks", "auto"} {
		if err := agent(t, [2]string{"proxy", "example.teleport.sh:443"}, [2]string{"join-type", join}).Validate(); err != nil {
			t.Errorf("%s: %v", join, err)
		}
	}
}

func TestDelegator(t *testing.T) {
	t.Parallel()
	join := spec.Join{AuthServiceAccount: "teleport:auth"}
	if got := join.AuthServiceUser(); got != "system:serviceaccount:teleport:auth" {
		t.Errorf("user %s", got)
	}
	if got := join.Delegator(); !strings.HasSuffix(got, "--clusterrole=system:auth-delegator --serviceaccount=teleport:auth") {
		t.Errorf("command %s", got)
	}
}
