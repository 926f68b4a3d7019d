package tbotconfig

import (
	"net"
	"strings"
	"time"

	"github.com/tbotctl/tbotctl/internal/spec"
)

// The older types for SPIFFE IDs, which roles of Teleport describe. The workload-identity types have taken their place, and tbot 19 no
// longer has them (teleport pull request 57541). tbotctl judges them and does not run them.
const (
	TypeSPIFFESVID        = "spiffe-svid"
	TypeSPIFFEWorkloadAPI = "spiffe-workload-api"
)

// SVID is one SPIFFE ID to ask for.
type SVID struct {
	// Path begins with a slash.
	Path string   `yaml:"path"`
	Hint string   `yaml:"hint,omitempty"`
	SANs SVIDSANs `yaml:"sans,omitempty"`
}

// SVIDSANs are further names in the certificate.
type SVIDSANs struct {
	DNS []string `yaml:"dns,omitempty"`
	IP  []string `yaml:"ip,omitempty"`
}

func (s SVID) judge(at place) {
	at.needs("path", s.Path)
	if s.Path != "" && !strings.HasPrefix(s.Path, "/") {
		at.at("path").bad("%s does not begin with a slash", spec.Quote(s.Path))
	}
	for i, ip := range s.SANs.IP {
		if net.ParseIP(ip) == nil {
			at.at("sans").at("ip").item(i).bad("%s is no IP address", spec.Quote(ip))
		}
	}
}

// SPIFFESVID writes an X.509 SVID and any number of JWT SVIDs. The keys are those of Teleport's
// lib/tbot/services/legacyspiffe/svid_output_config.go.
type SPIFFESVID struct {
	Common                       `yaml:",inline"`
	Destination                  Destination `yaml:"destination"`
	SVID                         SVID        `yaml:"svid"`
	IncludeFederatedTrustBundles bool        `yaml:"include_federated_trust_bundles,omitempty"`
	JWTs                         []JWTFile   `yaml:"jwts,omitempty"`
}

// JWTFile is a JWT SVID and the artifact that holds it.
type JWTFile struct {
	FileName string `yaml:"file_name"`
	Audience string `yaml:"audience"`
}

func (s *SPIFFESVID) judge(at place) {
	s.Destination.judge(at.at("destination"))
	s.SVID.judge(at.at("svid"))
	for i, jwt := range s.JWTs {
		at.at("jwts").item(i).needs("file_name", jwt.FileName)
		at.at("jwts").item(i).needs("audience", jwt.Audience)
	}
}

// SPIFFEWorkloadAPI serves SVIDs to workloads of the same host. The keys are those of Teleport's
// lib/tbot/services/legacyspiffe/workload_api_config.go.
type SPIFFEWorkloadAPI struct {
	Common     `yaml:",inline"`
	Listen     string        `yaml:"listen"`
	SVIDs      []RuledSVID   `yaml:"svids"`
	Attestors  Attestors     `yaml:"attestors,omitempty"`
	JWTSVIDTTL time.Duration `yaml:"jwt_svid_ttl,omitempty"`
}

// RuledSVID is an SVID for workloads that meet one of its rules, or for all where it has none.
type RuledSVID struct {
	SVID  `yaml:",inline"`
	Rules []SVIDRule `yaml:"rules,omitempty"`
}

// SVIDRule is met by a workload that meets all that is given.
type SVIDRule struct {
	Unix       UnixRule       `yaml:"unix,omitempty"`
	Kubernetes KubernetesRule `yaml:"kubernetes,omitempty"`
}

// UnixRule knows a process by its numbers; nil is any.
type UnixRule struct {
	PID *int `yaml:"pid,omitempty"`
	UID *int `yaml:"uid,omitempty"`
	GID *int `yaml:"gid,omitempty"`
}

// KubernetesRule knows a pod; empty is any.
type KubernetesRule struct {
	Namespace      string `yaml:"namespace,omitempty"`
	ServiceAccount string `yaml:"service_account,omitempty"`
	PodName        string `yaml:"pod_name,omitempty"`
}

func (s *SPIFFEWorkloadAPI) judge(at place) {
	at.needs("listen", s.Listen)
	if len(s.SVIDs) == 0 {
		at.bad("svids is missing; give at least one")
	}
	for i, svid := range s.SVIDs {
		svid.judge(at.at("svids").item(i))
	}
	s.Attestors.judge(at.at("attestors"))
}
