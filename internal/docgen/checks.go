package docgen

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/tbotctl/tbotctl/checks"
)

// Checks is docs/checks.md: one table of all, then a section a category with one anchor an ID.
func Checks() []byte {
	return checksPage(checks.Explain())
}

func checksPage(all []checks.Explained) []byte {
	var page bytes.Buffer
	page.WriteString(notice("the catalogue and the explanations in checks/"))
	page.WriteString(`# Checks

` + "`tbotctl init`" + ` runs the checks of stage *before* ahead of anything else, those of stage *targets* ahead of the plan where
` + "`--target-context`" + ` names clusters, and those of stage *after* on what it has made.
` + "`tbotctl doctor`" + ` runs those of stage *diagnosis* on a tbot that lives, beside the ones of *before* that apply, and with
` + "`--for-server VERSION`" + ` those of stage *upgrade*. ` + "`tbotctl explain ID`" + ` says what stands here, offline.
The title is what a check says when it passes. IDs never change their meaning and are never used again.

Every check ends in one status:

- **pass**: it is as the title says.
- **warn**: it works, and something about it deserves a look.
- **fail**: it is not so. Before applying, one such check means that nothing is applied.
- **skip**: there was nothing to look at; the reason is given. A check is skipped when one that it needs did not come through.
- **unknown**: the look itself was impossible, for want of a right or of an answer. This is never green
  ([ADR 0004](adr/0004-unknown-is-not-ok.md)). Where the check named under *proved by* passes later in the same run, the
  question is settled and the unknown becomes a skip that says so.

What a status does to the exit code is in ` + "`tbotctl help exit-codes`" + `. A *symptom* shows that something is wrong and not what:
doctor never calls it the cause where another check fails.
`)
	contents(&page, all)
	var category checks.Category
	for _, e := range all {
		if e.Check.Category != category {
			category = e.Check.Category
			fmt.Fprintf(&page, "\n## %s\n", category)
		}
		section(&page, e)
	}
	return page.Bytes()
}

// contents is the table of all checks.
func contents(page *bytes.Buffer, all []checks.Explained) {
	page.WriteString("\n")
	row(page, "ID", "Title", "Category", "Stage")
	rule(page, 4)
	for _, e := range all {
		row(page, links(e.Check.ID), text(e.Check.Title), string(e.Check.Category), stage(e.Check.Stage))
	}
}

// section says all that is known of one check.
func section(page *bytes.Buffer, e checks.Explained) {
	fmt.Fprintf(page, "\n### <a id=%q></a>%s %s\n\n", anchor(e.Check.ID), e.Check.ID, escaped(e.Check.Title))
	paragraph(page, "", e.Explanation.Looks)
	paragraph(page, "Why it matters", e.Explanation.Why)
	if len(e.Explanation.Shows) > 0 {
		page.WriteString("**It shows as:**\n\n```text\n" + strings.Join(e.Explanation.Shows, "\n") + "\n```\n\n")
	}
	paragraph(page, "How to mend it", e.Explanation.Mend)
	paragraph(page, "Since", e.Explanation.Since)
	parts := []string{"stage " + stage(e.Check.Stage)}
	if e.Check.Symptom {
		parts = append(parts, "a symptom")
	}
	if needs := links(e.Check.Needs...); needs != "" {
		parts = append(parts, "needs "+needs)
	}
	if by := links(e.Check.ProvedBy); by != "" {
		parts = append(parts, "proved by "+by)
	}
	if problems := e.Problems(); len(problems) > 0 {
		parts = append(parts, "finds "+strings.Join(problems, ", "))
	}
	fmt.Fprintf(page, "*%s*\n", strings.Join(parts, "; "))
}

func paragraph(page *bytes.Buffer, head, words string) {
	switch {
	case words == "":
	case head == "":
		fmt.Fprintf(page, "%s\n\n", escaped(words))
	default:
		fmt.Fprintf(page, "**%s:** %s\n\n", head, escaped(words))
	}
}

// escaped keeps words of the code from being taken for HTML or emphasis, but for what stands between backquotes. An underscore
// within a word means nothing to Markdown.
func escaped(words string) string {
	parts := strings.Split(words, "`")
	for i := 0; i < len(parts); i += 2 {
		parts[i] = strings.NewReplacer("<", "&lt;", "*", `\*`).Replace(parts[i])
	}
	return strings.Join(parts, "`")
}

// anchor is the fragment that leads to a check: tbc101.
func anchor(id checks.ID) string { return strings.ToLower(string(id)) }

func links(ids ...checks.ID) string {
	var parts []string
	for _, id := range ids {
		if id != "" {
			parts = append(parts, fmt.Sprintf("[%s](#%s)", id, anchor(id)))
		}
	}
	return strings.Join(parts, ", ")
}

func stage(s checks.Stage) string {
	switch s {
	case checks.After:
		return "after"
	case checks.Diagnosis:
		return "diagnosis"
	case checks.Upgrade:
		return "upgrade"
	case checks.Targets:
		return "targets"
	case checks.Before:
	}
	return "before"
}
