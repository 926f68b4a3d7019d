package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/tbotctl/tbotctl/internal/tbotconfig"
	"github.com/tbotctl/tbotctl/internal/ui"
)

// Lint is what was found wrong with a tbot.yaml.
type Lint struct {
	// File is as it was named, - for stdin; ForServer is the release that it was judged for, empty for none.
	File, ForServer string
	Problems        []tbotconfig.Problem
}

// Errors counts what tbot would refuse; the rest are warnings.
func (l Lint) Errors() int {
	n := 0
	for _, problem := range l.Problems {
		if !problem.Warning {
			n++
		}
	}
	return n
}

type lintDocument struct {
	SchemaVersion int           `json:"schemaVersion"`
	File          string        `json:"file"`
	ForServer     string        `json:"forServer,omitempty"`
	Status        string        `json:"status"`
	Problems      []problemJSON `json:"problems"`
}

type problemJSON struct {
	Line  int    `json:"line"`
	Path  string `json:"path"`
	Level string `json:"level"`
	Text  string `json:"text"`
}

// JSON writes the one document of `verify --lint -o json`.
func (l Lint) JSON(w io.Writer) error {
	document := lintDocument{SchemaVersion: SchemaVersion, File: l.File, ForServer: l.ForServer, Status: "pass", Problems: []problemJSON{}}
	if l.Errors() > 0 {
		document.Status = "fail"
	}
	for _, problem := range l.Problems {
		document.Problems = append(document.Problems, problemJSON{Line: problem.Line, Path: problem.Path, Level: level(problem), Text: problem.Text})
	}
	return writeJSON(w, document)
}

func level(p tbotconfig.Problem) string {
	if p.Warning {
		return "warning"
	}
	return "error"
}

// Table writes a line for each problem, the way compilers do: file:line: level: text. A file without problems gets a line that says
// so.
func (l Lint) Table(w io.Writer) error {
	var text strings.Builder
	for _, problem := range l.Problems {
		at := l.File
		if problem.Line > 0 {
			at = fmt.Sprintf("%s:%d", l.File, problem.Line)
		}
		if problem.Path != "" {
			problem.Text = problem.Path + ": " + problem.Text
		}
		fmt.Fprintf(&text, "%s: %s: %s\n", ui.Clean(at), level(problem), ui.Clean(problem.Text))
	}
	if l.Errors() == 0 {
		line := l.File + ": tbot takes this file"
		if l.ForServer != "" {
			line = fmt.Sprintf("%s: tbot %s takes this file", l.File, l.ForServer)
		}
		text.WriteString(ui.Clean(line) + "\n")
	}
	return written(w, text.String())
}
