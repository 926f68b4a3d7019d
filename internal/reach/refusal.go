package reach

import (
	"cmp"
	"net/http"
	"slices"
	"strings"

	"github.com/tbotctl/tbotctl/checks"
	"github.com/tbotctl/tbotctl/internal/spec"
)

func (t Target) untried() Answer {
	return Answer{Cluster: t.Cluster, Output: t.Output, Status: checks.Unknown, Why: checks.Refusal{Cause: "not asked", Observed: t.Untried}}
}

// judgeDoor explains why nobody got as far as the API server. Teleport's verdicts are findings; silence and trouble of a server's own
// are not, for the next try may go through.
func (t Target) judgeDoor(h heard) Answer {
	a := Answer{Cluster: t.Cluster, Output: t.Output, Status: checks.Fail, Reached: No}
	a.Why = checks.Refusal{Observed: h.words(), Words: h.words()}
	why := &a.Why
	switch {
	case h.silent():
		a.Status, a.Reached = checks.Unknown, Untold
		why.Cause, why.Expected, why.Fix = "no answer in time", "one within "+patience.String(), "run the same command again"
	case h.err != nil:
		why.Cause, why.Expected = "the proxy's address for Kubernetes clients cannot be reached from here", "a connection to it"
		why.Fix = "tctl get proxies, and compare the addresses with what leads here"
	case strings.Contains(h.message, wordsNoPrincipals):
		why.ID, why.Cause = "P25", "no role of the bot that matches this cluster has kubernetes_groups or kubernetes_users"
		why.Expected, why.Fix = "a group that is bound in the cluster", "tctl edit role/ROLE, and add kubernetes_groups"
	case strings.Contains(h.message, wordsSelectUser):
		why.ID, why.Cause = "P26", "the bot's roles name several kubernetes_users, so that a request has to say as which it comes"
		why.Expected, why.Fix = "one user, or *", "tctl edit role/ROLE, and leave one of kubernetes_users"
	case h.ofSystem():
		why.ID, why.Cause = "P25", "this cluster lets nobody act as a name that begins with system:"
		why.Expected, why.Fix = "groups of your own", "tctl edit role/ROLE, and put a group of your own in the place of those with system:"
	case h.byAgent():
		why.ID, why.Cause = "P25", "Kubernetes does not let Teleport's agent act as the bot's user or groups"
		why.Expected, why.Fix = "an agent that may impersonate users and groups, as the one of the teleport-kube-agent chart may", h.canImpersonate()
	case h.status == http.StatusUnauthorized:
		why.Cause, why.Expected, why.Fix = "the certificate is not accepted", "one that this cluster takes", "tctl status"
	case h.status == http.StatusForbidden:
		why.ID, why.Cause = "P23", "no kubernetes_labels of the bot's roles match this cluster, or Teleport denies it"
		why.Expected, why.Fix = "a role of the bot that matches the cluster's labels", "tctl get kube_server --format=text"
	case h.status == http.StatusNotFound:
		why.ID, why.Cause = "P23", "Teleport does not know this cluster any more"
		why.Expected, why.Fix = "one that `tctl get kube_server` lists", "tctl get kube_server --format=text"
	case h.status == http.StatusRequestTimeout, strings.Contains(h.message, wordsOffline):
		why.Cause, why.Expected = "Teleport does not get through to the cluster's agent", "an agent that is connected"
		why.Fix = "tctl get kube_server --format=text, and read the log of the cluster's teleport-kube-agent"
	default:
		a.Status, a.Reached = checks.Unknown, Untold
		why.Cause, why.Expected, why.Fix = "a server on the way is in trouble", "an answer", "run the same command again"
	}
	return a
}

// subjects are what a binding can name: the groups that the API server saw or, where it did not say, those of the certificate; without
// any the user. Groups that everybody is in are left out.
func (t Target) subjects(a Answer) (groups []string, user string) {
	groups = a.Groups
	if len(groups) == 0 {
		groups = t.Groups
	}
	groups = slices.DeleteFunc(slices.Clone(groups), func(group string) bool { return strings.HasPrefix(group, "system:") })
	switch {
	case len(groups) > 0:
	case a.User != "":
		user = a.User
	case len(t.Users) == 1 && t.Users[0] != spec.AnyUser:
		user = t.Users[0]
	default:
		user = "bot-" + t.Bot // whom Teleport takes where any user may be meant
	}
	return groups, user
}

func (t Target) subject(a Answer) string {
	groups, user := t.subjects(a)
	if user != "" {
		return "user " + user
	}
	if len(groups) == 1 {
		return "group " + groups[0]
	}
	return "any of the groups " + strings.Join(groups, ", ")
}

// canImpersonate is the question to the cluster whether its agent may what it was refused.
func (h heard) canImpersonate() string {
	return "kubectl --context CLUSTER auth can-i impersonate groups --as " + spec.ShellWord(cmp.Or(h.user(), "AGENT"))
}

// bind is the command that binds the bot in the target cluster, in each namespace that it is for.
func (t Target) bind(a Answer) string {
	groups, user := t.subjects(a)
	var users []string
	if user != "" {
		users = []string{user}
	}
	namespaces := t.Namespaces
	if len(namespaces) == 0 {
		namespaces = []string{""}
	}
	var commands []string
	for _, namespace := range namespaces {
		commands = append(commands, spec.BindCommand(spec.KubeRoleOf(t.Bot), namespace, cmp.Or(t.ClusterRole, spec.DefaultClusterRole), groups, users))
	}
	return strings.Join(commands, " && ")
}
