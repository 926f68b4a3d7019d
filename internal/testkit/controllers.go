package testkit

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

//go:embed kwok-stages.yaml
var kwokStages []byte

// controller is a client of the API server that makes a cluster of it.
type controller struct {
	program, user string
	env, args     []string
}

func (c *ControlPlane) controllers() []controller {
	fast := []string{"--kube-api-qps=1000", "--kube-api-burst=2000"} // the defaults throttle a start
	return []controller{
		{
			program: "kube-controller-manager", user: "system:kube-controller-manager",
			args: append(slices.Clone(fast),
				"--leader-elect=false",
				"--secure-port=0",
				"--root-ca-file="+c.caFile(),
				"--service-account-private-key-file="+c.keys[0].private,
				// A busy machine is no dead node.
				"--node-monitor-grace-period=10m",
				// No cloud, no volumes, no nodes that come and go.
				"--controllers=*,-node-ipam-controller,-node-route-controller,-cloud-node-lifecycle-controller,"+
					"-persistentvolume-attach-detach-controller,-persistentvolume-expander-controller,-persistentvolume-binder-controller",
			),
		},
		{
			program: "kube-scheduler", user: "system:kube-scheduler",
			args: append(slices.Clone(fast), "--leader-elect=false", "--secure-port=0"),
		},
		{
			program: "kwok", user: "kwok",
			// kwok v0.8.0 dies of concurrent map writes when it runs on more than one thread.
			env: []string{"GOMAXPROCS=1"},
			args: []string{
				"--manage-all-nodes=true",
				"--cidr=" + podCIDR,
				"--node-ip=" + nodeIP,
				"--node-lease-duration-seconds=40",
				"--config=" + filepath.Join(c.dir, "kwok-stages.yaml"),
			},
		},
	}
}

// startControllers starts what turns an API server into a cluster, side by side. waitReady sees them work.
func (c *ControlPlane) startControllers(ctx context.Context) error {
	if err := os.WriteFile(filepath.Join(c.dir, "kwok-stages.yaml"), kwokStages, 0o600); err != nil {
		return fmt.Errorf("writing kwok's stages: %w", err)
	}
	for _, p := range c.controllers() {
		config, err := c.user(p.user, superusers)
		if err != nil {
			return err
		}
		kubeconfig := filepath.Join(c.dir, "kubeconfig", p.program)
		if err := c.writeKubeconfig(kubeconfig, p.user, config); err != nil {
			return err
		}
		if err := c.startChild(ctx, p.program, p.env, append(p.args, "--kubeconfig="+kubeconfig)); err != nil {
			return err
		}
	}
	return c.createNode(ctx)
}
