package manifests

import (
	"slices"

	"github.com/tbotctl/tbotctl/internal/spec"
)

// Saying is what becomes of an answer in a format.
type Saying string

// Said changes what is written, NotSaid does not, Refused ends with an error. An answer that is said may have values that are refused: Limits.
const (
	Said    Saying = "said"
	NotSaid Saying = "not said"
	Refused Saying = "refused"
)

// Choosing are the answers that choose the files themselves.
func Choosing() []string { return []string{"side", "kube-format", "teleport-format"} }

// Says tells what becomes of an answer in a format. The answers of Choosing are none of its business, and NotSaid.
func Says(flag, format string) Saying {
	if slices.ContainsFunc(Limits(), func(l Limit) bool { return l.Flag == flag && l.Format == format && l.When == "" }) {
		return Refused
	}
	if slices.Contains(carriers()[flag], format) {
		return Said
	}
	return NotSaid
}

// carriers are the formats that an answer reaches. What is in other clusters, or in an agent's values, is written with the Kubernetes side
// and counts as its.
func carriers() map[string][]string {
	kube := Formats()[:3]
	teleport := Formats()[3:]
	both := Formats()
	all := map[string][]string{"operator-namespace": {string(spec.TeleportOperator)}}
	for _, group := range []struct {
		formats []string
		flags   []string
	}{
		{both, []string{
			"namespace", "cluster-name", "name", "bot-name", "token-name", "service-account", "join-type", "access", "kube-cluster", "kube-labels",
			"kube-groups", "kube-users", "target-namespace", "cluster-role", "workload", "agent-roles", "agent-release",
			"argocd-impersonation",
		}},
		{kube, []string{
			"create-namespace", "proxy", "proxy-ca", "output-secret", "tbot-config", "argocd-namespace", "argocd-project", "argocd-namespaces", "argocd-cluster-resources",
			"argocd-secret-labels", "argocd-name-template", "argocd-rbac", "agent-app", "agent-database", "agent-kube-name", "agent-labels", "image",
			"registry", "image-pull-secret", "tbot-version", "fips", "telemetry", "labels", "annotations", "env", "requests", "limits", "node-selector",
			"toleration", "priority-class", "platform", "patch",
		}},
		{teleport, []string{"roles", "issuer", "jwks-file"}},
	} {
		for _, flag := range group.flags {
			all[flag] = group.formats
		}
	}
	return all
}
