package cmd

import (
	"github.com/tbotctl/tbotctl/checks"
	"github.com/tbotctl/tbotctl/internal/spec"
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
	return setup
}
