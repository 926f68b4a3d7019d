package spec_test

import (
	"testing"

	"github.com/tbotctl/tbotctl/internal/spec"
)

func TestShellWord(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"prod": "prod", "arn:aws:eks/prod": "arn:aws:eks/prod", "": "''", "a b": "'a b'", "$(reboot)": "'$(reboot)'", "it's": `'it'\''s'`,
	} {
		if got := spec.ShellWord(in); got != want {
			t.Errorf("ShellWord(%q) = %s, want %s", in, got, want)
		}
	}
}
