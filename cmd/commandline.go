package cmd

import (
	"strings"

	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/internal/ui"
)

// commandLine is init as it would be typed to get the same: every answer that is not the default, the clusters always. Files that
// were read into answers are named by the flag that gave them.
func (o *initOptions) commandLine(unasked bool) string {
	words := []string{"tbotctl init"}
	switch {
	case !unasked:
	case o.filesOnly():
		words[0] += " --non-interactive --out-dir " + ui.ShellWord(o.outDir)
	default:
		words[0] += " --non-interactive --yes"
	}
	defaults := spec.Default()
	for _, field := range spec.Fields() {
		value := field.Get(o.setup)
		if path, isFile := o.files[field.Flag]; isFile {
			value = path
		}
		switch {
		case value == "" || value == field.Get(defaults):
		case field.Switch():
			words = append(words, "--"+field.Flag)
		default:
			words = append(words, "--"+field.Flag+" "+ui.ShellWord(value))
		}
	}
	return strings.Join(append(words, o.ways()...), " ")
}

// ways are the flags that say how the clusters are reached.
func (s *session) ways() []string {
	var words []string
	for _, flag := range [][2]string{{"--kubeconfig", s.kubeconfig}, {"--as", s.as}, {"--identity", s.identity}} {
		if flag[1] != "" {
			words = append(words, flag[0]+" "+ui.ShellWord(flag[1]))
		}
	}
	for _, group := range s.asGroups {
		words = append(words, "--as-group "+ui.ShellWord(group))
	}
	if s.insecure {
		words = append(words, "--insecure")
	}
	return words
}

// deleteLine removes what init made.
func (o *initOptions) deleteLine() string {
	words := []string{"tbotctl delete"}
	for _, flag := range []string{"context", "namespace", "proxy", "proxy-ca", "name"} {
		for _, field := range spec.Fields() {
			if field.Flag != flag {
				continue
			}
			value := field.Get(o.setup)
			if path, isFile := o.files[flag]; isFile {
				value = path
			}
			if value != "" && value != field.Get(spec.Default()) {
				words = append(words, "--"+flag+" "+ui.ShellWord(value))
			}
		}
	}
	return strings.Join(append(words, o.ways()...), " ")
}
