package manifests

import (
	"cmp"
	"slices"

	"github.com/tbotctl/tbotctl/internal/spec"
)

// Where the shapes of both sides are written that are not the plain ones.
const (
	KustomizationFile = "kubernetes/kustomization.yaml"
	ValuesFile        = "kubernetes/values.yaml"
	AgentValuesFile   = "agent/values.yaml"
	ResourcesFile     = "teleport/resources.yaml"
	OperatorFile      = "teleport/operator.yaml"
	TerraformFile     = "teleport/main.tf"
)

// Format distributes the set over files, in the shapes and for the side that the answers ask for. What belongs to other clusters or to an
// agent's release is written with the Kubernetes side. An error is *spec.Invalid where a format cannot say an answer.
func (s Set) Format(setup spec.Setup) ([]File, error) {
	var files []File
	if setup.Side.HasKubernetes() {
		kubernetes, err := s.Side(spec.SideKubernetes).kubernetes(setup)
		if err != nil {
			return nil, err
		}
		files = append(files, kubernetes...)
	}
	if setup.Side.HasTeleport() {
		teleport, err := s.Side(spec.SideTeleport).teleport(setup)
		if err != nil {
			return nil, err
		}
		files = append(files, teleport...)
	}
	if setup.Side.HasKubernetes() {
		files = append(files, s.elsewhere().Files()...)
	}
	return files, nil
}

// kubernetes shapes the Kubernetes side. An agent is its own chart's already, whatever is asked for.
func (s Set) kubernetes(setup spec.Setup) ([]File, error) {
	switch cmp.Or(setup.Files.Kube, spec.KubeManifests) {
	case spec.KubeKustomize:
		files := s.Files()
		return append(files, kustomizationOf(files)), nil
	case spec.KubeHelm:
		if !setup.IsAgent() {
			return s.helm(setup)
		}
	case spec.KubeManifests:
	}
	return s.Files(), nil
}

// teleport shapes the Teleport side: one file in each of them.
func (s Set) teleport(setup spec.Setup) ([]File, error) {
	switch cmp.Or(setup.Files.Teleport, spec.TeleportYAML) {
	case spec.TeleportOperator:
		data, err := s.operator(setup)
		return []File{{Path: OperatorFile, Data: data}}, err
	case spec.TeleportTerraform:
		data, err := s.terraform(setup)
		return []File{{Path: TerraformFile, Data: data}}, err
	case spec.TeleportYAML:
	}
	return s.Files(), nil
}

// elsewhere are the resources that belong to neither side: those of targets, and an agent's values.
func (s Set) elsewhere() Set {
	return slices.DeleteFunc(slices.Clone(s), func(r Resource) bool { return r.System == Kubernetes || r.System == Teleport })
}
