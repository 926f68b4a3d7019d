package cmd

import (
	"context"
	"fmt"

	"github.com/tbotctl/tbotctl/internal/spec"
)

// resolve fills the resolved block from both clusters. An answers file that was made for another pair of clusters stops the run.
func (r *initRun) resolve(ctx context.Context) error {
	r.progress.Looking("choosing the join type")
	server, err := r.clusters.server(ctx)
	if err != nil {
		return err
	}
	choice, err := r.clusters.choice(ctx)
	if err != nil {
		return err
	}
	clusterID, err := r.clusters.identity(ctx)
	if err != nil {
		return err
	}
	image, err := r.image(server.AgentVersion, server.Version, server.FIPS)
	if err != nil {
		return err
	}
	resolved := &spec.Resolved{
		ClusterName: server.ClusterName, ServerVersion: server.Version, Image: image, JoinType: choice.Type, Reason: choice.Reason,
		Issuer: choice.Issuer, JWKS: choice.JWKS, ClusterID: clusterID,
	}
	if err := samePair(r.setup.Resolved, resolved); err != nil {
		return err
	}
	r.setup.Resolved = resolved
	r.setup = r.setup.WithClusterID(clusterID)
	r.result.Setup, r.result.Choice = r.setup, choice
	if r.result.Public, err = r.clusters.public(ctx); err != nil {
		return err
	}
	r.progress.Head("Join type")
	r.progress.Say(fmt.Sprintf("%s: %s. Seen from: %s.", choice.Type, choice.Reason, choice.SeenFrom))
	for _, rejected := range choice.Rejected {
		r.progress.Say(fmt.Sprintf("not %s: %s.", rejected.Type, rejected.Why))
	}
	return nil
}

// image keeps what the answers have resolved, so that a run from a file deploys what was reviewed, unless --refresh asks anew.
func (r *initRun) image(agentVersion, serverVersion string, serverFIPS bool) (string, error) {
	if held := r.setup.Resolved; held != nil && held.Image != "" && !r.refresh {
		return held.Image, nil
	}
	if r.setup.Workload.PinsImage() {
		return r.setup.Workload.Image, nil
	}
	version, err := spec.VersionToRun(r.setup.Workload.TbotVersion, agentVersion, serverVersion)
	if err != nil {
		return "", err
	}
	return r.setup.Workload.ImageFor(version, serverFIPS), nil
}

// samePair holds a run to the clusters that its answers were made for.
func samePair(held, now *spec.Resolved) error {
	switch {
	case held == nil:
		return nil
	case held.ClusterName != now.ClusterName:
		return &findingError{text: fmt.Sprintf("the answers were made for Teleport cluster %s, and the proxy belongs to %s; nothing was applied", spec.Quote(held.ClusterName), spec.Quote(now.ClusterName))}
	case held.ClusterID != "" && held.ClusterID != now.ClusterID:
		return &findingError{text: fmt.Sprintf("the answers were made for Kubernetes cluster %s, and this context leads to %s; nothing was applied", held.ClusterID, now.ClusterID)}
	}
	return nil
}
