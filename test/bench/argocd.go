package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tbotctl/tbotctl/internal/testkit"
)

// argoCDCost measures one output for Argo CD that matches thirty clusters, all of them the one API server: the plan (`diff` of what stands), the
// proof (`init --prove always` over it) and `verify --each-cluster`.
func argoCDCost(ctx context.Context, plane *testkit.ControlPlane, launch launcher, binary string, rounds int) (bounds []bound, err error) {
	r, err := newRound(ctx, plane, thirtyTimes(plane))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.close()) }()
	group := r.namespace + "-readers"
	for _, args := range [][]string{
		{"--namespace", r.namespace, "create", "configmap", "argocd-cm"},
		{"create", "clusterrolebinding", group, "--clusterrole=view", "--group=" + group},
	} {
		if _, said, err := plane.Kubectl(ctx, nil, args...); err != nil {
			return nil, fmt.Errorf("%w: %s", err, said)
		}
	}
	answers := []string{"--access", "argocd", "--roles", "", "--kube-labels", "env=bench", "--kube-groups", group, "--argocd-namespace", r.namespace}
	if _, err := launch.timed(ctx, binary, r.init(append(answers, "--prove", "never")...)...); err != nil {
		return nil, err
	}
	diff := append([]string{"diff"}, withoutFlags(r.init(answers...)[1:], "--yes", "--no-wait")...)
	verify := []string{
		"verify", "--non-interactive", "--kubeconfig", plane.KubeconfigFile(), "--context", plane.Flavour().String(),
		"--namespace", r.namespace, "--proxy-ca", r.webCA(), "--each-cluster",
	}
	for _, measured := range []struct {
		what string
		args []string
	}{
		{"diff", diff}, {"init --prove always", r.init(append(answers, "--prove", "always")...)}, {"verify --each-cluster", verify},
	} {
		var wall, memory []int64
		for range rounds {
			cost, err := launch.measure(ctx, binary, measured.args...)
			if err != nil {
				return nil, fmt.Errorf("%s for Argo CD: %w", measured.what, err)
			}
			wall, memory = append(wall, cost.wall), append(memory, cost.memory)
		}
		const megabyte = 1_000_000
		fmt.Printf("\n%s of %d clusters for Argo CD: %v (median of %d)\n", measured.what, manyClusters, milliseconds(median(wall)), rounds)
		what := fmt.Sprintf("%s of %d for Argo CD: ", measured.what, manyClusters)
		bounds = append(bounds,
			bound{what: what + "seconds", value: time.Duration(median(wall)).Seconds(), most: mostSeconds},
			bound{what: what + "peak memory in MB", value: float64(median(memory)) / megabyte, most: mostMemory})
	}
	return bounds, nil
}

// withoutFlags leaves out flags that take no value.
func withoutFlags(args []string, flags ...string) []string {
	return slices.DeleteFunc(slices.Clone(args), func(arg string) bool { return slices.Contains(flags, arg) })
}
