package tbotconfig

// The types for SSH. tbotctl judges them and does not run them.
const (
	TypeSSHHost        = "ssh_host"
	TypeSSHMultiplexer = "ssh-multiplexer"
)

// SSHHost is a host certificate for an OpenSSH server (teleport-facts 6.3).
type SSHHost struct {
	Common      `yaml:",inline"`
	Destination Destination `yaml:"destination"`
	// Principals are the names under which clients reach the host.
	Principals []string `yaml:"principals"`
	// CAType is the authority whose keys are exported: user, which is the default, or openssh.
	CAType string `yaml:"ca_type,omitempty"`
}

func (s *SSHHost) judge(at place) {
	s.Destination.judge(at.at("destination"))
	if len(s.Principals) == 0 {
		at.bad("principals is missing; give at least one")
	}
	at.oneOf("ca_type", s.CAType, "user", "openssh")
}

// SSHMultiplexer serves SSH clients of the same host over few connections. The keys are those of Teleport's
// lib/tbot/services/ssh/multiplexer_config.go; relay_server is named so in its configuration reference.
type SSHMultiplexer struct {
	Common      `yaml:",inline"`
	Destination Destination `yaml:"destination"`
	// EnableResumption is on where it is nil.
	EnableResumption   *bool    `yaml:"enable_resumption,omitempty"`
	ProxyTemplatesPath string   `yaml:"proxy_templates_path,omitempty"`
	ProxyCommand       []string `yaml:"proxy_command,omitempty"`
	RelayServer        string   `yaml:"relay_server,omitempty"`
}

func (s *SSHMultiplexer) judge(at place) {
	s.Destination.judge(at.at("destination"))
	if t := s.Destination.Type; t == DestinationMemory || t == DestinationSecret {
		at.at("destination").bad("its sockets need a directory, not a %s", t)
	}
}
