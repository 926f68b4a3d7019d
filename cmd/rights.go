package cmd

import (
	"context"

	"github.com/tbotctl/tbotctl/checks"
	"github.com/tbotctl/tbotctl/internal/kube"
	"github.com/tbotctl/tbotctl/internal/rights"
	"github.com/tbotctl/tbotctl/internal/spec"
)

// rbacGroup is the API group of roles and bindings.
const rbacGroup = "rbac.authorization.k8s.io"

// kubernetesMay asks the API server what the login may do there.
func (c *clusters) kubernetesMay(ctx context.Context, asked []checks.Access) []checks.Verdict {
	return mayIn(ctx, c.kube, asked)
}

func mayIn(ctx context.Context, cluster *kube.Cluster, asked []checks.Access) []checks.Verdict {
	accesses := make([]kube.Access, len(asked))
	for i, access := range asked {
		accesses[i] = kube.Access(access)
	}
	verdicts := make([]checks.Verdict, len(asked))
	for i, verdict := range cluster.Can(ctx, accesses) {
		verdicts[i] = checks.Verdict(verdict)
	}
	return verdicts
}

// teleportMay reads what the roles of the login say.
func (c *clusters) teleportMay(ctx context.Context, asked []checks.TeleportAccess) ([]checks.Verdict, error) {
	client, err := c.admin(ctx)
	if err != nil {
		return nil, err
	}
	held, err := client.Rights(ctx)
	if err != nil {
		return nil, err
	}
	verdicts := make([]checks.Verdict, len(asked))
	for i, access := range asked {
		verdicts[i] = checks.Verdict(held.May(access.Kind, access.Verb))
	}
	return verdicts, nil
}

// kubernetesNeeds are the rights that init cannot do without. A namespace that could not be looked for counts as one to make:
// to read it is among the needs.
func (r *initRun) kubernetesNeeds(ctx context.Context) checks.KubernetesNeeds {
	missing := false
	if r.setup.Kubernetes.CreateNamespace {
		exists, err := r.clusters.exists(ctx)
		missing = err != nil || !exists
	}
	how := rights.InitHow{NewNamespace: missing, Proves: r.prove != proveNever, Waits: !r.noWait}
	setup := r.withArgoCD(ctx)
	if r.refresh && setup.Resolved != nil {
		// Which clusters match is about to be looked up anew.
		resolved := *setup.Resolved
		resolved.KubeClusters, setup.Resolved = nil, &resolved
	}
	return checks.KubernetesNeeds{Needs: rights.Init(setup, how).Checked(), NewNamespace: missing}
}

// teleportNeeds are those at Teleport.
func teleportNeeds(s spec.Setup) []checks.TeleportAccess {
	return rights.Init(s, rights.InitHow{}).TeleportAccess()
}
