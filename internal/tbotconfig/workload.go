package tbotconfig

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tbotctl/tbotctl/internal/spec"
)

// The types for workload identities, SPIFFE IDs that a WorkloadIdentity resource of Teleport describes. tbotctl judges them and does
// not run them.
const (
	TypeWorkloadX509 = "workload-identity-x509"
	TypeWorkloadJWT  = "workload-identity-jwt"
	TypeWorkloadAPI  = "workload-identity-api"
	TypeWorkloadAWS  = "workload-identity-aws-roles-anywhere"
)

// WorkloadSelector chooses WorkloadIdentity resources by their name or by their labels, not by both (teleport-facts 6.3; several
// values of a label are Teleport's lib/tbot/bot/workload_identity.go).
type WorkloadSelector struct {
	Name   string              `yaml:"name,omitempty"`
	Labels map[string][]string `yaml:"labels,omitempty"`
}

func (s WorkloadSelector) judge(at place) {
	judgeChoice(s.Name, len(s.Labels), at)
	for _, label := range slices.Sorted(maps.Keys(s.Labels)) {
		if len(s.Labels[label]) == 0 {
			at.at("labels").at(label).bad("give at least one value")
		}
	}
}

// judgeTrustDomains knows the one trust domain that Teleport does (lib/tbot/bot/workload_identity.go).
func judgeTrustDomains(domains []string, at place) {
	for i, domain := range domains {
		if domain != "app_client" {
			at.item(i).bad("%s is not known; use app_client", spec.Quote(domain))
		}
	}
}

// WorkloadX509 writes an X.509 SVID (teleport-facts 6.3).
type WorkloadX509 struct {
	Common                       `yaml:",inline"`
	Destination                  Destination      `yaml:"destination"`
	Selector                     WorkloadSelector `yaml:"selector"`
	IncludeFederatedTrustBundles bool             `yaml:"include_federated_trust_bundles,omitempty"`
	TrustDomains                 []string         `yaml:"trust_domains,omitempty"`
}

func (w *WorkloadX509) judge(at place) {
	w.Destination.judge(at.at("destination"))
	w.Selector.judge(at.at("selector"))
	judgeTrustDomains(w.TrustDomains, at.at("trust_domains"))
}

// WorkloadJWT writes a JWT SVID (teleport-facts 6.3).
type WorkloadJWT struct {
	Common      `yaml:",inline"`
	Destination Destination      `yaml:"destination"`
	Selector    WorkloadSelector `yaml:"selector"`
	Audiences   []string         `yaml:"audiences"`
}

func (w *WorkloadJWT) judge(at place) {
	w.Destination.judge(at.at("destination"))
	w.Selector.judge(at.at("selector"))
	if len(w.Audiences) == 0 {
		at.bad("audiences is missing; give at least one")
	}
}

// WorkloadAPI serves SVIDs to workloads of the same host. The keys are those of Teleport's
// lib/tbot/services/workloadidentity/workload_api_config.go.
type WorkloadAPI struct {
	Common `yaml:",inline"`
	// Listen is tcp://HOST:PORT or unix:///PATH.
	Listen       string           `yaml:"listen"`
	Attestors    Attestors        `yaml:"attestors,omitempty"`
	Selector     WorkloadSelector `yaml:"selector"`
	TrustDomains []string         `yaml:"trust_domains,omitempty"`
}

func (w *WorkloadAPI) judge(at place) {
	at.needs("listen", w.Listen)
	w.Attestors.judge(at.at("attestors"))
	w.Selector.judge(at.at("selector"))
	judgeTrustDomains(w.TrustDomains, at.at("trust_domains"))
}

// What a WorkloadAWS assumes where it is silent, and the longest session that it takes.
const (
	DefaultAWSSession         = 6 * time.Hour
	DefaultAWSSessionInterval = time.Hour
	maxAWSSession             = 12 * time.Hour
)

// WorkloadAWS writes AWS credentials that IAM Roles Anywhere gives for an SVID. Keys and limits are those of Teleport's
// lib/tbot/services/awsra/config.go and its configuration reference.
type WorkloadAWS struct {
	Common         `yaml:",inline"`
	Destination    Destination      `yaml:"destination"`
	Selector       WorkloadSelector `yaml:"selector"`
	RoleARN        string           `yaml:"role_arn"`
	ProfileARN     string           `yaml:"profile_arn"`
	TrustAnchorARN string           `yaml:"trust_anchor_arn"`
	// Region is that of AWS_REGION where it is empty.
	Region string `yaml:"region,omitempty"`
	// SessionDuration and SessionRenewalInterval are DefaultAWSSession and DefaultAWSSessionInterval where they are zero.
	SessionDuration         time.Duration `yaml:"session_duration,omitempty"`
	SessionRenewalInterval  time.Duration `yaml:"session_renewal_interval,omitempty"`
	CredentialProfileName   string        `yaml:"credential_profile_name,omitempty"`
	ArtifactName            string        `yaml:"artifact_name,omitempty"`
	OverwriteCredentialFile bool          `yaml:"overwrite_credential_file,omitempty"`
}

func (w *WorkloadAWS) judge(at place) {
	w.Destination.judge(at.at("destination"))
	w.Selector.judge(at.at("selector"))
	judgeARN("role_arn", w.RoleARN, at)
	judgeARN("profile_arn", w.ProfileARN, at)
	judgeARN("trust_anchor_arn", w.TrustAnchorARN, at)
	session, interval := w.SessionDuration, w.SessionRenewalInterval
	if session == 0 {
		session = DefaultAWSSession
	}
	if interval == 0 {
		interval = DefaultAWSSessionInterval
	}
	switch {
	case session < 0 || interval < 0:
		at.bad("session_duration and session_renewal_interval are durations above zero")
	case session > maxAWSSession:
		at.at("session_duration").bad("%s is more than AWS gives, which is %s", session, maxAWSSession)
	case interval >= session:
		at.at("session_renewal_interval").bad("%s is not shorter than session_duration, %s", interval, session)
	}
}

// judgeARN counts the six parts of an Amazon Resource Name.
func judgeARN(key, value string, at place) {
	at.needs(key, value)
	if value != "" && (!strings.HasPrefix(value, "arn:") || strings.Count(value, ":") < 5) {
		at.at(key).bad("%s is no ARN", spec.Quote(value))
	}
}
