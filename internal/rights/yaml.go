package rights

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/tbotctl/tbotctl/internal/spec"
)

// WriteYAML writes the roles as documents that kubectl and tctl take as they stand: for each namespace a Role, a ClusterRole for what no
// Role can hold, and Teleport's role. Who gets them is for whoever binds them to say; the commands stand above each.
func (l List) WriteYAML(w io.Writer) error {
	documents := l.roles(l.Places(false, Required, Looks), l.Places(false, Informs), "")
	if role := l.teleportRole(); role != nil {
		documents = append(documents, role)
	}
	return l.write(w, documents)
}

// WriteTargetYAML writes the roles for the clusters of --target-context, the same for each.
func (l List) WriteTargetYAML(w io.Writer) error {
	return l.write(w, l.roles(l.Places(true, Required, Looks), nil, " in each cluster of --target-context,"))
}

func (l List) write(w io.Writer, documents [][]byte) error {
	text := bytes.Join(documents, []byte("---\n"))
	if len(documents) == 0 {
		text = []byte("# `tbotctl " + l.Command + "` needs no right here.\n")
	}
	if _, err := w.Write(text); err != nil {
		return fmt.Errorf("writing the roles: %w", err)
	}
	return nil
}

// roles are Role and ClusterRole documents; informs are told in comments.
func (l List) roles(places, informs []Place, where string) [][]byte {
	documents := make([][]byte, 0, len(places))
	for _, place := range places {
		var text bytes.Buffer
		kind, name, metadata := "Role", l.RoleName(), ""
		comment(&text, "", "What `tbotctl "+l.Command+"` needs"+where+l.whereIn(place)+". It is bound with:")
		if place.Namespace == "" {
			kind = "ClusterRole"
			if l.NoRole != "" {
				name += "-" + l.Namespace
			}
			fmt.Fprintf(&text, "#   kubectl create clusterrolebinding %[1]s --clusterrole %[1]s --user USER\n", spec.ShellWord(name))
		} else {
			metadata = "  namespace: " + quoted(place.Namespace) + "\n"
			fmt.Fprintf(&text, "#   kubectl create rolebinding %[1]s --namespace %[2]s --role %[1]s --user USER\n", spec.ShellWord(name), spec.ShellWord(place.Namespace))
		}
		fmt.Fprintf(&text, "apiVersion: rbac.authorization.k8s.io/v1\nkind: %s\nmetadata:\n  name: %s\n%srules:\n", kind, quoted(name), metadata)
		said := ""
		for _, rule := range place.Rules {
			if rule.For != said {
				said = rule.For
				comment(&text, "  ", said)
			}
			rule.yaml(&text)
		}
		for _, more := range informs {
			if more.Namespace != place.Namespace {
				continue
			}
			comment(&text, "  ", "Not needed, and left out:")
			for _, rule := range more.Rules {
				comment(&text, "  ", "- "+rule.Text()+": "+rule.For)
			}
		}
		documents = append(documents, text.Bytes())
	}
	return documents
}

// whereIn is " in namespace machines", or " in the whole cluster".
func (l List) whereIn(place Place) string {
	switch {
	case place.Namespace != "":
		return " in namespace " + place.Namespace
	case l.NoRole != "":
		return " in the whole cluster: " + l.NoRole
	}
	return " in the whole cluster"
}

func (r Rule) yaml(text *bytes.Buffer) {
	if len(r.Or) > 0 {
		var or []string
		for _, other := range r.Or {
			or = append(or, other.Text())
		}
		comment(text, "  ", "or instead: "+strings.Join(or, "; "))
	}
	if r.Path != "" {
		fmt.Fprintf(text, "  - nonResourceURLs: %s\n", quotedList([]string{r.Path}))
	} else {
		fmt.Fprintf(text, "  - apiGroups: %s\n    resources: %s\n", quotedList([]string{r.Group}), quotedList([]string{r.Resource}))
	}
	if r.Name != "" {
		fmt.Fprintf(text, "    resourceNames: %s\n", quotedList([]string{r.Name}))
	}
	fmt.Fprintf(text, "    verbs: %s\n", quotedList(r.Verbs))
}

// teleportRole is nil where nothing is needed. A rule of Teleport is for a kind and not for a name.
func (l List) teleportRole() []byte {
	var rules, more bytes.Buffer
	for _, need := range l.Teleport {
		if need.Informs {
			comment(&more, "      ", "- "+need.Kind+": "+strings.Join(need.Verbs, ", ")+": "+need.For)
			continue
		}
		comment(&rules, "      ", need.For)
		fmt.Fprintf(&rules, "      - resources: %s\n        verbs: %s\n", quotedList([]string{need.Kind}), quotedList(need.Verbs))
	}
	if rules.Len() == 0 {
		return nil
	}
	var text bytes.Buffer
	comment(&text, "", "What `tbotctl "+l.Command+"` needs in Teleport. Whoever gets it logs in again: a login carries the roles of its time.")
	for _, sentence := range l.Beyond {
		comment(&text, "", "Beside it: "+sentence+".")
	}
	fmt.Fprintf(&text, "kind: role\nversion: v7\nmetadata:\n  name: %s\nspec:\n  allow:\n    rules:\n", quoted(l.RoleName()))
	text.Write(rules.Bytes())
	if more.Len() > 0 {
		comment(&text, "      ", "Not needed, and left out:")
		text.Write(more.Bytes())
	}
	return text.Bytes()
}

func comment(text *bytes.Buffer, indent, words string) {
	text.WriteString(indent + "# " + strings.Join(strings.Fields(words), " ") + "\n")
}

func quoted(value string) string {
	data, err := json.Marshal(value)
	if err != nil { // which a string never gives
		return `""`
	}
	return string(data)
}

func quotedList(values []string) string {
	parts := make([]string, len(values))
	for i, value := range values {
		parts[i] = quoted(value)
	}
	return "[" + strings.Join(parts, ", ") + "]"
}
