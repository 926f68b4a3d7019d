package tbotconfig

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/tbotctl/tbotctl/internal/spec"
)

// Decode reads a tbot.yaml strictly, and says all that is wrong with it at once: keys and types that tbot does not have, and what
// Validate says, with line and path (*Invalid). It refuses an unknown key wherever it stands; not every tbot does, and one that does
// not passes over it in silence, which is worse.
func Decode(data []byte) (Config, error) {
	read, err := decode(data)
	if err != nil {
		return Config{}, err
	}
	if err := invalid(read.problems); err != nil {
		return Config{}, err
	}
	return read.config, nil
}

// Inspect reads a tbot.yaml that anybody may have written. The error is that of Decode. What can be read is returned beside it: an
// unknown key, a value of a wrong kind or a type that does not exist (*Foreign) hide nothing else. Of what is no YAML nothing can be
// read.
func Inspect(data []byte) (Config, error) {
	read, err := decode(data)
	if err != nil {
		return Config{}, err
	}
	return read.config, invalid(read.problems)
}

// document is the file as it lies on disk: both keys of the outputs and the older name of credential_ttl.
type document struct {
	Config         `yaml:",inline"`
	CertificateTTL time.Duration `yaml:"certificate_ttl,omitempty"`
	Outputs        []Output      `yaml:"outputs"`
	Services       []Output      `yaml:"services,omitempty"`
}

// file is a tbot.yaml that was read.
type file struct {
	config Config
	// paths are those of config.Outputs.
	paths []string
	// lines holds the line of each path that is given.
	lines map[string]int
	// unread are the paths whose value is of a wrong kind.
	unread   map[string]bool
	problems []Problem
}

// decode reads all that can be read. The error is for what is no YAML, and for more than one document.
func decode(data []byte) (read *file, err error) {
	defer func() {
		// yaml.v3 3.0.1 panics on a few texts, such as a mapping as a key beside a merge.
		if recover() != nil {
			read, err = nil, errors.New("tbot.yaml cannot be read: it is no YAML that makes sense")
		}
	}()
	root, several, err := parse(data)
	if err != nil {
		return nil, err
	}
	r := &reader{lines: map[string]int{}, unread: map[string]bool{}, open: map[*yaml.Node]bool{}}
	if several {
		r.problems = append(r.problems, Problem{Text: "it holds more than one YAML document"})
	}
	var doc document
	r.read(root, reflect.ValueOf(&doc).Elem(), "")
	read = &file{config: doc.Config, lines: r.lines, unread: r.unread, problems: r.problems}
	read.outputs(doc)
	if doc.CertificateTTL != 0 {
		line := r.lines["certificate_ttl"]
		if read.config.CredentialTTL != 0 {
			read.problems = append(read.problems, Problem{Line: line, Path: "certificate_ttl", Text: "it is the older name of credential_ttl, which is given too; leave one of the two out"})
		} else {
			read.config.CredentialTTL, read.lines["credential_ttl"] = doc.CertificateTTL, line
		}
	}
	read.judge()
	return read, nil
}

// outputs puts both keys into one list.
func (f *file) outputs(doc document) {
	for _, list := range []struct {
		key   string
		items []Output
	}{{"outputs", doc.Outputs}, {"services", doc.Services}} {
		f.config.services = 0
		for i, output := range list.items {
			if output != nil { // nil is what the reader has complained of
				f.config.Outputs = append(f.config.Outputs, output)
				f.paths = append(f.paths, element(list.key, i))
				f.config.services++
			}
		}
	}
}

// judge adds what Validate says, at its line. What could not be read is not said to be missing as well.
func (f *file) judge() {
	var found []Problem
	f.config.judge(place{found: &found}, func(i int) string { return f.paths[i] })
	for _, problem := range found {
		if f.hasNotRead(problem.Path) {
			continue
		}
		problem.Line = f.line(problem.Path)
		f.problems = append(f.problems, problem)
	}
	f.problems = inOrder(f.problems)
}

// hasNotRead is true of a path whose value, or the value of something around it, is of a wrong kind.
func (f *file) hasNotRead(path string) bool {
	for ; path != ""; path = around(path) {
		if f.unread[path] {
			return true
		}
	}
	return false
}

// line is that of the path, or of the nearest thing around it that the file gives.
func (f *file) line(path string) int {
	for ; path != ""; path = around(path) {
		if line, given := f.lines[path]; given {
			return line
		}
	}
	return 0
}

// around is the path without its last part.
func around(path string) string { return path[:max(strings.LastIndexAny(path, ".["), 0)] }

// parse returns the root of the first document, and whether there are more.
func parse(data []byte) (root *yaml.Node, several bool, err error) {
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var first yaml.Node
	switch err := decoder.Decode(&first); {
	case errors.Is(err, io.EOF):
		return nil, false, errors.New("tbot.yaml is empty")
	case err != nil:
		return nil, false, fmt.Errorf("tbot.yaml cannot be read: %s", spec.YAMLError(err))
	case len(first.Content) == 0 || first.Content[0].ShortTag() == "!!null":
		return nil, false, errors.New("tbot.yaml is empty")
	}
	root = first.Content[0]
	if root.Kind != yaml.MappingNode {
		return nil, false, fmt.Errorf("tbot.yaml cannot be read: line %d: it is %s, not a mapping of keys", root.Line, describe(root))
	}
	return root, !errors.Is(decoder.Decode(new(yaml.Node)), io.EOF), nil
}
