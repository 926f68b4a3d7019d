// Package templates embeds one YAML template for every resource that tbotctl makes, and those of the examples that it prints. What
// fills them is in package manifests, and no value reaches the text unquoted: each goes through quote, list, mapping, literal or tree.
package templates

import "embed"

// FS holds the templates by file name, those of the examples in a folder of their own.
//
//go:embed *.yaml examples/*.yaml
var FS embed.FS
