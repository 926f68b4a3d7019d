package cmd_test

import (
	"strings"
	"testing"

	"github.com/tbotctl/tbotctl/wizard"
)

// TestEveryQuestionHasAFlag walks the wizard's questions: whatever a person can be asked, a script can give to init or render.
func TestEveryQuestionHasAFlag(t *testing.T) {
	t.Parallel()
	initHelp, renderHelp := runWith(t, nil, "", "init", "--help"), runWith(t, nil, "", "render", "--help")
	for _, question := range wizard.Questions() {
		if flag := "--" + question.Flag + " "; !strings.Contains(initHelp.stdout, flag) && !strings.Contains(renderHelp.stdout, flag) {
			t.Errorf("%q is asked and no flag %sanswers it", question.Title, flag)
		}
		if question.Title == "" || question.Help == "" {
			t.Errorf("--%s has no title or no help", question.Flag)
		}
	}
}
