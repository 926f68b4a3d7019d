package manifests_test

import (
	"encoding/json"
	"reflect"
	"slices"
	"testing"

	yamlv3 "gopkg.in/yaml.v3"

	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/manifests"
)

// FuzzTypedValuesSurvive holds rendering to its promise: what Validate lets through renders, and reads back, strictly, as the
// same value in every place that it goes to.
func FuzzTypedValuesSurvive(f *testing.F) {
	f.Add("plain", "note", "access", "/id/1", "Zm9v", "main.example.com", "tbot-1", "team")
	f.Add("a: b\n# c", "{{ .Names }}", "@admin", "/%7Bid%7D/", `"}]}`, "it's", "a+b@c.d-e_f", "")
	f.Add("\x1b]0;x\a", "'\"\\", "null", "//", "\u2028", "on", "1e3", "0x1")
	f.Add("- -\t-", "--- \n...\n", "*anchor", "/#", "\xff", "!!str", "0", "1")
	f.Fuzz(func(t *testing.T, env, annotation, role, path, kid, cluster, token, label string) {
		setup := sample(spec.JoinOIDC, spec.AccessIdentity)
		setup.Workload.Env = map[string]string{"VALUE": env}
		setup.Workload.Annotations = map[string]string{"example.com/note": annotation}
		setup.Workload.Labels = map[string]string{"example.com/label": label}
		setup.Teleport.Roles = []string{role}
		setup.Teleport.TokenName = token
		setup.Join.Issuer = "https://issuer.example.com" + path
		setup.Teleport.ClusterName = cluster
		if setup.Validate() != nil || token == "" {
			return
		}
		setup.Resolved.Issuer, setup.Resolved.ClusterName = setup.Join.Issuer, setup.Teleport.ClusterName
		if cluster == "" { // as the proxy says
			setup.Resolved.ClusterName = "main.example.com"
		}
		set := render(t, setup)
		sameInBothReaders(t, set)
		podSpec, projected := pod(t, set)
		for _, variable := range podSpec.Containers[0].Env {
			if variable.Name == "VALUE" && variable.Value != env {
				t.Errorf("env = %q, want %q", variable.Value, env)
			}
		}
		if projected.Audience != setup.Resolved.ClusterName {
			t.Errorf("audience = %q, want %q", projected.Audience, setup.Resolved.ClusterName)
		}
		for _, r := range set.Side(spec.SideKubernetes) {
			if got := r.Object.GetAnnotations()["example.com/note"]; got != annotation {
				t.Errorf("%s: annotation = %q, want %q", r.ID(), got, annotation)
			}
			if got := r.Object.GetLabels()["example.com/label"]; got != label {
				t.Errorf("%s: label = %q, want %q", r.ID(), got, label)
			}
		}
		if got := resource(t, set, "bot").Bot.GetSpec().GetRoles(); !slices.Equal(got, []string{role}) {
			t.Errorf("roles = %q, want %q", got, role)
		}
		made := resource(t, set, "token").Token
		if made.GetName() != token || config(t, set).Onboarding.Token != token {
			t.Errorf("token = %q, in tbot.yaml %q, want %q", made.GetName(), config(t, set).Onboarding.Token, token)
		}
		if got := made.Spec.Kubernetes.OIDC.Issuer; got != setup.Resolved.Issuer {
			t.Errorf("issuer = %q, want %q", got, setup.Resolved.Issuer)
		}
		keysSurvive(t, kid)
	})
}

func keysSurvive(t *testing.T, kid string) {
	t.Helper()
	keys, err := json.Marshal(map[string]any{"keys": []any{map[string]string{"kty": "RSA", "kid": kid}}})
	if err != nil {
		t.Fatal(err)
	}
	setup := sample(spec.JoinStaticJWKS, spec.AccessIdentity)
	setup.Resolved.JWKS = string(keys)
	if got := resource(t, render(t, setup), "token").Token.Spec.Kubernetes.StaticJWKS.JWKS; got != string(keys) {
		t.Errorf("jwks = %s, want %s", got, keys)
	}
}

// sameInBothReaders reads each document with yaml.v3 and compares with what Kubernetes' reader made of it.
func sameInBothReaders(t *testing.T, set manifests.Set) {
	t.Helper()
	for _, r := range set.Side(spec.SideKubernetes) {
		var read any
		if err := yamlv3.Unmarshal(r.YAML, &read); err != nil {
			t.Fatalf("%s: %v", r.ID(), err)
		}
		if !reflect.DeepEqual(asJSON(t, read), asJSON(t, r.Object.Object)) {
			t.Errorf("%s: two YAML readers disagree about:\n%s", r.ID(), r.YAML)
		}
	}
}

func asJSON(t *testing.T, value any) any {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	var plain any
	if err := json.Unmarshal(text, &plain); err != nil {
		t.Fatal(err)
	}
	return plain
}
