package manifests

import (
	"fmt"
	"strings"

	"golang.org/x/mod/semver"
	appsv1 "k8s.io/api/apps/v1"
	"sigs.k8s.io/yaml"

	"github.com/tbotctl/tbotctl/internal/spec"
)

// agentView is what the templates of an agent read beside the rest.
type agentView struct {
	// Roles are the chart's names of the services, separated by commas.
	Roles string
	// ChartMounts tells that the chart mounts the token itself, with the cluster's name as audience.
	ChartMounts bool
	// Enterprise asks for the enterprise image; Image is what stands before its tag, empty where the chart's own does.
	Enterprise bool
	Image      string
	// KubeLabels are the labels of this Kubernetes cluster in Teleport.
	KubeLabels map[string]string
}

// chartMountsSince is the first chart that mounts a service account token for the join where it is told the cluster's name
// (teleport pull request 57824). The charts of 17 never do.
const chartMountsSince = "v18.1.5"

// ofAgent completes the view of an agent, which has no tbot.yaml.
func (v view) ofAgent() view {
	s := v.Setup
	v.TokenRoles = s.Agent.Roles
	v.Selector = map[string]string{spec.LabelName: spec.AgentChart, spec.LabelInstance: s.Name}
	v.Agent = agentView{
		Roles:       strings.ToLower(strings.Join(s.Agent.Roles, ",")),
		ChartMounts: v.Audience != "" && semver.Compare("v"+s.Resolved.ImageVersion(), chartMountsSince) >= 0,
		Enterprise:  s.Teleport.OnCloud(),
	}
	if image, _, found := strings.Cut(v.Resolved.Image, ":"+s.Resolved.ImageVersion()); found && strings.HasSuffix(image, spec.AgentImageFIPS) {
		v.Agent.Enterprise, v.Agent.Image = true, image
	}
	if s.Agent.Serves(spec.RoleKube) {
		v.Agent.KubeLabels = s.Agent.Labels
	}
	if s.Teleport.ProxyCA != "" {
		v.ConfigData = map[string]string{ProxyCAFile: s.Teleport.ProxyCA}
	}
	v.mark()
	return v
}

// agentParts are what an agent needs beside its service account. There is nothing to wait for: the rest is Helm's.
func agentParts(s spec.Setup) []part {
	parts := []part{{"token.yaml", Teleport, StageToken}}
	if s.Names().ConfigMap != "" {
		parts = append(parts, part{"configmap.yaml", Kubernetes, StageConfig})
	}
	return append(parts, part{"agentvalues.yaml", Helm, StageValues})
}

// lacksOfAgent are the flags without which the chart does not render, or the token lets nobody in.
func lacksOfAgent(a spec.Agent) []string {
	var missing []string
	for flag, lacks := range map[string]bool{
		"agent-roles":     len(a.Roles) == 0,
		"agent-app":       a.NeedsApps() && len(a.Apps) == 0,
		"agent-database":  a.NeedsDatabases() && len(a.Databases) == 0,
		"agent-kube-name": a.NeedsKubeName() && a.KubeName == "",
	} {
		if lacks {
			missing = append(missing, "--"+flag)
		}
	}
	return missing
}

// AgentPod is a pod like the one of the agent's chart, for the proof of the join: its service account and its token are the same, and
// what else the chart makes of it is Helm's to say. It is nothing that is applied.
func AgentPod(s spec.Setup) (*appsv1.Deployment, error) {
	v, parsed, err := prepared(s)
	if err != nil {
		return nil, err
	}
	r, err := v.render(parsed, part{"agentpod.yaml", Kubernetes, StageWorkload})
	if err != nil {
		return nil, err
	}
	pod := new(appsv1.Deployment)
	if err := yaml.UnmarshalStrict(r.YAML, pod); err != nil {
		return nil, fmt.Errorf("reading the agent's pod: %w", err)
	}
	return pod, nil
}
