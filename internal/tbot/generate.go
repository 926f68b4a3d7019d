package tbot

import (
	"cmp"
	"context"
	"time"

	"github.com/tbotctl/tbotctl/internal/tbotconfig"
)

// generation is one output's turn.
type generation struct {
	session *Session
	// ttl is how long its certificates are asked to live.
	ttl time.Duration
	// namespace is what POD_NAMESPACE tells the pod, empty where nobody knows.
	namespace string
}

// Generate makes the i-th output of the configuration and writes nothing. What kept it from being made is in the result's Err.
func (r Run) Generate(ctx context.Context, session *Session, i int) OutputResult {
	output := r.Config.Outputs[i]
	g := generation{session: session, ttl: r.shorten(r.Config.Lifetime(output)), namespace: r.Destinations.Namespace}
	result, err := g.run(ctx, output)
	if err != nil {
		result = OutputResult{Identity: result.Identity, Err: err}
	}
	result.Name, result.Type = r.Config.NameOf(i), output.Shared().Type
	result.Destination, _ = tbotconfig.DestinationOf(output)
	return result
}

// run chooses by the type. Beside an error the result holds the certificate, where one was made.
func (g generation) run(ctx context.Context, output tbotconfig.Output) (OutputResult, error) {
	switch o := output.(type) {
	case *tbotconfig.Identity:
		return g.identity(ctx, o)
	case *tbotconfig.Kubernetes:
		return g.kubernetes(ctx, o)
	case *tbotconfig.KubernetesV2:
		return g.kubernetesV2(ctx, o)
	case *tbotconfig.ArgoCD:
		return g.argoCD(ctx, o)
	}
	return OutputResult{NotExercised: "outputs of type " + cmp.Or(output.Shared().Type, "unknown") + " are checked by their text alone; only the pod makes them"}, nil
}
