package kube

import (
	"slices"

	rbacv1 "k8s.io/api/rbac/v1"
)

// makers are the resources through which pods come into being. Where the pod template of one that exists can be changed, a change
// is as good as a new one, whichever it is: the template names the service account.
func makers() []maker {
	return []maker{
		{"", "pods", false},
		{"", "replicationcontrollers", true},
		{"apps", "daemonsets", true},
		{"apps", "deployments", true},
		{"apps", "replicasets", true},
		{"apps", "statefulsets", true},
		{"batch", "cronjobs", true},
		{"batch", "jobs", false},
	}
}

type maker struct {
	group, resource string
	// changes tells that the pod template can be changed.
	changes bool
}

// powerOf judges the rules of one role.
func powerOf(rules []rbacv1.PolicyRule, account string) power {
	var p power
	for _, m := range makers() {
		create := namesFor(rules, "create", m.group, m.resource, "")
		patch := namesFor(rules, "patch", m.group, m.resource, "")
		switch {
		case create.all:
			p.runsPods = true
		case m.changes && (patch.some() || namesFor(rules, "update", m.group, m.resource, "").some()):
			p.runsPods = true
		case create.meets(patch):
			// The name of what a POST makes is not known to the authorizer, so that create alone by name allows nothing
			// (Kubernetes: Using RBAC Authorization, "Referring to resources"). A server-side apply has the name in its path.
			p.runsPods = true
		}
	}
	mint := namesFor(rules, "create", "", "serviceaccounts", "token")
	p.mintsTokens = mint.all || account == "" && mint.some() || slices.Contains(mint.names, account)
	return p
}

// nameSet is the names that rules allow something for.
type nameSet struct {
	all   bool
	names []string
}

func (n nameSet) some() bool { return n.all || len(n.names) > 0 }

func (n nameSet) meets(other nameSet) bool {
	if n.all || other.all {
		return n.some() && other.some()
	}
	return slices.ContainsFunc(n.names, func(name string) bool { return slices.Contains(other.names, name) })
}

// namesFor follows the RBAC authorizer: "*" stands for every verb, group or resource with its subresources, and "*/token" for
// that subresource of every resource; a rule without names is for all.
func namesFor(rules []rbacv1.PolicyRule, verb, group, resource, subresource string) nameSet {
	var n nameSet
	wanted := resource
	if subresource != "" {
		wanted += "/" + subresource
	}
	for _, rule := range rules {
		switch {
		case !slices.Contains(rule.Verbs, verb) && !slices.Contains(rule.Verbs, rbacv1.VerbAll):
		case !slices.Contains(rule.APIGroups, group) && !slices.Contains(rule.APIGroups, rbacv1.APIGroupAll):
		case !slices.Contains(rule.Resources, wanted) && !slices.Contains(rule.Resources, rbacv1.ResourceAll) &&
			(subresource == "" || !slices.Contains(rule.Resources, "*/"+subresource)):
		case len(rule.ResourceNames) == 0:
			n.all = true
		default:
			n.names = append(n.names, rule.ResourceNames...)
		}
	}
	return n
}
