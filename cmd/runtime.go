package cmd

import (
	"context"
	"strings"

	"github.com/tbotctl/tbotctl/internal/proof"
	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/internal/tbot"
	"github.com/tbotctl/tbotctl/internal/tbotconfig"
)

// round runs one round of the embedded tbot as the pod would, with certificates as short as Teleport gives them, and writes nothing
// anywhere. The result holds how far it came.
func (c *clusters) round(ctx context.Context, config tbotconfig.Config, token spec.Secret) (tbot.Result, error) {
	cluster, err := c.joined(ctx)
	if err != nil {
		return tbot.Result{}, err
	}
	return tbot.Run{
		Config: config, IDToken: token, MaxTTL: proofTTL, Destinations: tbot.Destinations{Namespace: c.setup.Kubernetes.Namespace, Nowhere: true},
		Cluster: cluster,
	}.Once(ctx)
}

// joined is the Teleport cluster as the runtime joins it.
func (c *clusters) joined(ctx context.Context) (tbot.Cluster, error) {
	server, err := c.server(ctx)
	if err != nil {
		return tbot.Cluster{}, err
	}
	return tbot.Cluster{
		Proxy: c.target.Proxy, Name: server.ClusterName, Version: server.Version, Suite: server.Suite,
		TLSRouting: server.TLSRouting, CAs: c.target.CAs, Insecure: c.target.Insecure, Now: c.clock,
	}, nil
}

// outcomeOf is a round as a proof tells it.
func outcomeOf(result tbot.Result) proof.Outcome {
	outcome := proof.Outcome{
		User: result.Identity.User, Roles: result.Identity.Roles, NotAfter: result.Identity.NotAfter, Via: result.Identity.Via,
	}
	for _, output := range result.Outputs {
		one := proof.Output{
			Name: output.Name, Type: output.Type, Destination: describe(output), Clusters: output.Clusters, Err: output.Err, NotExercised: output.NotExercised,
			Notes: output.Notes,
		}
		if identity := output.Identity; identity != nil {
			one.User, one.Roles, one.NotAfter = identity.User, identity.Roles, identity.NotAfter
			one.KubernetesGroups, one.KubernetesUsers = identity.KubernetesGroups, identity.KubernetesUsers
		}
		if output.Artifacts != nil {
			one.Files = output.Artifacts.Names()
		}
		outcome.Outputs = append(outcome.Outputs, one)
	}
	return outcome
}

// describe says where an output goes.
func describe(output tbot.OutputResult) string {
	if len(output.Secrets) == 0 {
		return output.Destination.String()
	}
	names := make([]string, 0, len(output.Secrets))
	for _, secret := range output.Secrets {
		names = append(names, secret.String())
	}
	return strings.Join(names, ", ")
}
