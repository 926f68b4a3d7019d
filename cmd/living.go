package cmd

import (
	"github.com/tbotctl/tbotctl/checks"
	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/internal/teleport"
	"github.com/tbotctl/tbotctl/manifests"
)

// onlyGiven forgets the namespace and the proxy that merely happen to be current: a tbot is looked for wherever it lives, and its
// own tbot.yaml names its proxy.
func (s *session) onlyGiven() {
	if !s.given("namespace") {
		s.setup.Kubernetes.Namespace = ""
	}
	if !s.given("proxy") {
		s.setup.Teleport.Proxy = ""
	}
}

// setupOf is what a Setup would say of a tbot that lives.
func (s *session) setupOf(w checks.Workload) spec.Setup {
	setup := s.setup
	setup.Kubernetes.Namespace, setup.Name = w.Deployment.Namespace, w.Deployment.Name
	setup.Kubernetes.ServiceAccount = w.Deployment.Spec.Template.Spec.ServiceAccountName
	if setup.Teleport.Proxy == "" {
		setup.Teleport.Proxy = w.Config.ProxyServer
	}
	setup.Teleport.TokenName = w.Config.Onboarding.Token
	return trusting(setup, w)
}

// trusting gives the setup the authority that the pod trusts for the proxy, where none was named: it stands beside tbot.yaml, and is no
// secret.
func trusting(setup spec.Setup, w checks.Workload) spec.Setup {
	if setup.Teleport.ProxyCA == "" {
		setup.Teleport.ProxyCA = w.Beside[manifests.ProxyCAFile]
	}
	return setup
}

// targetOf is the proxy of a tbot that lives, judged by the authority that its pod trusts.
func (s *session) targetOf(setup spec.Setup) (teleport.Target, error) {
	target := s.clusters.target
	target.Proxy = setup.Teleport.Proxy
	if setup.Teleport.ProxyCA == "" {
		return target, nil
	}
	pool, err := teleport.CertPool(setup.Teleport.ProxyCA)
	if err == nil {
		target.CAs = pool
	}
	return target, err
}
