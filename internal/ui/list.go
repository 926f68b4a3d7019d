package ui

import (
	"fmt"
	"strings"
)

// mostNamed is how many of a list are named in a sentence; a longer list says no more.
const mostNamed = 5

// Named joins what a sentence names, the first five and how many there are beside: "a; b; c; d; e; and 2 more".
func Named(names []string) string {
	text := strings.Join(names[:min(len(names), mostNamed)], "; ")
	if more := len(names) - mostNamed; more > 0 {
		text += fmt.Sprintf("; and %d more", more)
	}
	return text
}
