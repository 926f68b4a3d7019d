package spec

import (
	"errors"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/util/json"
	"sigs.k8s.io/yaml"
)

// Patch is one document of --patch: part of a Kubernetes object, and which one.
type Patch struct {
	APIVersion, Kind, Name string
	// Namespace is empty where the document does not name it.
	Namespace string
	// Content is the whole document; whole numbers are int64.
	Content map[string]any
}

// ID names the object that the document is about: "Deployment tbot (apps/v1)".
func (p Patch) ID() string { return fmt.Sprintf("%s %s (%s)", p.Kind, p.Name, p.APIVersion) }

// Patches reads the documents of --patch. Each has to say which object it is about, as with kustomize: apiVersion, kind and
// metadata.name. Whether there is such an object is not known here.
func (w Workload) Patches() ([]Patch, error) {
	var patches []Patch
	for _, document := range documents(string(w.Patch)) {
		patch, err := readPatch(document.text)
		if err != nil {
			return nil, fmt.Errorf("the document at line %d: %w", document.line, err)
		}
		if patch != nil {
			patches = append(patches, *patch)
		}
	}
	if len(patches) == 0 && w.Patch != "" {
		return nil, errors.New("the file holds no document")
	}
	return patches, nil
}

// readPatch reads one document, nil where it is empty.
func readPatch(text string) (*Patch, error) {
	data, err := yaml.YAMLToJSONStrict([]byte(text))
	if err != nil {
		return nil, errors.New(YAMLError(errors.New(strings.TrimPrefix(err.Error(), "error converting YAML to JSON: "))))
	}
	var value any
	if err := json.Unmarshal(data, &value); err != nil {
		return nil, err
	}
	content, ok := value.(map[string]any)
	switch {
	case value == nil:
		return nil, nil
	case !ok:
		return nil, errors.New("it is no mapping")
	}
	patch := &Patch{Content: content}
	metadata, _ := content["metadata"].(map[string]any)
	for _, part := range []struct {
		name string
		in   map[string]any
		at   *string
	}{{"apiVersion", content, &patch.APIVersion}, {"kind", content, &patch.Kind}, {"name", metadata, &patch.Name}} {
		if *part.at, ok = part.in[part.name].(string); !ok || *part.at == "" {
			return nil, errors.New("it does not say which object it is about; that takes apiVersion, kind and metadata.name")
		}
	}
	patch.Namespace, _ = metadata["namespace"].(string)
	return patch, nil
}

type document struct {
	text string
	// line is where it begins, from 1.
	line int
}

// documents splits a YAML stream at its markers (YAML 1.2.2, section 9.1.2); one of a document's start may have content behind it. Each
// text has empty lines in front of it, so that errors name the lines of the stream.
func documents(stream string) []document {
	lines := strings.SplitAfter(stream, "\n")
	all := []document{{line: 1}}
	for i, line := range lines {
		rest, starts := strings.CutPrefix(line, "---")
		_, ends := strings.CutPrefix(line, "...")
		at := &all[len(all)-1]
		switch {
		case starts && (rest == "" || strings.ContainsAny(rest[:1], " \t\r\n")):
			all = append(all, document{line: i + 1, text: strings.Repeat("\n", i) + "   " + rest})
		case ends:
			all = append(all, document{line: i + 1, text: strings.Repeat("\n", i+1)})
		default:
			at.text += line
		}
	}
	return all
}

func (w Workload) validatePatch(v *collector) {
	if w.Patch == "" || !v.text("patch", "the file", string(w.Patch)) {
		return
	}
	if _, err := w.Patches(); err != nil {
		v.add("patch", err.Error(), "write strategic merge patches as kustomize takes them, one YAML document an object")
	}
}

// Text is any text of several lines, for YAML's sake (see Texts).
type Text string

// MarshalYAML implements yaml.Marshaler.
func (t Text) MarshalYAML() (any, error) { return scalar(string(t)), nil }

// patch reads a file whose first line may be indented, which means something in YAML.
func patch() Field {
	return Field{
		Flag: "patch", Placeholder: "FILE", Help: "strategic merge patches over the Kubernetes objects, as kustomize takes them; comments of what they change are lost",
		Set: func(s *Setup, path string) error {
			data, err := readSmall(path)
			if err != nil {
				return err
			}
			if strings.TrimSpace(data) == "" {
				return fmt.Errorf("%s is empty", Quote(path))
			}
			s.Workload.Patch = Text(strings.TrimPrefix(data, "\ufeff"))
			return nil
		},
		Get: func(s Setup) string { return string(s.Workload.Patch) },
	}
}
