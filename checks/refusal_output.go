package checks

import (
	"fmt"
	"strings"

	"github.com/gravitational/teleport/api/types"

	"github.com/tbotctl/tbotctl/internal/spec"
)

// OutputKnown is what is known where an output could not be generated. What nobody looked at stays empty, and is then not said.
type OutputKnown struct {
	// Output is its name, Bot the bot's; Roles are those that the output asks for, empty for all of the bot's.
	Output, Bot string
	Roles       []string
	// KubernetesCluster is the one that the output names.
	KubernetesCluster string
	// ServerVersion is Teleport's.
	ServerVersion string
}

// JudgeOutput explains why Teleport did not give what an output asked for, by its words (teleport-facts 6.2, 6.3, 6.5). It asks
// nobody.
func JudgeOutput(message string, known OutputKnown) Refusal {
	text := oneLine(message)
	explained := known.judge(text)
	explained.Words = text
	return explained
}

func (k OutputKnown) judge(text string) Refusal {
	bot := "bot " + spec.Quote(k.Bot)
	switch {
	case strings.Contains(text, "at least one role request is required"):
		return Refusal{
			ID: "P23", Cause: "the bot has no roles, so there is nothing that it could get certificates for",
			Observed: bot + " has no roles", Expected: "the roles that its output is to act as",
			Fix: "tctl bots update " + spec.ShellWord(k.Bot) + " --set-roles ROLE",
		}
	case strings.Contains(text, "has requested role impersonation for"):
		return Refusal{
			ID: "P23", Cause: "the output names roles that the bot may not act as",
			Observed: fmt.Sprintf("output %s asks for the roles %s, and not all of them are %s's", k.Output, strings.Join(k.Roles, ", "), bot),
			Expected: "only roles of the bot, or none named, which means all of them",
			Fix:      "tctl bots update " + spec.ShellWord(k.Bot) + " --add-roles " + spec.ShellWord(strings.Join(k.Roles, ",")),
		}
	case strings.HasPrefix(text, "role ") && strings.HasSuffix(text, "is not found"):
		name := strings.TrimSuffix(strings.TrimPrefix(text, "role "), " is not found")
		return Refusal{
			ID: "P23", Cause: "the bot carries a role that Teleport does not have",
			Observed: "Teleport has no role " + spec.Quote(name), Expected: "a role of this name, or a bot without it",
			Fix: "tctl get roles --format=text",
		}
	case strings.Contains(text, "nvalid kubernetes cluster name"):
		// Teleport's rule (api/types, kubernetes.go): letters, digits, dot, dash and underscore. One cluster that breaks it, enrolled in an
		// older release, spoils the whole list.
		cause := Refusal{
			ID: "P23", Cause: "a Kubernetes cluster that is enrolled has a name that this Teleport does not take, and no list that holds it can be read",
			Observed: text, Expected: "names of letters, digits and . - _ alone",
			Fix: "enrol that cluster anew under another name; tctl get kube_server --format=text lists all of them",
		}
		if name := k.KubernetesCluster; name != "" && types.ValidateKubeClusterName(name) != nil {
			cause.Cause, cause.Observed = "the output names a Kubernetes cluster in a way that no cluster can be called", "output "+k.Output+" names "+spec.Quote(name)
			cause.Fix = "write kubernetes_cluster as `tctl get kube_server --format=text` has it"
		}
		return cause
	case strings.Contains(text, "ubernetes cluster") && (strings.Contains(text, "not found") || strings.Contains(text, "is not registered")):
		return Refusal{
			ID: "P23", Cause: "the bot sees no Kubernetes cluster of this name: it is not enrolled in Teleport, or no kubernetes_labels of the bot's roles match it",
			Observed: "output " + k.Output + " names " + spec.Quote(k.KubernetesCluster), Expected: "one that `tctl get kube_server` lists and a role of the bot matches",
			Fix: "tctl get kube_server --format=text",
		}
	case strings.Contains(text, "Layer 7 load balancer"), strings.Contains(text, "ends TLS"):
		return Refusal{
			ID: "P30", Cause: "something in front of the proxy ends TLS, and Kubernetes clients cannot pass through it",
			Observed: "the proxy's port does not speak Teleport's own protocols", Expected: "TLS that reaches the proxy as it is",
			Fix: "give --proxy an address behind which no load balancer ends TLS (layer 4)",
		}
	case strings.Contains(text, "older than 17"):
		return Refusal{
			ID: "P33", Cause: "this server reads the keys of a certificate request in a form that the embedded tbot no longer sends",
			Observed: "Teleport " + k.ServerVersion, Expected: "17 to 19, or a tbot of the server's own version",
			Fix: "tbotctl verify --runtime pod",
		}
	}
	return Refusal{
		Cause: "Teleport did not give what the output asks for, and tbotctl does not know these words", Observed: text,
		Fix: "read the newest events of user bot-" + k.Bot + " in Teleport's audit log",
	}
}

// NoClusterMatched explains an output for Kubernetes that was generated and reaches nothing: tbot itself only logs it (P27).
func NoClusterMatched(known OutputKnown) Refusal {
	return Refusal{
		ID: "P27", Cause: "the output's selectors match no Kubernetes cluster that the bot may see; tbot only logs it",
		Observed: "output " + known.Output + " reaches no cluster", Expected: "selectors that match an enrolled cluster, and a role of the bot whose kubernetes_labels match it too",
		Fix: "tctl get kube_server --format=text",
	}
}

// JudgeWrite explains why the pod's service account could not write what an output makes; place is for example "Secret machines/out"
// (P20). Argo CD's Secrets are put and not applied, which takes other verbs (teleport-facts 6.5, 6.6), and the Role that init makes for them
// names those of the clusters that matched then.
func JudgeWrite(place, message, serviceAccount string, argoCD bool) Refusal {
	verbs, fix := "get, create and patch", "run the same tbotctl init again: it makes Role and RoleBinding"
	if argoCD {
		verbs, fix = "get, create and update", "run the same tbotctl init again, whose Role then names the Secrets of all clusters that match; for a tbot that somebody else made, bind a Role with these verbs on Secrets of that namespace"
	}
	r := Refusal{
		ID: "P20", Cause: "the pod's service account may not write what the output makes", Observed: oneLine(message),
		Expected: "a Role that allows " + verbs + " on " + place + ", bound to service account " + serviceAccount,
		Fix:      fix,
	}
	switch text := strings.ToLower(message); {
	case strings.Contains(text, "conflict"):
		r.ID, r.Cause = "", "somebody else holds fields of what the output writes, and tbot does not force them"
		r.Expected, r.Fix = place+" with tbot as the only manager of its data", "give the output a Secret of its own (--output-secret), or remove the other manager's fields"
	case strings.Contains(text, "namespaces") && strings.Contains(text, "not found"):
		r.ID, r.Cause = "", "the namespace that the output writes to is not there"
		r.Expected, r.Fix = "a namespace for "+place, "make the namespace, or let the output write to the pod's own"
	case !strings.Contains(text, "is forbidden: user"):
		r.ID, r.Cause = "", "the cluster does not take what the output writes"
		r.Expected, r.Fix = "an admission policy that lets tbot write "+place, "ask whoever owns the policy that is named"
	}
	return r
}
