package tbotconfig_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/tbotctl/tbotctl/internal/tbotconfig"
)

func TestInspectKnowsEveryOutputOfTbot(t *testing.T) {
	t.Parallel()
	text := head + `onboarding: {token: ci, join_method: kubernetes, kubernetes: {token_path: /t}}
outputs:
  - {type: identity, destination: {type: kubernetes_secret, name: a}}
  - {type: kubernetes, kubernetes_cluster: prod, disable_exec_plugin: true, destination: {type: kubernetes_secret, name: b}}
services:
  - type: kubernetes/v2
    selectors: [{name: prod}, {labels: {env: test}, default_namespace: web}]
    destination: {type: directory, path: /out}
  - {type: kubernetes/argo-cd, selectors: [{labels: {"*": "*"}}], secret_namespace: argocd, secret_labels: {team: web}, namespaces: [web], cluster_resources: true}
  - {type: application, app_name: grafana, destination: {type: kubernetes_secret, name: c}}
  - {type: ssh-multiplexer, name: mux, enable_resumption: true}
`
	got, err := tbotconfig.Inspect([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	want := []tbotconfig.Output{
		tbotconfig.NewIdentity(tbotconfig.Secret("a")),
		&tbotconfig.Kubernetes{Common: tbotconfig.Common{Type: "kubernetes"}, KubernetesCluster: "prod", DisableExecPlugin: true, Destination: tbotconfig.Secret("b")},
		&tbotconfig.KubernetesV2{
			Common: tbotconfig.Common{Type: "kubernetes/v2"}, Destination: tbotconfig.Directory("/out"),
			Selectors: []tbotconfig.Selector{{Name: "prod"}, {Labels: map[string]string{"env": "test"}, DefaultNamespace: "web"}},
		},
		&tbotconfig.ArgoCD{
			Common: tbotconfig.Common{Type: "kubernetes/argo-cd"}, Selectors: []tbotconfig.Selector{{Labels: map[string]string{"*": "*"}}},
			SecretNamespace: "argocd", SecretLabels: map[string]string{"team": "web"}, Namespaces: []string{"web"}, ClusterResources: true,
		},
		&tbotconfig.Foreign{Common: tbotconfig.Common{Type: "application"}, Destination: tbotconfig.Secret("c"), Rest: map[string]any{"app_name": "grafana"}},
		&tbotconfig.Foreign{Common: tbotconfig.Common{Type: "ssh-multiplexer", Name: "mux"}, Rest: map[string]any{"enable_resumption": true}},
	}
	if !reflect.DeepEqual(got.Outputs, want) {
		t.Errorf("outputs = %+v", got.Outputs)
	}
	if got.Onboarding.Kubernetes.TokenPath != "/t" {
		t.Errorf("token_path = %q", got.Onboarding.Kubernetes.TokenPath)
	}
	places := map[string]bool{}
	for _, output := range got.Outputs {
		if to, ok := tbotconfig.DestinationOf(output); ok {
			places[to.Name+to.Path] = true
		}
	}
	if !reflect.DeepEqual(places, map[string]bool{"a": true, "b": true, "c": true, "/out": true}) {
		t.Errorf("destinations = %v", places)
	}
	// What tbotctl writes and embeds is another question.
	if _, err := tbotconfig.Decode([]byte(text)); err == nil || !strings.Contains(err.Error(), `line 6: output type "kubernetes" is not known; known are: identity`) {
		t.Errorf("Decode: %v", err)
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
		"unknown nested key":   {head + "onboarding:\n  token: a\n  tokn: b\n" + output, "line 5: key tokn", "a", []string{"identity"}, time.Hour},
		"wrong kind":           {head + join + "diag_addr: [1]\ncertificate_ttl: 2h\n" + output, "line 4", "bot-kubernetes", []string{"identity"}, 2 * time.Hour},
		"an unknown type":      {head + join + "outputs:\n  - {type: identty, destination: {type: memory}}\n  - {type: identity, destination: {type: memory}}\n", `line 5: output type "identty" is not known`, "bot-kubernetes", []string{"identty", "identity"}, time.Hour},
		"a key of an output":   {head + join + "services:\n  - {type: kubernetes, kubernetes_clustr: a, destination: {type: memory}}\n", "line 5: key kubernetes_clustr is not known here", "bot-kubernetes", []string{"kubernetes"}, time.Hour},
		"no selector":          {head + join + "services:\n  - {type: kubernetes/argo-cd}\n", "line 5: output 1: selectors: at least one is needed", "bot-kubernetes", []string{"kubernetes/argo-cd"}, time.Hour},
		"outputs are no list":  {head + join + "outputs: {}\n", "line 4", "bot-kubernetes", nil, time.Hour},
		"an output is no map":  {head + join + "outputs: [identity]\n", "line 4", "bot-kubernetes", nil, time.Hour},
		"a key twice":          {head + join + "version: v2\n" + output, `mapping key "version" already defined`, "", nil, time.Hour},
		"version 1":            {strings.Replace(head, "v2", "v1", 1) + join + output, `version is "v1", not v2`, "bot-kubernetes", []string{"identity"}, time.Hour},
		"neither name nor not": {head + join + "outputs:\n  - {type: kubernetes/v2, selectors: [{name: a, labels: {b: c}}], destination: {type: memory}}\n", "each needs either a name or labels", "bot-kubernetes", []string{"kubernetes/v2"}, time.Hour},
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

// FuzzInspect feeds what a ConfigMap may hold: it never panics, and agrees with Decode wherever that reads.
func FuzzInspect(f *testing.F) {
	f.Add([]byte(head + "outputs:\n  - &a {type: kubernetes/v2, selectors: [{name: b}], destination: {type: memory}}\n  - *a\n"))
	f.Add([]byte(head + "outputs: &a [*a]\nservices: {}\nstorage: ~\n"))
	f.Add([]byte(head + "outputs: [{type: application, <<: {a: b}}]\nonboarding: 3\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		read, err := tbotconfig.Inspect(data)
		if err != nil {
			return
		}
		strict, err := tbotconfig.Decode(data)
		if err == nil && !reflect.DeepEqual(normal(read), normal(strict)) {
			t.Fatalf("Inspect %+v, Decode %+v", read, strict)
		}
	})
}
