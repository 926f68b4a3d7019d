package tbotconfig

import (
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/tbotctl/tbotctl/internal/spec"
)

// The destinations (teleport-facts 6.6).
const (
	DestinationMemory    = "memory"
	DestinationDirectory = "directory"
	DestinationSecret    = "kubernetes_secret" //nolint:gosec // the name of a type
)

// Destination is where credentials or the bot's own state are kept. One struct holds the fields of every type; those of
// another type than Type are refused.
type Destination struct {
	Type string `yaml:"type"`
	// Path, Symlinks (try-secure, secure, insecure), ACLs (try, off, required) and Readers belong to a directory.
	Path     string   `yaml:"path,omitempty"`
	Symlinks string   `yaml:"symlinks,omitempty"`
	ACLs     string   `yaml:"acls,omitempty"`
	Readers  []Reader `yaml:"readers,omitempty"`
	// Name, Namespace and Labels belong to a kubernetes_secret; an empty Namespace is the one of POD_NAMESPACE.
	Name      string            `yaml:"name,omitempty"`
	Namespace string            `yaml:"namespace,omitempty"`
	Labels    map[string]string `yaml:"labels,omitempty"`
	// KubeconfigPath and KubeconfigContext lead a kubernetes_secret to another cluster than the pod's own.
	KubeconfigPath    string `yaml:"kubeconfig_path,omitempty"`
	KubeconfigContext string `yaml:"kubeconfig_context,omitempty"`
}

// Reader is a user or a group, by name or number, that a directory's ACLs let read (Teleport's configuration reference).
type Reader struct {
	User  string `yaml:"user,omitempty"`
	Group string `yaml:"group,omitempty"`
}

// Memory keeps nothing beyond the process.
func Memory() Destination { return Destination{Type: DestinationMemory} }

// Directory keeps one file for each artifact.
func Directory(path string) Destination {
	return Destination{Type: DestinationDirectory, Path: path}
}

// Secret keeps one data key for each artifact in a Kubernetes Secret of the pod's own namespace.
func Secret(name string) Destination { return Destination{Type: DestinationSecret, Name: name} }

// String says in words where it is: "Secret tbot-output", "directory /opt/out"; empty where there is none.
func (d Destination) String() string {
	switch {
	case d.Type == DestinationSecret && d.Namespace != "":
		return "Secret " + d.Namespace + "/" + d.Name
	case d.Type == DestinationSecret:
		return "Secret " + d.Name
	case d.Type == DestinationDirectory:
		return "directory " + d.Path
	}
	return d.Type
}

func (d Destination) isZero() bool {
	return d.Type == "" && len(d.given()) == 0
}

// given maps every field that is set, by its key in the file, to the destination type that it belongs to.
func (d Destination) given() map[string]string {
	owners := map[string]string{}
	for key, field := range map[string]struct {
		set   bool
		owner string
	}{
		"path":      {d.Path != "", DestinationDirectory},
		"symlinks":  {d.Symlinks != "", DestinationDirectory},
		"acls":      {d.ACLs != "", DestinationDirectory},
		"readers":   {len(d.Readers) > 0, DestinationDirectory},
		"name":      {d.Name != "", DestinationSecret},
		"namespace": {d.Namespace != "", DestinationSecret},
		"labels":    {len(d.Labels) > 0, DestinationSecret},

		"kubeconfig_path":    {d.KubeconfigPath != "", DestinationSecret},
		"kubeconfig_context": {d.KubeconfigContext != "", DestinationSecret},
	} {
		if field.set {
			owners[key] = field.owner
		}
	}
	return owners
}

func (d Destination) judge(at place) {
	if d.isZero() {
		at.bad("it is missing")
		return
	}
	switch d.Type {
	case DestinationMemory:
	case DestinationDirectory:
		if d.Path == "" {
			at.bad("a directory needs a path")
		}
		at.oneOf("symlinks", d.Symlinks, "try-secure", "secure", "insecure")
		at.oneOf("acls", d.ACLs, "try", "off", "required")
		for i, reader := range d.Readers {
			if (reader.User == "") == (reader.Group == "") {
				at.at("readers").item(i).bad("give a user or a group")
			}
		}
	case DestinationSecret:
		if d.Name == "" {
			at.bad("a kubernetes_secret needs a name")
		} else if wrong := validation.IsDNS1123Subdomain(d.Name); len(wrong) > 0 {
			at.at("name").bad("%s is no name that Kubernetes takes; %s", spec.Quote(d.Name), wrong[0])
		}
	case "":
		at.bad("it has no type; use memory, directory or kubernetes_secret")
		return
	default:
		at.at("type").bad("%s is not known; use memory, directory or kubernetes_secret", spec.Quote(d.Type))
		return
	}
	owners := d.given()
	for _, key := range slices.Sorted(maps.Keys(owners)) {
		if owners[key] != d.Type {
			at.at(key).bad("it belongs to a %s, not to %s", owners[key], d.Type)
		}
	}
}

// DestinationOf is where an output is written to; false for one that has no such place.
func DestinationOf(output Output) (Destination, bool) {
	switch o := output.(type) {
	case *Identity:
		return o.Destination, true
	case *Kubernetes:
		return o.Destination, true
	case *KubernetesV2:
		return o.Destination, true
	case *Application:
		return o.Destination, true
	case *Database:
		return o.Destination, true
	case *SSHHost:
		return o.Destination, true
	case *SSHMultiplexer:
		return o.Destination, true
	case *WorkloadX509:
		return o.Destination, true
	case *WorkloadJWT:
		return o.Destination, true
	case *WorkloadAWS:
		return o.Destination, true
	case *SPIFFESVID:
		return o.Destination, true
	case *Foreign:
		return o.Destination, !o.Destination.isZero()
	}
	return Destination{}, false
}
