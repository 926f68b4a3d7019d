package checks

import (
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"

	"github.com/tbotctl/tbotctl/internal/spec"
)

// way is one of the ways out that tbot needs.
type way struct {
	name  string
	ports []int32
	udp   bool
	// outside tells that no selector of pods matches where it leads.
	outside bool
}

func (w Workload) ways() []way {
	port := int32(443)
	if _, given, err := net.SplitHostPort(w.Config.ProxyServer); err == nil {
		if _, err := fmt.Sscan(given, &port); err != nil {
			port = 443
		}
	}
	all := []way{
		{name: "DNS (53/UDP)", ports: []int32{53}, udp: true},
		{name: fmt.Sprintf("the Teleport proxy (%d/TCP)", port), ports: []int32{port}},
	}
	if w.talksToAPIServer() {
		all = append(all, way{name: "the API server (443 or 6443/TCP)", ports: []int32{443, 6443}, outside: true})
	}
	return all
}

// changedLast is when the newest of the policies became what it is.
func changedLast(policies []networkingv1.NetworkPolicy) time.Time {
	var last time.Time
	for i := range policies {
		at := policies[i].CreationTimestamp.Time
		for _, entry := range policies[i].ManagedFields {
			if entry.Time != nil && entry.Time.After(at) {
				at = entry.Time.Time
			}
		}
		if at.After(last) {
			last = at
		}
	}
	return last
}

// judgePolicies joins the policies that select the pod: what none of them lets out stays in. Where tbot has renewed its credentials all
// the same, the cluster's network does not enforce them, or lets it out otherwise; wrote is nil where nobody could see that.
func judgePolicies(w Workload, policies []networkingv1.NetworkPolicy, wrote *bool) Finding {
	var rules []networkingv1.NetworkPolicyEgressRule
	var names []string
	for i := range policies {
		p := &policies[i]
		if slices.Contains(p.Spec.PolicyTypes, networkingv1.PolicyTypeEgress) || len(p.Spec.Egress) > 0 {
			rules, names = append(rules, p.Spec.Egress...), append(names, p.Name)
		}
	}
	if len(names) == 0 {
		return passed("no NetworkPolicy limits what the pod may reach")
	}
	var missing []string
	for _, way := range w.ways() {
		if !slices.ContainsFunc(rules, way.leads) {
			missing = append(missing, way.name)
		}
	}
	policyNames := "NetworkPolicy " + strings.Join(names, ", ")
	if len(missing) == 0 {
		return passed(policyNames + " and what it lets out: DNS, the proxy and what else tbot needs")
	}
	finding := Finding{
		Status: Fail, Observed: policyNames + " lets the pod not reach " + strings.Join(missing, ", "), Expected: "egress to DNS, the Teleport proxy and the API server", Fix: w.letOut(),
	}
	switch {
	case wrote == nil:
		finding.Status = Warn
		finding.Observed += "; whether tbot works all the same could not be seen"
	case *wrote:
		finding.Status = Warn
		finding.Observed += "; tbot has renewed its credentials all the same"
	}
	return finding
}

// leads reports whether a rule opens the way, as far as it can be told: where an address or a host lies nobody knows here.
func (n way) leads(rule networkingv1.NetworkPolicyEgressRule) bool {
	reaches := len(rule.To) == 0 || !n.outside
	for _, peer := range rule.To {
		reaches = reaches || peer.IPBlock != nil
	}
	if !reaches {
		return false
	}
	if len(rule.Ports) == 0 {
		return true
	}
	for _, p := range rule.Ports {
		protocol := corev1.ProtocolTCP
		if p.Protocol != nil {
			protocol = *p.Protocol
		}
		if (protocol == corev1.ProtocolUDP) != n.udp {
			continue
		}
		if p.Port == nil {
			return true
		}
		for _, port := range n.ports {
			last := p.Port.IntVal
			if p.EndPort != nil {
				last = *p.EndPort
			}
			// A port of a name is one of the other side's pods.
			if p.Port.IntVal <= port && port <= last || p.Port.StrVal != "" && !n.outside {
				return true
			}
		}
	}
	return false
}

// letOut makes a policy beside those that are there: policies add up.
func (w Workload) letOut() string {
	ports := []any{map[string]any{"port": 53, "protocol": "UDP"}, map[string]any{"port": 53, "protocol": "TCP"}}
	seen := map[int32]bool{53: true}
	for _, way := range w.ways() {
		for _, port := range way.ports {
			if !seen[port] {
				ports = append(ports, map[string]any{"port": port, "protocol": "TCP"})
				seen[port] = true
			}
		}
	}
	selector := map[string]string{}
	if w.Deployment.Spec.Selector != nil {
		selector = w.Deployment.Spec.Selector.MatchLabels
	}
	policy := map[string]any{
		"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
		"metadata": map[string]any{"name": w.Deployment.Name + "-egress", "namespace": w.Deployment.Namespace},
		"spec":     map[string]any{"podSelector": map[string]any{"matchLabels": selector}, "policyTypes": []string{"Egress"}, "egress": []any{map[string]any{"ports": ports}}},
	}
	return "echo " + spec.ShellWord(compact(policy)) + " | kubectl create --filename -"
}
