package manifests

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	yamlv3 "gopkg.in/yaml.v3"
	"sigs.k8s.io/yaml"
)

func TestQuoteStyles(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]string{
		"":                   `""`,
		"tbot":               `"tbot"`,
		"true":               `"true"`,
		"~":                  `"~"`,
		"# no comment":       `"# no comment"`,
		"a: b":               `"a: b"`,
		"it's":               `"it's"`,
		`{"keys":[]}`:        `'{"keys":[]}'`,
		`it's "both"`:        `"it's \"both\""`,
		"two\nlines\t":       `"two\nlines\t"`,
		"\x1b[31mred":        `"\u001b[31mred"`,
		"\u2028\u0085\ufeff": `"\u2028\u0085\ufeff"`,
		"grün 東京 🚀":          `"grün 東京 🚀"`,
		"\U000e0001":         `"\U000e0001"`,
	} {
		if got, err := quote(value); err != nil || got != want {
			t.Errorf("quote(%q) = %s, %v; want %s", value, got, err, want)
		}
	}
	if _, err := quote("\xff"); err == nil {
		t.Error("what is not UTF-8 is quoted")
	}
}

func TestLiteralStyles(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"a\nb\n":     "|\n  a\n  b",
		"a\n\n  b\n": "|\n  a\n\n    b",
		"a\n# b":     "|-\n  a\n  # b",
		"a\n\n":      `"a\n\n"`,
		" a\n":       `" a\n"`,
		"\na\n":      `"\na\n"`,
		"a\r\n":      `"a\u000d\n"`,
		"a\tb\n":     `"a\tb\n"`,
		"":           `""`,
	} {
		if got, err := literal(2, text); err != nil || got != want {
			t.Errorf("literal(%q) = %q, %v; want %q", text, got, err, want)
		}
	}
}

// FuzzFunctionsReadBack holds the template functions to their promise with both YAML readers that meet the result: the one of
// Kubernetes' tools and the one of tbot.
func FuzzFunctionsReadBack(f *testing.F) {
	for _, seed := range []string{
		"", "tbot", "yes", "null", "0x1f", "1:30", "2026-01-01", "- a", "? a", "%TAG", "@x", "`x`", "{{ .Setup }}", "a: b\nc: d", " a", "a ",
		"---\n", "...\n", "\n", "\t", "\r\n", "'", `"`, `\`, `'"\`, "\x00", "\x7f", "\u0085", "\u2028", "\ufeff", "\ufffe", "🚀", "\xff", "|", ">-\n",
		"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n", "a\n b\n\n  c\n", "<<", "&a *a !!binary",
	} {
		f.Add(seed, "key")
	}
	// YAML ends a key on its line after 1,024 characters (YAML 1.2, implicit keys); Kubernetes takes keys of a third of that.
	const longestKey = 317
	f.Fuzz(func(t *testing.T, value, key string) {
		quoted, err := quote(value)
		if !utf8.ValidString(value) {
			if err == nil {
				t.Fatalf("quote(%q) succeeds", value)
			}
			return
		}
		if !utf8.ValidString(key) || len(key) > longestKey {
			return
		}
		inList, err1 := list([]string{value, key, value})
		inMapping, err2 := mapping(4, map[string]string{key: value})
		asLiteral, err3 := literal(4, value)
		if err != nil || err1 != nil || err2 != nil || err3 != nil {
			t.Fatal(err, err1, err2, err3)
		}
		text := fmt.Sprintf("scalar: %s\nlist: %s\nmapping:%s\nliteral: %s\nnext: {}\n", quoted, inList, inMapping, asLiteral)
		want := map[string]any{
			"scalar":  value,
			"list":    []any{value, key, value},
			"mapping": map[string]any{key: value},
			"literal": value,
			"next":    map[string]any{},
		}
		var v3, k8s map[string]any
		if err := yamlv3.Unmarshal([]byte(text), &v3); err != nil || !reflect.DeepEqual(v3, want) {
			t.Errorf("yaml.v3 reads %v, %v from:\n%s", v3, err, text)
		}
		if err := yaml.UnmarshalStrict([]byte(text), &k8s); err != nil || !reflect.DeepEqual(k8s, want) {
			t.Errorf("Kubernetes' reader reads %v, %v from:\n%s", k8s, err, text)
		}
		if strings.Contains(text, "\r") {
			t.Errorf("a bare carriage return stands in:\n%q", text)
		}
	})
}
