package reach

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"

	authorizationv1 "k8s.io/api/authorization/v1"

	"github.com/tbotctl/tbotctl/checks"
)

// judge makes the answer of what was seen; it asks nobody.
func (t Target) judge(saw seen) Answer {
	if !saw.door.open() {
		return t.judgeDoor(saw.door)
	}
	a := Answer{
		Cluster: t.Cluster, Output: t.Output, Status: checks.Pass, Reached: Yes, Version: saw.version,
		User: cmp.Or(saw.user.Username, saw.namedAs()), Groups: slices.Sorted(slices.Values(saw.user.Groups)), Listed: Yes,
		AnyUser: judgeAs(saw.as),
	}
	var unheard []string
	for _, l := range saw.lists {
		switch {
		case l.status == http.StatusOK && l.err == nil:
			a.Lists = append(a.Lists, l.what)
		case !l.byKubernetes() && !l.byTeleport():
			a.Listed = Untold
			unheard = append(unheard, "list "+l.what+": "+l.words())
		}
	}
	if a.AnyUser == Untold {
		unheard = append(unheard, "act as another user: "+saw.as.words())
	}
	a.Impersonates = impersonates(saw.rules)
	switch {
	case len(a.Lists) == 0 && a.Listed == Yes && !allowsMore(saw.rules):
		a.Status, a.Why = t.nothing(a, saw)
	case len(unheard) > 0:
		a.Status, a.Why = checks.Unknown, checks.Refusal{
			Cause: "not all could be asked", Observed: strings.Join(unheard, "; "), Expected: "an answer", Fix: "run the same command again",
		}
	}
	return a
}

// namedAs is whom the API server calls the bot where it refuses something. A role that only reads keeps the bot from asking who it is.
func (s seen) namedAs() string {
	if i := slices.IndexFunc(s.lists, func(l list) bool { return l.byKubernetes() }); i >= 0 {
		return s.lists[i].user()
	}
	return ""
}

// judgeAs reads what became of the wish to act as somebody: only the way through Teleport itself tells it, because the users of all
// roles stand in the certificate, and those that match this cluster count.
func judgeAs(as heard) Known {
	switch {
	case as.open():
		return Yes
	case as.byAgent(), as.status == http.StatusForbidden && strings.Contains(as.message, wordsNotAnyUser):
		return No
	}
	return Untold
}

// impersonates are the kinds of subjects that Kubernetes' own rules let the bot act as without naming one.
func impersonates(all []rules) []string {
	var kinds []string
	for _, kind := range []string{"users", "groups"} {
		may := func(rule authorizationv1.ResourceRule) bool {
			return len(rule.ResourceNames) == 0 && has(rule.Verbs, "impersonate") && has(rule.APIGroups, "") && has(rule.Resources, kind)
		}
		if slices.ContainsFunc(all, func(r rules) bool { return slices.ContainsFunc(r.ResourceRules, may) }) {
			kinds = append(kinds, kind)
		}
	}
	return kinds
}

// has looks in a list of a rule, where a star is anything.
func has(list []string, wanted string) bool {
	return slices.Contains(list, wanted) || slices.Contains(list, "*")
}

// allowsMore tells whether any rule goes beyond what everybody may: to ask about oneself (ClusterRole system:basic-user).
func allowsMore(all []rules) bool {
	more := func(rule authorizationv1.ResourceRule) bool {
		return slices.ContainsFunc(rule.Resources, func(resource string) bool { return !strings.HasPrefix(resource, "selfsubject") })
	}
	return slices.ContainsFunc(all, func(r rules) bool { return r.err == nil && slices.ContainsFunc(r.ResourceRules, more) })
}

// nothing judges a bot to whom all that was asked for is refused. Where Kubernetes itself refused, that is what a group without a
// binding looks like (P25), also where an authorizer does not list its rules: what was tried was refused. Where Teleport refused and
// nobody told Kubernetes' rules, it is not known.
func (t Target) nothing(a Answer, saw seen) (checks.Status, checks.Refusal) {
	refused := saw.lists[slices.IndexFunc(saw.lists, func(l list) bool { return l.byKubernetes() || l.byTeleport() })]
	told := slices.ContainsFunc(saw.rules, func(r rules) bool { return r.err == nil && !r.Incomplete })
	if byKubernetes := slices.IndexFunc(saw.lists, func(l list) bool { return l.byKubernetes() }); byKubernetes >= 0 {
		refused = saw.lists[byKubernetes]
	} else if !told {
		return checks.Unknown, checks.Refusal{
			Cause: "no role of the bot allows listing there, and what Kubernetes itself allows was not told", Observed: refused.words(),
			Expected: "kubernetes_resources in a role of the bot for what it is to do", Fix: "tctl get roles",
		}
	}
	where, expected := "default", "a binding in this cluster; where it is one of a single namespace, name that by --in-namespace"
	if len(t.Namespaces) > 0 {
		where, expected = strings.Join(t.Namespaces, ", "), "a binding in this cluster"
	}
	return checks.Fail, checks.Refusal{
		ID: "P25", Cause: fmt.Sprintf("Kubernetes lets the bot do nothing, neither in all namespaces nor in %s: nothing there binds %s", where, t.subject(a)),
		Observed: refused.words(), Expected: expected, Fix: t.bind(a), Words: refused.words(),
	}
}
