package cmd

import (
	"slices"
	"strings"

	"github.com/tbotctl/tbotctl/internal/spec"
)

// commandLine is init as it would be typed to get the same: every answer that is not the default, the clusters always. Files that
// were read into answers are named by the flag that gave them.
func (o *initOptions) commandLine(unasked bool) string {
	words := []string{"tbotctl init"}
	switch {
	case !unasked:
	case o.filesOnly():
		words[0] += " --non-interactive --out-dir " + spec.ShellWord(o.outDir)
	default:
		words[0] += " --non-interactive --yes"
	}
	if o.requestFile != "" {
		words = append(words, "--request "+spec.ShellWord(o.requestFile))
	}
	words = append(words, o.answered(spec.DefaultFor(o.setup.Workload.Kind), func(string) bool { return true })...)
	return strings.Join(append(words, o.ways()...), " ")
}

// answered are the flags of the answers that are not the default, as far as they are wanted.
func (o *initOptions) answered(defaults spec.Setup, wanted func(flag string) bool) []string {
	var words []string
	for _, field := range spec.Fields() {
		value := field.Get(o.setup)
		if path, isFile := o.files[field.Flag]; isFile {
			value = path
		} else if field.Placeholder == "FILE" && value != "" {
			value = "FILE" // answers from a file of answers name no other
		}
		switch {
		case !wanted(field.Flag), value == "", value == field.Get(defaults):
		case field.Switch():
			words = append(words, "--"+field.Flag)
		default:
			words = append(words, "--"+field.Flag+" "+spec.ShellWord(value))
		}
	}
	return words
}

// ways are the flags that say how the clusters are reached.
func (s *session) ways() []string {
	var words []string
	for _, flag := range [][2]string{{"--kubeconfig", s.kubeconfig}, {"--as", s.as}, {"--identity", s.identity}} {
		if flag[1] != "" {
			words = append(words, flag[0]+" "+spec.ShellWord(flag[1]))
		}
	}
	for _, group := range s.asGroups {
		words = append(words, "--as-group "+spec.ShellWord(group))
	}
	if s.insecure {
		words = append(words, "--insecure")
	}
	return words
}

// deleteLine removes what init made.
func (o *initOptions) deleteLine() string {
	words := append([]string{"tbotctl delete"}, o.answered(spec.Default(), func(flag string) bool {
		return slices.Contains([]string{"side", "context", "namespace", "proxy", "proxy-ca", "name", "target-context", "target-namespace"}, flag)
	})...)
	return strings.Join(append(words, o.ways()...), " ")
}
