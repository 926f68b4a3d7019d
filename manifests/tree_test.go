package manifests

import (
	"encoding/json"
	"reflect"
	"testing"
	"unicode/utf8"

	yamlv3 "gopkg.in/yaml.v3"
	"sigs.k8s.io/yaml"
)

func TestTreeStyles(t *testing.T) {
	t.Parallel()
	for want, value := range map[string]any{
		" {}":                                  map[string]any{},
		" []":                                  []any{},
		"\n  name: \"a\"":                      map[string]any{"name": "a"},
		"\n  \"yes\": true":                    map[string]any{"yes": true},
		"\n  \"a.b/c\": 1":                     map[string]any{"a.b/c": int64(1)},
		"\n  - name: \"a\"\n    value: \"b\"":  []any{map[string]any{"name": "a", "value": "b"}},
		"\n  - - \"a\"\n    - \"b\"":           []any{[]any{"a", "b"}},
		"\n  text: |\n    one\n    two":        map[string]any{"text": "one\ntwo\n"},
		"\n  - |-\n    one\n    two\n  - null": []any{"one\ntwo", nil},
	} {
		if got, err := tree(2, value); err != nil || got != want {
			t.Errorf("tree(%v) = %q, %v; want %q", value, got, err, want)
		}
	}
	for _, value := range []any{"\xff", map[string]any{"\xff!": 1}, []any{struct{}{}}} {
		if _, err := tree(2, value); err == nil {
			t.Errorf("tree(%v) succeeds", value)
		}
	}
}

// FuzzTreeReadsBack holds tree to what FuzzFunctionsReadBack holds the others to, for values of any depth.
func FuzzTreeReadsBack(f *testing.F) {
	for _, seed := range []string{
		`{"a":{"b":[1,true,null,"x"]},"yes":"no"}`, `[[["a"],[]],{}]`, `{"on":{"y":"~"}}`, `["a\nb","a\nb\n"," a\n","\n",""]`, `{"- a":"? b","{":"}"}`,
		`[{"name":"A","value":"1e5"},{"name":"B"}]`, `{"a":[[{"b":"c\nd\n"}]]}`, `{"Null":1,"NaN":2,"Inf":3,"N":4}`, `1.5`, `-7`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var value any
		if !utf8.ValidString(text) || json.Unmarshal([]byte(text), &value) != nil || !canHold(value) {
			return
		}
		written, err := tree(2, value)
		if err != nil {
			t.Fatal(err)
		}
		document := []byte("key:" + written + "\n")
		var first map[string]any
		if err := yaml.Unmarshal(document, &first); err != nil || !reflect.DeepEqual(first["key"], value) {
			t.Fatalf("%q is read back as %q, %v:\n%s", value, first["key"], err, document)
		}
		var second map[string]any
		if err := yamlv3.Unmarshal(document, &second); err != nil {
			t.Fatalf("%v:\n%s", err, document)
		}
		again, err := json.Marshal(second["key"])
		want, _ := json.Marshal(value)
		if err != nil || string(again) != string(want) {
			t.Fatalf("%s is read back as %s, %v:\n%s", want, again, err, document)
		}
	})
}

// canHold tells what a manifest can hold: whole numbers of no more digits than all readers agree on, and keys of a length that YAML takes.
func canHold(value any) bool {
	switch v := value.(type) {
	case map[string]any:
		for key, part := range v {
			if len(key) > 317 || !canHold(part) {
				return false
			}
		}
	case []any:
		for _, part := range v {
			if !canHold(part) {
				return false
			}
		}
	case float64:
		return v == float64(int64(v)) && v < 1e6 && v > -1e6
	}
	return true
}
