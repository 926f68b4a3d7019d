// Package templates embeds one YAML template for every resource that tbotctl makes. What fills them is in package manifests,
// and no value reaches the text unquoted: each goes through quote, list, mapping or literal.
package templates

import "embed"

// FS holds the templates by file name.
//
//go:embed *.yaml
var FS embed.FS
