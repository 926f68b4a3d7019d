package docgen

import (
	"bytes"

	"github.com/tbotctl/tbotctl/internal/spec"
)

// Flags is docs/flags.md: every answer of a Setup with its flag and its environment variable.
func Flags() []byte {
	var page bytes.Buffer
	page.WriteString(notice("the fields of internal/spec"))
	page.WriteString(`# Answers and their flags

Everything that a person decides about an installation is an answer. Each has a flag, an environment variable and a place in
the answers file that ` + "`tbotctl init --save`" + ` writes. In the order of precedence an answer comes from the flag, the
` + "`TBOTCTL_`" + ` variable, Teleport's own variable, the file of ` + "`--from`" + `, the tsh profile, the default.

Which of them a command takes, and its flags that are no answers (such as ` + "`--yes`" + ` or ` + "`--output`" + `), are in
` + "`tbotctl COMMAND --help`" + `; the variables that are no answers in ` + "`tbotctl help environment`" + `.

`)
	row(&page, "Flag", "Value", "Environment variable", "Default", "Meaning")
	rule(&page, 5)
	defaults := spec.Default()
	for _, field := range spec.Fields() {
		row(&page, code("--"+field.Flag), value(field), code(spec.Env(field.Flag)), code(field.Get(defaults)), text(field.Help))
	}
	return page.Bytes()
}

func value(field spec.Field) string {
	if field.Switch() {
		return "(a switch)"
	}
	return code(field.Placeholder)
}
