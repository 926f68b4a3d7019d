package spec

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"gopkg.in/yaml.v3"
)

// Load reads an answers file over the defaults. It is strict: an unknown key is an error that names its line, because a
// mistyped answer that is silently dropped comes back as `access denied`.
func Load(r io.Reader) (Setup, error) {
	data, err := Read(r)
	if err != nil {
		return Setup{}, err
	}
	// The kind first: a file of another tool is refused by its name, not by the first key that is unknown here.
	var file header
	if err := yaml.Unmarshal(data, &file); err != nil {
		return Setup{}, fmt.Errorf("the answers cannot be read: %s", YAMLError(err))
	}
	if len(bytes.TrimSpace(data)) > 0 && (file.APIVersion != APIVersion || file.Kind != Kind) {
		return Setup{}, fmt.Errorf("the answers are apiVersion %s, kind %s; this tbotctl reads apiVersion %s, kind %s", Quote(file.APIVersion), Quote(file.Kind), APIVersion, Kind)
	}
	setup := Default()
	if file.Workload.Kind == WorkloadAgent {
		setup.deploy(WorkloadAgent)
	}
	// Maps merge on decoding; an answers file replaces the defaults that it names.
	setup.Workload.Requests, setup.Workload.Limits = nil, nil
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	decoder.KnownFields(true)
	if err := decoder.Decode(&setup); err != nil {
		if errors.Is(err, io.EOF) {
			return Setup{}, errors.New("the answers are empty")
		}
		return Setup{}, fmt.Errorf("the answers cannot be read: %s", YAMLError(err))
	}
	if err := decoder.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return Setup{}, errors.New("the answers hold more than one YAML document")
	}
	if setup.Workload.Requests == nil {
		setup.Workload.Requests = Default().Workload.Requests
	}
	if setup.Workload.Limits == nil {
		setup.Workload.Limits = Default().Workload.Limits
	}
	return setup, nil
}

// Read takes no more than an answers file or a request can be.
func Read(r io.Reader) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("reading the answers: %w", err)
	}
	if len(data) > maxFile {
		return nil, errors.New("the answers are larger than 1 MiB")
	}
	return data, nil
}

// IsRequest tells a request from answers, by its kind alone.
func IsRequest(data []byte) bool {
	var file struct {
		Kind string `yaml:"kind"`
	}
	return yaml.Unmarshal(data, &file) == nil && file.Kind == KindRequest
}

// Save writes the answers so that Load gives the same Setup back.
func Save(w io.Writer, s Setup) error {
	data, err := MarshalYAML(s)
	if err != nil {
		return fmt.Errorf("writing the answers: %w", err)
	}
	if _, err := w.Write(data); err != nil {
		return fmt.Errorf("writing the answers: %w", err)
	}
	return nil
}

type header struct {
	APIVersion string `yaml:"apiVersion"`
	Kind       string `yaml:"kind"`
	// Workload decides what other answers are where the file has none.
	Workload struct {
		Kind WorkloadKind `yaml:"kind"`
	} `yaml:"workload"`
}
