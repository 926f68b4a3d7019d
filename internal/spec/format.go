package spec

import "k8s.io/apimachinery/pkg/util/validation"

// KubeFormat is the shape of the Kubernetes side in files.
type KubeFormat string

// Manifests are what init applies, kustomize the same with a kustomization beside them, helm values of Teleport's own chart with the
// manifests that the chart does not make as narrow.
const (
	KubeManifests KubeFormat = "manifests"
	KubeKustomize KubeFormat = "kustomize"
	KubeHelm      KubeFormat = "helm"
)

// TeleportFormat is the shape of the Teleport side in files.
type TeleportFormat string

// YAML is what tctl takes, operator custom resources of Teleport's Kubernetes operator, terraform a module for Teleport's provider.
const (
	TeleportYAML      TeleportFormat = "yaml"
	TeleportOperator  TeleportFormat = "operator"
	TeleportTerraform TeleportFormat = "terraform"
)

// Files says in which shape the two sides are written. What is applied has one shape only.
type Files struct {
	Kube     KubeFormat     `yaml:"kube"`
	Teleport TeleportFormat `yaml:"teleport"`
	// OperatorNamespace is the one that Teleport's operator watches, in the cluster that it runs in.
	OperatorNamespace string `yaml:"operatorNamespace,omitempty"`
}

// Plain reports whether both sides are as init would apply them.
func (f Files) Plain() bool {
	return (f.Kube == "" || f.Kube == KubeManifests) && (f.Teleport == "" || f.Teleport == TeleportYAML)
}

func (s Setup) validateFiles(v *collector) {
	if s.Files.Kube != "" {
		oneOf(v, "kube-format", s.Files.Kube, KubeManifests, KubeKustomize, KubeHelm)
	}
	if s.Files.Teleport != "" {
		oneOf(v, "teleport-format", s.Files.Teleport, TeleportYAML, TeleportOperator, TeleportTerraform)
	}
	namespace := s.Files.OperatorNamespace
	if namespace != "" && v.dns("operator-namespace", namespace, validation.IsDNS1123Label) && s.Files.Teleport != TeleportOperator {
		v.add("operator-namespace", "given, but only the resources of Teleport's operator have a namespace", "add --teleport-format operator, or leave it out")
	}
}

// fileFields are the answers about the shape of files.
func fileFields() []Field {
	return []Field{
		word("kube-format", "manifests|kustomize|helm", "shape of the Kubernetes side in files: as init applies it, with a kustomization, or values of Teleport's chart tbot", func(s *Setup) *string { return (*string)(&s.Files.Kube) }),
		word("teleport-format", "yaml|operator|terraform", "shape of the Teleport side in files: for tctl, for Teleport's Kubernetes operator, or for its Terraform provider", func(s *Setup) *string { return (*string)(&s.Files.Teleport) }),
		word("operator-namespace", "NAME", "namespace that Teleport's operator watches; required for --teleport-format operator", func(s *Setup) *string { return &s.Files.OperatorNamespace }),
	}
}
