package tbotconfig

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/tbotctl/tbotctl/internal/spec"
)

// Problem is one thing that is wrong with a tbot.yaml, or odd about it where it is a Warning.
type Problem struct {
	// Line counts from 1; 0 is for what stands on no line, or was not read from a file.
	Line int
	// Path is the place in the file as it was written, such as outputs[1].selectors[0]; empty is the whole file.
	Path string
	Text string
	// Warning is for what tbot takes all the same.
	Warning bool
}

// String says the problem in one line: "line 12: outputs[1].selectors[0]: give a name or labels, not both".
func (p Problem) String() string {
	var text strings.Builder
	if p.Line > 0 {
		fmt.Fprintf(&text, "line %d: ", p.Line)
	}
	if p.Path != "" {
		text.WriteString(p.Path + ": ")
	}
	text.WriteString(p.Text)
	return text.String()
}

// Invalid is everything that is wrong with a tbot.yaml at once.
type Invalid struct{ Problems []Problem }

// Error says the first fifty in full: a file can be wrong in every line.
func (e *Invalid) Error() string {
	const most = 50
	shown := e.Problems[:min(len(e.Problems), most)]
	texts := make([]string, 0, len(shown)+1)
	for _, problem := range shown {
		texts = append(texts, problem.String())
	}
	if more := len(e.Problems) - len(shown); more > 0 {
		texts = append(texts, fmt.Sprintf("and %d more", more))
	}
	return "tbot.yaml is not usable: " + strings.Join(texts, "; ")
}

// invalid is nil where nothing but warnings was found.
func invalid(problems []Problem) error {
	errors := slices.DeleteFunc(slices.Clone(problems), func(p Problem) bool { return p.Warning })
	if len(errors) == 0 {
		return nil
	}
	return &Invalid{Problems: errors}
}

// inOrder sorts problems as they stand in the file; those of no line come first.
func inOrder(problems []Problem) []Problem {
	slices.SortStableFunc(problems, func(a, b Problem) int { return cmp.Compare(a.Line, b.Line) })
	return problems
}

// place is somewhere in a tbot.yaml that is being judged. What is found at it, or below it, is collected in one list.
type place struct {
	path  string
	found *[]Problem
}

func (p place) at(key string) place { return place{below(p.path, key), p.found} }

func (p place) item(i int) place { return place{element(p.path, i), p.found} }

func (p place) bad(format string, args ...any) {
	*p.found = append(*p.found, Problem{Path: p.path, Text: fmt.Sprintf(format, args...)})
}

// needs wants a key that is not empty.
func (p place) needs(key, value string) {
	if value == "" {
		p.bad("%s is missing", key)
	}
}

// oneOf wants one of the values that tbot knows, or none.
func (p place) oneOf(key, value string, allowed ...string) {
	if value != "" && !slices.Contains(allowed, value) {
		p.at(key).bad("%s is not known; use one of %s", spec.Quote(value), strings.Join(allowed, ", "))
	}
}

func below(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

func element(path string, i int) string { return fmt.Sprintf("%s[%d]", path, i) }
