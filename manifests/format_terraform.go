package manifests

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/mod/semver"
	"gopkg.in/yaml.v3"

	"github.com/tbotctl/tbotctl/internal/spec"
)

const (
	terraformProvider = "terraform.releases.teleport.dev/gravitational/teleport"
	// botMetadataSince is the first provider whose bots have metadata, and so labels, as its other resources have (teleport pull request
	// 61201). The form before it is taken by every later one, with a warning.
	botMetadataSince = "v18.4.0"
)

// terraform writes the Teleport side as a module: one resource for each, with the attributes of its schema, which are the fields of
// Teleport's own resources.
func (s Set) terraform(setup spec.Setup) ([]byte, error) {
	var b strings.Builder
	b.WriteString(comment(slices.Concat([]string{
		"For Teleport's Terraform provider. It takes its login from the surroundings: `tctl terraform env` makes one that ends with the shell.",
		"The provider is released with the server, and one that is newer may not speak to it.",
	}, Shortfalls(string(spec.TeleportTerraform)))...))
	provider := mappingNode("source", text(terraformProvider))
	if constraint := providerVersion(setup.Resolved.ServerVersion); constraint != "" {
		provider = mappingNode("source", text(terraformProvider), "version", text(constraint))
	}
	b.WriteString("terraform {\n  required_providers {\n")
	if err := hclAttributes(&b, 4, mappingNode("teleport", provider)); err != nil {
		return nil, err
	}
	b.WriteString("  }\n}\n")
	for _, r := range s {
		body, comments, err := specOf(r)
		if err != nil {
			return nil, err
		}
		block, err := terraformBlock(setup, r, body)
		if err != nil {
			return nil, fmt.Errorf("writing %s for Terraform: %w", r.ID(), err)
		}
		b.WriteString("\n" + comments + block)
	}
	return []byte(b.String()), nil
}

// terraformBlock is one resource block.
func terraformBlock(setup spec.Setup, r Resource, body *yaml.Node) (string, error) {
	kind, version := map[string]string{"token": "provision_token"}[r.Kind], ""
	switch {
	case r.Role != nil:
		kind, version = r.Kind, r.Role.GetVersion()
	case r.Bot != nil:
		kind, version = r.Kind, r.Bot.GetVersion()
	default:
		version = r.Token.GetVersion()
	}
	name := setup.Name
	if unicode.IsDigit(rune(name[0])) {
		name = "_" + name
	}
	var attributes *yaml.Node
	if r.Bot != nil && semver.Compare("v"+setup.Resolved.ServerVersion, botMetadataSince) < 0 {
		attributes = mappingNode("name", text(r.Name), "roles", valueOf(body, "roles"))
	} else {
		labels := mappingNode(spec.MarkInstall, text(setup.InstallID()), spec.MarkOwner, text(OwnerTerraform))
		attributes = mappingNode("version", text(version), "metadata", mappingNode("name", text(r.Name), "labels", labels), "spec", body)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "resource %s %s {\n", hclText("teleport_"+kind), hclText(name))
	if err := hclAttributes(&b, 2, attributes); err != nil {
		return "", err
	}
	return b.String() + "}\n", nil
}

// providerVersion keeps the provider to the server's minor release, since one that is newer than the server may not speak to it; nothing is
// said for a server of unknown version.
func providerVersion(server string) string {
	if !spec.IsRelease(server) {
		return ""
	}
	return "~> " + server
}

// hclName is a key that needs no quotes (HCL native syntax, identifiers).
var hclName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_-]*$`)

// hclAttributes writes a mapping as one attribute a line, with its comments, its equals signs as `terraform fmt` puts them: below each other
// in lines that follow one another and end where they begin.
func hclAttributes(b *strings.Builder, indent int, node *yaml.Node) error {
	margin := strings.Repeat(" ", indent)
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		for line := range strings.Lines(key.HeadComment) {
			b.WriteString(margin + strings.TrimSuffix(line, "\n") + "\n")
		}
		name := hclKey(key.Value)
		b.WriteString(margin + name + strings.Repeat(" ", hclWidth(node.Content, i)-utf8.RuneCountInString(name)) + " = ")
		if err := hclValue(b, indent, value); err != nil {
			return err
		}
		b.WriteString("\n")
	}
	return nil
}

// hclWidth is the length of the longest key in the lines around the pair at i.
func hclWidth(pairs []*yaml.Node, i int) int {
	width := utf8.RuneCountInString(hclKey(pairs[i].Value))
	if !hclInline(pairs[i+1]) {
		return width
	}
	widen := func(j int) { width = max(width, utf8.RuneCountInString(hclKey(pairs[j].Value))) }
	for j := i; j > 0 && pairs[j].HeadComment == "" && hclInline(pairs[j-1]); j -= 2 {
		widen(j - 2)
	}
	for j := i + 2; j < len(pairs) && pairs[j].HeadComment == "" && hclInline(pairs[j+1]); j += 2 {
		widen(j)
	}
	return width
}

// hclInline tells a value that is written in one line.
func hclInline(node *yaml.Node) bool {
	return node.Kind == yaml.ScalarNode || node.Kind == yaml.SequenceNode && !slices.ContainsFunc(node.Content, func(item *yaml.Node) bool { return item.Kind != yaml.ScalarNode })
}

func hclKey(key string) string {
	if hclName.MatchString(key) {
		return key
	}
	return hclText(key)
}

func hclValue(b *strings.Builder, indent int, node *yaml.Node) error {
	margin := strings.Repeat(" ", indent)
	switch node.Kind {
	case yaml.MappingNode:
		b.WriteString("{\n")
		if err := hclAttributes(b, indent+2, node); err != nil {
			return err
		}
		b.WriteString(margin + "}")
	case yaml.SequenceNode:
		return hclList(b, indent, node)
	case yaml.ScalarNode:
		if node.Tag == "!!str" {
			b.WriteString(hclText(node.Value))
			return nil
		}
		b.WriteString(node.Value) // a number or a boolean is written alike in both
	default:
		return fmt.Errorf("line %d is neither a mapping, a list nor a value", node.Line)
	}
	return nil
}

// hclList writes values in one line, and anything larger one a line.
func hclList(b *strings.Builder, indent int, node *yaml.Node) error {
	separator, open, end := ", ", "[", "]"
	if !hclInline(node) {
		margin := strings.Repeat(" ", indent+2)
		separator, open, end = ",\n"+margin, "[\n"+margin, ",\n"+strings.Repeat(" ", indent)+"]"
	}
	b.WriteString(open)
	for i, item := range node.Content {
		if i > 0 {
			b.WriteString(separator)
		}
		if err := hclValue(b, indent+2, item); err != nil {
			return err
		}
	}
	b.WriteString(end)
	return nil
}

// hclText writes a quoted string of HCL's native syntax. ${ and %{ would start a template; the dollar and the percent sign are written by
// their numbers there, which no repetition of them can undo.
func hclText(value string) string {
	var b strings.Builder
	b.WriteByte('"')
	runes := []rune(value)
	for i, r := range runes {
		opens := i+1 < len(runes) && runes[i+1] == '{'
		switch {
		case r == '"' || r == '\\':
			b.WriteString(`\` + string(r))
		case r == '\n':
			b.WriteString(`\n`)
		case (r == '$' || r == '%') && opens, r <= 0xffff && !unicode.IsPrint(r):
			fmt.Fprintf(&b, `\u%04x`, r)
		case !unicode.IsPrint(r):
			fmt.Fprintf(&b, `\U%08x`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
