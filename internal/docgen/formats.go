package docgen

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/manifests"
)

// Formats is docs/formats.md: every answer against every format, and what each format cannot say.
func Formats() []byte {
	var page bytes.Buffer
	page.WriteString(notice("the fields of internal/spec and what manifests says of its formats"))
	page.WriteString(`# Formats

` + "`tbotctl render --out-dir DIR` and `tbotctl init --out-dir DIR`" + ` write what init would apply to files, each side in the shape that is asked
for, and print the commands that apply them. render asks no cluster and no network: a file of answers that
` + "`tbotctl init --save`" + ` wrote gives the same bytes on any machine and any day.

| ` + "`--kube-format`" + ` | Files | Applied by |
|---|---|---|
| ` + "`manifests`" + ` | one file a purpose, in ` + "`kubernetes/`" + ` | ` + "`kubectl apply --server-side -f`" + ` |
| ` + "`kustomize`" + ` | the same, and a kustomization that lists them, for overlays to stand on | ` + "`kubectl apply --server-side -k`" + ` |
| ` + "`helm`" + ` | values of Teleport's chart tbot; account, Role, RoleBinding and namespace stay manifests, for the chart's own are wider | ` + "`kubectl apply`, then `helm upgrade --install`" + ` |

| ` + "`--teleport-format`" + ` | Files | Applied by |
|---|---|---|
| ` + "`yaml`" + ` | role, bot and token in ` + "`teleport/resources.yaml`" + ` | ` + "`tctl create -f`" + `, with one touch |
| ` + "`operator`" + ` | custom resources in ` + "`teleport/operator.yaml`, in `--operator-namespace`" + ` | ` + "`kubectl apply`" + ` in the cluster of Teleport's operator |
| ` + "`terraform`" + ` | a module for Teleport's provider, ` + "`teleport/main.tf`" + ` | ` + "`terraform apply`" + ` |

An agent (` + "`--workload agent`" + `) is Helm's in every format: the values of its chart are in ` + "`agent/values.yaml`" + `.
What the clusters get that the bot reaches is in ` + "`targets/`" + `, a kustomization, whatever the format; the table counts it with the Kubernetes side.

## Which answer is in which format

*Yes* means that the answer changes what is written, a dash that it does not, *refused* that rendering ends with an error that names the flag:
nothing is left out in silence. A test gives each answer another value and holds this table to what each format makes of it.

`)
	columns := append([]string{"Flag"}, manifests.Formats()...)
	row(&page, columns...)
	rule(&page, len(columns))
	for _, field := range spec.Fields() {
		if slices.Contains(manifests.Choosing(), field.Flag) {
			continue
		}
		cells := []string{code("--" + field.Flag)}
		for _, format := range manifests.Formats() {
			cells = append(cells, says(field.Flag, format))
		}
		row(&page, cells...)
	}
	page.WriteString("\nThe answers that choose the files themselves are left out:")
	for _, flag := range manifests.Choosing() {
		page.WriteString(" `--" + flag + "`")
	}
	page.WriteString(".\n\n## What is refused\n\n")
	row(&page, "Format", "Flag", "Values", "Because", "Instead")
	rule(&page, 5)
	for _, limit := range manifests.Limits() {
		when := limit.When
		if when == "" {
			when = "all"
		}
		row(&page, limit.Format, code("--"+limit.Flag), text(when), text(limit.Why), text(limit.Fix))
	}
	page.WriteString("\nThe values of `helm` are made of the Deployment that init would apply. Whatever of it the chart has no value for is refused too, by its path.\n\n## What a format gives less\n")
	for _, format := range manifests.Formats() {
		for i, sentence := range manifests.Shortfalls(format) {
			if i == 0 {
				fmt.Fprintf(&page, "\n### %s\n\n", format)
			}
			fmt.Fprintf(&page, "- %s\n", escaped(sentence))
		}
	}
	return page.Bytes()
}

// says is the cell of an answer and a format.
func says(flag, format string) string {
	limited := slices.ContainsFunc(manifests.Limits(), func(l manifests.Limit) bool { return l.Flag == flag && l.Format == format })
	switch manifests.Says(flag, format) {
	case manifests.Said:
		if limited {
			return "[yes, but](#what-is-refused)"
		}
		return "yes"
	case manifests.Refused:
		return "[refused](#what-is-refused)"
	case manifests.NotSaid:
	}
	return "–"
}
