package tbotconfig

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/tbotctl/tbotctl/internal/spec"
)

// document is the file as it lies on disk: both keys of the outputs and the older name of credential_ttl.
type document struct {
	Config         `yaml:",inline"`
	CertificateTTL time.Duration `yaml:"certificate_ttl,omitempty"`
	Outputs        []*entry      `yaml:"outputs"`
	Services       []*entry      `yaml:"services,omitempty"`
}

// entry reads one output by its type and remembers where it stood.
type entry struct {
	Output
	line int
}

// UnmarshalYAML takes yaml.v3's older form on purpose: only that one keeps KnownFields and the line numbers inside.
func (e *entry) UnmarshalYAML(unmarshal func(any) error) error {
	var fields map[string]yaml.Node
	if err := unmarshal(&fields); err != nil {
		return err
	}
	for _, field := range fields {
		if e.line == 0 || field.Line < e.line {
			e.line = field.Line
		}
	}
	kind := fields["type"].Value
	switch {
	case len(fields) == 0:
		return errors.New("an output is empty")
	case kind == "":
		return fmt.Errorf("line %d: this output has no type", e.line)
	}
	empty, known := kinds()[kind]
	if !known {
		return fmt.Errorf("line %d: output type %s is not known; known are: %s", fields["type"].Line, spec.Quote(kind), strings.Join(slices.Sorted(maps.Keys(kinds())), ", "))
	}
	e.Output = empty()
	return unmarshal(e.Output)
}

// MarshalYAML writes the output itself.
func (e entry) MarshalYAML() (any, error) { return e.Output, nil }

// Decode reads a tbot.yaml as strictly as tbot does, and says more about what is wrong: unknown keys and unknown types with
// their line, then everything of Validate.
func Decode(data []byte) (Config, error) {
	var read document
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	decoder.KnownFields(true)
	if err := decoder.Decode(&read); err != nil {
		if errors.Is(err, io.EOF) {
			return Config{}, errors.New("tbot.yaml is empty")
		}
		return Config{}, fmt.Errorf("tbot.yaml cannot be read: %s", spec.YAMLError(err))
	}
	if err := decoder.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return Config{}, errors.New("tbot.yaml holds more than one YAML document")
	}
	config := read.Config
	if read.CertificateTTL != 0 {
		if config.CredentialTTL != 0 {
			return Config{}, errors.New("tbot.yaml gives both credential_ttl and certificate_ttl, its older name; leave one of the two out")
		}
		config.CredentialTTL = read.CertificateTTL
	}
	entries := slices.Concat(read.Outputs, read.Services)
	for i, e := range entries {
		if e == nil { // `-` and `- null` never reach UnmarshalYAML
			return Config{}, fmt.Errorf("tbot.yaml cannot be read: output %d is empty", i+1)
		}
		config.Outputs = append(config.Outputs, e.Output)
	}
	problems := config.problems(func(i int) string { return fmt.Sprintf("line %d: output %d", entries[i].line, i+1) })
	return config, invalid(problems)
}
