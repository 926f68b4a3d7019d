package checks

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/tbotctl/tbotctl/internal/spec"
)

// trouble is what tbot says of a failure that is no refusal of Teleport's, by stable parts of its words (field-notes 1).
type trouble struct {
	id     string
	aspect aspect
	// any holds alternatives.
	any             []string
	cause, expected string
	fix             func(w Workload, text string) string
}

// troubles goes from the special to the general.
func troubles() []trouble {
	return []trouble{
		{
			id: "P19", aspect: ofOutputs, any: []string{"unable to detect namespace from POD_NAMESPACE"},
			cause: "tbot does not know its namespace", expected: "POD_NAMESPACE in the container's environment, from metadata.namespace",
			fix: func(w Workload, _ string) string { return w.giveNamespace() },
		},
		{
			id: "P20", aspect: ofOutputs, any: []string{`is forbidden: User "system:serviceaccount:`, `is forbidden: User \"system:serviceaccount:`},
			cause: "the service account may not write its output", expected: "get, patch and create on the Secret", fix: grantOutput,
		},
		{
			id: "P22", aspect: ofOutputs, any: []string{"must be a directory in exec plugin mode"},
			cause: "an output for Kubernetes goes into a Secret with an exec plugin, which nothing could call", expected: "disable_exec_plugin: true in that output",
			fix: func(w Workload, _ string) string { return w.rewrite("", "") },
		},
		{
			id: "P33", aspect: ofJoining, any: []string{"client version is unsupported"},
			cause: "this tbot is older than the Teleport cluster takes", expected: "an image of the cluster's release",
			fix: func(w Workload, _ string) string {
				return w.ofVersion("VERSION") + ", with the server_version of https://" + w.proxyOr("PROXY") + "/webapi/find"
			},
		},
		{
			id: "P30", aspect: ofAnything, any: []string{"Layer 7 load balancer", "no application protocol"},
			cause: "something in front of the proxy ends TLS", expected: "a load balancer that passes TLS through (layer 4)",
			fix: func(Workload, string) string {
				return "have the load balancer in front of the proxy pass TLS through (layer 4)"
			},
		},
		{
			id: "P31", aspect: ofJoining, any: []string{"set proxy_server to", "missing port in address"},
			cause: "proxy_server in tbot.yaml has no port", expected: "host:port, mostly with port 443",
			fix: func(w Workload, _ string) string {
				return w.rewrite("proxy_server: "+w.Config.ProxyServer, "proxy_server: "+w.Config.ProxyServer+":443")
			},
		},
		{
			id: "P36", aspect: ofJoining, any: []string{"cert generation mismatch", "generation mismatch"},
			cause: "two tbots use one identity, and Teleport locked the bot", expected: "one pod at a time, and its state in memory",
			fix: func(w Workload, _ string) string {
				return w.patch(change{"replace", "/spec/replicas", 1}) + ", then have the lock removed: tctl get locks"
			},
		},
		{
			id: "P37", aspect: ofJoining, any: []string{"certificate has expired or is not yet valid"},
			cause: "by the pod's clock a certificate is not valid now", expected: "clocks that agree",
			fix: func(Workload, string) string {
				return "run timedatectl on the node and on the proxy's host, and mend the clock that is off"
			},
		},
		{
			aspect: ofJoining, any: []string{"certificate signed by unknown authority"},
			cause: "the pod does not trust the certificate of whom it speaks to", expected: "a certificate of a public authority, or the private one in the pod",
			fix: func(Workload, string) string {
				return "run tbotctl init with --proxy-ca FILE, which mounts the proxy's authority into the pod"
			},
		},
		{
			id: "P23", aspect: ofOutputs, any: []string{"is not registered in this Teleport cluster", "kubernetes cluster \"", "at least one role request is required"},
			cause: "the bot's roles do not reach what an output is for", expected: "a role with kubernetes_labels that match, and the cluster enrolled",
			fix: func(Workload, string) string {
				return "see what the bot's roles reach: tctl get roles, and what is enrolled: tctl get kube_server"
			},
		},
		{
			aspect: ofJoining, any: []string{"failed parsing config file"},
			cause: "tbot cannot read its tbot.yaml", expected: "a tbot.yaml that this release of tbot knows every key of",
			fix: func(w Workload, _ string) string { return w.rewrite("", "") },
		},
		{
			id: "P39", aspect: ofJoining,
			any: []string{
				"no such host", "i/o timeout", "connection refused", "network is unreachable", "connection reset", "TLS handshake timeout", "no route to host",
				"unable to communicate with auth server",
			},
			cause: "the pod does not get through to whom it speaks to", expected: "a way from the pod to DNS, the proxy and the API server",
			fix: func(w Workload, _ string) string {
				return w.kubectl("get", "networkpolicies") + ", and compare with what the pod has to reach"
			},
		},
	}
}

func troubleOf(text string) (trouble, bool) {
	for _, t := range troubles() {
		if slices.ContainsFunc(t.any, func(part string) bool { return strings.Contains(text, part) }) {
			return t, true
		}
	}
	return trouble{}, false
}

func (w Workload) proxyOr(otherwise string) string {
	for _, address := range []string{w.Config.ProxyServer, w.Config.AuthServer} {
		if address != "" {
			return address
		}
	}
	return otherwise
}

// ofVersion is the command that gives tbot's container an image of that version.
func (w Workload) ofVersion(version string) string {
	image, _, _ := strings.Cut(w.container().Image, "@")
	if at := strings.LastIndex(image, ":"); at > strings.LastIndex(image, "/") {
		image = image[:at]
	}
	return w.kubectl("set", "image", "deployment/"+w.Deployment.Name, w.container().Name+"="+image+":"+version)
}

// giveNamespace is the command that gives tbot its namespace by the downward API.
func (w Workload) giveNamespace() string {
	variable := map[string]any{"name": envNamespace, "valueFrom": map[string]any{"fieldRef": map[string]any{"fieldPath": "metadata.namespace"}}}
	containers := []any{map[string]any{"name": w.container().Name, "env": []any{variable}}}
	return w.merge(map[string]any{"containers": containers})
}

// forbidden is Kubernetes' own sentence about a right that a service account lacks.
var forbidden = regexp.MustCompile(`secrets \\?"([^"\\]+)\\?" is forbidden: User \\?"system:serviceaccount:([a-z0-9.-]+):([a-z0-9.-]+)\\?"(?:.*in the namespace \\?"([a-z0-9.-]+)\\?")?`)

// grantOutput is the least that tbot needs for the Secret that it may not write (field-notes 8).
func grantOutput(w Workload, text string) string {
	found := forbidden.FindStringSubmatch(text)
	if found == nil {
		return "kubectl auth can-i --list --as " + serviceAccountPrefix + w.account()
	}
	secret, account, namespace := found[1], found[2]+":"+found[3], found[4]
	if namespace == "" {
		namespace = w.Deployment.Namespace
	}
	name := found[3] + "-" + secret
	return kubectlIn(namespace, "create", "role", name, "--verb=get,patch,create", "--resource=secrets", "--resource-name="+secret) + " && " +
		kubectlIn(namespace, "create", "rolebinding", name, "--role="+name, "--serviceaccount="+account)
}

// refusalOf puts trouble in the shape of a refusal, so that one place tells of both.
func (t trouble) refusalOf(w Workload, text string) Refusal {
	return Refusal{ID: t.id, Cause: t.cause, Observed: "tbot says: " + spec.Quote(text), Expected: t.expected, Fix: t.fix(w, text), Words: text}
}

// mostWords bounds what is quoted: pages of HTML come in these words too.
const mostWords = 600

// tell is a refusal as a finding: the cause by its number, what differs, and whose words it was read from.
func tell(r Refusal, who string) Finding {
	name := r.Cause
	if r.ID != "" {
		name = r.ID + ": " + name
	}
	words := r.Words
	if runes := []rune(words); len(runes) > mostWords {
		words = string(runes[:mostWords]) + "…"
	}
	observed := fmt.Sprintf("%s; %s: %s", name, who, words)
	if r.Observed != "" && !strings.Contains(r.Observed, " says: ") {
		observed = fmt.Sprintf("%s (%s); %s: %s", name, r.Observed, who, words)
	}
	return Finding{Status: Fail, Observed: observed, Expected: r.Expected, Fix: r.Fix}
}
