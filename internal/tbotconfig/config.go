// Package tbotconfig holds tbot's own configuration file, tbot.yaml version v2: its types, strict reading, writing and what
// Teleport itself refuses about it. It is pure data; running a bot from it is internal/tbot's.
package tbotconfig

import "time"

// Version is the only format that is read and written (teleport-facts 6.1).
const Version = "v2"

// JoinMethodKubernetes is the join method that tbotctl sets up.
const JoinMethodKubernetes = "kubernetes"

// What tbot assumes where its file is silent (teleport-facts 2.9).
const (
	DefaultCredentialTTL   = time.Hour
	DefaultRenewalInterval = 20 * time.Minute
	DefaultStoragePath     = "/var/lib/teleport/bot"
)

// Config is one tbot.yaml. Zero values mean that the file is silent.
type Config struct {
	Version    string     `yaml:"version"`
	Onboarding Onboarding `yaml:"onboarding,omitempty"`
	// Storage is for the bot's own state; the zero value is a directory at DefaultStoragePath.
	Storage Destination `yaml:"storage,omitempty"`
	// ProxyServer is host:port; exactly one of it and AuthServer is given, or JoinURI stands for both.
	ProxyServer string `yaml:"proxy_server,omitempty"`
	AuthServer  string `yaml:"auth_server,omitempty"`
	// JoinURI bundles address, join method and token in one text (Teleport, lib/tbot/config/joinuri, 2025).
	JoinURI Hidden `yaml:"join_uri,omitempty"`
	// CredentialTTL and RenewalInterval of everything that does not say otherwise; see Lifetime. CredentialTTL is certificate_ttl in
	// tbot before 17.2.8.
	CredentialTTL   time.Duration `yaml:"credential_ttl,omitempty"`
	RenewalInterval time.Duration `yaml:"renewal_interval,omitempty"`
	// Leeway is how early a certificate counts as ended (teleport pull request 64626).
	Leeway   time.Duration `yaml:"leeway,omitempty"`
	DiagAddr string        `yaml:"diag_addr,omitempty"`
	Oneshot  bool          `yaml:"oneshot,omitempty"`
	Debug    bool          `yaml:"debug,omitempty"`
	FIPS     bool          `yaml:"fips,omitempty"`
	Insecure bool          `yaml:"insecure,omitempty"`
	// Outputs are those under `outputs` and then those under `services`.
	Outputs []Output `yaml:"-"`
	// services is how many of the last stand under `services`: tbot numbers them before the others.
	services int
}

// split returns the outputs of each key. A caller may have put other outputs into a Config that was read.
func (c Config) split() (outputs, services []Output) {
	border := len(c.Outputs) - min(c.services, len(c.Outputs))
	return c.Outputs[:border], c.Outputs[border:]
}

// Lifetime is how long credentials last: of an output, or of the bot itself where output is nil.
func (c Config) Lifetime(output Output) time.Duration {
	if output != nil && output.Shared().CredentialTTL > 0 {
		return output.Shared().CredentialTTL
	}
	if c.CredentialTTL > 0 {
		return c.CredentialTTL
	}
	return DefaultCredentialTTL
}
