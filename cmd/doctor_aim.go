package cmd

import (
	"regexp"
	"strings"

	"github.com/tbotctl/tbotctl/internal/spec"
)

// kubectlCommand finds where a command begins that kubectl is to run.
var kubectlCommand = regexp.MustCompile("(^|[\\s`(])kubectl ")

// aimed makes every kubectl of a fix go to the cluster that was looked at: whoever pastes it may have another one current.
func (s *session) aimed(fix string) string {
	var at string
	if s.kubeconfig != "" {
		at += " --kubeconfig " + spec.ShellWord(s.kubeconfig)
	}
	if name := s.setup.Kubernetes.Context; name != "" && !s.inPod() {
		at += " --context " + spec.ShellWord(name)
	}
	return kubectlCommand.ReplaceAllString(fix, "${1}kubectl"+strings.ReplaceAll(at, "$", "$$")+" ")
}
