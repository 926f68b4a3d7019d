package bundle

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// mark stands where a secret was.
const mark = "[redacted]"

// redact cuts the secrets out of every file. Where the fields of one give a secret away it goes over all of them again, and cuts that
// out of the others too, also out of a log line that says nothing of it.
func redact(files map[string][]byte) map[string][]byte {
	first := &redactor{}
	clean := first.files(files)
	if len(first.seen) == 0 {
		return clean
	}
	second := &redactor{known: longestFirst(first.seen)}
	return second.files(files)
}

func (r *redactor) files(files map[string][]byte) map[string][]byte {
	clean := make(map[string][]byte, len(files))
	for name, data := range files {
		clean[name] = r.file(name, data)
	}
	return clean
}

// redactor cuts out what is known, and what looks like a secret by itself or by where it stands.
type redactor struct {
	// known are secrets that were seen elsewhere, seen those that this one came upon.
	known []string
	seen  []string
}

// longestFirst: a secret that begins with another one has to go first.
func longestFirst(secrets []string) []string {
	slices.SortFunc(secrets, func(a, b string) int {
		if len(a) != len(b) {
			return len(b) - len(a)
		}
		return strings.Compare(a, b)
	})
	return slices.Compact(secrets)
}

// file redacts one file, by its fields where it has some.
func (r *redactor) file(name string, data []byte) []byte {
	if documents, ok := readJSON(data); ok {
		return r.json(documents)
	}
	if strings.HasSuffix(name, ".yaml") || strings.HasSuffix(name, ".yml") {
		return []byte(r.yaml(string(data)))
	}
	return []byte(r.text(string(data)))
}

// json writes one document over many lines, and several, as a log has them, a line each.
func (r *redactor) json(documents []any) []byte {
	var encoded bytes.Buffer
	for _, document := range documents {
		clean, _ := r.walk(document)
		text, err := JSON(clean)
		if err == nil && len(documents) > 1 {
			var line bytes.Buffer
			err = json.Compact(&line, text)
			text = append(line.Bytes(), '\n')
		}
		if err != nil {
			return []byte(mark + "\n")
		}
		encoded.Write(text)
	}
	return encoded.Bytes()
}

// readJSON reads one document or several, objects and lists alone; a number keeps its digits.
func readJSON(data []byte) ([]any, bool) {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	var documents []any
	for {
		var document any
		err := decoder.Decode(&document)
		if errors.Is(err, io.EOF) {
			return documents, len(documents) > 0
		}
		if err != nil || !structured(document) {
			return nil, false
		}
		documents = append(documents, document)
	}
}

func structured(value any) bool {
	switch value.(type) {
	case map[string]any, map[any]any, []any:
		return true
	}
	return false
}

// yaml keeps a text as it stands where none of its fields holds a secret; its comments are redacted as text.
func (r *redactor) yaml(text string) string {
	documents, ok := readYAML(text)
	if !ok {
		return r.text(text)
	}
	var encoded strings.Builder
	changed := false
	encoder := yaml.NewEncoder(&encoded)
	encoder.SetIndent(2)
	for _, document := range documents {
		clean, cut := r.walk(document)
		changed = changed || cut
		if err := encoder.Encode(clean); err != nil {
			return mark + "\n"
		}
	}
	if err := encoder.Close(); err != nil {
		return mark + "\n"
	}
	if changed {
		return encoded.String()
	}
	return r.judged(text)
}

func readYAML(text string) (documents []any, ok bool) {
	defer func() {
		// yaml.v3 3.0.1 panics on a few texts, such as a mapping as a key beside a merge.
		if recover() != nil {
			documents, ok = nil, false
		}
	}()
	decoder := yaml.NewDecoder(strings.NewReader(text))
	for {
		var document any
		err := decoder.Decode(&document)
		if errors.Is(err, io.EOF) {
			return documents, len(documents) > 0
		}
		if err != nil || !structured(document) {
			return nil, false
		}
		documents = append(documents, document)
	}
}

// walk returns the value without its secrets, and whether there were any.
func (r *redactor) walk(value any) (any, bool) {
	switch v := value.(type) {
	case map[string]any:
		return r.fields(v)
	case map[any]any:
		// YAML with a key that is no text.
		object := make(map[string]any, len(v))
		for key, inner := range v {
			object[fmt.Sprint(key)] = inner
		}
		return r.fields(object)
	case []any:
		return r.items(v)
	case string:
		clean := r.nested(v)
		return clean, clean != v
	}
	return value, false
}

func (r *redactor) fields(object map[string]any) (any, bool) {
	clean, changed := make(map[string]any, len(object)), false
	if name := secretToken(object); len(name) >= likely {
		r.seen = append(r.seen, name)
	}
	for key, value := range object {
		text, isText := value.(string)
		switch {
		case isText && text != "" && sensitive(key, object):
			r.remember(text)
			clean[r.text(key)] = mark
			changed = changed || text != mark
			continue
		case wholly(key, object):
			clean[r.text(key)] = r.values(value)
			changed = true
			continue
		}
		inner, cut := r.walk(value)
		clean[r.text(key)] = inner
		changed = changed || cut || r.text(key) != key
	}
	return clean, changed
}

// values redacts all that a map holds and keeps its keys.
func (r *redactor) values(value any) any {
	object, ok := value.(map[string]any)
	if !ok {
		return mark
	}
	clean := make(map[string]any, len(object))
	for key, inner := range object {
		if text, isText := inner.(string); isText {
			r.remember(text)
		}
		clean[key] = mark
	}
	return clean
}

// items also knows command lines, where a flag's value is the next word.
func (r *redactor) items(list []any) (any, bool) {
	clean, changed := make([]any, len(list)), false
	flag := false
	for i, value := range list {
		text, isText := value.(string)
		if isText && flag && !strings.HasPrefix(text, "-") {
			r.remember(text)
			clean[i], changed, flag = mark, true, false
			continue
		}
		inner, cut := r.walk(value)
		clean[i], changed = inner, changed || cut
		flag = isText && strings.HasPrefix(text, "-") && !strings.Contains(text, "=") && smells(text)
	}
	return clean, changed
}

// nested redacts a text that may be a document of its own, such as a ConfigMap's file or the last applied configuration.
func (r *redactor) nested(text string) string {
	trimmed := strings.TrimSpace(text)
	if strings.HasPrefix(trimmed, "{") || strings.HasPrefix(trimmed, "[") {
		if documents, ok := readJSON([]byte(text)); ok && len(documents) == 1 {
			clean, changed := r.walk(documents[0])
			if !changed {
				return text
			}
			encoded, err := json.Marshal(clean)
			if err != nil {
				return mark
			}
			return string(encoded)
		}
	}
	if strings.Contains(text, "\n") && strings.Contains(text, ":") {
		return r.yaml(text)
	}
	return r.text(text)
}

// How long a text is that is a secret without doubt, and with digits and letters mixed.
const certain, likely = 16, 8

// remember keeps a secret for the other files, unless it is a word that may mean something else there.
func (r *redactor) remember(secret string) {
	secret = strings.TrimSpace(secret)
	if secret == mark || strings.ContainsAny(secret, " \t") && !strings.Contains(secret, "\n") {
		return
	}
	for line := range strings.Lines(secret) {
		line = strings.TrimSpace(line)
		mixed := strings.ContainsAny(line, "0123456789") && strings.ContainsFunc(line, letter)
		if len(line) >= certain || len(line) >= likely && mixed {
			r.seen = append(r.seen, line)
		}
	}
}

func letter(c rune) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }
