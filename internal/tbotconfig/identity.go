package tbotconfig

import "github.com/tbotctl/tbotctl/internal/spec"

// TypeIdentity is the output that tsh, tctl, SSH clients and Teleport's API clients read.
const TypeIdentity = "identity"

// SSHConfig says whether an identity output comes with ssh_config and known_hosts; empty means on.
type SSHConfig string

// The values that tbot takes.
const (
	SSHConfigOn  SSHConfig = "on"
	SSHConfigOff SSHConfig = "off"
)

// Identity is the output of type identity (teleport-facts 6.3).
type Identity struct {
	Common      `yaml:",inline"`
	Destination Destination `yaml:"destination"`
	// Cluster is a leaf cluster to issue for; empty is the bot's own.
	Cluster   string    `yaml:"cluster,omitempty"`
	SSHConfig SSHConfig `yaml:"ssh_config,omitempty"`
	// AllowReissue lets the credentials ask for further ones; tbot knows it since 17.2.8.
	AllowReissue bool `yaml:"allow_reissue,omitempty"`
	// DelegationSessionID ties the credentials to a person's session (Teleport, lib/tbot/services, 2026).
	DelegationSessionID string `yaml:"delegation_session_id,omitempty"`
}

// NewIdentity returns an identity output that writes to destination.
func NewIdentity(destination Destination) *Identity {
	return &Identity{Common: Common{Type: TypeIdentity}, Destination: destination}
}

func (i *Identity) judge(at place) {
	i.Destination.judge(at.at("destination"))
	switch i.SSHConfig {
	case "", SSHConfigOn, SSHConfigOff:
	default:
		at.at("ssh_config").bad("%s is neither on nor off", spec.Quote(string(i.SSHConfig)))
	}
}
