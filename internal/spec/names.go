package spec

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// Every name and mark that two places must agree on is made here and nowhere else: the traps of the guides (a ConfigMap
// that names another token than the one created, an allow rule for another namespace) cannot be written down.

// Marks of ownership (house.md): the label says that tbotctl made an object, the annotation which installation.
const (
	LabelName          = "app.kubernetes.io/name"
	LabelInstance      = "app.kubernetes.io/instance"
	LabelManagedBy     = "app.kubernetes.io/managed-by"
	ManagedBy          = "tbotctl"
	MarkPrefix         = "tbotctl.dev/"
	MarkInstall        = MarkPrefix + "install"
	MarkProbe          = MarkPrefix + "probe"
	MarkChecksum       = MarkPrefix + "config-checksum"
	MarkOwner          = MarkPrefix + "owner"
	FieldManager       = "tbotctl"
	DefaultRegistry    = "public.ecr.aws/gravitational"
	ImageName          = "tbot-distroless"
	ImageNameFIPS      = "tbot-fips-distroless"
	AgentChart         = "teleport-kube-agent"
	AgentImage         = "teleport-distroless"
	AgentImageFIPS     = "teleport-ent-fips-distroless"
	unidentified       = "unidentified"
	serviceAccountUser = "system:serviceaccount:"
)

// Names are the names of everything that one Setup makes.
type Names struct {
	Namespace      string
	ServiceAccount string
	Role           string
	RoleBinding    string
	// RoleNamespace is where Role and RoleBinding are: where tbot writes, which for Argo CD is not its own namespace.
	RoleNamespace string
	ConfigMap     string
	Deployment    string
	OutputSecret  string
	Bot           string
	Token         string
	// KubeRole is the Teleport role that grants Kubernetes access, and the binding of that name in each matched cluster.
	KubeRole string
}

// Names derives the names; Bot and Token are empty until decided or derived with WithClusterID.
func (s Setup) Names() Names {
	n := Names{
		Namespace:      s.Kubernetes.Namespace,
		ServiceAccount: s.Kubernetes.ServiceAccount,
		Role:           s.Name + "-output",
		RoleBinding:    s.Name + "-output",
		RoleNamespace:  s.Kubernetes.Namespace,
		ConfigMap:      s.Name + "-config",
		Deployment:     s.Name,
		OutputSecret:   s.Output.Secret,
		Bot:            s.Teleport.BotName,
		Token:          s.Teleport.TokenName,
	}
	if s.IsAgent() {
		return s.agentNames(n)
	}
	if n.ServiceAccount == "" {
		n.ServiceAccount = s.Name
	}
	if n.OutputSecret == "" && s.HasOutput() && s.Access != AccessArgoCD {
		n.OutputSecret = s.Name + "-output"
	}
	if argo := s.ArgoCDNamespace(); argo != "" {
		n.RoleNamespace = argo
	}
	if s.MakesRole() && n.Bot != "" {
		n.KubeRole = KubeRoleOf(n.Bot)
	}
	return n
}

// agentNames are those of an agent: it has no bot and no output, and what runs is Helm's. The ConfigMap holds the proxy's authority.
func (s Setup) agentNames(n Names) Names {
	account := n.ServiceAccount
	if account == "" {
		account = s.Release()
	}
	made := Names{Namespace: n.Namespace, ServiceAccount: account, Token: n.Token}
	if s.Teleport.ProxyCA != "" {
		made.ConfigMap = n.ConfigMap
	}
	return made
}

// ServiceAccountRef is namespace:name, the form of a token's allow rule (teleport-facts 3.5).
func (s Setup) ServiceAccountRef() string {
	n := s.Names()
	return n.Namespace + ":" + n.ServiceAccount
}

// ServiceAccountUser is the Kubernetes user name of the service account, the `sub` of its tokens.
func (s Setup) ServiceAccountUser() string { return serviceAccountUser + s.ServiceAccountRef() }

// KubeRoleOf is the Teleport role that grants a bot Kubernetes access.
func KubeRoleOf(bot string) string { return bot + "-kubernetes" }

// BotUser is the Teleport user of the bot's certificates; spaces become dashes (teleport-facts 5.2).
func (s Setup) BotUser() string { return "bot-" + strings.ReplaceAll(s.Teleport.BotName, " ", "-") }

// WithClusterID returns the Setup with bot and token named after the base name and the Kubernetes cluster, where no name
// was given: two clusters that use the same Teleport never fight over one bot.
func (s Setup) WithClusterID(id string) Setup {
	if s.Teleport.BotName == "" && !s.IsAgent() {
		s.Teleport.BotName = s.Name + "-" + id
	}
	if s.Teleport.TokenName == "" {
		s.Teleport.TokenName = s.Name + "-" + id
	}
	return s
}

// InstallID names this installation and the pair of clusters that it ties together, readable for whoever finds the mark:
// <cluster id>/<teleport cluster>/<namespace>/<name>.
func (s Setup) InstallID() string {
	cluster, teleport := unidentified, s.Teleport.ClusterName
	if s.Resolved != nil {
		teleport = s.Resolved.ClusterName
		if s.Resolved.ClusterID != "" {
			cluster = s.Resolved.ClusterID
		}
	}
	return strings.Join([]string{cluster, teleport, s.Kubernetes.Namespace, s.Name}, "/")
}

// ClusterID is eight hex digits of the SHA-256 over what identifies a Kubernetes cluster: the UID of its kube-system
// namespace, or issuer and key thumbprints where that cannot be read (cli.md, --bot-name).
func ClusterID(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:4])
}
