package tbotconfig

import (
	"net/url"
	"time"

	"github.com/tbotctl/tbotctl/internal/spec"
)

// The types for applications that are enrolled in Teleport. tbotctl judges them and does not run them.
const (
	TypeApplication       = "application"
	TypeApplicationTunnel = "application-tunnel"
	TypeApplicationProxy  = "application-proxy"
)

// Application is a certificate for one application (teleport-facts 6.3).
type Application struct {
	Common      `yaml:",inline"`
	Destination Destination `yaml:"destination"`
	AppName     string      `yaml:"app_name"`
	// SpecificTLSNaming writes tls.key, tls.crt and tls.cas too.
	SpecificTLSNaming   bool   `yaml:"specific_tls_naming,omitempty"`
	DelegationSessionID string `yaml:"delegation_session_id,omitempty"`
}

func (a *Application) judge(at place) {
	a.Destination.judge(at.at("destination"))
	at.needs("app_name", a.AppName)
}

// ApplicationTunnel listens and forwards to one application. The keys are those of Teleport's
// lib/tbot/services/application/tunnel_config.go and its configuration reference.
type ApplicationTunnel struct {
	Common `yaml:",inline"`
	// Listen is tcp://HOST:PORT or unix:///PATH.
	Listen              string `yaml:"listen"`
	AppName             string `yaml:"app_name"`
	DelegationSessionID string `yaml:"delegation_session_id,omitempty"`
}

func (t *ApplicationTunnel) judge(at place) {
	judgeListen(t.Listen, at)
	at.needs("app_name", t.AppName)
}

// judgeListen wants what tbot can parse (Teleport, lib/tbot/services/application/tunnel_config.go).
func judgeListen(listen string, at place) {
	at.needs("listen", listen)
	if _, err := url.Parse(listen); err != nil {
		at.at("listen").bad("%s is no address; use tcp://HOST:PORT or unix:///PATH", spec.Quote(listen))
	}
}

// ApplicationProxy is an HTTP proxy to any application that the bot reaches. The keys are those of Teleport's
// lib/tbot/services/application/proxy_config.go; unlike everywhere else, its lifetime is a group of its own.
type ApplicationProxy struct {
	Common              `yaml:",inline"`
	Listen              string   `yaml:"listen"`
	CredentialLifetime  Lifetime `yaml:"credential_lifetime,omitempty"`
	DelegationSessionID string   `yaml:"delegation_session_id,omitempty"`
}

// Lifetime is how long credentials last, and how often they are renewed; zero leaves it to the rest of the file.
type Lifetime struct {
	CredentialTTL   time.Duration `yaml:"credential_ttl,omitempty"`
	RenewalInterval time.Duration `yaml:"renewal_interval,omitempty"`
}

func (p *ApplicationProxy) judge(at place) {
	judgeListen(p.Listen, at)
	if l := p.CredentialLifetime; l.CredentialTTL < 0 || l.RenewalInterval < 0 {
		at.at("credential_lifetime").bad("credential_ttl and renewal_interval are durations above zero")
	}
}
