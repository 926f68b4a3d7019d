package templates_test

import (
	"io/fs"
	"testing"
	"text/template"
	"text/template/parse"

	"github.com/tbotctl/tbotctl/templates"
)

// What holds for the resources holds for the examples, which are printed to be applied.
func TestEveryValueOfAnExampleIsQuoted(t *testing.T) {
	t.Parallel()
	quoting := template.FuncMap{}
	for _, name := range []string{"quote", "list", "mapping", "literal"} {
		quoting[name] = func(...any) string { return "" }
	}
	names, err := fs.Glob(templates.FS, "examples/*.yaml")
	if err != nil || len(names) != 4 {
		t.Fatalf("templates = %v, %v; want four", names, err)
	}
	for _, name := range names {
		parsed, err := template.New("").Funcs(quoting).ParseFS(templates.FS, name)
		if err != nil {
			t.Fatal(err)
		}
		printed := 0
		for _, one := range parsed.Templates() {
			walk(one.Root, func(action *parse.ActionNode) {
				printed++
				last := action.Pipe.Cmds[len(action.Pipe.Cmds)-1]
				function, ok := last.Args[0].(*parse.IdentifierNode)
				if !ok || quoting[function.Ident] == nil {
					t.Errorf("%s prints %s without quoting it", name, action)
				}
			})
		}
		if printed == 0 {
			t.Errorf("%s prints no value: the test does not see its actions", name)
		}
	}
}
