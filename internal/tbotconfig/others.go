package tbotconfig

// The outputs for Kubernetes that tbot has (teleport-facts 6.3) and tbotctl does not write yet: Inspect alone reads them.
const (
	TypeKubernetes   = "kubernetes"
	TypeKubernetesV2 = "kubernetes/v2"
	TypeArgoCD       = "kubernetes/argo-cd"
)

// othersKinds returns an empty output for every type that tbot has and that is none of kinds.
func othersKinds() map[string]func() Output {
	all := map[string]func() Output{
		TypeKubernetes:   func() Output { return &Kubernetes{} },
		TypeKubernetesV2: func() Output { return &KubernetesV2{} },
		TypeArgoCD:       func() Output { return &ArgoCD{} },
	}
	for _, kind := range []string{
		"application", "application-proxy", "application-tunnel", "database", "database-tunnel", "example", "spiffe-svid",
		"spiffe-workload-api", "ssh-multiplexer", "ssh_host", "unstable_client_credential", "workload-identity-api",
		"workload-identity-aws-roles-anywhere", "workload-identity-jwt", "workload-identity-x509",
	} {
		all[kind] = func() Output { return &Foreign{} }
	}
	return all
}

// DestinationOf is where an output is written to; false for one that has no such place.
func DestinationOf(output Output) (Destination, bool) {
	switch o := output.(type) {
	case *Identity:
		return o.Destination, true
	case *Kubernetes:
		return o.Destination, true
	case *KubernetesV2:
		return o.Destination, true
	case *Foreign:
		return o.Destination, !o.Destination.isZero()
	}
	return Destination{}, false
}

// Kubernetes is a kubeconfig for one Kubernetes cluster that is enrolled in Teleport.
type Kubernetes struct {
	Common            `yaml:",inline"`
	Destination       Destination `yaml:"destination"`
	KubernetesCluster string      `yaml:"kubernetes_cluster"`
	// DisableExecPlugin puts the credentials into the kubeconfig, in place of a call of tbot.
	DisableExecPlugin bool `yaml:"disable_exec_plugin,omitempty"`
}

func (k *Kubernetes) problems() []string {
	found := k.Destination.problems("destination")
	if k.KubernetesCluster == "" {
		found = append(found, "kubernetes_cluster is missing")
	}
	return found
}

// Selector chooses clusters by their name or by their labels, not by both.
type Selector struct {
	Name             string            `yaml:"name,omitempty"`
	Labels           map[string]string `yaml:"labels,omitempty"`
	DefaultNamespace string            `yaml:"default_namespace,omitempty"`
}

func selectorProblems(selectors []Selector) []string {
	if len(selectors) == 0 {
		return []string{"selectors: at least one is needed"}
	}
	var found []string
	for _, s := range selectors {
		if (s.Name != "") == (len(s.Labels) > 0) {
			found = append(found, "selectors: each needs either a name or labels")
		}
	}
	return found
}

// KubernetesV2 is a kubeconfig for all clusters that its selectors match.
type KubernetesV2 struct {
	Common              `yaml:",inline"`
	Destination         Destination `yaml:"destination"`
	Selectors           []Selector  `yaml:"selectors"`
	DisableExecPlugin   bool        `yaml:"disable_exec_plugin,omitempty"`
	ContextNameTemplate string      `yaml:"context_name_template,omitempty"`
	RelayServer         string      `yaml:"relay_server,omitempty"`
}

func (k *KubernetesV2) problems() []string {
	return append(k.Destination.problems("destination"), selectorProblems(k.Selectors)...)
}

// DefaultArgoCDPrefix begins the names of Argo CD's cluster Secrets where the output does not say otherwise (teleport-facts 6.3).
const DefaultArgoCDPrefix = "teleport.argocd-cluster"

// ArgoCD is one Argo CD cluster Secret for each cluster that its selectors match; it has no destination.
type ArgoCD struct {
	Common    `yaml:",inline"`
	Selectors []Selector `yaml:"selectors"`
	// SecretNamespace is where the Secrets go; empty is the namespace of POD_NAMESPACE.
	SecretNamespace     string            `yaml:"secret_namespace,omitempty"`
	SecretNamePrefix    string            `yaml:"secret_name_prefix,omitempty"`
	SecretLabels        map[string]string `yaml:"secret_labels,omitempty"`
	SecretAnnotations   map[string]string `yaml:"secret_annotations,omitempty"`
	Project             string            `yaml:"project,omitempty"`
	Namespaces          []string          `yaml:"namespaces,omitempty"`
	ClusterResources    bool              `yaml:"cluster_resources,omitempty"`
	ClusterNameTemplate string            `yaml:"cluster_name_template,omitempty"`
}

func (a *ArgoCD) problems() []string {
	found := selectorProblems(a.Selectors)
	if a.ClusterResources && len(a.Namespaces) == 0 {
		found = append(found, "cluster_resources goes only with namespaces")
	}
	return found
}

// Foreign is an output of which tbotctl knows the type alone.
type Foreign struct {
	Common `yaml:",inline"`
	// Destination is zero where the type has none.
	Destination Destination `yaml:"destination,omitempty"`
	// Rest is what else is given, unjudged.
	Rest map[string]any `yaml:",inline"`
}

func (*Foreign) problems() []string { return nil }
