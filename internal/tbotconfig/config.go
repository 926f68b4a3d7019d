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
	// ProxyServer is host:port; exactly one of it and AuthServer is given.
	ProxyServer string `yaml:"proxy_server,omitempty"`
	AuthServer  string `yaml:"auth_server,omitempty"`
	// CredentialTTL and RenewalInterval of everything that does not say otherwise; see Lifetime.
	CredentialTTL   time.Duration `yaml:"credential_ttl,omitempty"`
	RenewalInterval time.Duration `yaml:"renewal_interval,omitempty"`
	DiagAddr        string        `yaml:"diag_addr,omitempty"`
	Oneshot         bool          `yaml:"oneshot,omitempty"`
	Debug           bool          `yaml:"debug,omitempty"`
	FIPS            bool          `yaml:"fips,omitempty"`
	Insecure        bool          `yaml:"insecure,omitempty"`
	// Outputs stand under `outputs`, under `services`, or under both.
	Outputs []Output `yaml:"-"`
}

// Onboarding says how tbot joins.
type Onboarding struct {
	// Token is the name of the join token. A value that starts with a slash is a file that holds it.
	Token      string   `yaml:"token,omitempty"`
	JoinMethod string   `yaml:"join_method,omitempty"`
	CAPath     string   `yaml:"ca_path,omitempty"`
	CAPins     []string `yaml:"ca_pins,omitempty"`
	// Kubernetes is only known to tbots of 2026 and on (teleport pull request 64766).
	Kubernetes OnboardingKubernetes `yaml:"kubernetes,omitempty"`
}

// OnboardingKubernetes is what belongs to the join method kubernetes.
type OnboardingKubernetes struct {
	// TokenPath is the file of the token that tbot presents; empty means what KUBERNETES_TOKEN_PATH names.
	TokenPath string `yaml:"token_path,omitempty"`
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
