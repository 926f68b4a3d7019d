package spec

import (
	"net"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"
)

// cloudDomain is that of the clusters that Teleport hosts.
const cloudDomain = ".teleport.sh"

// OnCloud reports whether the proxy is one that Teleport hosts.
func (t Teleport) OnCloud() bool {
	host, _, err := net.SplitHostPort(t.Proxy)
	if err != nil {
		host = t.Proxy
	}
	return strings.HasSuffix(strings.ToLower(host), cloudDomain)
}

// NoInClusterOnCloud says why type in_cluster, with which the Auth Service asks the cluster that it runs in, cannot be where Teleport
// hosts it. The other two types work there (field-notes P42).
const NoInClusterOnCloud = "on Teleport Cloud the Auth Service runs in no cluster of yours"

// validateInCluster judges what belongs to join type in_cluster alone.
func (s Setup) validateInCluster(v *collector) {
	asked := s.Join.Type == JoinInCluster
	if asked && s.Teleport.OnCloud() {
		v.add("join-type", "in_cluster cannot work: "+NoInClusterOnCloud, "use oidc or static_jwks, which work with Teleport Cloud, or auto")
	}
	account := s.Join.AuthServiceAccount
	if account == "" {
		return
	}
	namespace, name, found := strings.Cut(account, ":")
	switch {
	case !asked:
		v.add("auth-service-account", "given, but only join type in_cluster asks it", "leave it out, or choose --join-type in_cluster")
	case !found || len(validation.IsDNS1123Label(namespace)) > 0 || len(validation.IsDNS1123Subdomain(name)) > 0:
		v.add("auth-service-account", Quote(account)+" is no NAMESPACE:NAME", "write for example teleport:teleport-auth")
	}
}

// AuthServiceUser is the Kubernetes user of the Auth Service's service account; empty where it is not named.
func (j Join) AuthServiceUser() string {
	if j.AuthServiceAccount == "" {
		return ""
	}
	return serviceAccountUser + j.AuthServiceAccount
}

// Delegator is the command that lets the Auth Service's account review tokens. Placeholders stand where it is not named.
func (j Join) Delegator() string {
	account := j.AuthServiceAccount
	if account == "" {
		account = "NAMESPACE:NAME"
	}
	return "kubectl create clusterrolebinding teleport-auth-delegator --clusterrole=system:auth-delegator --serviceaccount=" + account
}
