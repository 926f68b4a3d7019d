package cmd

import (
	"strings"

	"github.com/tbotctl/tbotctl/checks"
	"github.com/tbotctl/tbotctl/internal/tbotconfig"
)

// outputKnown is what is known of an output for the explanation of its trouble.
func (r *verifyRun) outputKnown(i int) checks.OutputKnown {
	output := r.workload.Config.Outputs[i]
	known := checks.OutputKnown{Output: r.workload.Config.NameOf(i), Roles: output.Shared().Roles, ServerVersion: r.server.Version}
	if proven := r.result.Proof; proven != nil {
		known.Bot = strings.TrimPrefix(proven.User, "bot-")
	}
	if o, ok := output.(*tbotconfig.Kubernetes); ok {
		known.KubernetesCluster = o.KubernetesCluster
	}
	return known
}

// reachesClusters tells outputs that are for Kubernetes clusters.
func reachesClusters(output tbotconfig.Output) bool {
	switch output.(type) {
	case *tbotconfig.Kubernetes, *tbotconfig.KubernetesV2, *tbotconfig.ArgoCD:
		return true
	}
	return false
}
