package rights

import (
	"slices"
	"strings"

	"github.com/tbotctl/tbotctl/checks"
)

// Rule is one rule of a role, with the words for it.
type Rule struct {
	// Group and Resource, with its subresource behind a slash, or Path; Name is empty for any.
	Group, Resource, Name, Path string
	Verbs                       []string
	For                         string
	// Or are the rules that do as well, if all of them are held.
	Or []Rule
}

// Text is the rule for people: "serviceaccounts tbot: get, patch, create".
func (r Rule) Text() string {
	text := r.Resource + r.Path
	if r.Group != "" && r.Group != "*" {
		text += "." + r.Group
	}
	if r.Name != "" {
		text += " " + r.Name
	}
	return text + ": " + strings.Join(r.Verbs, ", ")
}

// Place is where rules hold: in a namespace, or everywhere where that is empty.
type Place struct {
	Namespace string
	Rules     []Rule
}

// Places are the rules of the needs of these weights, sorted into the roles that hold them: those of namespaces in the order of their first
// mention, and last what no Role can hold. target is for the clusters of --target-context.
func (l List) Places(target bool, weights ...Weight) []Place {
	needs := l.Kubernetes
	if target {
		needs = l.Targets
	}
	var inside []Place
	var outside Place
	for _, need := range needs {
		if !slices.Contains(weights, need.Weight) {
			continue
		}
		held, other := need.All, need.Instead
		if need.Turned {
			held, other = other, nil
		}
		for _, rule := range rulesOf(held) {
			rule.For = need.For
			for _, or := range rulesOf(other) {
				rule.Or = append(rule.Or, or.Rule)
			}
			if rule.namespace == "" || !target && l.NoRole != "" && rule.namespace == l.Namespace || rule.namespace == clusterOf {
				outside.Rules = append(outside.Rules, rule.Rule)
				continue
			}
			i := slices.IndexFunc(inside, func(p Place) bool { return p.Namespace == rule.namespace })
			if i < 0 {
				i = len(inside)
				inside = append(inside, Place{Namespace: rule.namespace})
			}
			inside[i].Rules = append(inside[i].Rules, rule.Rule)
		}
	}
	if len(outside.Rules) > 0 {
		inside = append(inside, outside)
	}
	return inside
}

// placed is a rule with the namespace that it is for.
type placed struct {
	Rule
	namespace string
}

// rulesOf puts the verbs on the same thing together, in the order of their first mention.
func rulesOf(accesses []checks.Access) []placed {
	var all []placed
	for _, a := range accesses {
		resource := a.Resource
		if a.Subresource != "" {
			resource += "/" + a.Subresource
		}
		i := slices.IndexFunc(all, func(p placed) bool {
			return p.Group == a.Group && p.Resource == resource && p.Name == a.Name && p.Path == a.Path && p.namespace == a.Namespace
		})
		if i < 0 {
			i = len(all)
			all = append(all, placed{Rule{Group: a.Group, Resource: resource, Name: a.Name, Path: a.Path}, a.Namespace})
		}
		all[i].Verbs = append(all[i].Verbs, a.Verb)
	}
	return all
}
