package tbotconfig

// The types that tbot has for its own developers.
const (
	TypeClientCredential = "unstable_client_credential"
	TypeExample          = "example"
)

// ClientCredential keeps credentials for a program that embeds tbot (Teleport, lib/tbot/services/clientcredentials/config.go).
type ClientCredential struct {
	Common              `yaml:",inline"`
	DelegationSessionID string `yaml:"delegation_session_id,omitempty"`
}

func (*ClientCredential) judge(place) {}

// Example logs a message (Teleport, lib/tbot/services/example/config.go).
type Example struct {
	Common  `yaml:",inline"`
	Message string `yaml:"message"`
}

func (e *Example) judge(at place) { at.needs("message", e.Message) }
