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
	if s.beside != nil {
		s.beside(ctx)
	}
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
	if err != nil && s.setup.Side.HasKubernetes() {
		return resolution{}, err
	}
	resolved := &spec.Resolved{
		ClusterName: server.ClusterName, ServerVersion: server.Version, Image: image, JoinType: choice.Type, Reason: choice.Reason,
		Issuer: choice.Issuer, JWKS: choice.JWKS, ClusterID: clusterID, Platform: platform(),
	}
	if err := s.samePair(resolved); err != nil {
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
	if err := s.sameKeys(ctx); err != nil {
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
	set = set.Of(s.setup.Side)
	s.progress.Looking("comparing with what is there")
	s.sayMakersFound = s.lookAtMakers(ctx)
	var reader plan.Teleport
	if s.setup.Side.HasTeleport() {
		if reader, err = s.reader(ctx); err != nil {
			return nil, plan.Plan{}, err
		}
	}
	planned, err := plan.Compute(ctx, set, s.setup.InstallID(), s.compared(s.clusters.kube), reader)
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
	power := fmt.Sprintf("%s: pods of service account %s/%s may join %s as bot %s", s.whoGrants(), n.Namespace, n.ServiceAccount, s.setup.Resolved.ClusterName, n.Bot)
	if roles := s.setup.BotRoles(); len(roles) > 0 {
		power += " with the roles " + strings.Join(roles, ", ")
	}
	switch {
	case !s.setup.Side.HasKubernetes(): // where it writes stands in Kubernetes
	case n.OutputSecret != "":
		power += ", and may write Secret " + n.OutputSecret
	case s.setup.ArgoCDNamespace() != "":
		power += ", and may write cluster Secrets of Argo CD in namespace " + s.setup.ArgoCDNamespace()
	}
	s.progress.Say(power + ".")
	s.sayReach(ctx)
	if !s.setup.Side.HasKubernetes() {
		s.sayPlanned(planned)
		return
	}
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

func (s *session) sayPlanned(planned plan.Plan) { s.progress.Plan(planned, s.heads()) }

// heads name the systems that this run may touch.
func (s *session) heads() map[manifests.System]string {
	heads := map[manifests.System]string{manifests.Target: "Kubernetes clusters that the bot reaches"}
	if s.setup.Side.HasKubernetes() {
		heads[manifests.Kubernetes] = "Kubernetes, context " + s.setup.Kubernetes.Context
	}
	if s.setup.Side.HasTeleport() {
		heads[manifests.Teleport] = "Teleport, cluster " + s.setup.Resolved.ClusterName
	}
	return heads
}

// sayWhere tells, before anything else, which clusters this is about.
func (s *session) sayWhere() {
	if !s.setup.Side.HasKubernetes() {
		s.progress.Head(fmt.Sprintf("Teleport through %s, for namespace %s of Kubernetes cluster %s",
			s.setup.Teleport.Proxy, s.setup.Kubernetes.Namespace, s.setup.Resolved.ClusterID))
		return
	}
	s.progress.Head(fmt.Sprintf("Kubernetes %s (%s), namespace %s; Teleport through %s",
		s.setup.Kubernetes.Context, s.clusters.kube.Host(), s.setup.Kubernetes.Namespace, s.setup.Teleport.Proxy))
}

// samePair holds a run to the clusters that its answers, or its request, were made for.
func (s *session) samePair(now *spec.Resolved) error {
	what := "the answers were"
	if s.requested != nil {
		what = "the request was"
	}
	switch held := s.setup.Resolved; {
	case held == nil:
		return nil
	case held.ClusterName != now.ClusterName:
		return &findingError{text: fmt.Sprintf("%s made for Teleport cluster %s, and the proxy belongs to %s; nothing was done", what, spec.Quote(held.ClusterName), spec.Quote(now.ClusterName))}
	case held.ClusterID != "" && held.ClusterID != now.ClusterID:
		return &findingError{text: fmt.Sprintf("%s made for Kubernetes cluster %s, and this context leads to %s; nothing was done", what, held.ClusterID, now.ClusterID)}
	}
	return nil
}
