package main

import (
	"fmt"
	"os"
	"strings"
)

const opening = `<!-- Made by make screens. Do not edit. -->

# The wizard, page by page

` + "`tbotctl init`" + ` on a terminal leads from a kubeconfig and a Teleport login to a tbot that runs. These are its screens, on a terminal of 80
columns and 24 rows without colour, as the built program drew them on a real Kubernetes API server and the Teleport test cluster
of this repository. No containers run there, so the test kit plays the pod's tbot.

What differs from run to run is replaced by something of the same length: the eight digits that stand for the Kubernetes cluster, the
thumbprint of its key, dates and times, and the spinner's position. Checks that end at the same moment are put in the order of
their numbers. Nothing else is.

With a screen reader, or where a terminal cannot move its cursor, ` + "`--accessible`" + ` (or ` + "`ACCESSIBLE=1`, or `TERM=dumb`" + `) asks the same
questions in the same order, line by line.
`

// document is the page with all screens.
func document(all []taken) string {
	var page strings.Builder
	page.WriteString(opening)
	for _, t := range all {
		fmt.Fprintf(&page, "\n## %s\n\n%s\n\n%s", t.name, t.about, fenced(t.screen))
	}
	return page.String()
}

func fenced(screen string) string { return "```text\n" + screen + "\n```\n" }

// The marks between which the README gets its screens.
const (
	marksBegin = "<!-- screens:begin -->\n"
	marksEnd   = "<!-- screens:end -->\n"
)

// intoReadme replaces what stands between the marks; a README without them is left alone.
func intoReadme(path string, all []taken) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	before, rest, begun := strings.Cut(string(text), marksBegin)
	_, after, ended := strings.Cut(rest, marksEnd)
	if !begun || !ended {
		return nil
	}
	var shown strings.Builder
	for _, t := range all {
		if t.readme {
			shown.WriteString("\n" + fenced(t.screen))
		}
	}
	return os.WriteFile(path, []byte(before+marksBegin+shown.String()+"\n"+marksEnd+after), 0o644)
}
