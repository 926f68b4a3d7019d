package tbotconfig

import (
	"maps"
	"slices"
	"strings"

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
	// Path, Symlinks (try-secure, secure, insecure) and ACLs (try, off, required) belong to a directory.
	Path     string `yaml:"path,omitempty"`
	Symlinks string `yaml:"symlinks,omitempty"`
	ACLs     string `yaml:"acls,omitempty"`
	// Name, Namespace and Labels belong to a kubernetes_secret; an empty Namespace is the one of POD_NAMESPACE.
	Name      string            `yaml:"name,omitempty"`
	Namespace string            `yaml:"namespace,omitempty"`
	Labels    map[string]string `yaml:"labels,omitempty"`
}

// Memory keeps nothing beyond the process.
func Memory() Destination { return Destination{Type: DestinationMemory} }

// Directory keeps one file for each artifact.
func Directory(path string) Destination {
	return Destination{Type: DestinationDirectory, Path: path}
}

// Secret keeps one data key for each artifact in a Kubernetes Secret of the pod's own namespace.
func Secret(name string) Destination { return Destination{Type: DestinationSecret, Name: name} }

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
		"name":      {d.Name != "", DestinationSecret},
		"namespace": {d.Namespace != "", DestinationSecret},
		"labels":    {len(d.Labels) > 0, DestinationSecret},
	} {
		if field.set {
			owners[key] = field.owner
		}
	}
	return owners
}

// problems judges a destination; at is its key in the file.
func (d Destination) problems(at string) []string {
	if d.isZero() {
		return []string{at + " is missing"}
	}
	var found []string
	switch d.Type {
	case DestinationMemory:
	case DestinationDirectory:
		if d.Path == "" {
			found = append(found, at+": a directory needs a path")
		}
		found = append(found, oneOf(at+".symlinks", d.Symlinks, "try-secure", "secure", "insecure")...)
		found = append(found, oneOf(at+".acls", d.ACLs, "try", "off", "required")...)
	case DestinationSecret:
		if d.Name == "" {
			found = append(found, at+": a kubernetes_secret needs a name")
		} else if wrong := validation.IsDNS1123Subdomain(d.Name); len(wrong) > 0 {
			found = append(found, at+".name: "+spec.Quote(d.Name)+" is no name that Kubernetes takes; "+wrong[0])
		}
	default:
		return []string{at + ": type " + spec.Quote(d.Type) + " is not known; use memory, directory or kubernetes_secret"}
	}
	owners := d.given()
	for _, key := range slices.Sorted(maps.Keys(owners)) {
		if owners[key] != d.Type {
			found = append(found, at+"."+key+" belongs to type "+owners[key]+", not to "+d.Type)
		}
	}
	return found
}

func oneOf(at, value string, allowed ...string) []string {
	if value == "" || slices.Contains(allowed, value) {
		return nil
	}
	return []string{at + ": " + spec.Quote(value) + " is not known; use one of " + strings.Join(allowed, ", ")}
}
