package templates_test

import (
	"io/fs"
	"testing"
	"text/template"
	"text/template/parse"

	"github.com/tbotctl/tbotctl/templates"
)

// A value that is spliced raw can end its YAML node and start another; so every action that prints goes through a function
// that writes a complete node.
func TestEveryPrintedValueIsQuoted(t *testing.T) {
	t.Parallel()
	quoting := map[string]bool{"quote": true, "list": true, "mapping": true, "literal": true, "tree": true}
	stubs := template.FuncMap{}
	for name := range quoting {
		stubs[name] = func(...any) string { return "" }
	}
	names, err := fs.Glob(templates.FS, "*.yaml")
	if err != nil || len(names) != 14 {
		t.Fatalf("templates = %v, %v; want fourteen", names, err)
	}
	parsed, err := template.New("").Funcs(stubs).ParseFS(templates.FS, "*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		printed := 0
		walk(parsed.Lookup(name).Root, func(action *parse.ActionNode) {
			if len(action.Pipe.Decl) > 0 {
				return // a declaration prints nothing
			}
			printed++
			last := action.Pipe.Cmds[len(action.Pipe.Cmds)-1]
			function, ok := last.Args[0].(*parse.IdentifierNode)
			if !ok || !quoting[function.Ident] {
				t.Errorf("%s prints %s without quoting it", name, action)
			}
		})
		if printed == 0 {
			t.Errorf("%s prints no value: the test does not see its actions", name)
		}
	}
}

func walk(node parse.Node, visit func(*parse.ActionNode)) {
	switch n := node.(type) {
	case *parse.ListNode:
		if n == nil {
			return
		}
		for _, child := range n.Nodes {
			walk(child, visit)
		}
	case *parse.ActionNode:
		visit(n)
	case *parse.IfNode:
		walk(n.List, visit)
		walk(n.ElseList, visit)
	case *parse.WithNode:
		walk(n.List, visit)
		walk(n.ElseList, visit)
	case *parse.RangeNode:
		walk(n.List, visit)
		walk(n.ElseList, visit)
	}
}
