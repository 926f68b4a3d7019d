package checks

import (
	"context"
	"slices"
	"strings"

	machineidv1 "github.com/gravitational/teleport/api/gen/proto/go/teleport/machineid/v1"
	"github.com/gravitational/teleport/api/types"

	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/internal/tbotconfig"
)

// runRolesReach judges the roles, and where the outputs are for Kubernetes clusters also by those that the login sees.
func runRolesReach(ctx context.Context, f *Facts, l *Live) Finding {
	bot, lacking := fetched(ctx, l.Bot, withoutLogin)
	if lacking != nil {
		return *lacking
	}
	roles, lacking := fetched(ctx, l.BotRoles, withoutLogin)
	if lacking != nil {
		return *lacking
	}
	finding := judgeReach(l.Workload, bot, roles, lastRoles(ctx, f, l))
	if finding.Status == Fail || len(l.Workload.kubernetesOutputs()) == 0 || f.KubeClusters == nil {
		return finding
	}
	enrolled, err := f.KubeClusters(ctx)
	if err != nil {
		return unknown(err)
	}
	if missed := judgeMatches(l.Workload, roles, enrolled); missed != nil {
		return *missed
	}
	return finding
}

// judgeReach holds the roles as objects to what the outputs need: roles at all for any output, and for those of Kubernetes labels and
// somebody to act as (field-notes P23 to P26). last are the roles of the last certificate, where there was one.
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
			return "tctl bots update " + spec.ShellWord(name) + " --set-roles ROLE, with a role of `tctl get roles` that the output is for" + w.orInit("gives back those of the answers")
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

// orInit adds the other way of a setup that tbotctl made.
func (w Workload) orInit(does string) string {
	if w.Manager != spec.ManagedBy {
		return ""
	}
	return "; or run the same tbotctl init again, which " + does
}

// editRole is how a role that is not as the answers have it is changed: by another run of init where tbotctl made it, else by hand.
func editRole(role types.Role, change string) string {
	again := "run the same tbotctl init again: it makes role " + spec.ShellWord(role.GetName()) + " as the answers have it"
	return editRoleBy(role, again, change)
}

// answerRole is how a role is changed that may be just what the answers ask for.
func answerRole(role types.Role, flag, change string) string {
	return editRoleBy(role, "run tbotctl init again with "+flag+", which changes role "+spec.ShellWord(role.GetName()), change)
}

func editRoleBy(role types.Role, again, change string) string {
	edit := "tctl edit role/" + spec.ShellWord(role.GetName()) + ", and " + change
	if role.GetMetadata().Labels[spec.MarkInstall] != "" {
		return again + "; or " + edit
	}
	return edit
}

// likeliest is the role that was meant to reach clusters: one that has labels, else one that tbotctl made.
func likeliest(roles []types.Role) types.Role {
	labelled := func(r types.Role) bool { return len(r.GetKubernetesLabels(types.Allow)) > 0 }
	made := func(r types.Role) bool { return r.GetMetadata().Labels[spec.MarkInstall] != "" }
	for _, fits := range []func(types.Role) bool{labelled, made} {
		if i := slices.IndexFunc(roles, fits); i >= 0 {
			return roles[i]
		}
	}
	return roles[0]
}

func judgeKubernetesRoles(bot string, kinds []string, roles []types.Role) Finding {
	var users, groups, names, system []string
	var labelled, named, ofSystem types.Role
	for _, role := range roles {
		names = append(names, role.GetName())
		if problem := roleProblem(role); problem != "" {
			return Finding{
				Status: Fail, Observed: "P24: role " + spec.Quote(role.GetName()) + ": " + problem, Expected: "kubernetes_resources that its version knows",
				Fix: editRole(role, "raise its version"),
			}
		}
		if len(role.GetKubernetesLabels(types.Allow)) == 0 && labelExpression(role) == "" {
			continue
		}
		labelled = role
		if len(role.GetKubeUsers(types.Allow)) > 0 {
			named = role
		}
		for _, name := range slices.Concat(role.GetKubeUsers(types.Allow), role.GetKubeGroups(types.Allow)) {
			if strings.HasPrefix(name, systemNames) {
				ofSystem, system = role, append(system, name)
			}
		}
		users = append(users, role.GetKubeUsers(types.Allow)...)
		groups = append(groups, role.GetKubeGroups(types.Allow)...)
	}
	slices.Sort(users)
	users = slices.Compact(users)
	what := "the outputs " + strings.Join(kinds, ", ")
	switch {
	case labelled == nil:
		return Finding{
			Status: Fail, Observed: "P23: none of the roles " + quoted(names) + " has kubernetes_labels, so bot " + spec.Quote(bot) + " sees no cluster for " + what,
			Expected: "a role with kubernetes_labels that match the clusters", Fix: editRole(likeliest(roles), "add kubernetes_labels and kubernetes_groups"),
		}
	case len(users) == 0 && len(groups) == 0:
		return Finding{
			Status: Fail, Observed: "P25: no role that reaches a cluster has kubernetes_groups or kubernetes_users", Expected: "a group that is bound in the cluster",
			Fix: editRole(labelled, "add kubernetes_groups"),
		}
	case len(users) > 1 && !slices.Contains(users, types.Wildcard):
		finding := Finding{
			Status: Warn, Observed: "P26: the roles name several kubernetes_users, " + quoted(users) + ", and a client that names none is refused",
			Expected: "one of them, or *", Fix: answerRole(named, "one of --kube-users", "leave one of kubernetes_users"),
		}
		if slices.Contains(kinds, tbotconfig.TypeArgoCD) {
			// Argo CD's calls for the whole cluster name nobody.
			finding.Status = Fail
		}
		return finding
	case slices.Contains(system, "system:masters"):
		return Finding{
			Status: Warn, Observed: "P25: the roles act as group system:masters, which no RBAC limits and GKE Autopilot forbids", Expected: "a group of your own that is bound in the cluster",
			Fix: answerRole(ofSystem, "--kube-groups of your own", "put a group of your own in the place of system:masters"),
		}
	case ofSystem != nil:
		return Finding{
			Status: Warn, Observed: "P25: the roles act as " + quoted(system) + ", names that Kubernetes keeps for itself and GKE Autopilot forbids", Expected: "a group of your own that is bound in the cluster",
			Fix: answerRole(ofSystem, "--kube-groups of your own", "put names of your own in the place of those with system:"),
		}
	}
	return passed("the roles " + quoted(names) + ", as groups " + quoted(groups) + " and users " + quoted(users))
}

// systemNames is how the names begin that Kubernetes keeps for itself.
const systemNames = "system:"

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
