package tbotconfig

import (
	"slices"
	"time"

	"gopkg.in/yaml.v3"
)

// Inspect reads a tbot.yaml that anybody may have written. The error is what tbot would refuse, as Decode says it, except that
// every output which tbot has is known here. What can be read is returned beside an error too: an unknown key, a value of a wrong
// kind or a type that does not exist hide nothing else. Of what is no YAML, or gives one key twice, nothing can be read.
func Inspect(data []byte) (Config, error) {
	config, entries, err := decode(data)
	if err != nil {
		return peek(data), err
	}
	return config, judge(config, entries)
}

// peek keeps whatever can be read.
func peek(data []byte) (config Config) {
	defer func() {
		if recover() != nil { // as in decode
			config = Config{}
		}
	}()
	var read struct {
		Config         `yaml:",inline"`
		CertificateTTL time.Duration `yaml:"certificate_ttl"`
		Outputs        yaml.Node     `yaml:"outputs"`
		Services       yaml.Node     `yaml:"services"`
	}
	// yaml.v3 goes on after a value of the wrong kind, and what it says of it is in the error of decode.
	_ = yaml.Unmarshal(data, &read)
	config = read.Config
	if config.CredentialTTL == 0 {
		config.CredentialTTL = read.CertificateTTL
	}
	for _, node := range slices.Concat(items(&read.Outputs), items(&read.Services)) {
		if output := peekOutput(node); output != nil {
			config.Outputs = append(config.Outputs, output)
		}
	}
	return config
}

func items(list *yaml.Node) []*yaml.Node {
	if list.Kind == yaml.AliasNode {
		list = list.Alias
	}
	if list.Kind != yaml.SequenceNode {
		return nil
	}
	return list.Content
}

// peekOutput is nil for what is no output at all.
func peekOutput(node *yaml.Node) Output {
	if node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	if node.Kind != yaml.MappingNode {
		return nil
	}
	var common Common
	_ = node.Decode(&common) // the error is decode's to tell
	empty := kinds()[common.Type]
	if empty == nil {
		empty = othersKinds()[common.Type]
	}
	if empty == nil {
		empty = func() Output { return &Foreign{} }
	}
	output := empty()
	_ = node.Decode(output) // the same
	return output
}
