package tbotconfig

import (
	"strings"

	"github.com/tbotctl/tbotctl/internal/spec"
)

// For returns the tbot.yaml of a Setup whose names are filled. The Deployment mounts it and the proof of the join runs it, so
// that both try the same thing.
func For(s spec.Setup) Config {
	names := s.Names()
	config := Config{
		Version:     Version,
		Onboarding:  Onboarding{Token: names.Token, JoinMethod: JoinMethodKubernetes},
		Storage:     Memory(), // a kubernetes join starts over at every renewal, so there is no state worth keeping (teleport-facts 2.9)
		ProxyServer: s.Teleport.Proxy,
		// A FIPS image without it would still speak other than FIPS ciphers.
		FIPS: s.Workload.FIPS || s.Resolved != nil && strings.Contains(s.Resolved.Image, "/"+spec.ImageNameFIPS),
	}
	switch s.Access {
	case spec.AccessIdentity:
		config.Outputs = []Output{NewIdentity(Secret(names.OutputSecret))}
	case spec.AccessNone:
	}
	return config
}
