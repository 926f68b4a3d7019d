package tbotconfig

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tbotctl/tbotctl/internal/spec"
)

// Output is one entry of `outputs` or `services`: a pointer to one of this package's types, a *Foreign from Inspect where tbot has
// no such type. tbot once called them outputs and services; since 17 they are one list (teleport-facts 6.1).
type Output interface {
	// Shared is the part that every kind of output has, never nil.
	Shared() *Common
	// judge says what Teleport would refuse about the kind's own fields.
	judge(place)
}

// Common is what an output may have whatever its type; which of it a type lacks is in kinds.
type Common struct {
	Type string `yaml:"type"`
	// Name tells outputs apart in logs and under /readyz; empty means `<type>-<n>` (Config.NameOf). tbot knows it since 17.5.4 and 18.0.2.
	Name string `yaml:"name,omitempty"`
	// CredentialTTL and RenewalInterval are given both or neither; tbot knows them here since 17.2.8.
	CredentialTTL   time.Duration `yaml:"credential_ttl,omitempty"`
	RenewalInterval time.Duration `yaml:"renewal_interval,omitempty"`
	// Roles narrows the bot's roles for this output; tbot 19 no longer takes it (teleport-facts 6.1).
	Roles []string `yaml:"roles,omitempty"`
}

// Shared implements Output for every kind that embeds Common.
func (c *Common) Shared() *Common { return c }

// What a type may lack of Common.
const (
	withoutRoles = 1 << iota
	withoutLifetime
)

// kind is one `type`.
type kind struct {
	empty func() Output
	lacks int
	// stays is for a service that serves for as long as tbot runs, and so never with oneshot (Teleport's configuration reference).
	stays bool
}

// kinds holds every type of teleport-facts 6.1; the sources of their fields are at each. A new one is a struct, a line here, and a
// line in gates.
func kinds() map[string]kind {
	return map[string]kind{
		TypeIdentity:          {empty: func() Output { return &Identity{} }},
		TypeKubernetes:        {empty: func() Output { return &Kubernetes{} }},
		TypeKubernetesV2:      {empty: func() Output { return &KubernetesV2{} }, lacks: withoutRoles},
		TypeArgoCD:            {empty: func() Output { return &ArgoCD{} }, lacks: withoutRoles},
		TypeApplication:       {empty: func() Output { return &Application{} }},
		TypeApplicationTunnel: {empty: func() Output { return &ApplicationTunnel{} }, stays: true},
		TypeApplicationProxy:  {empty: func() Output { return &ApplicationProxy{} }, lacks: withoutRoles | withoutLifetime, stays: true},
		TypeDatabase:          {empty: func() Output { return &Database{} }},
		TypeDatabaseTunnel:    {empty: func() Output { return &DatabaseTunnel{} }, stays: true},
		TypeSSHHost:           {empty: func() Output { return &SSHHost{} }},
		TypeSSHMultiplexer:    {empty: func() Output { return &SSHMultiplexer{} }, lacks: withoutRoles, stays: true},
		TypeWorkloadX509:      {empty: func() Output { return &WorkloadX509{} }, lacks: withoutRoles},
		TypeWorkloadJWT:       {empty: func() Output { return &WorkloadJWT{} }, lacks: withoutRoles},
		TypeWorkloadAPI:       {empty: func() Output { return &WorkloadAPI{} }, lacks: withoutRoles, stays: true},
		TypeWorkloadAWS:       {empty: func() Output { return &WorkloadAWS{} }, lacks: withoutRoles | withoutLifetime},
		TypeSPIFFESVID:        {empty: func() Output { return &SPIFFESVID{} }, lacks: withoutRoles},
		TypeSPIFFEWorkloadAPI: {empty: func() Output { return &SPIFFEWorkloadAPI{} }, lacks: withoutRoles, stays: true},
		TypeClientCredential:  {empty: func() Output { return &ClientCredential{} }, lacks: withoutLifetime},
		TypeExample:           {empty: func() Output { return &Example{} }, lacks: withoutRoles | withoutLifetime},
	}
}

// Types are all types that tbot has, sorted.
func Types() []string { return slices.Sorted(maps.Keys(kinds())) }

// judgeCommon holds what no type may have against what this one lacks.
func judgeCommon(c *Common, at place) {
	k, known := kinds()[c.Type]
	if !known {
		return // judged by Foreign
	}
	if k.lacks&withoutRoles != 0 && len(c.Roles) > 0 {
		at.at("roles").bad("type %s has no roles of its own", c.Type)
	}
	switch {
	case c.CredentialTTL < 0 || c.RenewalInterval < 0:
		at.bad("credential_ttl and renewal_interval are durations above zero")
	case k.lacks&withoutLifetime != 0 && (c.CredentialTTL != 0 || c.RenewalInterval != 0):
		at.bad("type %s has neither credential_ttl nor renewal_interval", c.Type)
	}
}

// Foreign is an output of a type that no tbot has. Inspect alone returns it, so that a misspelt type hides nothing else. Its other keys
// are passed over.
type Foreign struct {
	Common `yaml:",inline"`
	// Destination is zero where none is given.
	Destination Destination `yaml:"destination,omitempty"`
}

func (f *Foreign) judge(at place) {
	if f.Type == "" {
		at.bad("it has no type")
		return
	}
	at.at("type").bad("%s is not known; known are: %s", spec.Quote(f.Type), strings.Join(Types(), ", "))
}
