package docgen

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/tbotctl/tbotctl/checks"
)

// Checks is docs/checks.md: one table a category, one anchor an ID.
func Checks() []byte {
	return checksPage(checks.Catalogue())
}

func checksPage(catalogue []checks.Check) []byte {
	var page bytes.Buffer
	page.WriteString(notice("the catalogue in checks/"))
	page.WriteString(`# Checks

` + "`tbotctl init`" + ` runs the checks of stage *before* ahead of anything else, and those of stage *after* on what it has made.
The title is what a check says when it passes. IDs never change their meaning and are never used again.

Every check ends in one status:

- **pass**: it is as the title says.
- **warn**: it works, and something about it deserves a look.
- **fail**: it is not so. Before applying, one such check means that nothing is applied.
- **skip**: there was nothing to look at; the reason is given. A check is skipped when one that it needs did not come through.
- **unknown**: the look itself was impossible, for want of a right or of an answer. This is never green
  ([ADR 0004](adr/0004-unknown-is-not-ok.md)). Where the check named under *proved by* passes later in the same run, the
  question is settled and the unknown becomes a skip that says so.

What a status does to the exit code is in ` + "`tbotctl help exit-codes`" + `.
`)
	var category checks.Category
	for _, check := range catalogue {
		if check.Category != category {
			category = check.Category
			fmt.Fprintf(&page, "\n## %s\n\n", category)
			row(&page, "ID", "Title", "Stage", "Needs", "Proved by")
			rule(&page, 5)
		}
		row(&page, `<a id="`+anchor(check.ID)+`"></a>`+string(check.ID), text(check.Title), stage(check.Stage), links(check.Needs...), links(check.ProvedBy))
	}
	return page.Bytes()
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
	if s == checks.After {
		return "after"
	}
	return "before"
}
