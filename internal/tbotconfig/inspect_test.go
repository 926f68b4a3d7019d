package tbotconfig_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/tbotctl/tbotctl/internal/tbotconfig"
)

// A misspelt type hides neither the output's own keys nor the others.
func TestInspectKeepsAnUnknownType(t *testing.T) {
	t.Parallel()
	got, err := tbotconfig.Inspect([]byte(head + "outputs:\n  - {type: identty, name: a, roles: [b], app_name: c, destination: {type: kubernetes_secret, name: d}}\n"))
	want := &tbotconfig.Foreign{
		Common: tbotconfig.Common{Type: "identty", Name: "a", Roles: []string{"b"}}, Destination: tbotconfig.Secret("d"),
	}
	if err == nil || !reflect.DeepEqual(got.Outputs, []tbotconfig.Output{want}) {
		t.Errorf("%+v, %v", got.Outputs, err)
	}
}

func TestInspectReadsWhatItCan(t *testing.T) {
	t.Parallel()
	const join = "onboarding: {token: bot-kubernetes, join_method: kubernetes}\n"
	const output = "outputs:\n  - {type: identity, destination: {type: kubernetes_secret, name: out}}\n"
	for name, c := range map[string]struct {
		text, problem string
		token         string
		outputs       []string
		lifetime      time.Duration
	}{
		"unknown key":          {head + join + "debugg: true\n" + output, "line 4: key debugg is not known here", "bot-kubernetes", []string{"identity"}, time.Hour},
		"unknown nested key":   {head + "onboarding:\n  token: a\n  tokn: b\n" + output, "line 5: onboarding: key tokn", "a", []string{"identity"}, time.Hour},
		"wrong kind":           {head + join + "diag_addr: [1]\ncertificate_ttl: 2h\n" + output, "line 4", "bot-kubernetes", []string{"identity"}, 2 * time.Hour},
		"an unknown type":      {head + join + "outputs:\n  - {type: identty, destination: {type: memory}}\n  - {type: identity, destination: {type: memory}}\n", `line 5: outputs[0].type: "identty" is not known`, "bot-kubernetes", []string{"identty", "identity"}, time.Hour},
		"a key of an output":   {head + join + "services:\n  - {type: kubernetes, kubernetes_clustr: a, destination: {type: memory}}\n", "line 5: services[0]: key kubernetes_clustr is not known here", "bot-kubernetes", []string{"kubernetes"}, time.Hour},
		"no selector":          {head + join + "services:\n  - {type: kubernetes/argo-cd}\n", "line 5: services[0].selectors: at least one is needed", "bot-kubernetes", []string{"kubernetes/argo-cd"}, time.Hour},
		"outputs are no list":  {head + join + "outputs: {}\n", "line 4", "bot-kubernetes", nil, time.Hour},
		"an output is no map":  {head + join + "outputs: [identity]\n", "line 4", "bot-kubernetes", nil, time.Hour},
		"a key twice":          {head + join + "version: v2\n" + output, "line 4: key version is given twice, first at line 1", "bot-kubernetes", []string{"identity"}, time.Hour},
		"version 1":            {strings.Replace(head, "v2", "v1", 1) + join + output, `version: it is "v1", not v2`, "bot-kubernetes", []string{"identity"}, time.Hour},
		"neither name nor not": {head + join + "outputs:\n  - {type: kubernetes/v2, selectors: [{name: a, labels: {b: c}}], destination: {type: memory}}\n", "outputs[0].selectors[0]: give a name or labels, not both", "bot-kubernetes", []string{"kubernetes/v2"}, time.Hour},
		"an alias": {
			head + join + "outputs:\n  - &a {type: identity, destination: {type: memory}, x: 1}\n  - *a\n",
			"key x is not known", "bot-kubernetes",
			[]string{"identity", "identity"},
			time.Hour,
		},
		"nothing":    {"", "tbot.yaml is empty", "", nil, time.Hour},
		"not YAML":   {"version: [", "cannot be read: line 1", "", nil, time.Hour},
		"not a map":  {"- a\n", "cannot be read", "", nil, time.Hour},
		"two of one": {head + join + output + "---\na: b\n", "more than one YAML document", "bot-kubernetes", []string{"identity"}, time.Hour},
	} {
		got, err := tbotconfig.Inspect([]byte(c.text))
		if err == nil || !strings.Contains(err.Error(), c.problem) {
			t.Errorf("%s: error = %v, want %q in it", name, err, c.problem)
		}
		var kinds []string
		for _, o := range got.Outputs {
			kinds = append(kinds, o.Shared().Type)
		}
		if got.Onboarding.Token != c.token || !reflect.DeepEqual(kinds, c.outputs) || got.Lifetime(nil) != c.lifetime {
			t.Errorf("%s: token %q, outputs %v, lifetime %s", name, got.Onboarding.Token, kinds, got.Lifetime(nil))
		}
	}
}
