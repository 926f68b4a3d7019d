package cmd

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/internal/teleport"
	"github.com/tbotctl/tbotctl/manifests"
)

// listKube lists the Kubernetes clusters that are enrolled in Teleport, as far as the login sees them.
func (c *clusters) listKube(ctx context.Context) ([]teleport.KubeCluster, error) {
	admin, err := c.admin(ctx)
	if err != nil {
		return nil, err
	}
	return admin.KubeClusters(ctx)
}

// kubeClusters is listKube as selectors see it: with all labels.
func (c *clusters) kubeClusters(ctx context.Context) ([]spec.ResolvedCluster, error) {
	all, err := c.listed(ctx)
	clusters := make([]spec.ResolvedCluster, 0, len(all))
	for _, cluster := range all {
		clusters = append(clusters, spec.ResolvedCluster{Name: cluster.Name, Labels: cluster.Labels})
	}
	return clusters, err
}

// resolveReach looks up which clusters the answers match, and keeps the roles that the bot has besides. Without a login the files can be
// written all the same, as far as rendering needs neither.
func (s *session) resolveReach(ctx context.Context, held *spec.Resolved, refresh bool) error {
	if !s.setup.ReachesClusters() {
		return nil
	}
	if held != nil && !refresh {
		s.setup.Resolved.KubeClusters = held.KubeClusters
	}
	all, err := s.clusters.listed(ctx)
	switch {
	case teleport.Is(err, teleport.NotLoggedIn):
		return nil
	case err != nil:
		return err
	}
	if held == nil || refresh || held.KubeClusters == nil {
		var matched []spec.ResolvedCluster
		for _, cluster := range all {
			if s.setup.Reach.Matches(spec.ResolvedCluster{Name: cluster.Name, Labels: cluster.Labels}) {
				matched = append(matched, spec.ResolvedCluster{Name: cluster.Name, Labels: cluster.Static()})
			}
		}
		s.setup.Resolved.KubeClusters = matched
	}
	return s.keepRoles(ctx)
}

// keepRoles leaves a bot that is there the roles that nobody asked about.
func (s *session) keepRoles(ctx context.Context) error {
	kept, err := s.keptRoles(ctx, s.setup)
	if err != nil {
		return err
	}
	if len(kept) > 0 {
		s.setup.Teleport.Roles = append(slices.Clone(s.setup.Teleport.Roles), kept...)
		s.progress.Say(fmt.Sprintf("bot %s has the roles %s already, and keeps them; --roles says otherwise", s.setup.Names().Bot, strings.Join(kept, ", ")))
	}
	return nil
}

// keptRoles are those of the setup's bot that nobody asked about, where it is there: access to Kubernetes is given in addition to them.
// Who was shown them has decided.
func (s *session) keptRoles(ctx context.Context, setup spec.Setup) ([]string, error) {
	name := setup.Names().Bot
	if s.given("roles") || s.rolesOf != "" && s.rolesOf == name {
		return nil, nil
	}
	admin, err := s.clusters.admin(ctx)
	if err != nil {
		return nil, err
	}
	bot, err := admin.Bot(ctx, name)
	if err != nil {
		return nil, err
	}
	asked := setup.BotRoles()
	return slices.DeleteFunc(slices.Clone(bot.GetSpec().GetRoles()), func(role string) bool { return slices.Contains(asked, role) }), nil
}

// sayReach says in words what access to Kubernetes comes to.
func (s *session) sayReach(ctx context.Context) {
	if !s.setup.ReachesClusters() {
		return
	}
	var names []string
	for _, cluster := range s.setup.Resolved.KubeClusters {
		names = append(names, cluster.Name)
	}
	if len(names) > 0 {
		s.progress.Say("Kubernetes clusters that this matches now: " + strings.Join(names, ", ") + ".")
	}
	s.sayArgoCD()
	defer s.sayMeans()
	if !s.setup.MakesRole() {
		return
	}
	reach := s.setup.Acting()
	whom, where := "which", "everywhere in them"
	if reach.AsAnyone() {
		whom = "which, as user " + s.setup.BotUser() + ","
	}
	if reach.Namespace != "" {
		where = "in their namespace " + reach.Namespace
	}
	s.progress.Say(fmt.Sprintf("There the bot acts as %s, for %s ClusterRole %s has to be bound %s.", principals(reach), whom, reach.BoundRole(), where))
	s.sayTargets()
	all, err := s.clusters.kubeClusters(ctx)
	if err != nil {
		return // a run without a login
	}
	if wider, err := manifests.Widens(s.setup, all); err == nil && len(wider) > 0 {
		s.progress.Warn("a Teleport role knows clusters by their labels alone, and these carry the same: " + strings.Join(wider, ", ") + "; give --kube-labels that tell them apart")
	}
}

// sayMeans says what gives much away.
func (s *session) sayMeans() {
	for _, means := range s.setup.Means() {
		s.progress.Warn(means)
	}
}

// principals names whom the bot acts as.
func principals(reach spec.Reach) string {
	switch {
	case reach.AsAnyone():
		return "any user"
	case len(reach.Users) == 0:
		return "groups " + strings.Join(reach.Groups, ", ")
	case len(reach.Groups) == 0:
		return "users " + strings.Join(reach.Users, ", ")
	}
	return "groups " + strings.Join(reach.Groups, ", ") + " and users " + strings.Join(reach.Users, ", ")
}

// bindings are the commands that bind what the bot acts as, for each cluster that it reaches and that no --target-context stands for: they
// are run there, by whoever may.
func (s *session) bindings() []string {
	if !s.setup.MakesRole() || s.targetsLeft() == 0 {
		return nil
	}
	reach := s.setup.Reach
	groups, users := s.setup.Subjects()
	return []string{spec.BindCommand(s.setup.Names().KubeRole, reach.Namespace, reach.BoundRole(), groups, users)}
}
