package spec_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/tbotctl/tbotctl/internal/spec"
)

// holder hides a Secret in an unexported field, where fmt calls no methods.
type holder struct {
	Shown  spec.Secret
	hidden spec.Secret
}

func TestSecretIsNeverPrinted(t *testing.T) {
	t.Parallel()
	const value = "eyJhbGciOi"
	secret := spec.NewSecret(value)
	wrapped := holder{Shown: secret, hidden: secret}
	if wrapped.hidden.Reveal() != value {
		t.Fatal("the value is lost")
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%x", "%X", "%q", "%s", "%d", "%08b", "%t", "%p"} {
		for _, printed := range []any{secret, &secret, wrapped, &wrapped, []spec.Secret{secret}, map[string]spec.Secret{"a": secret}, []holder{wrapped}, fmt.Errorf("no: %v", secret)} {
			text := fmt.Sprintf(verb, printed)
			if shows(text, value) {
				t.Errorf("%s of %T shows the value: %s", verb, printed, text)
			}
		}
	}
	if got := fmt.Sprint(secret); got != "[redacted]" {
		t.Errorf("printed as %q", got)
	}
}

// shows reports whether text holds the value, as it is or in hex.
func shows(text, value string) bool {
	return strings.Contains(text, value) || strings.Contains(strings.ToLower(text), fmt.Sprintf("%x", value))
}

func TestSecretIsNeverMarshalled(t *testing.T) {
	t.Parallel()
	secret := spec.NewSecret("eyJhbGciOi")
	document := map[string]any{"value": secret, "pointer": &secret, "list": []spec.Secret{secret}, "keys": map[spec.Secret]int{secret: 1}}
	asJSON, err := json.Marshal(document)
	if err != nil {
		t.Fatal(err)
	}
	asYAML, err := yaml.Marshal(document)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{string(asJSON), string(asYAML)} {
		if shows(text, "eyJhbGciOi") || strings.Count(text, "[redacted]") != 4 {
			t.Errorf("marshalled as %s", text)
		}
	}
}

func TestSecretKnowsWhetherItIsEmpty(t *testing.T) {
	t.Parallel()
	if !(spec.Secret{}).Empty() || !spec.NewSecret("").Empty() || spec.NewSecret("a").Empty() {
		t.Error("Empty is wrong")
	}
	if (spec.Secret{}).Reveal() != "" {
		t.Error("the zero Secret has a value")
	}
}
