package cmd

import (
	"regexp"
	"strings"

	"github.com/tbotctl/tbotctl/internal/ui"
)

// kubectlCommand finds where a command begins that kubectl is to run.
var kubectlCommand = regexp.MustCompile("(^|[\\s`(])kubectl ")

// aimed makes every kubectl of a fix go to the cluster that was looked at: whoever pastes it may have another one current.
func (r *doctorRun) aimed(fix string) string {
	var at string
	if r.kubeconfig != "" {
		at += " --kubeconfig " + ui.ShellWord(r.kubeconfig)
	}
	if name := r.setup.Kubernetes.Context; name != "" && !r.inPod() {
		at += " --context " + ui.ShellWord(name)
	}
	return kubectlCommand.ReplaceAllString(fix, "${1}kubectl"+strings.ReplaceAll(at, "$", "$$")+" ")
}
