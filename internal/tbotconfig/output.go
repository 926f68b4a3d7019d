package tbotconfig

import "time"

// Output is one entry of `outputs`: an *Identity, or, from Inspect, also one that tbotctl does not write. What all kinds have in common is in Shared.
type Output interface {
	// Shared is the part that every kind of output has, never nil.
	Shared() *Common
	// problems says what Teleport would refuse about the kind's own fields.
	problems() []string
}

// kinds returns an empty output for every `type` that can be read; a new kind is a file of its own and a line here.
func kinds() map[string]func() Output {
	return map[string]func() Output{
		TypeIdentity: func() Output { return &Identity{} },
	}
}

// Common is what every output has.
type Common struct {
	Type string `yaml:"type"`
	// Name tells outputs apart in logs and under /readyz; empty means `<type>-<n>`. Servers before 17 do not know it.
	Name            string        `yaml:"name,omitempty"`
	CredentialTTL   time.Duration `yaml:"credential_ttl,omitempty"`
	RenewalInterval time.Duration `yaml:"renewal_interval,omitempty"`
	// Roles narrows the bot's roles for this output; tbot 19 no longer knows it (teleport-facts 6.1).
	Roles []string `yaml:"roles,omitempty"`
}

// Shared implements Output for every kind that embeds Common.
func (c *Common) Shared() *Common { return c }
