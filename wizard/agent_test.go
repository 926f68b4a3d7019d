package wizard_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tbotctl/tbotctl/internal/prompt"
	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/wizard"
)

// agentWay is a way to an agent up to what it serves.
func agentWay(more ...prompt.Step) []prompt.Step {
	return append([]prompt.Step{
		prompt.Default("context"), prompt.Default("proxy"), prompt.Default("join-type"), prompt.Answer("workload", "agent"),
		prompt.Answer("namespace", "machines"), prompt.Default("agent-release"), prompt.Default("token-name"),
	}, more...)
}

// An agent is asked for what it serves, and for nothing that only a bot has; what fits no role that is left is dropped.
func TestAgentWay(t *testing.T) {
	t.Parallel()
	g := newGround()
	g.asksWorkload = true
	answers, script, err := g.lead(t, nil, agentWay(append([]prompt.Step{
		prompt.Choose("agent-roles", "App", "Db"),
		prompt.Answer("agent-app", "shop=http://shop.svc:80"), prompt.Answer("agent-database", "orders=postgres=db.svc:5432"), prompt.Answer("agent-labels", "env=prod"),
		prompt.Answer("yes", "change"), prompt.Answer("change", "agent-roles"), prompt.Choose("agent-roles", "App", "Kube"),
		prompt.Default("agent-app"), prompt.Answer("agent-kube-name", "prod-eu"), prompt.Default("agent-labels"),
	}, end()...)...)...)
	if err != nil {
		t.Fatal(err)
	}
	want := spec.Agent{
		Roles: []string{"App", "Kube"}, Apps: []spec.AgentApp{{Name: "shop", URI: "http://shop.svc:80"}}, KubeName: "prod-eu",
		Labels: map[string]string{"env": "prod"}, Release: "teleport-agent",
	}
	if diff := cmp.Diff(want, answers.Setup.Agent); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if s := answers.Setup; s.Name != "teleport-agent" || s.Access != spec.AccessNone || s.Teleport.TokenName != "teleport-agent-1a2b3c4d" || s.Teleport.BotName != "" {
		t.Errorf("name %s, access %s, token %s, bot %s", s.Name, s.Access, s.Teleport.TokenName, s.Teleport.BotName)
	}
	if err := answers.Setup.Validate(); err != nil {
		t.Error(err)
	}
	says(t, script, "In which namespace does the agent run?", "nobody else can become the agent", "running release teleport-agent is Helm's")
	for _, of := range []string{"What is the bot called?", "What is the bot for?", "Which Teleport roles"} {
		if strings.Contains(script.Shown(), of) {
			t.Errorf("an agent is asked %q", of)
		}
	}
}

// Whoever returns from an agent to tbot finds a bot's answers, and none of the agent's.
func TestAgentAndBack(t *testing.T) {
	t.Parallel()
	g := newGround()
	g.asksWorkload = true
	steps := agentWay(prompt.Choose("agent-roles", "Kube"), prompt.Answer("agent-kube-name", "prod"), prompt.Default("agent-labels"),
		prompt.Answer("yes", "change"), prompt.Answer("change", "workload"), prompt.Answer("workload", "tbot"),
		prompt.Default("service-account"), prompt.Default("bot-name"), prompt.Default("token-name"),
		prompt.Default("access"), prompt.Choose("roles", "access"), prompt.Default("output-secret"))
	answers, _, err := g.lead(t, nil, append(steps, end()...)...)
	if err != nil {
		t.Fatal(err)
	}
	if s := answers.Setup; s.IsAgent() || s.Name != "tbot" || s.Access != spec.AccessIdentity || s.Teleport.BotName != "tbot-1a2b3c4d" || len(s.Agent.Roles) > 0 {
		t.Errorf("name %s, access %s, bot %s, agent %+v", s.Name, s.Access, s.Teleport.BotName, s.Agent)
	}
}

func TestAgentMissing(t *testing.T) {
	t.Parallel()
	given := map[string]string{"workload": "agent", "namespace": "edge", "proxy": "teleport.example.com:443"}
	for roles, want := range map[string][]string{
		"":              {"agent-roles"},
		"App":           {"agent-app"},
		"Kube":          {"agent-kube-name"},
		"Db":            {"agent-database"},
		"App,Discovery": {"agent-kube-name"},
		"App,Db,Kube":   {"agent-app", "agent-database", "agent-kube-name"},
	} {
		given["agent-roles"] = roles
		var got []string
		for _, question := range wizard.Missing(setupOf(t, given), wizard.Situation{Terminal: true}) {
			got = append(got, question.Flag)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q: missing %v, want %v", roles, got, want)
		}
	}
}
