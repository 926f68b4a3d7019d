package checks

import (
	"context"
	"fmt"

	"golang.org/x/mod/semver"

	"github.com/tbotctl/tbotctl/internal/spec"
)

// The checks of the Kubernetes cluster itself.
const (
	KubernetesAnswers    ID = "TBC101"
	KubernetesNew        ID = "TBC102"
	KubernetesNamespaced ID = "TBC103"
)

func kubernetesChecks() []Check {
	return []Check{
		{
			ID: KubernetesAnswers, Category: CategoryKubernetes, Stage: Before, Title: "the API server answers and takes the login",
			Run: func(ctx context.Context, f *Facts) Finding {
				version, err := f.KubernetesVersion(ctx)
				if err != nil {
					return failed(err, "any `kubectl get --raw /version` with the same kubeconfig and context must work first")
				}
				return passed(version)
			},
		},
		{
			ID: KubernetesNew, Category: CategoryKubernetes, Stage: Before, Needs: []ID{KubernetesAnswers}, Title: "Kubernetes projects bound service account tokens",
			Run: func(ctx context.Context, f *Facts) Finding {
				version, err := f.KubernetesVersion(ctx)
				if err != nil {
					return unknown(err)
				}
				return judgeKubernetesVersion(version)
			},
		},
		{
			ID: KubernetesNamespaced, Category: CategoryKubernetes, Stage: Before, Needs: []ID{KubernetesAnswers}, Title: "the namespace exists or will be made",
			ProvedBy: JoinProven,
			Run: func(ctx context.Context, f *Facts) Finding {
				exists, err := f.NamespaceExists(ctx)
				if err != nil {
					return unknown(err)
				}
				return judgeNamespace(f.Setup, exists)
			},
		},
	}
}

// judgeKubernetesVersion holds the cluster to 1.21, where issuer discovery is generally available; token projection is since
// 1.20 (teleport-facts 9).
func judgeKubernetesVersion(version string) Finding {
	const oldest = "v1.21.0"
	switch {
	case !semver.IsValid(version):
		return Finding{Status: Unknown, Observed: "the version " + spec.Quote(version) + " cannot be read"}
	case semver.Compare(version, oldest) < 0:
		return Finding{Status: Fail, Observed: version, Expected: oldest + " or newer", Fix: "upgrade the cluster: it cannot give a pod a token that Teleport takes"}
	}
	return passed(version)
}

func judgeNamespace(s spec.Setup, exists bool) Finding {
	name := s.Kubernetes.Namespace
	switch {
	case exists:
		return passed(name)
	case s.Kubernetes.CreateNamespace:
		return passed(name + " will be made")
	}
	return Finding{
		Status: Fail, Observed: fmt.Sprintf("namespace %s does not exist", name),
		Fix: "give --create-namespace, or run: kubectl create namespace " + name,
	}
}
