package tbotconfig

import (
	"fmt"

	"github.com/tbotctl/tbotctl/internal/spec"
)

// Encode writes a tbot.yaml that tbot 16 to 19 read: the key is `outputs`, which every one of them knows, while `services`
// came with 17 (teleport-facts 6.1). The same Config gives the same bytes.
func Encode(c Config) ([]byte, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	written := document{Config: c, Outputs: make([]*entry, 0, len(c.Outputs))}
	for _, output := range c.Outputs {
		written.Outputs = append(written.Outputs, &entry{Output: output})
	}
	text, err := spec.MarshalYAML(written)
	if err != nil {
		return nil, fmt.Errorf("writing tbot.yaml: %w", err)
	}
	return text, nil
}
