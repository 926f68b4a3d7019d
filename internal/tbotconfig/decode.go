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

// entry reads one output by its type and remembers where it stood, and where its type did.
type entry struct {
	Output
	line, typeLine int
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
	e.typeLine = fields["type"].Line
	empty, known := kinds()[kind]
	if !known {
		empty, known = othersKinds()[kind]
	}
	if !known {
		return e.unknown(kind)
	}
	e.Output = empty()
	return unmarshal(e.Output)
}

func (e *entry) unknown(kind string) error {
	return fmt.Errorf("line %d: output type %s is not known; known are: %s", e.typeLine, spec.Quote(kind), strings.Join(slices.Sorted(maps.Keys(kinds())), ", "))
}

// MarshalYAML writes the output itself.
func (e entry) MarshalYAML() (any, error) { return e.Output, nil }

// Decode reads a tbot.yaml as strictly as tbot does, and says more about what is wrong: unknown keys and unknown types with
// their line, then everything of Validate.
func Decode(data []byte) (Config, error) {
	config, entries, err := decode(data)
	if err != nil {
		return Config{}, err
	}
	for _, e := range entries {
		if kind := e.Shared().Type; kinds()[kind] == nil {
			return Config{}, fmt.Errorf("tbot.yaml cannot be read: %w", e.unknown(kind))
		}
	}
	return config, judge(config, entries)
}

// decode reads all that tbot has, also what tbotctl does not write.
func decode(data []byte) (config Config, entries []*entry, err error) {
	defer func() {
		// yaml.v3 3.0.1 panics on a few texts, such as a mapping as a key beside a merge.
		if recover() != nil {
			config, entries, err = Config{}, nil, errors.New("tbot.yaml cannot be read: it is no YAML that makes sense")
		}
	}()
	var read document
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	decoder.KnownFields(true)
	if err := decoder.Decode(&read); err != nil {
		if errors.Is(err, io.EOF) {
			return Config{}, nil, errors.New("tbot.yaml is empty")
		}
		return Config{}, nil, fmt.Errorf("tbot.yaml cannot be read: %s", spec.YAMLError(err))
	}
	if err := decoder.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return Config{}, nil, errors.New("tbot.yaml holds more than one YAML document")
	}
	config = read.Config
	if read.CertificateTTL != 0 {
		if config.CredentialTTL != 0 {
			return Config{}, nil, errors.New("tbot.yaml gives both credential_ttl and certificate_ttl, its older name; leave one of the two out")
		}
		config.CredentialTTL = read.CertificateTTL
	}
	entries = slices.Concat(read.Outputs, read.Services)
	for i, e := range entries {
		if e == nil { // `-` and `- null` never reach UnmarshalYAML
			return Config{}, nil, fmt.Errorf("tbot.yaml cannot be read: output %d is empty", i+1)
		}
		config.Outputs = append(config.Outputs, e.Output)
	}
	return config, entries, nil
}

func judge(config Config, entries []*entry) error {
	problems := config.problems(func(i int) string { return fmt.Sprintf("line %d: output %d", entries[i].line, i+1) })
	return invalid(problems)
}
