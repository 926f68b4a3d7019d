// Package strategic merges patches into Kubernetes objects by the rules of strategic merge patch (Kubernetes: "Update API Objects in
// Place Using kubectl patch"): maps merge by key, lists by the merge key that the API's types name in their tags. It is pure, and knows
// no object of tbotctl's. The library of apimachinery does the same by way of OpenAPI, which would make the binary 3 MB larger
// (docs/adr/0018); the tests hold the two against each other.
package strategic

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime"
)

// The directive, and its values: the map that holds it takes the place of what was there, or takes it out.
const (
	directive        = "$patch"
	directiveReplace = "replace"
	directiveDelete  = "delete"
)

// Merge returns an object with a patch merged into it; both stay as they are. Their values are those of JSON, with int64 for whole
// numbers. of is the type of the API that tells how lists merge, a struct. New elements of a list go to its end. A null takes a field out.
// The error names the field that is at fault.
func Merge(object, patch map[string]any, of reflect.Type) (map[string]any, error) {
	return mergeMap("", runtime.DeepCopyJSON(object), patch, of)
}

func mergeMap(at string, into, patch map[string]any, of reflect.Type) (map[string]any, error) {
	how, err := directiveOf(at, patch)
	switch {
	case err != nil:
		return nil, err
	case how == directiveDelete:
		return map[string]any{}, nil
	case how == directiveReplace:
		return cleanMap(at, patch)
	}
	for _, key := range sortedKeys(patch) {
		if key == directive {
			continue
		}
		place := below(at, key)
		told, known := fieldOf(of, key)
		if !known {
			return nil, fmt.Errorf("%s is no field of this kind of object", place)
		}
		merged, err := mergeValue(place, into[key], patch[key], told)
		if err != nil {
			return nil, err
		}
		if merged == nil {
			delete(into, key)
		} else {
			into[key] = merged
		}
	}
	return into, nil
}

// mergeValue gives what stands in a field afterwards, nil for nothing.
func mergeValue(at string, into, patch any, told field) (any, error) {
	switch patch := patch.(type) {
	case map[string]any:
		if there, ok := into.(map[string]any); ok && !told.replaces {
			return mergeMap(at, there, patch, told.of)
		}
	case []any:
		if there, ok := into.([]any); ok && told.merges {
			return mergeList(at, there, patch, told)
		}
	}
	return clean(at, patch)
}

func mergeList(at string, into, patch []any, told field) ([]any, error) {
	if told.key == "" {
		for _, element := range patch {
			if !slices.ContainsFunc(into, func(there any) bool { return reflect.DeepEqual(there, element) }) {
				into = append(into, element)
			}
		}
		return into, nil
	}
	if slices.ContainsFunc(patch, replacesList) {
		patch = slices.DeleteFunc(slices.Clone(patch), replacesList)
		into = nil
	}
	for _, raw := range patch {
		element, ok := raw.(map[string]any)
		if !ok {
			return nil, fmt.Errorf("%s: each element has to be a mapping", at)
		}
		key, named := element[told.key]
		if !named {
			return nil, fmt.Errorf("%s: an element has no %s, by which it would be found", at, told.key)
		}
		place := fmt.Sprintf("%s[%v]", at, key)
		index := slices.IndexFunc(into, func(there any) bool {
			other, _ := there.(map[string]any)
			return fmt.Sprint(other[told.key]) == fmt.Sprint(key)
		})
		switch how, err := directiveOf(place, element); {
		case err != nil:
			return nil, err
		case how == directiveReplace:
			return nil, fmt.Errorf("%s: $patch: replace in a list stands in an element of its own, and replaces the list", place)
		case how == directiveDelete && index < 0:
			return nil, fmt.Errorf("%s: there is none to delete", place)
		case how == directiveDelete:
			into = slices.Delete(into, index, index+1)
			continue
		}
		merged, err := mergeElement(place, into, index, element, told)
		if err != nil {
			return nil, err
		}
		if index < 0 {
			into = append(into, merged)
		} else {
			into[index] = merged
		}
	}
	return into, nil
}

func mergeElement(at string, into []any, index int, element map[string]any, told field) (map[string]any, error) {
	if index < 0 {
		return cleanMap(at, element)
	}
	there, _ := into[index].(map[string]any)
	return mergeMap(at, there, element, elementOf(told.of))
}

// replacesList knows the element that stands for nothing but the list's replacement.
func replacesList(element any) bool {
	m, _ := element.(map[string]any)
	return len(m) == 1 && m[directive] == directiveReplace
}

// directiveOf reads the directive of a map; empty, it is merged.
func directiveOf(at string, patch map[string]any) (string, error) {
	for _, key := range sortedKeys(patch) {
		if strings.HasPrefix(key, "$") && key != directive {
			return "", fmt.Errorf("%s: the directive is not supported; $patch: replace and $patch: delete are", below(at, key))
		}
	}
	how, given := patch[directive]
	switch how {
	case directiveReplace:
		return directiveReplace, nil
	case directiveDelete:
		return directiveDelete, nil
	}
	if given {
		return "", fmt.Errorf("%s: %v is not known; use replace or delete", below(at, directive), how)
	}
	return "", nil
}

// clean makes a value of a patch one of an object, where there is nothing to merge it with: without nulls and directives.
func clean(at string, value any) (any, error) {
	switch value := value.(type) {
	case map[string]any:
		if how, err := directiveOf(at, value); err != nil || how == directiveDelete {
			return nil, err
		}
		return cleanMap(at, value)
	case []any:
		kept := make([]any, 0, len(value))
		for i, element := range value {
			cleaned, err := clean(fmt.Sprintf("%s[%d]", at, i), element)
			if err != nil {
				return nil, err
			}
			if cleaned != nil && !replacesList(element) {
				kept = append(kept, cleaned)
			}
		}
		return kept, nil
	}
	return value, nil
}

func cleanMap(at string, value map[string]any) (map[string]any, error) {
	kept := map[string]any{}
	if _, err := directiveOf(at, value); err != nil {
		return nil, err
	}
	for _, key := range sortedKeys(value) {
		if key == directive {
			continue
		}
		cleaned, err := clean(below(at, key), value[key])
		if err != nil {
			return nil, err
		}
		if cleaned != nil {
			kept[key] = cleaned
		}
	}
	return kept, nil
}

func below(at, key string) string {
	if at == "" {
		return key
	}
	return at + "." + key
}
