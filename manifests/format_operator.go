package manifests

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/tbotctl/tbotctl/internal/spec"
)

// operatorGroup is the API group of Teleport's Kubernetes operator (teleport, integrations/operator).
const operatorGroup = "resources.teleport.dev"

// Owners, as MarkOwner names them.
const (
	OwnerOperator  = "operator"
	OwnerTerraform = "terraform"
)

// operator writes the Teleport side as custom resources: each has the spec of what it stands for, and its labels go on to Teleport.
func (s Set) operator(setup spec.Setup) ([]byte, error) {
	format := string(spec.TeleportOperator)
	if setup.Files.OperatorNamespace == "" {
		return nil, refuse(format, "operator-namespace", "missing")
	}
	documents := [][]byte{}
	for _, r := range s {
		kind, version := operatorKind(r)
		if len(validation.IsDNS1123Subdomain(r.Name)) > 0 {
			flag := map[string]string{"token": "token-name"}[r.Kind]
			if flag == "" {
				flag = "bot-name" // a role is named after the bot
			}
			return nil, refuse(format, flag, spec.Quote(r.Name))
		}
		body, comments, err := specOf(r)
		if err != nil {
			return nil, err
		}
		head := mappingNode(
			"apiVersion", text(operatorGroup+"/"+version),
			"kind", text(kind),
			"metadata", mappingNode(
				"name", text(r.Name),
				"namespace", text(setup.Files.OperatorNamespace),
				"labels", mappingNode(spec.MarkOwner, text(OwnerOperator)),
				"annotations", mappingNode(spec.MarkInstall, text(setup.InstallID())),
			),
			"spec", body,
		)
		document, err := spec.MarshalYAML(head)
		if err != nil {
			return nil, fmt.Errorf("writing %s for the operator: %w", r.ID(), err)
		}
		documents = append(documents, append([]byte(comments), document...))
	}
	lead := comment(slices.Concat([]string{
		"For Teleport's Kubernetes operator, in the cluster and the namespace that it watches, which need not be those that tbot runs in.",
		"It knows TeleportBotV1 since 17.4.3, and TeleportRoleV8 since 18.1.",
	}, Shortfalls(format))...)
	return append([]byte(lead+"#\n"), bytes.Join(documents, []byte("---\n"))...), nil
}

// operatorKind is the kind of the custom resource and the version of its API. Roles have a kind for each of their versions.
func operatorKind(r Resource) (kind, version string) {
	switch {
	case r.Role != nil:
		return "TeleportRole" + strings.ToUpper(r.Role.GetVersion()), "v1"
	case r.Bot != nil:
		return "TeleportBotV1", "v1"
	}
	return "TeleportProvisionToken", "v2"
}

// specOf reads the spec out of a document with its comments, and the comments at the document's head.
func specOf(r Resource) (*yaml.Node, string, error) {
	var document yaml.Node
	if err := yaml.Unmarshal(r.YAML, &document); err != nil {
		return nil, "", fmt.Errorf("reading %s: %w", r.ID(), err)
	}
	comments := ""
	for line := range strings.Lines(string(r.YAML)) {
		if !strings.HasPrefix(line, "#") {
			break
		}
		comments += line
	}
	if found := valueOf(document.Content[0], "spec"); found != nil {
		return found, comments, nil
	}
	return nil, "", fmt.Errorf("reading %s: it has no spec", r.ID())
}

// valueOf is the value of a key of a mapping.
func valueOf(node *yaml.Node, key string) *yaml.Node {
	for i := 0; i+1 < len(node.Content); i += 2 {
		if node.Content[i].Value == key {
			return node.Content[i+1]
		}
	}
	return nil
}

// text is a quoted scalar.
func text(value string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Style: yaml.DoubleQuotedStyle, Value: value}
}

// mappingNode takes keys and nodes in turn.
func mappingNode(pairs ...any) *yaml.Node {
	node := &yaml.Node{Kind: yaml.MappingNode}
	for _, part := range pairs {
		switch p := part.(type) {
		case string:
			node.Content = append(node.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: p})
		case *yaml.Node:
			node.Content = append(node.Content, p)
		}
	}
	return node
}
