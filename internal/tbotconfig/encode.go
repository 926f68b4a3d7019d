package tbotconfig

import (
	"fmt"

	"github.com/tbotctl/tbotctl/internal/spec"
)

// written is the file as Encode writes it.
type written struct {
	Config   `yaml:",inline"`
	Outputs  []Output `yaml:"outputs"`
	Services []Output `yaml:"services,omitempty"`
}

// Encode writes a tbot.yaml of any outputs. Their key is `outputs`, which tbot 16 to 19 know all; `services` took them in with 17
// (teleport-facts 6.1) and is written only for what was read from there. The same Config gives the same bytes, and Decode reads it back.
func Encode(c Config) ([]byte, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	file := written{Config: c}
	file.Outputs, file.Services = c.split()
	if file.Outputs == nil {
		file.Outputs = []Output{} // written as an empty list
	}
	text, err := spec.MarshalYAML(file)
	if err != nil {
		return nil, fmt.Errorf("writing tbot.yaml: %w", err)
	}
	return text, nil
}
