package tbotconfig_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/internal/tbotconfig"
)

func fragmented(access spec.Access, fragment string) spec.Setup {
	s := spec.Default()
	s.Access = access
	s.Kubernetes.Namespace, s.Teleport.Proxy = "machines", "teleport.example.com:443"
	s.Teleport.BotName, s.Teleport.TokenName = "ci", "ci"
	s.Output.Fragment = fragment
	s.Resolved = &spec.Resolved{ClusterName: "main", ServerVersion: "18.2.0", Image: "public.ecr.aws/gravitational/tbot-distroless:18.2.0"}
	return s
}

// TestFragment merges one and reads back what would be mounted.
func TestFragment(t *testing.T) {
	t.Parallel()
	s := fragmented(spec.AccessIdentity, `
renewal_interval: 10m
outputs:
  - {type: database, service: orders, database: shop, username: app, destination: {type: kubernetes_secret, name: orders}}
services:
  - {type: application-tunnel, app_name: wiki, listen: "tcp://127.0.0.1:8080"}
`)
	if err := tbotconfig.JudgeFragment(s); err != nil {
		t.Fatal(err)
	}
	config := tbotconfig.For(s)
	if got := config.Secrets(); !slices.Equal(got, []string{"tbot-output", "orders"}) {
		t.Errorf("Secrets %v", got)
	}
	if config.RenewalInterval != 10*time.Minute || config.ProxyServer != s.Teleport.Proxy || len(config.Outputs) != 3 {
		t.Errorf("%+v", config)
	}
	text, err := tbotconfig.Encode(config)
	if err != nil {
		t.Fatal(err)
	}
	again, err := tbotconfig.Decode(text)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if len(again.Outputs) != 3 || !strings.Contains(string(text), "services:\n  - type: application-tunnel") {
		t.Errorf("what is mounted:\n%s", text)
	}
	if own := tbotconfig.Own(s); len(own.Outputs) != 1 || own.RenewalInterval != 0 {
		t.Errorf("without the fragment: %+v", own)
	}
}

// TestFragmentBeforeTheAnswers judges one beside answers that are not given yet, which is no fault of it.
func TestFragmentBeforeTheAnswers(t *testing.T) {
	t.Parallel()
	for _, access := range []spec.Access{spec.AccessIdentity, spec.AccessKubernetes, spec.AccessArgoCD, spec.AccessNone} {
		s := spec.Default()
		s.Access, s.Output.Fragment = access, "renewal_interval: 10m\n"
		if err := tbotconfig.JudgeFragment(s); err != nil {
			t.Errorf("%s: %v", access, err)
		}
		s.Output.Fragment = "leeway: -1m\n"
		if err := tbotconfig.JudgeFragment(s); err == nil {
			t.Errorf("%s: a leeway below zero is taken", access)
		}
	}
}

// TestFragmentRefused has each way in which one is unusable; For then leaves it out.
func TestFragmentRefused(t *testing.T) {
	t.Parallel()
	output := func(rest string) string { return "outputs:\n  - {type: identity, " + rest + "}\n" }
	for name, row := range map[string]struct {
		access   spec.Access
		fragment string
		want     string
	}{
		"no YAML":              {spec.AccessIdentity, "outputs: [", "the fragment cannot be read"},
		"no mapping":           {spec.AccessIdentity, "- a\n", "not a mapping"},
		"the proxy":            {spec.AccessIdentity, "proxy_server: other.example.com:443\n", "line 1: proxy_server: it follows from the answers"},
		"the join":             {spec.AccessIdentity, "onboarding: {token: door, join_method: kubernetes}\n", "onboarding: it follows from the answers"},
		"an unknown key":       {spec.AccessIdentity, "debug: true\nouputs: []\n", "line 2: key ouputs is not known here"},
		"a wrong kind":         {spec.AccessIdentity, "renewal_interval: soon\n", "line 1: renewal_interval"},
		"negative":             {spec.AccessIdentity, "renewal_interval: -1m\n", "durations above zero"},
		"an unknown type":      {spec.AccessIdentity, "outputs:\n  - {type: identitee, destination: {type: memory}}\n", "outputs[0].type"},
		"another namespace":    {spec.AccessIdentity, output("destination: {type: kubernetes_secret, name: a, namespace: shop}"), `no right to write into namespace "shop"`},
		"a Secret twice":       {spec.AccessIdentity, output("destination: {type: kubernetes_secret, name: tbot-output}"), `Secret "tbot-output" is another output's already`},
		"a name twice":         {spec.AccessIdentity, "outputs:\n  - {type: identity, name: a, destination: {type: memory}}\n  - {type: identity, name: a, destination: {type: memory}}\n", `"a"`},
		"beside Argo CD":       {spec.AccessArgoCD, output("destination: {type: kubernetes_secret, name: a}"), "make a second installation"},
		"for a bot of none":    {spec.AccessNone, output("destination: {type: memory}"), "--access none has no output"},
		"too new for its tbot": {spec.AccessIdentity, "outputs:\n  - {type: workload-identity-aws-roles-anywhere, destination: {type: memory}}\n", "outputs[0]"},
	} {
		s := fragmented(row.access, row.fragment)
		if name == "too new for its tbot" {
			s.Resolved.Image = "public.ecr.aws/gravitational/tbot-distroless:16.0.0"
		}
		err := tbotconfig.JudgeFragment(s)
		var refused *spec.Invalid
		if !errors.As(err, &refused) || refused.Fields[0].Flag != "tbot-config" || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: %v, want %q", name, err, row.want)
			continue
		}
		if got, want := len(tbotconfig.For(s).Outputs), len(tbotconfig.Own(s).Outputs); got != want {
			t.Errorf("%s: %d outputs, want the %d of the answers", name, got, want)
		}
	}
}
