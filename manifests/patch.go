package manifests

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"reflect"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"

	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/internal/strategic"
)

// patchNote stands above a document that a patch has changed: what is merged is data, and the template's comments are none.
const patchNote = "# With --patch merged into it, and so without comments.\n"

// patched merges the patches of the answers into the Kubernetes objects of the set. What has to agree with the Teleport side, with the
// other objects or with later runs may not be changed by them (see broken); an error is *spec.Invalid.
func patched(s spec.Setup, set Set) (Set, error) {
	patches, err := s.Workload.Patches()
	if err != nil || len(patches) == 0 {
		return set, patchError(err)
	}
	rendered := append(Set{}, set...)
	touched := map[int]bool{}
	for _, patch := range patches {
		i, err := set.target(patch)
		if err != nil {
			return nil, patchError(err)
		}
		if set[i], err = merge(set[i], patch); err != nil {
			return nil, patchError(err)
		}
		touched[i] = true
	}
	for i := range set {
		if !touched[i] {
			continue
		}
		if err := unbroken(rendered[i], set[i]); err != nil {
			return nil, patchError(err)
		}
	}
	return set.summed(rendered)
}

// patchError makes an error one of --patch; nil stays nil.
func patchError(err error) error {
	if err == nil {
		return nil
	}
	return &spec.Invalid{Fields: []spec.FieldError{{Flag: "patch", Problem: err.Error()}}}
}

// target finds the object that a patch is about. Those of the clusters that the bot reaches cannot be patched: they are rights, and
// those are the answers' to give.
func (s Set) target(patch spec.Patch) (int, error) {
	var there []string
	for i, r := range s {
		if r.System != Kubernetes {
			continue
		}
		if r.Kind == patch.Kind && r.Name == patch.Name && r.Object.GetAPIVersion() == patch.APIVersion {
			if patch.Namespace != "" && patch.Namespace != r.Namespace {
				return 0, fmt.Errorf("%s: it says namespace %s, and the object is in %s", patch.ID(), spec.Quote(patch.Namespace), r.Namespace)
			}
			return i, nil
		}
		there = append(there, fmt.Sprintf("%s %s (%s)", r.Kind, r.Name, r.Object.GetAPIVersion()))
	}
	return 0, fmt.Errorf("there is no %s; there are %s", patch.ID(), strings.Join(there, ", "))
}

// typeOf is the API's own type of a kind that the templates make.
func typeOf(kind string) (reflect.Type, bool) {
	for _, of := range []reflect.Type{
		reflect.TypeFor[corev1.Namespace](), reflect.TypeFor[corev1.ServiceAccount](), reflect.TypeFor[corev1.ConfigMap](),
		reflect.TypeFor[rbacv1.Role](), reflect.TypeFor[rbacv1.RoleBinding](), reflect.TypeFor[appsv1.Deployment](),
	} {
		if of.Name() == kind {
			return of, true
		}
	}
	return nil, false
}

// merge merges one patch into a resource and reads the result strictly.
func merge(r Resource, patch spec.Patch) (Resource, error) {
	of, known := typeOf(r.Kind)
	if !known {
		return r, fmt.Errorf("%s: objects of this kind cannot be patched", patch.ID())
	}
	if _, found := patch.Content["$patch"]; found {
		return r, fmt.Errorf("%s: $patch at the top would drop the whole object", patch.ID())
	}
	merged, err := strategic.Merge(r.Object.Object, patch.Content, of)
	if err != nil {
		return r, fmt.Errorf("%s: %w", patch.ID(), err)
	}
	text, err := yaml.Marshal(merged)
	if err != nil {
		return r, fmt.Errorf("%s: %w", patch.ID(), err)
	}
	// The first names a value of a wrong kind by its path, the second the fields that are none, by their exact spelling.
	if err := yaml.Unmarshal(text, reflect.New(of).Interface()); err != nil {
		return r, fmt.Errorf("%s: %w", patch.ID(), err)
	}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructuredWithValidation(merged, reflect.New(of).Interface(), true); err != nil {
		return r, fmt.Errorf("%s: %w", patch.ID(), err)
	}
	return decode(Resource{System: r.System, Stage: r.Stage, YAML: append([]byte(patchNote), text...)})
}

// summed has the Deployment's checksum follow a patched ConfigMap, so that a patch makes new pods as an answer does.
func (s Set) summed(rendered Set) (Set, error) {
	for i, r := range s {
		if r.Stage != StageConfig || bytes.Equal(r.YAML, rendered[i].YAML) {
			continue
		}
		before, err := sumOf(rendered[i].Object)
		if err != nil {
			return nil, err
		}
		after, err := sumOf(r.Object)
		if err != nil {
			return nil, err
		}
		for j, other := range s {
			if other.Stage != StageWorkload {
				continue
			}
			other.YAML = bytes.ReplaceAll(other.YAML, []byte(before), []byte(after))
			if s[j], err = decode(other); err != nil {
				return nil, err
			}
		}
	}
	return s, nil
}

// sumOf is the checksum of all that a ConfigMap holds; the keys of data and binaryData are never the same.
func sumOf(object *unstructured.Unstructured) (string, error) {
	config := new(corev1.ConfigMap)
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, config); err != nil {
		return "", fmt.Errorf("reading ConfigMap %s: %w", object.GetName(), err)
	}
	all := merged(config.Data)
	for key, data := range config.BinaryData {
		all[key] = base64.StdEncoding.EncodeToString(data)
	}
	return checksum(all)
}
