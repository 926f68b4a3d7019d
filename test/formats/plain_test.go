package formats_test

import (
	"encoding/json"
	"testing"

	"sigs.k8s.io/yaml"
)

// plain takes a value through JSON, so that numbers of different Go types are the same.
func plain(t *testing.T, value any) any {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	var read any
	if err := json.Unmarshal(text, &read); err != nil {
		t.Fatal(err)
	}
	return read
}

// at is the value at a path of keys.
func at(t *testing.T, value any, path ...string) any {
	t.Helper()
	for _, key := range path {
		fields, ok := value.(map[string]any)
		if !ok || fields[key] == nil {
			t.Fatalf("there is no %s at %v", key, path)
		}
		value = fields[key]
	}
	return value
}

// read reads one YAML document.
func read(t *testing.T, text []byte) map[string]any {
	t.Helper()
	var fields map[string]any
	if err := yaml.UnmarshalStrict(text, &fields); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return fields
}
