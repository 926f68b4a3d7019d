package spec

import (
	"bytes"
	"errors"
	"regexp"
	"strings"
	"unicode"

	"gopkg.in/yaml.v3"
)

// MarshalYAML writes a value of ours as one document, the same bytes each time.
func MarshalYAML(value any) ([]byte, error) {
	var text bytes.Buffer
	encoder := yaml.NewEncoder(&text)
	encoder.SetIndent(2)
	if err := errors.Join(encoder.Encode(value), encoder.Close()); err != nil {
		return nil, err
	}
	return text.Bytes(), nil
}

// Texts holds values that may be any text. yaml.v3 3.0.1 writes several lines as a literal block also where they begin with
// white space, and a block loses or breaks on that; here such text is quoted.
type Texts map[string]string

// MarshalYAML implements yaml.Marshaler.
func (t Texts) MarshalYAML() (any, error) {
	node := &yaml.Node{Kind: yaml.MappingNode}
	for _, key := range sorted(t) {
		node.Content = append(node.Content, scalar(key), scalar(t[key]))
	}
	return node, nil
}

func scalar(text string) *yaml.Node {
	node := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: text}
	if strings.Contains(text, "\n") && strings.TrimLeftFunc(text, unicode.IsSpace) != text {
		node.Style = yaml.DoubleQuotedStyle
	}
	return node
}

// yaml.v3's wording names Go types, which mean nothing to a reader.
var (
	unknownField = regexp.MustCompile(`field (\S+) not found in type [^\s;]+`)
	wrongKind    = regexp.MustCompile("cannot unmarshal (!!\\S+(?: `[^`]*`)?) into [^\\s;]+")
)

// YAMLError words an error of yaml.v3 for whoever wrote the file, with its line, in one line that is safe to display.
func YAMLError(err error) string {
	var typed *yaml.TypeError
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	if errors.As(err, &typed) {
		text = strings.Join(typed.Errors, "; ")
	}
	text = unknownField.ReplaceAllString(text, "key $1 is not known here")
	text = wrongKind.ReplaceAllString(text, "$1 is of the wrong kind")
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n':
			return ' '
		case !unicode.IsPrint(r):
			return unicode.ReplacementChar
		}
		return r
	}, text)
}
