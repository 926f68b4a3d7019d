package tbotconfig

import (
	"io"
	"text/template"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/tbotctl/tbotctl/internal/spec"
)

// The outputs for Kubernetes (teleport-facts 6.3): a kubeconfig for one cluster, one for many, and Secrets for Argo CD.
const (
	TypeKubernetes   = "kubernetes"
	TypeKubernetesV2 = "kubernetes/v2"
	TypeArgoCD       = "kubernetes/argo-cd"
)

// DefaultClusterNameTemplate names contexts of kubernetes/v2 and clusters of Argo CD (teleport-facts 6.3).
const DefaultClusterNameTemplate = "{{.ClusterName}}-{{.KubeName}}"

// Kubernetes is a kubeconfig for one Kubernetes cluster that is enrolled in Teleport.
type Kubernetes struct {
	Common            `yaml:",inline"`
	Destination       Destination `yaml:"destination"`
	KubernetesCluster string      `yaml:"kubernetes_cluster"`
	// DisableExecPlugin puts the credentials into the kubeconfig, in place of a call of tbot. Since 16.0.4 tbot does so by itself where
	// the destination is no directory.
	DisableExecPlugin   bool   `yaml:"disable_exec_plugin,omitempty"`
	DelegationSessionID string `yaml:"delegation_session_id,omitempty"`
}

// NewKubernetes returns an output for one cluster whose kubeconfig needs no tbot where it is used.
func NewKubernetes(cluster string, destination Destination) *Kubernetes {
	return &Kubernetes{Common: Common{Type: TypeKubernetes}, KubernetesCluster: cluster, Destination: destination, DisableExecPlugin: true}
}

func (k *Kubernetes) judge(at place) {
	k.Destination.judge(at.at("destination"))
	at.needs("kubernetes_cluster", k.KubernetesCluster)
	if k.DelegationSessionID != "" && len(k.Roles) > 0 {
		at.at("delegation_session_id").bad("it does not go with roles; leave one of the two out")
	}
}

// Selector chooses clusters by their name or by their labels, not by both.
type Selector struct {
	Name   string            `yaml:"name,omitempty"`
	Labels map[string]string `yaml:"labels,omitempty"`
	// DefaultNamespace is that of the kubeconfig's contexts; empty leaves it to the client.
	DefaultNamespace string `yaml:"default_namespace,omitempty"`
}

// judgeSelectors words what teleport-facts 6.3 quotes.
func judgeSelectors(selectors []Selector, at place) {
	if len(selectors) == 0 {
		at.bad("at least one is needed, with a name or labels")
	}
	for i, s := range selectors {
		judgeChoice(s.Name, len(s.Labels), at.item(i))
	}
}

func judgeChoice(name string, labels int, at place) {
	switch {
	case name == "" && labels == 0:
		at.bad("give a name or labels")
	case name != "" && labels > 0:
		at.bad("give a name or labels, not both")
	}
}

// KubernetesV2 is a kubeconfig for all clusters that its selectors match.
type KubernetesV2 struct {
	Common            `yaml:",inline"`
	Destination       Destination `yaml:"destination"`
	Selectors         []Selector  `yaml:"selectors"`
	DisableExecPlugin bool        `yaml:"disable_exec_plugin,omitempty"`
	// ContextNameTemplate is a Go template over ClusterName and KubeName; empty is DefaultClusterNameTemplate.
	ContextNameTemplate string `yaml:"context_name_template,omitempty"`
	// RelayServer is the address of a Teleport relay that the kubeconfig names in place of the proxy.
	RelayServer string `yaml:"relay_server,omitempty"`
}

// NewKubernetesV2 returns an output for all clusters that selectors match, whose kubeconfig needs no tbot where it is used.
func NewKubernetesV2(destination Destination, selectors ...Selector) *KubernetesV2 {
	return &KubernetesV2{Common: Common{Type: TypeKubernetesV2}, Destination: destination, Selectors: selectors, DisableExecPlugin: true}
}

func (k *KubernetesV2) judge(at place) {
	k.Destination.judge(at.at("destination"))
	judgeSelectors(k.Selectors, at.at("selectors"))
	judgeTemplate(k.ContextNameTemplate, at.at("context_name_template"))
}

// judgeTemplate tries a name template the way tbot does before it starts.
func judgeTemplate(text string, at place) {
	parsed, err := template.New("name").Parse(text)
	if err == nil {
		err = parsed.Execute(io.Discard, struct{ ClusterName, KubeName string }{})
	}
	if err != nil {
		at.bad("%s is no template over {{.ClusterName}} and {{.KubeName}}", spec.Quote(text))
	}
}

// DefaultArgoCDPrefix begins the names of Argo CD's cluster Secrets where the output does not say otherwise (teleport-facts 6.3).
const DefaultArgoCDPrefix = "teleport.argocd-cluster"

// ArgoCD is one Argo CD cluster Secret for each cluster that its selectors match; it has no destination (teleport-facts 6.5).
type ArgoCD struct {
	Common    `yaml:",inline"`
	Selectors []Selector `yaml:"selectors"`
	// SecretNamespace is where the Secrets go; empty is the namespace of POD_NAMESPACE.
	SecretNamespace  string `yaml:"secret_namespace,omitempty"`
	SecretNamePrefix string `yaml:"secret_name_prefix,omitempty"`
	// SecretLabels and SecretAnnotations may hold templates since 18.5.
	SecretLabels      map[string]string `yaml:"secret_labels,omitempty"`
	SecretAnnotations map[string]string `yaml:"secret_annotations,omitempty"`
	Project           string            `yaml:"project,omitempty"`
	Namespaces        []string          `yaml:"namespaces,omitempty"`
	// ClusterResources goes only with Namespaces.
	ClusterResources    bool   `yaml:"cluster_resources,omitempty"`
	ClusterNameTemplate string `yaml:"cluster_name_template,omitempty"`
}

// NewArgoCD returns an output for all clusters that selectors match.
func NewArgoCD(selectors ...Selector) *ArgoCD {
	return &ArgoCD{Common: Common{Type: TypeArgoCD}, Selectors: selectors}
}

func (a *ArgoCD) judge(at place) {
	judgeSelectors(a.Selectors, at.at("selectors"))
	if prefix := a.SecretNamePrefix; prefix != "" && len(validation.IsDNS1123Subdomain(prefix+".0")) > 0 {
		at.at("secret_name_prefix").bad("%s holds more than lower-case letters, digits, - and dots", spec.Quote(prefix))
	}
	for i, namespace := range a.Namespaces {
		if wrong := validation.IsDNS1123Label(namespace); len(wrong) > 0 {
			at.at("namespaces").item(i).bad("%s is no name of a namespace; %s", spec.Quote(namespace), wrong[0])
		}
	}
	if a.ClusterResources && len(a.Namespaces) == 0 {
		at.at("cluster_resources").bad("it goes only with namespaces")
	}
	judgeTemplate(a.ClusterNameTemplate, at.at("cluster_name_template"))
}
