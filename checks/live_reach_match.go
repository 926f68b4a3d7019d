package checks

import (
	"regexp"
	"slices"
	"strings"

	"github.com/gravitational/teleport/api/types"

	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/internal/tbotconfig"
)

// picked is what one selector of an output picks.
type picked struct {
	output   string
	selector tbotconfig.Selector
}

// selectors are those of all outputs for Kubernetes clusters; the oldest type has one name.
func (w Workload) selectors() []picked {
	var all []picked
	for _, output := range w.Config.Outputs {
		var of []tbotconfig.Selector
		switch o := output.(type) {
		case *tbotconfig.Kubernetes:
			of = []tbotconfig.Selector{{Name: o.KubernetesCluster}}
		case *tbotconfig.KubernetesV2:
			of = o.Selectors
		case *tbotconfig.ArgoCD:
			of = o.Selectors
		}
		for _, selector := range of {
			all = append(all, picked{describe(output), selector})
		}
	}
	return all
}

// judgeMatches finds a selector that picks clusters of which no role of the bot matches any (field-notes P23): Teleport shows the bot
// none of them. It speaks of clusters that the login sees and of roles that can be read; nil where nothing is wrong with those.
func judgeMatches(w Workload, roles []types.Role, enrolled []spec.ResolvedCluster) *Finding {
	for _, one := range w.selectors() {
		reach := spec.Reach{Labels: []map[string]string{one.selector.Labels}}
		if one.selector.Name != "" {
			reach = spec.Reach{Clusters: []string{one.selector.Name}}
		}
		var missed []string
		reached := false
		for _, cluster := range enrolled {
			if !reach.Matches(cluster) {
				continue
			}
			reached = reached || slices.ContainsFunc(roles, func(role types.Role) bool { return mayMatch(role, cluster) })
			missed = append(missed, spec.Quote(cluster.Name)+" with "+pairs(cluster.Labels))
		}
		if reached || len(missed) == 0 {
			continue
		}
		return &Finding{
			Status: Fail, Observed: "P23: no role of the bot has kubernetes_labels that match what " + one.output + " is for: " + few(missed),
			Expected: "a role with labels of that cluster", Fix: editRole(likeliest(roles), "put labels of that cluster into kubernetes_labels"),
		}
	}
	return nil
}

// mayMatch reports whether a role matches a cluster by its labels, or could: an expression and a template are not evaluated here.
func mayMatch(role types.Role, cluster spec.ResolvedCluster) bool {
	if labelExpression(role) != "" {
		return true
	}
	wanted := role.GetKubernetesLabels(types.Allow)
	for key, values := range wanted {
		if key == types.Wildcard && slices.Contains(values, types.Wildcard) {
			continue
		}
		if !slices.ContainsFunc(values, func(value string) bool { return mayEqual(value, cluster.Labels, key) }) {
			return false
		}
	}
	return len(wanted) > 0
}

// mayEqual compares as Teleport does: a star stands for anything, and what stands between ^ and $ is a regular expression.
func mayEqual(value string, labels map[string]string, key string) bool {
	have, there := labels[key]
	if strings.Contains(value, "{{") || strings.Contains(key, "{{") {
		return true
	}
	if !strings.HasPrefix(value, "^") || !strings.HasSuffix(value, "$") {
		value = "^" + strings.ReplaceAll(regexp.QuoteMeta(value), `\*`, ".*") + "$"
	}
	expression, err := regexp.Compile(value)
	return err != nil || there && expression.MatchString(have)
}
