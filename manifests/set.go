// Package manifests turns a Setup into the Kubernetes and Teleport resources that it stands for, in the order to apply. It is
// pure: no cluster, no clock, no file; the same Setup gives the same bytes. Sending them is apply's, comparing them plan's.
package manifests

import (
	"bytes"
	"fmt"
	"io"
	"slices"

	machineidv1 "github.com/gravitational/teleport/api/gen/proto/go/teleport/machineid/v1"
	"github.com/gravitational/teleport/api/types"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/tbotctl/tbotctl/internal/spec"
)

// System is where a resource lives.
type System string

// The systems.
const (
	Kubernetes System = "kubernetes"
	Teleport   System = "teleport"
	// Target is a Kubernetes cluster that the bot reaches. Its resources are the same for each, and stand in the set once.
	Target System = "target"
	// Helm is the person's own: tbotctl writes the values of a release to a file and never runs it.
	Helm System = "helm"
)

// Stage orders the applying: what comes later needs what comes before.
type Stage int

// The stages; the proof of the join stands after StageToken. Targets come right behind it: their clusters are often somebody else's, so
// a join that Teleport refuses leaves nothing in them, and a consumer finds its rights there as soon as tbot has written a kubeconfig.
// A binding that stands alone, where a later step fails, is harmless: its group is nobody's without the bot.
const (
	StageNamespace Stage = iota
	StageRBAC
	StageRole
	StageBot
	StageToken
	StageTarget
	StageConfig
	StageWorkload
	StageValues
)

// Resource is one object, as text and as what its API takes.
type Resource struct {
	System System
	Stage  Stage
	// Kind is Kubernetes' kind, or role, bot or token, or values.
	Kind string
	// Namespace is empty for what has none.
	Namespace string
	Name      string
	// Context is the kubeconfig context of the cluster that a target's resource is for; empty in a Set, where it is for all of them.
	Context string
	// YAML is what render prints: one document, comments included, without a leading ---, ending in a newline.
	YAML []byte
	// Object is the YAML's content, for Kubernetes and targets.
	Object *unstructured.Unstructured
	// Role, Bot or Token is the YAML's content, for Teleport.
	Role  *types.RoleV6
	Bot   *machineidv1.Bot
	Token *types.ProvisionTokenV2
}

// ID names a resource for people: "Deployment machines/tbot", "Namespace machines", "bot tbot-1a2b3c4d", "ClusterRoleBinding
// tbot-1a2b3c4d-kubernetes in context prod-eu".
func (r Resource) ID() string {
	id := r.Kind + " " + r.Name
	if r.Namespace != "" {
		id = r.Kind + " " + r.Namespace + "/" + r.Name
	}
	if r.Context != "" {
		id += " in context " + r.Context
	}
	return id
}

// Set is every resource of a Setup in the order to apply.
type Set []Resource

// Values are those of the agent's Helm release; nil where none is deployed.
func (s Set) Values() []byte {
	for _, r := range s {
		if r.System == Helm {
			return r.YAML
		}
	}
	return nil
}

// Side returns the resources that a side may touch, in the same order. Those of targets and of Helm belong to none.
func (s Set) Side(side spec.Side) Set {
	var part Set
	for _, r := range s {
		if r.System == Kubernetes && side.HasKubernetes() || r.System == Teleport && side.HasTeleport() {
			part = append(part, r)
		}
	}
	return part
}

// Of returns the resources that are a side's to make, in the same order. The clusters that the bot reaches, and the values for Helm, are
// the Kubernetes side's.
func (s Set) Of(side spec.Side) Set {
	return slices.DeleteFunc(slices.Clone(s), func(r Resource) bool {
		if r.System == Teleport {
			return !side.HasTeleport()
		}
		return !side.HasKubernetes()
	})
}

// Write prints the set as one YAML stream.
func (s Set) Write(w io.Writer) error {
	if _, err := w.Write(s.Stream()); err != nil {
		return fmt.Errorf("writing the manifests: %w", err)
	}
	return nil
}

// Stream is the set as one YAML stream.
func (s Set) Stream() []byte {
	documents := make([][]byte, len(s))
	for i, r := range s {
		documents[i] = r.YAML
	}
	return bytes.Join(documents, []byte("---\n"))
}

// File is one file of --out-dir.
type File struct {
	// Path is relative, with forward slashes.
	Path string
	Data []byte
}

// Files distributes the set over the files of cli.md; a file that would be empty is left out.
func (s Set) Files() []File {
	order := []string{"kubernetes/namespace.yaml", "kubernetes/rbac.yaml", "kubernetes/config.yaml", "kubernetes/deployment.yaml", "teleport/resources.yaml", targetFile, "agent/values.yaml"}
	parts := map[string]Set{}
	for _, r := range s {
		path := r.Stage.file()
		parts[path] = append(parts[path], r)
	}
	var files []File
	for _, path := range order {
		if part := parts[path]; len(part) > 0 {
			files = append(files, File{Path: path, Data: part.Stream()})
		}
	}
	if len(parts[targetFile]) > 0 {
		files = append(files, kustomization())
	}
	return files
}

// file puts role, bot and token into one file: one `tctl create -f`, and so one touch where administrators need MFA.
func (s Stage) file() string {
	switch s {
	case StageNamespace:
		return "kubernetes/namespace.yaml"
	case StageRBAC:
		return "kubernetes/rbac.yaml"
	case StageRole, StageBot, StageToken:
		return "teleport/resources.yaml"
	case StageConfig:
		return "kubernetes/config.yaml"
	case StageWorkload:
		return "kubernetes/deployment.yaml"
	case StageTarget:
		return targetFile
	case StageValues:
		return "agent/values.yaml"
	}
	return ""
}
