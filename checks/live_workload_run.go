package checks

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/internal/tbotconfig"
)

// judgeOneTbot is P36: tbot takes no lock on what it writes, so two at a time undo each other's work; where they share their own state,
// Teleport takes one for a thief and locks the bot.
func judgeOneTbot(w Workload) Finding {
	replicas := int32(1)
	if w.Deployment.Spec.Replicas != nil {
		replicas = *w.Deployment.Spec.Replicas
	}
	finding := Finding{Status: Warn, Observed: fmt.Sprintf("%d replicas", replicas), Expected: "1", Fix: w.kubectl("scale", "deployment", w.Deployment.Name, "--replicas", "1")}
	switch {
	case replicas == 0:
		finding.Status, finding.Observed = Fail, "0 replicas: no tbot runs"
		return finding
	case replicas > 1:
		if w.Config.Storage.Type == tbotconfig.DestinationSecret {
			finding.Status = Fail
			finding.Observed += ", which share their state in Secret " + w.Config.Storage.Name
		}
		return finding
	case w.Deployment.Spec.Strategy.Type == appsv1.RecreateDeploymentStrategyType:
		return passed("1 replica, and none beside it while it is replaced")
	}
	return Finding{
		Status: Warn, Observed: "the strategy is " + string(cmp.Or(w.Deployment.Spec.Strategy.Type, appsv1.RollingUpdateDeploymentStrategyType)) + ": two run while one is replaced", Expected: "Recreate",
		Fix: w.patch(change{"add", "/spec/strategy", map[string]string{"type": "Recreate"}}),
	}
}

// diagnostics are tbot's health endpoints: the address, and the change that moves them.
func (w Workload) diagnostics() (address string, move func(to string) string) {
	const flag = "--diag-addr"
	for _, where := range []struct {
		field string
		words []string
	}{{"args", w.container().Args}, {"command", w.container().Command}} {
		for i, word := range where.words {
			at := w.inContainer(fmt.Sprintf("%s/%d", where.field, i))
			if value, given := strings.CutPrefix(word, flag+"="); given {
				return value, func(to string) string { return w.patch(change{"replace", at, flag + "=" + to}) }
			}
			if word == flag && i+1 < len(where.words) {
				at = w.inContainer(fmt.Sprintf("%s/%d", where.field, i+1))
				return where.words[i+1], func(to string) string { return w.patch(change{"replace", at, to}) }
			}
		}
	}
	if w.Config.DiagAddr != "" {
		return w.Config.DiagAddr, func(to string) string { return w.rewrite(w.lineOf("diag_addr"), "diag_addr: "+to) }
	}
	return "", func(to string) string { return w.patch(w.withArgument(flag + "=" + to)) }
}

func (w Workload) withArgument(word string) change {
	field := "args"
	if len(w.container().Args) == 0 {
		if len(w.container().Command) == 0 {
			return change{"add", w.inContainer(field), []string{"start", word}}
		}
		field = "command"
	}
	return change{"add", w.inContainer(field + "/-"), word}
}

// judgeProbes wants what the official chart has: /livez and /readyz of tbot's own endpoints (teleport-facts 8.2).
func judgeProbes(w Workload) Finding {
	address, move := w.diagnostics()
	live, ready := w.container().LivenessProbe, w.container().ReadinessProbe
	if live == nil && ready == nil {
		return Finding{
			Status: Warn, Observed: "no probe: the Deployment counts as healthy though tbot does nothing", Expected: "probes of /livez and /readyz" + w.inValues("a newer chart"),
			Fix: w.addProbes(address),
		}
	}
	host, port, err := net.SplitHostPort(address)
	for _, probe := range []*corev1.Probe{live, ready} {
		if probe == nil || probe.HTTPGet == nil {
			continue
		}
		asked := w.port(probe)
		to := "0.0.0.0:" + asked
		switch {
		case address == "":
			return Finding{Status: Fail, Observed: "the probes ask port " + asked + ", and tbot opens none", Expected: "--diag-addr=" + to, Fix: move(to)}
		case err != nil || port != asked:
			return Finding{Status: Fail, Observed: "the probes ask port " + asked + ", and tbot answers at " + address, Expected: to, Fix: move(to)}
		case host == "localhost" || strings.HasPrefix(host, "127.") || host == "::1":
			return Finding{Status: Fail, Observed: "tbot answers at " + address + ", where no kubelet can ask it", Expected: to, Fix: move(to)}
		}
	}
	if ready == nil || ready.HTTPGet == nil || !strings.HasPrefix(ready.HTTPGet.Path, "/readyz") {
		return Finding{Status: Warn, Observed: "no probe asks /readyz, by which tbot says whether it could join", Expected: "a readiness probe of /readyz", Fix: w.addProbes(address)}
	}
	return passed("GET /readyz at port " + port)
}

// port is the number that a probe asks.
func (w Workload) port(probe *corev1.Probe) string {
	asked := probe.HTTPGet.Port.String()
	for _, port := range w.container().Ports {
		if port.Name == asked {
			return fmt.Sprint(port.ContainerPort)
		}
	}
	return asked
}

func (w Workload) addProbes(address string) string {
	const standard = 3001
	port := any(standard)
	var changes []change
	if _, given, err := net.SplitHostPort(address); err == nil {
		port = json.Number(given)
	} else {
		changes = append(changes, w.withArgument(fmt.Sprintf("--diag-addr=0.0.0.0:%d", standard)))
	}
	probe := func(path string, failures int) map[string]any {
		return map[string]any{"httpGet": map[string]any{"path": path, "port": port}, "initialDelaySeconds": 10, "timeoutSeconds": 5, "failureThreshold": failures}
	}
	return w.patch(append(
		changes,
		change{"add", w.inContainer("livenessProbe"), probe("/livez", 6)},
		change{"add", w.inContainer("readinessProbe"), probe("/readyz", 3)},
	)...)
}

// judgeProxyServer is P31: without a port tbot tries 3080.
func judgeProxyServer(w Workload) Finding {
	key, value := "proxy_server", w.Config.ProxyServer
	if value == "" {
		key, value = "auth_server", w.Config.AuthServer
	}
	bare, schemed := value, false
	if _, rest, found := strings.Cut(value, "://"); found {
		bare, schemed = strings.TrimSuffix(rest, "/"), true
	}
	host, port, err := net.SplitHostPort(bare)
	wanted := bare
	if err != nil {
		wanted = strings.TrimSuffix(bare, ":") + ":443"
	}
	fix := w.rewrite(w.lineOf(key), key+": "+wanted)
	switch {
	case schemed:
		return Finding{Status: Fail, Observed: key + " is " + spec.Quote(value) + ", with a scheme", Expected: spec.Quote(wanted) + w.inValues("teleportProxyAddress"), Fix: fix}
	case key == "auth_server" && (port == "443" || port == "3080"):
		return Finding{
			Status: Warn, Observed: "auth_server is " + spec.Quote(value) + ", which is a proxy's port: tbot 19 and on takes no proxy there", Expected: "proxy_server: " + value + w.inValues("teleportProxyAddress"),
			Fix: w.rewrite(w.lineOf(key), "proxy_server: "+value),
		}
	case key == "auth_server":
		return passed("auth_server " + value)
	case err != nil || host == "" || port == "":
		return Finding{Status: Fail, Observed: "proxy_server is " + spec.Quote(value) + ", without a port: tbot tries 3080", Expected: spec.Quote(wanted) + w.inValues("teleportProxyAddress"), Fix: fix}
	}
	return passed(value)
}

// judgeProxies is P39's other half. Go's clients speak to the API server by its address, which a name in NO_PROXY does not cover.
func judgeProxies(w Workload) Finding {
	name, through, source := w.firstEnv("HTTPS_PROXY", "https_proxy")
	switch {
	case through == "" && source == "":
		return passed("no HTTPS_PROXY")
	case !w.talksToAPIServer():
		return passed(name + " is set, and tbot does not talk to the API server")
	}
	exempt, except, from := w.firstEnv("NO_PROXY", "no_proxy")
	host, _, _ := w.env("KUBERNETES_SERVICE_HOST")
	switch {
	case from != "":
		return Finding{Status: Unknown, Observed: exempt + " comes from " + from + ", which was not read", Expected: "the API server in it"}
	case leavesOut(except, host):
		return passed(name + " and " + exempt + " " + spec.Quote(except))
	}
	observed := name + " is set and NO_PROXY is not"
	if except != "" {
		observed = fmt.Sprintf("%s is set, and %s %s names no address of the API server", name, exempt, spec.Quote(except))
	}
	const server = "$(KUBERNETES_SERVICE_HOST)"
	return Finding{
		Status: Fail, Observed: observed + ", so tbot asks it through the proxy", Expected: "NO_PROXY with " + server + ", in whose place Kubernetes puts the address" + w.inValues("extraEnv"),
		Fix: w.kubectl("set", "env", "deployment/"+w.Deployment.Name, "--containers", w.container().Name, cmp.Or(exempt, "NO_PROXY")+"="+strings.Join(append(slices.DeleteFunc([]string{w.rawEnv(exempt)}, func(s string) bool { return s == "" }), server), ",")),
	}
}

func (w Workload) firstEnv(names ...string) (name, value, from string) {
	for _, name := range names {
		if value, from, set := w.env(name); set {
			return name, value, from
		}
	}
	return "", "", ""
}

// rawEnv is a variable as the Deployment gives it, with its $(NAMES).
func (w Workload) rawEnv(name string) string {
	for _, e := range w.container().Env {
		if e.Name == name {
			return e.Value
		}
	}
	return ""
}

// leavesOut reports whether NO_PROXY covers the API server's address, as far as the Deployment tells: host is empty where nothing
// overrides what Kubernetes sets, and then any address or range may be it (golang.org/x/net/http/httpproxy).
func leavesOut(except, host string) bool {
	for entry := range strings.SplitSeq(except, ",") {
		entry = strings.TrimSpace(entry)
		_, _, rangeErr := net.ParseCIDR(entry)
		address := net.ParseIP(entry) != nil || rangeErr == nil
		switch {
		case entry == "*", entry == "$(KUBERNETES_SERVICE_HOST)", host == "" && address:
			return true
		case host != "" && entry != "" && (entry == host || strings.HasSuffix(host, "."+strings.TrimPrefix(entry, "."))):
			return true
		case host != "" && rangeErr == nil && within(entry, host):
			return true
		}
	}
	return false
}

func within(cidr, host string) bool {
	_, network, err := net.ParseCIDR(cidr)
	return err == nil && network.Contains(net.ParseIP(host))
}
