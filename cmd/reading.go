package cmd

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/tbotctl/tbotctl/internal/issuer"
	"github.com/tbotctl/tbotctl/internal/kube"
	"github.com/tbotctl/tbotctl/internal/plan"
	"github.com/tbotctl/tbotctl/internal/spec"
)

// compared is a cluster as a plan looks at it. A run that writes nothing needs no right to write: where a dry run is forbidden, it reads.
func (s *session) compared(cluster *kube.Cluster) plan.Kubernetes {
	if s.looks {
		return readable{cluster}
	}
	return cluster
}

type readable struct{ *kube.Cluster }

// Apply implements plan.Kubernetes.
func (r readable) Apply(ctx context.Context, object *unstructured.Unstructured, dryRun bool) (*unstructured.Unstructured, error) {
	applied, err := r.Cluster.Apply(ctx, object, dryRun)
	if dryRun && kube.Is(err, kube.Forbidden) {
		return nil, fmt.Errorf("%w: %w", plan.ErrNoDryRun, err)
	}
	return applied, err
}

func (s *session) sayByReading(planned plan.Plan) {
	if planned.ByReading() {
		s.progress.Say("Objects were compared by reading alone, for this login may not rehearse a write (a dry run): what admission would change or refuse is not in it.")
	}
}

// resolveToCompare takes what the answers hold as it is, where they hold all of it: what is compared is then what render prints, and no
// issuer, internet or clock has a say in it. Only that the answers are for this pair of clusters is looked up.
func (o *diffOptions) resolveToCompare(ctx context.Context) (resolution, error) {
	held := o.setup.Resolved
	if o.refresh || !held.Complete() {
		return o.resolve(ctx, o.refresh)
	}
	choice := issuer.Choice{Type: held.JoinType, Reason: held.Reason, Issuer: held.Issuer, JWKS: held.JWKS}
	if err := o.samePairAsHeld(ctx, held); err != nil {
		return resolution{choice: choice}, err
	}
	o.setup = o.setup.WithClusterID(held.ClusterID)
	if !o.setup.ReachesClusters() {
		return resolution{choice: choice}, ctx.Err()
	}
	return resolution{choice: choice}, o.keepRoles(ctx)
}

// samePairAsHeld holds the run to the clusters of its answers. A Kubernetes cluster that may not be told by its kube-system is said to be
// unchecked: to ask its issuer instead would take rights that only reading objects does not.
func (o *diffOptions) samePairAsHeld(ctx context.Context, held *spec.Resolved) error {
	server, err := o.clusters.server(ctx)
	if err != nil {
		return err
	}
	now := *held
	now.ClusterName = server.ClusterName
	if held.ClusterID != "" && o.setup.Side.HasKubernetes() {
		switch uid, err := o.clusters.kube.NamespaceUID(ctx, "kube-system"); {
		case kube.Is(err, kube.Forbidden):
			o.progress.Warn("that this is the Kubernetes cluster of the answers is not checked: this login may not read namespace kube-system, which tells clusters apart")
		case err != nil:
			return err
		default:
			now.ClusterID = spec.ClusterID(string(uid))
		}
	}
	return o.samePair(&now)
}
