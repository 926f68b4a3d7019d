package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gravitational/teleport/api/types"

	"github.com/tbotctl/tbotctl/internal/teleporttest"
	"github.com/tbotctl/tbotctl/internal/testkit"
)

const (
	manyClusters = 30
	// mostSeconds is what a single cluster that is silent would take alone.
	mostSeconds = 10
)

// thirtyTimes enrolls the one API server under thirty names.
func thirtyTimes(plane *testkit.ControlPlane) teleporttest.Options {
	options := teleporttest.Options{}
	for i := range manyClusters {
		options.KubeClusters = append(options.KubeClusters, teleporttest.KubeCluster{
			Name: fmt.Sprintf("cluster-%02d", i), Labels: map[string]string{"env": "bench"}, Upstream: plane.RESTConfig(),
		})
	}
	return options
}

// clustersCost measures `verify --each-cluster` of an output that matches thirty clusters, all of them the one API server, beside the
// same verify without it.
func clustersCost(ctx context.Context, plane *testkit.ControlPlane, launch launcher, binary string, rounds int) (bounds []bound, err error) {
	r, err := newRound(ctx, plane, thirtyTimes(plane))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.close()) }()
	config, err := r.matchingAll(ctx, launch, binary)
	if err != nil {
		return nil, err
	}
	verify := []string{
		"verify", "--non-interactive", "--kubeconfig", plane.KubeconfigFile(), "--context", plane.Flavour().String(),
		"--namespace", r.namespace, "--proxy-ca", r.webCA(), "--config", config,
	}
	var without, with, memory []int64
	for range rounds {
		plain, err := launch.measure(ctx, binary, verify...)
		if err != nil {
			return nil, err
		}
		each, err := launch.measure(ctx, binary, append(verify, "--each-cluster")...)
		if err != nil {
			return nil, err
		}
		without, with, memory = append(without, plain.wall), append(with, each.wall), append(memory, each.memory)
	}
	fmt.Printf("\nverify --each-cluster of %d clusters: %v, without asking them %v (medians of %d)\n",
		manyClusters, milliseconds(median(with)), milliseconds(median(without)), rounds)
	const megabyte = 1_000_000
	return []bound{
		{what: fmt.Sprintf("verify --each-cluster of %d: seconds", manyClusters), value: time.Duration(median(with)).Seconds(), most: mostSeconds},
		{what: fmt.Sprintf("verify --each-cluster of %d: peak memory in MB", manyClusters), value: float64(median(memory)) / megabyte, most: mostMemory},
	}, nil
}

// matchingAll sets a bot up whose group may read everywhere, and writes a tbot.yaml whose output matches all clusters.
func (r *round) matchingAll(ctx context.Context, launch launcher, binary string) (config string, err error) {
	group := r.namespace + "-readers"
	r.teleport.AddRole(&types.RoleV6{
		Kind: types.KindRole, Version: types.V7, Metadata: types.Metadata{Name: "kube"},
		Spec: types.RoleSpecV6{Allow: types.RoleConditions{
			KubernetesLabels: types.Labels{"env": {"bench"}}, KubeGroups: []string{group},
			KubernetesResources: []types.KubernetesResource{{Kind: "*", Namespace: "*", Name: "*", Verbs: []string{"*"}}},
		}},
	})
	if _, said, err := r.plane.Kubectl(ctx, nil, "create", "clusterrolebinding", group, "--clusterrole=view", "--group="+group); err != nil {
		return "", fmt.Errorf("%w: %s", err, said)
	}
	if _, err := launch.timed(ctx, binary, r.init("--roles", "kube", "--prove", "never")...); err != nil {
		return "", err
	}
	text, said, err := r.plane.Kubectl(ctx, nil, "--namespace", r.namespace, "get", "configmap", "tbot-config", "--output", `jsonpath={.data.tbot\.yaml}`)
	if err != nil {
		return "", fmt.Errorf("%w: %s", err, said)
	}
	head, _, found := strings.Cut(text, "outputs:")
	if !found {
		return "", errors.New("the tbot.yaml has no outputs")
	}
	config = filepath.Join(r.dir, "tbot.yaml")
	return config, os.WriteFile(config, []byte(head+`outputs:
  - type: kubernetes/v2
    selectors:
      - labels: {env: bench}
    destination: {type: memory}
`), 0o600)
}
