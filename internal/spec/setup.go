// Package spec holds the centre of tbotctl: the Setup that a person asks for, its defaults, its validation, its names and
// its file format. It is plain data; it knows no client, no cluster and no terminal, and every other room points at it.
package spec

// APIVersion and Kind mark an answers file, so that a file of another tool or a later format is refused by name.
const (
	APIVersion = "tbotctl.dev/v1"
	Kind       = "Setup"
)

// Setup is everything that a person decides about one tbot installation. It carries no secrets: an answers file may be
// committed and shown. What was looked up rather than decided stands in Resolved.
type Setup struct {
	APIVersion string     `yaml:"apiVersion"`
	Kind       string     `yaml:"kind"`
	Name       string     `yaml:"name"`
	Side       Side       `yaml:"side"`
	Kubernetes Kubernetes `yaml:"kubernetes"`
	Teleport   Teleport   `yaml:"teleport"`
	Join       Join       `yaml:"join"`
	Access     Access     `yaml:"access"`
	Reach      Reach      `yaml:"reach,omitempty"`
	ArgoCD     ArgoCD     `yaml:"argocd,omitempty"`
	Output     Output     `yaml:"output,omitempty"`
	Workload   Workload   `yaml:"workload"`
	Agent      Agent      `yaml:"agent,omitempty"`
	Files      Files      `yaml:"files"`
	Resolved   *Resolved  `yaml:"resolved,omitempty"`
}

// Side says which of the two systems this run may touch.
type Side string

// The sides of cli.md.
const (
	SideBoth       Side = "both"
	SideKubernetes Side = "kubernetes"
	SideTeleport   Side = "teleport"
)

// HasKubernetes reports whether the Kubernetes side is this run's to touch.
func (s Side) HasKubernetes() bool { return s == SideBoth || s == SideKubernetes }

// HasTeleport reports whether the Teleport side is this run's to touch.
func (s Side) HasTeleport() bool { return s == SideBoth || s == SideTeleport }

// Kubernetes says where in which cluster tbot runs.
type Kubernetes struct {
	Context         string `yaml:"context,omitempty"`
	Namespace       string `yaml:"namespace,omitempty"`
	CreateNamespace bool   `yaml:"createNamespace,omitempty"`
	ServiceAccount  string `yaml:"serviceAccount,omitempty"`
}

// Teleport says which Teleport cluster tbot joins, as which bot, by which join token.
type Teleport struct {
	// Proxy is host:port of the Proxy Service, without a scheme.
	Proxy string `yaml:"proxy,omitempty"`
	// ProxyCA is PEM of the authority that signed the proxy's certificate, where no system root did.
	ProxyCA string `yaml:"proxyCA,omitempty"`
	// ClusterName is the audience of the service account token; empty means as /webapi/find says.
	ClusterName string   `yaml:"clusterName,omitempty"`
	BotName     string   `yaml:"botName,omitempty"`
	TokenName   string   `yaml:"tokenName,omitempty"`
	Roles       []string `yaml:"roles,omitempty"`
}

// JoinType is how the Auth Service verifies the service account token (teleport-facts 3).
type JoinType string

// The types of the kubernetes join method; auto is ours and never reaches Teleport.
const (
	JoinAuto       JoinType = "auto"
	JoinOIDC       JoinType = "oidc"
	JoinStaticJWKS JoinType = "static_jwks"
	JoinInCluster  JoinType = "in_cluster"
)

// Join says how the join is verified. Issuer and JWKS are answers only where the cluster is not asked.
type Join struct {
	Type               JoinType `yaml:"type"`
	Issuer             string   `yaml:"issuer,omitempty"`
	JWKS               string   `yaml:"jwks,omitempty"`
	AcceptRotationRisk bool     `yaml:"acceptRotationRisk,omitempty"`
	// AuthServiceAccount is namespace:name of the account that the Auth Service runs as; only type in_cluster asks it anything.
	AuthServiceAccount string `yaml:"authServiceAccount,omitempty"`
}

// Access is what the bot is for.
type Access string

// Identity writes one identity output, kubernetes a kubeconfig for the clusters of Reach, argocd one Secret for each of them that Argo CD
// reads; none writes nothing, for a bot that is only to join.
const (
	AccessIdentity   Access = "identity"
	AccessKubernetes Access = "kubernetes"
	AccessArgoCD     Access = "argocd"
	AccessNone       Access = "none"
)

// Output says where the credentials go.
type Output struct {
	Secret string `yaml:"secret,omitempty"`
	// Fragment is a part of tbot.yaml that is merged into the rendered one: more outputs and services, lifetimes.
	Fragment string `yaml:"fragment,omitempty"`
}

// WorkloadKind is what is deployed.
type WorkloadKind string

// WorkloadTbot deploys tbot itself, WorkloadAgent makes what the Helm chart teleport-kube-agent joins with.
const (
	WorkloadTbot  WorkloadKind = "tbot"
	WorkloadAgent WorkloadKind = "agent"
)

// Workload says what the pod looks like, as far as policies and registries of a company have a say in it.
type Workload struct {
	Kind          WorkloadKind      `yaml:"kind"`
	Image         string            `yaml:"image,omitempty"`
	Registry      string            `yaml:"registry,omitempty"`
	PullSecret    string            `yaml:"pullSecret,omitempty"`
	TbotVersion   string            `yaml:"tbotVersion,omitempty"`
	FIPS          bool              `yaml:"fips,omitempty"`
	Telemetry     bool              `yaml:"telemetry,omitempty"`
	Labels        map[string]string `yaml:"labels,omitempty"`
	Annotations   Texts             `yaml:"annotations,omitempty"`
	Env           Texts             `yaml:"env,omitempty"`
	Requests      map[string]string `yaml:"requests"`
	Limits        map[string]string `yaml:"limits"`
	NodeSelector  map[string]string `yaml:"nodeSelector,omitempty"`
	Tolerations   []Toleration      `yaml:"tolerations,omitempty"`
	PriorityClass string            `yaml:"priorityClass,omitempty"`
	Platform      Platform          `yaml:"platform,omitempty"`
	// Patch holds strategic merge patches over the rendered Kubernetes objects, as YAML documents.
	Patch Text `yaml:"patch,omitempty"`
}

// Toleration lets the pod onto tainted nodes; an empty Value tolerates any value of Key (operator Exists).
type Toleration struct {
	Key    string `yaml:"key"`
	Value  string `yaml:"value,omitempty"`
	Effect string `yaml:"effect,omitempty"`
}

// HasOutput reports whether tbot writes credentials anywhere.
func (s Setup) HasOutput() bool { return s.Access != AccessNone }

// Default returns a Setup in which every answer that has a sensible default holds it.
func Default() Setup {
	return Setup{
		APIVersion: APIVersion,
		Kind:       Kind,
		Name:       defaultName,
		Side:       SideBoth,
		Join:       Join{Type: JoinAuto},
		Access:     AccessIdentity,
		Files:      Files{Kube: KubeManifests, Teleport: TeleportYAML},
		Workload: Workload{
			Kind:     WorkloadTbot,
			Platform: PlatformAuto,
			Requests: map[string]string{"cpu": "50m", "memory": "128Mi"},
			Limits:   map[string]string{"memory": "512Mi"},
		},
	}
}
