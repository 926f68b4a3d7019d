package spec

import (
	"fmt"
	"strings"
)

// FieldError says what is wrong with one answer, in the words of whoever typed it.
type FieldError struct {
	// Flag is the flag that gives the answer, without dashes.
	Flag string
	// Problem says what is wrong with which value.
	Problem string
	// Fix says what to write instead.
	Fix string
}

func (e FieldError) Error() string {
	text := "--" + e.Flag + ": " + e.Problem
	if e.Fix != "" {
		text += "; " + e.Fix
	}
	return text
}

// Invalid is every wrong answer of a Setup at once, so that nobody mends them one run at a time.
type Invalid struct{ Fields []FieldError }

func (e *Invalid) Error() string {
	if len(e.Fields) == 1 {
		return e.Fields[0].Error()
	}
	lines := make([]string, 0, len(e.Fields)+1)
	lines = append(lines, fmt.Sprintf("%d answers are not usable:", len(e.Fields)))
	for _, f := range e.Fields {
		lines = append(lines, "  "+f.Error())
	}
	return strings.Join(lines, "\n")
}
