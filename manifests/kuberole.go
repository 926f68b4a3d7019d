package manifests

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/gravitational/teleport/api/types"
	"golang.org/x/mod/semver"
	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/tbotctl/tbotctl/internal/spec"
)

// kubeRole is what the template of the Teleport role reads.
type kubeRole struct {
	Version string
	// Labels or Expression says which clusters; the other is empty.
	Labels     []labelValues
	Expression string
	Groups     []string
	Users      []string
	// Namespace is * for all.
	Namespace string
	// APIGroup is * where the version of the role wants one.
	APIGroup string
	Verbs    []string
}

// labelValues is one label of which any of the values will do.
type labelValues struct {
	Key    string
	Values []string
}

// newKubeRole follows teleport-facts 9: v8 since Teleport 18, with API groups; before, and where the server is not known, v7, which
// every later one takes too. Each of them takes kind *, which means all kinds.
func newKubeRole(s spec.Setup) (kubeRole, error) {
	selectors, err := roleSelectors(s)
	if err != nil {
		return kubeRole{}, err
	}
	acting := s.Acting()
	role := kubeRole{
		Version: types.V7, Groups: acting.Groups, Users: acting.Users, Namespace: s.Reach.Namespace, Verbs: []string{types.Wildcard},
	}
	if semver.Compare("v"+strings.TrimPrefix(s.Resolved.ServerVersion, "v"), "v18.0.0") >= 0 {
		role.Version, role.APIGroup = types.V8, types.Wildcard
	}
	if role.Namespace == "" {
		role.Namespace = types.Wildcard
	}
	// Whom Argo CD acts as may write, whatever the bot itself may: their own bindings say so.
	if s.Reach.OnlyReads() && !s.Impersonates() {
		role.Verbs = []string{types.KubeVerbGet, types.KubeVerbList, types.KubeVerbWatch}
	}
	if role.Labels = oneMatcher(selectors); role.Labels == nil {
		role.Expression = expression(selectors)
	}
	return role, nil
}

// roleSelectors are label sets of which each is enough to be reached. A role knows clusters by their labels alone: an expression over
// labels does not see the name either (Teleport's RFD 116). So a cluster that was named stands there with the labels that it had when
// it was looked up, all of them, to match as few others as possible; Widens tells which it matches all the same.
func roleSelectors(s spec.Setup) ([]map[string]string, error) {
	all := slices.Clone(s.Reach.Labels)
	for _, name := range s.Reach.Clusters {
		i := slices.IndexFunc(s.Resolved.KubeClusters, func(c spec.ResolvedCluster) bool { return c.Name == name })
		if i < 0 {
			return nil, fmt.Errorf("%w: a Teleport role picks clusters by their labels, and those of --kube-cluster %s are not known; give --kube-labels instead, or resolve them with a Teleport login that sees the cluster (init --save)", ErrNotReady, spec.Quote(name))
		}
		labels := maps.Clone(s.Resolved.KubeClusters[i].Labels)
		maps.DeleteFunc(labels, func(key, value string) bool { return !spec.PlainLabel(key, value) })
		if len(labels) == 0 {
			return nil, &spec.Invalid{Fields: []spec.FieldError{{
				Flag:    "kube-cluster",
				Problem: spec.Quote(name) + " carries no label, and a Teleport role picks clusters by their labels; one that names none reaches all",
				Fix:     "give the cluster a label in Teleport, or leave out --kube-groups and --kube-users and give a role of your own by --roles",
			}}}
		}
		all = append(all, labels)
	}
	return narrowest(all), nil
}

// narrowest leaves out what another selector matches anyway, and what stands twice.
func narrowest(selectors []map[string]string) []map[string]string {
	var kept []map[string]string
	for i, selector := range selectors {
		covered := func(j int) bool {
			wider := spec.ResolvedCluster{Labels: selector}.Carries(selectors[j])
			return wider && (len(selectors[j]) < len(selector) || j < i)
		}
		if !slices.ContainsFunc(indices(selectors), func(j int) bool { return j != i && covered(j) }) {
			kept = append(kept, selector)
		}
	}
	return kept
}

func indices[T any](list []T) []int {
	all := make([]int, len(list))
	for i := range all {
		all[i] = i
	}
	return all
}

// oneMatcher says all selectors as one kubernetes_labels, or nil where that would match more: its labels must all be there, and
// of each any value will do, so the selectors may differ in the values of one label and in nothing else.
func oneMatcher(selectors []map[string]string) []labelValues {
	var matcher []labelValues
	differing := 0
	for _, key := range slices.Sorted(maps.Keys(selectors[0])) {
		var values []string
		for _, selector := range selectors {
			value, found := selector[key]
			if !found || len(selector) != len(selectors[0]) {
				return nil
			}
			if !slices.Contains(values, value) {
				values = append(values, value)
			}
		}
		if len(values) > 1 {
			differing++
		}
		matcher = append(matcher, labelValues{key, values})
	}
	if differing > 1 {
		return nil
	}
	return matcher
}

// expression says the selectors in the predicate language of kubernetes_labels_expression, which Teleport has since 13.2 (RFD 116).
func expression(selectors []map[string]string) string {
	either := make([]string, len(selectors))
	for i, selector := range selectors {
		var both []string
		for _, key := range slices.Sorted(maps.Keys(selector)) {
			both = append(both, fmt.Sprintf("labels[%s] == %s", strconv.Quote(key), strconv.Quote(selector[key])))
		}
		either[i] = "(" + strings.Join(both, " && ") + ")"
	}
	return strings.Join(either, " || ")
}

// subjects are those of the targets' binding.
func subjects(s spec.Setup) []rbacv1.Subject {
	var all []rbacv1.Subject
	groups, users := s.Subjects()
	for _, name := range groups {
		all = append(all, rbacv1.Subject{Kind: rbacv1.GroupKind, Name: name})
	}
	for _, name := range users {
		all = append(all, rbacv1.Subject{Kind: rbacv1.UserKind, Name: name})
	}
	return all
}

// roleLeftOut tells a run for the Kubernetes side alone that could not look up the clusters it names: the role is the other side's.
func roleLeftOut(s spec.Setup) bool {
	return !s.Side.HasTeleport() && len(s.Reach.Clusters) > 0 && len(s.Resolved.KubeClusters) == 0
}

// Widens names the clusters that the role reaches although the answers do not ask for them: they carry the labels of one that was
// named. all are the clusters that are enrolled. Without a role of tbotctl's there are none.
func Widens(s spec.Setup, all []spec.ResolvedCluster) ([]string, error) {
	if !s.MakesRole() || s.Resolved == nil {
		return nil, nil
	}
	selectors, err := roleSelectors(s)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, cluster := range all {
		if !s.Reach.Matches(cluster) && slices.ContainsFunc(selectors, cluster.Carries) {
			names = append(names, cluster.Name)
		}
	}
	return names, nil
}
