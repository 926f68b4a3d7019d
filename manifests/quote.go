package manifests

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/template"
	"unicode"
	"unicode/utf8"
)

var errNotText = errors.New("a value is not UTF-8 text, which no manifest can hold")

// functions are the only ways of a value into a template. Each writes a complete YAML node that every YAML 1.1 and 1.2 reader
// reads back as the same string, whatever is in it.
func functions() template.FuncMap {
	return template.FuncMap{"quote": quote, "list": list, "mapping": mapping, "literal": literal, "tree": tree}
}

// quote writes a quoted scalar: in single quotes where that spares the escapes of JSON, else in double quotes.
func quote(value string) (string, error) {
	if !utf8.ValidString(value) {
		return "", errNotText
	}
	if strings.ContainsAny(value, `"\`) && !strings.Contains(value, "'") && printable(value) {
		return "'" + value + "'", nil
	}
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range value {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case unicode.IsPrint(r):
			b.WriteRune(r)
		case r <= 0xffff:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\U%08x`, r)
		}
	}
	b.WriteByte('"')
	return b.String(), nil
}

// list writes a sequence in flow style, which can be empty.
func list(values []string) (string, error) {
	items := make([]string, len(values))
	for i, value := range values {
		item, err := quote(value)
		if err != nil {
			return "", err
		}
		items[i] = item
	}
	return "[" + strings.Join(items, ", ") + "]", nil
}

// mapping writes a mapping that stands behind `key:`, one pair a line, sorted, indented by that many spaces.
func mapping(indent int, pairs map[string]string) (string, error) {
	if len(pairs) == 0 {
		return " {}", nil
	}
	var b strings.Builder
	for _, key := range slices.Sorted(maps.Keys(pairs)) {
		name, err := quote(key)
		if err != nil {
			return "", err
		}
		value, err := quote(pairs[key])
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&b, "\n%s%s: %s", strings.Repeat(" ", indent), name, value)
	}
	return b.String(), nil
}

// literal writes text of several lines as a literal block, for people to read, where a block can hold it unchanged; else it is
// quoted.
func literal(indent int, text string) (string, error) {
	body, ended := strings.CutSuffix(text, "\n")
	lines := strings.Split(body, "\n")
	plain := body != "" && !strings.HasSuffix(body, "\n") && lines[0] != "" && lines[0][0] != ' '
	for _, line := range lines {
		plain = plain && printable(line)
	}
	if !plain {
		return quote(text)
	}
	var b strings.Builder
	b.WriteString("|")
	if !ended {
		b.WriteString("-")
	}
	for _, line := range lines {
		b.WriteByte('\n')
		if line != "" {
			b.WriteString(strings.Repeat(" ", indent) + line)
		}
	}
	return b.String(), nil
}

func printable(text string) bool {
	for _, r := range text {
		if !unicode.IsPrint(r) {
			return false
		}
	}
	return utf8.ValidString(text)
}
