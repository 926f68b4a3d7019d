package tbotconfig

import (
	"time"

	"gopkg.in/yaml.v3"

	"github.com/tbotctl/tbotctl/internal/spec"
)

// Onboarding says how tbot joins (teleport-facts 6.1). Each group belongs to one join method; the keys of the groups are those of
// Teleport's lib/tbot/bot/onboarding/config.go.
type Onboarding struct {
	// Token is the name of the join token. A value that starts with a slash is a file that holds it.
	Token        string                 `yaml:"token,omitempty"`
	JoinMethod   string                 `yaml:"join_method,omitempty"`
	CAPath       string                 `yaml:"ca_path,omitempty"`
	CAPins       []string               `yaml:"ca_pins,omitempty"`
	Azure        OnboardingAzure        `yaml:"azure,omitempty"`
	Terraform    OnboardingTerraform    `yaml:"terraform,omitempty"`
	GitLab       OnboardingGitLab       `yaml:"gitlab,omitempty"`
	BoundKeypair OnboardingBoundKeypair `yaml:"bound_keypair,omitempty"`
	GenericOIDC  OnboardingGenericOIDC  `yaml:"generic_oidc,omitempty"`
	// Kubernetes is only known to tbots of 2026 and on (teleport pull request 64766).
	Kubernetes OnboardingKubernetes `yaml:"kubernetes,omitempty"`
}

// OnboardingAzure is what belongs to the join method azure.
type OnboardingAzure struct {
	// ClientID is the managed identity to use where the machine has several.
	ClientID string `yaml:"client_id,omitempty"`
}

// OnboardingTerraform is what belongs to the join method terraform_cloud.
type OnboardingTerraform struct {
	AudienceTag string `yaml:"audience_tag,omitempty"`
}

// OnboardingGitLab is what belongs to the join method gitlab.
type OnboardingGitLab struct {
	TokenEnvVarName string `yaml:"token_env_var_name,omitempty"`
}

// OnboardingBoundKeypair is what belongs to the join method bound_keypair.
type OnboardingBoundKeypair struct {
	// RegistrationSecret is for the first join, or a file of it stands at RegistrationSecretPath; not both.
	RegistrationSecret     Hidden `yaml:"registration_secret,omitempty"`
	RegistrationSecretPath string `yaml:"registration_secret_path,omitempty"`
	StaticPrivateKeyPath   string `yaml:"static_private_key_path,omitempty"`
}

// OnboardingGenericOIDC is what belongs to the join method generic_oidc: the token is in Env, or Command prints it.
type OnboardingGenericOIDC struct {
	Env     string        `yaml:"env,omitempty"`
	Command []string      `yaml:"command,omitempty"`
	Timeout time.Duration `yaml:"timeout,omitempty"`
}

// OnboardingKubernetes is what belongs to the join method kubernetes.
type OnboardingKubernetes struct {
	// TokenPath is the file of the token that tbot presents; empty means what KUBERNETES_TOKEN_PATH names.
	TokenPath string `yaml:"token_path,omitempty"`
}

// joinMethods are those by which a bot may join (the same file of Teleport's; ec2 is in its configuration reference alone).
func joinMethods() []string {
	return []string{
		"azure", "azure_devops", "bitbucket", "bound_keypair", "circleci", "ec2", "env0", "gcp", "generic_oidc", "github", "gitlab", "iam",
		JoinMethodKubernetes, "oracle", "spacelift", "terraform_cloud", "token", "tpm",
	}
}

func (o Onboarding) judge(at place) {
	at.oneOf("join_method", o.JoinMethod, joinMethods()...)
	if o.CAPath != "" && len(o.CAPins) > 0 {
		at.bad("ca_path and ca_pins are both given; leave one of the two out")
	}
	if b := o.BoundKeypair; !b.RegistrationSecret.Empty() && b.RegistrationSecretPath != "" {
		at.at("bound_keypair").bad("registration_secret and registration_secret_path are both given; leave one of the two out")
	}
	if g := o.GenericOIDC; g.Env != "" && len(g.Command) > 0 {
		at.at("generic_oidc").bad("env and command are both given; leave one of the two out")
	}
}

// Hidden is a value of tbot.yaml that is a secret. It prints like every spec.Secret, which is not at all; only Encode writes it.
type Hidden struct{ spec.Secret }

// Hide wraps a value; an empty one is the same as none.
func Hide(value string) Hidden {
	if value == "" {
		return Hidden{}
	}
	return Hidden{spec.NewSecret(value)}
}

// IsZero lets an empty value be left out.
func (h Hidden) IsZero() bool { return h.Empty() }

// MarshalYAML implements yaml.Marshaler for Encode.
func (h Hidden) MarshalYAML() (any, error) { return h.Reveal(), nil }

// UnmarshalYAML implements yaml.Unmarshaler.
func (h *Hidden) UnmarshalYAML(node *yaml.Node) error {
	var value string
	if err := node.Decode(&value); err != nil {
		return err
	}
	*h = Hide(value)
	return nil
}
