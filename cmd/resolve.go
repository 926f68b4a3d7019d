package cmd

import (
	"context"
	"fmt"
	"strings"

	"github.com/tbotctl/tbotctl/internal/issuer"
	"github.com/tbotctl/tbotctl/internal/plan"
	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/internal/teleport"
	"github.com/tbotctl/tbotctl/manifests"
)

// resolution is what both clusters gave, as far as it does not stand in the setup.
type resolution struct {
	choice issuer.Choice
	public issuer.PublicResult
}

// resolve fills the setup's resolved block from both clusters, and the names that follow from it. An answers file that was made
// for another pair of clusters stops the run. What the file holds is kept where refresh does not ask for it anew.
func (s *session) resolve(ctx context.Context, refresh bool) (resolution, error) {
	s.progress.Looking("choosing the join type")
	server, err := s.clusters.server(ctx)
	if err != nil {
		return resolution{}, err
	}
	defer s.sayClock()
	platform := s.platformLook(ctx, s.setup.Resolved, refresh)
	choice, err := s.clusters.choice(ctx)
	if err != nil {
		return resolution{}, err
	}
	clusterID, err := s.clusters.identity(ctx)
	if err != nil {
		return resolution{}, err
	}
	image, err := s.image(server, refresh)
	if err != nil {
		return resolution{}, err
	}
	resolved := &spec.Resolved{
		ClusterName: server.ClusterName, ServerVersion: server.Version, Image: image, JoinType: choice.Type, Reason: choice.Reason,
		Issuer: choice.Issuer, JWKS: choice.JWKS, ClusterID: clusterID, Platform: platform(),
	}
	if err := samePair(s.setup.Resolved, resolved); err != nil {
		return resolution{}, err
	}
	held := s.setup.Resolved
	s.setup.Resolved = resolved
	s.setup = s.setup.WithClusterID(clusterID)
	if err := s.resolveArgoCD(ctx, held, refresh); err != nil {
		return resolution{}, err
	}
	if err := s.resolveReach(ctx, held, refresh); err != nil {
		return resolution{}, err
	}
	public, err := s.clusters.public(ctx)
	return resolution{choice: choice, public: public}, err
}

// image keeps what the answers have resolved, so that a run from a file deploys what was reviewed.
func (s *session) image(server teleport.Server, refresh bool) (string, error) {
	if held := s.setup.Resolved; held != nil && held.Image != "" && !refresh {
		s.imageReason = "as the answers hold it"
		return held.Image, nil
	}
	if s.setup.Workload.PinsImage() {
		s.imageReason = "as --image says"
		return s.setup.Workload.Image, nil
	}
	switch {
	case s.setup.Workload.TbotVersion != "":
		s.imageReason = "the version that --tbot-version says"
	case server.AgentVersion != "":
		s.imageReason = "the version that this Teleport cluster tells its agents to run"
	default:
		s.imageReason = "the version of this Teleport cluster"
	}
	version, err := spec.VersionToRun(s.setup.Workload.TbotVersion, server.AgentVersion, server.Version)
	if err != nil {
		return "", err
	}
	return s.setup.Workload.ImageFor(version, server.FIPS), nil
}

// sayChoice tells which join type it is and why not another.
func (s *session) sayChoice(choice issuer.Choice) {
	s.progress.Head("Join type")
	s.progress.Say(fmt.Sprintf("%s: %s. Seen from: %s.", choice.Type, choice.Reason, choice.SeenFrom))
	for _, rejected := range choice.Rejected {
		s.progress.Say(fmt.Sprintf("not %s: %s.", rejected.Type, rejected.Why))
	}
	if platform, known := issuer.PlatformOf(choice.Issuer); known {
		for _, line := range platform.Lines() {
			s.progress.Say(line)
		}
	}
}

// compare renders the setup and looks what lives of it in both clusters.
func (s *session) compare(ctx context.Context) (manifests.Set, plan.Plan, error) {
	set, err := manifests.Render(s.setup)
	if err != nil {
		return nil, plan.Plan{}, err
	}
	s.progress.Looking("comparing with what is there")
	s.sayMakersFound = s.lookAtMakers(ctx)
	reader, err := s.reader(ctx)
	if err != nil {
		return nil, plan.Plan{}, err
	}
	planned, err := plan.Compute(ctx, set, s.setup.InstallID(), s.clusters.kube, reader)
	if err != nil {
		return set, planned, err
	}
	s.tryPod(ctx, set, planned)
	planned, err = s.withTargets(ctx, set, s.judgeUnseen(planned))
	return set, planned, err
}

// sayPlan shows the plan of both systems and what power it grants.
func (s *session) sayPlan(ctx context.Context, planned plan.Plan) {
	n := s.setup.Names()
	s.progress.Head("Plan")
	s.sayIdentity()
	if s.setup.IsAgent() {
		s.sayAgent()
		s.sayElse(planned)
		s.sayPlanned(planned)
		return
	}
	power := fmt.Sprintf("What this grants: pods of service account %s/%s may join %s as bot %s", n.Namespace, n.ServiceAccount, s.setup.Resolved.ClusterName, n.Bot)
	if roles := s.setup.BotRoles(); len(roles) > 0 {
		power += " with the roles " + strings.Join(roles, ", ")
	}
	if n.OutputSecret != "" {
		power += ", and may write Secret " + n.OutputSecret
	} else if argo := s.setup.ArgoCDNamespace(); argo != "" {
		power += ", and may write cluster Secrets of Argo CD in namespace " + argo
	}
	s.progress.Say(power + ".")
	s.sayReach(ctx)
	telemetry := "off"
	if s.setup.Workload.Telemetry {
		telemetry = "on"
	}
	s.progress.Say(fmt.Sprintf("What runs: %s, %s; telemetry is %s%s.", s.setup.Resolved.Image, s.imageReason, telemetry, s.platformLine()))
	s.sayElse(planned)
	s.sayPlanned(planned)
}

// sayIdentity tells where the cluster's identity is from, where it is not from where it mostly is.
func (s *session) sayIdentity() {
	if s.clusters.byKeys {
		s.progress.Say("Names and marks tell this cluster from others by its issuer and the thumbprints of its keys: namespace kube-system may not be read.")
	}
}

func (s *session) sayPlanned(planned plan.Plan) {
	s.progress.Plan(planned, map[string]string{
		"kubernetes": "Kubernetes, context " + s.setup.Kubernetes.Context,
		"teleport":   "Teleport, cluster " + s.setup.Resolved.ClusterName,
		"target":     "Kubernetes clusters that the bot reaches",
	})
}

// sayWhere tells, before anything else, which clusters this is about.
func (s *session) sayWhere() {
	s.progress.Head(fmt.Sprintf("Kubernetes %s (%s), namespace %s; Teleport through %s",
		s.setup.Kubernetes.Context, s.clusters.kube.Host(), s.setup.Kubernetes.Namespace, s.setup.Teleport.Proxy))
}

// samePair holds a run to the clusters that its answers were made for.
func samePair(held, now *spec.Resolved) error {
	switch {
	case held == nil:
		return nil
	case held.ClusterName != now.ClusterName:
		return &findingError{text: fmt.Sprintf("the answers were made for Teleport cluster %s, and the proxy belongs to %s; nothing was done", spec.Quote(held.ClusterName), spec.Quote(now.ClusterName))}
	case held.ClusterID != "" && held.ClusterID != now.ClusterID:
		return &findingError{text: fmt.Sprintf("the answers were made for Kubernetes cluster %s, and this context leads to %s; nothing was done", held.ClusterID, now.ClusterID)}
	}
	return nil
}
