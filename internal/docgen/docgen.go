// Package docgen writes the pages under docs/ that are tables of what the code declares: checks, answers, formats and rights. Its tests
// hold that the pages are fresh and that the links of every page lead somewhere. It ships in no binary.
package docgen

import (
	"bytes"
	"fmt"
	"strings"
)

// notice stands at the top of every generated page; Markdown shows nothing of it.
func notice(source string) string {
	return "<!-- Made from " + source + " by `make docs`. Edits here are lost. -->\n\n"
}

// row writes one row of a Markdown table.
func row(page *bytes.Buffer, cells ...string) {
	fmt.Fprintf(page, "| %s |\n", strings.Join(cells, " | "))
}

// rule writes the line under the head of a table.
func rule(page *bytes.Buffer, columns int) {
	page.WriteString(strings.Repeat("|---", columns) + "|\n")
}

// text makes words of the code safe for a cell: a bar would end it, and an angle bracket could start HTML.
func text(words string) string {
	return strings.NewReplacer("|", `\|`, "<", "&lt;", "\n", " ").Replace(words)
}

// code quotes what is typed as it stands; nothing gives nothing. Inside of a table a bar needs its backslash there too.
func code(word string) string {
	if word == "" {
		return ""
	}
	return "`" + strings.ReplaceAll(word, "|", `\|`) + "`"
}
