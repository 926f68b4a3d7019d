package manifests

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// fieldName is a key that needs no quotes, unless it is one of those that some YAML reader takes for a truth value or for nothing (YAML 1.1,
// language-independent types).
var (
	fieldName   = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]*$`)
	noFieldName = regexp.MustCompile(`^(?i:y|yes|n|no|true|false|on|off|null|nan|inf)$`)
)

// tree writes a value of any depth behind `key:`, indented by that many spaces, its keys sorted. It holds what JSON can: mappings with
// string keys, sequences, text, numbers and booleans.
func tree(indent int, value any) (string, error) {
	var b strings.Builder
	err := writeTree(&b, indent, value)
	return b.String(), err
}

func writeTree(b *strings.Builder, indent int, value any) (err error) {
	text := ""
	switch v := value.(type) {
	case map[string]any:
		return writeMapping(b, indent, v)
	case []any:
		return writeSequence(b, indent, v)
	case string:
		if strings.Contains(v, "\n") {
			text, err = literal(indent, v)
		} else {
			text, err = quote(v)
		}
	case nil:
		text = "null"
	case bool, int, int64, uint64, float64:
		text = fmt.Sprint(v)
	default:
		err = fmt.Errorf("a value of type %T, which no manifest can hold", value)
	}
	b.WriteString(" " + text)
	return err
}

func writeMapping(b *strings.Builder, indent int, pairs map[string]any) error {
	if len(pairs) == 0 {
		b.WriteString(" {}")
	}
	for _, key := range slices.Sorted(maps.Keys(pairs)) {
		name := key
		if !fieldName.MatchString(key) || noFieldName.MatchString(key) {
			quoted, err := quote(key)
			if err != nil {
				return err
			}
			name = quoted
		}
		b.WriteString("\n" + strings.Repeat(" ", indent) + name + ":")
		if err := writeTree(b, indent+2, pairs[key]); err != nil {
			return err
		}
	}
	return nil
}

func writeSequence(b *strings.Builder, indent int, items []any) error {
	if len(items) == 0 {
		b.WriteString(" []")
	}
	for _, item := range items {
		var part strings.Builder
		if err := writeTree(&part, indent+2, item); err != nil {
			return err
		}
		// The first line of a mapping or a sequence stands behind the dash; the others are as deep as they would be without it.
		b.WriteString("\n" + strings.Repeat(" ", indent) + "- " + strings.TrimLeft(part.String(), " \n"))
	}
	return nil
}
