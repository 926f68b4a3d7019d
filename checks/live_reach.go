package checks

import (
	"slices"
	"strings"

	machineidv1 "github.com/gravitational/teleport/api/gen/proto/go/teleport/machineid/v1"
	"github.com/gravitational/teleport/api/types"

	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/internal/tbotconfig"
)

// judgeReach holds the roles as objects to what the outputs need: roles at all for any output, and for those of Kubernetes labels and
// somebody to act as (field-notes P23 to P26). Whether the labels match a cluster is seen where the output is made.
// last are the roles of the last certificate, where there was one.
func judgeReach(w Workload, bot *machineidv1.Bot, roles []types.Role, last []string) Finding {
	if bot == nil {
		return skipped("the bot does not exist")
	}
	name, carried := bot.GetMetadata().GetName(), bot.GetSpec().GetRoles()
	if len(w.Config.Outputs) == 0 {
		return skipped("tbot.yaml has no outputs")
	}
	set := func(roles []string) string {
		if len(roles) == 0 {
			return "tctl bots update " + spec.ShellWord(name) + " --set-roles ROLE, with a role of `tctl get roles` that the output is for"
		}
		return "tctl bots update " + spec.ShellWord(name) + " --set-roles " + spec.ShellWord(strings.Join(roles, ","))
	}
	if len(carried) == 0 {
		return Finding{
			Status: Fail, Observed: "P23: bot " + spec.Quote(name) + " has no roles, and tbot.yaml has outputs", Expected: "at least one role", Fix: set(last),
		}
	}
	var there, missing []string
	for _, role := range carried {
		if slices.ContainsFunc(roles, func(r types.Role) bool { return r.GetName() == role }) {
			there = append(there, role)
		} else {
			missing = append(missing, role)
		}
	}
	if len(missing) > 0 {
		return Finding{
			Status: Fail, Observed: "P23: bot " + spec.Quote(name) + " carries " + quoted(missing) + ", which does not exist", Expected: "roles that exist", Fix: set(there),
		}
	}
	kinds := w.kubernetesOutputs()
	if len(kinds) == 0 {
		return passed("the roles " + quoted(carried))
	}
	if finding := judgeAnyone(name, kinds, roles); finding != nil {
		return *finding
	}
	return judgeKubernetesRoles(name, kinds, roles)
}

func judgeKubernetesRoles(bot string, kinds []string, roles []types.Role) Finding {
	var users, groups, names []string
	labelled := false
	for _, role := range roles {
		names = append(names, role.GetName())
		if problem := roleProblem(role); problem != "" {
			return Finding{
				Status: Fail, Observed: "P24: role " + spec.Quote(role.GetName()) + ": " + problem, Expected: "kubernetes_resources that its version knows",
				Fix: "tctl edit role/" + spec.ShellWord(role.GetName()),
			}
		}
		if len(role.GetKubernetesLabels(types.Allow)) == 0 && labelExpression(role) == "" {
			continue
		}
		labelled = true
		users = append(users, role.GetKubeUsers(types.Allow)...)
		groups = append(groups, role.GetKubeGroups(types.Allow)...)
	}
	slices.Sort(users)
	users = slices.Compact(users)
	what := "the outputs " + strings.Join(kinds, ", ")
	edit := "tctl edit role/" + spec.ShellWord(names[0])
	switch {
	case !labelled:
		return Finding{
			Status: Fail, Observed: "P23: none of the roles " + quoted(names) + " has kubernetes_labels, so bot " + spec.Quote(bot) + " sees no cluster for " + what,
			Expected: "a role with kubernetes_labels that match the clusters", Fix: edit + ", and add kubernetes_labels and kubernetes_groups",
		}
	case len(users) == 0 && len(groups) == 0:
		return Finding{
			Status: Fail, Observed: "P25: no role that reaches a cluster has kubernetes_groups or kubernetes_users", Expected: "a group that is bound in the cluster",
			Fix: edit + ", and add kubernetes_groups",
		}
	case len(users) > 1 && !slices.Contains(users, types.Wildcard):
		finding := Finding{
			Status: Warn, Observed: "P26: the roles name several kubernetes_users, " + quoted(users) + ", and a client that names none is refused",
			Expected: "one of them, or *", Fix: edit + ", and leave one of kubernetes_users",
		}
		if slices.Contains(kinds, tbotconfig.TypeArgoCD) {
			// Argo CD's calls for the whole cluster name nobody.
			finding.Status = Fail
		}
		return finding
	case slices.Contains(groups, "system:masters"):
		return Finding{
			Status: Warn, Observed: "P25: the roles act as group system:masters, which no RBAC limits and GKE Autopilot forbids", Expected: "a group of your own that is bound in the cluster",
			Fix: edit + ", and put a group of your own in the place of system:masters",
		}
	}
	return passed("the roles " + quoted(names) + ", as groups " + quoted(groups) + " and users " + quoted(users))
}

// roleProblem is what the api module refuses about a role, in its words. A role of a version that it does not know is left alone.
func roleProblem(role types.Role) string {
	v6, ok := role.(*types.RoleV6)
	if !ok {
		return ""
	}
	clone := *v6
	if err := clone.CheckAndSetDefaults(); err != nil {
		if strings.Contains(err.Error(), "ubernetes") {
			return oneLine(err.Error())
		}
	}
	return ""
}

func labelExpression(role types.Role) string {
	matchers, err := role.GetLabelMatchers(types.Allow, types.KindKubernetesCluster)
	if err != nil {
		return ""
	}
	return matchers.Expression
}
