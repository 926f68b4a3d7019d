package cmd

import (
	"regexp"
	"strings"

	"github.com/tbotctl/tbotctl/internal/spec"
)

// towardsCluster finds where a command begins that goes to the cluster that was looked at.
var towardsCluster = regexp.MustCompile("(^|[\\s`(])(kubectl|tbotctl verify) ")

// aimed makes every kubectl and tbotctl verify of a fix go to the cluster that was looked at: whoever pastes it may have another one current.
func (s *session) aimed(fix string) string {
	var at string
	if s.kubeconfig != "" {
		at += " --kubeconfig " + spec.ShellWord(s.kubeconfig)
	}
	if name := s.setup.Kubernetes.Context; name != "" && !s.inPod() {
		at += " --context " + spec.ShellWord(name)
	}
	return towardsCluster.ReplaceAllString(fix, "${1}${2}"+strings.ReplaceAll(at, "$", "$$")+" ")
}
