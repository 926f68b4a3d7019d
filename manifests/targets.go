package manifests

// targetFile holds what every cluster that the bot reaches gets, TargetFolder the same as a kustomization.
const (
	TargetFolder = "targets"
	targetFile   = TargetFolder + "/kubernetes-access.yaml"
)

// Targets returns the resources for the clusters that the bot reaches.
func (s Set) Targets() Set {
	var part Set
	for _, r := range s {
		if r.System == Target {
			part = append(part, r)
		}
	}
	return part
}

// kustomization makes the folder one that is applied whole, by `kubectl apply -k` or by whatever keeps these clusters as a repository
// has them. It names no cluster, so that it is the same for each.
func kustomization() File {
	return File{Path: TargetFolder + "/kustomization.yaml", Data: []byte(`# For each Kubernetes cluster that the bot reaches, not for the one that tbot runs in.
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources:
  - kubernetes-access.yaml
`)}
}
