package strategic

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// field is what a type of the API says of one of its fields.
type field struct {
	// of is the field's type without pointers; nil where only its values are known, as of a map of text.
	of reflect.Type
	// merges is for a list that merges, by the key of its elements or, where they are no maps, as a set; replaces for a map that
	// does not.
	merges, replaces bool
	key              string
}

// fieldOf finds a field by its name in JSON. A type that says nothing, or that reads JSON by itself, knows every field.
func fieldOf(of reflect.Type, name string) (field, bool) {
	if of == nil || reflect.PointerTo(of).Implements(reflect.TypeFor[json.Unmarshaler]()) {
		return field{}, true
	}
	switch of.Kind() {
	case reflect.Struct:
		return structField(of, name)
	case reflect.Map:
		return field{of: pointed(of.Elem())}, true
	default:
		return field{}, true
	}
}

func structField(of reflect.Type, name string) (field, bool) {
	for i := range of.NumField() {
		f := of.Field(i)
		called, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if called == "" && f.Anonymous {
			if found, ok := structField(pointed(f.Type), name); ok {
				return found, true
			}
			continue
		}
		if called != name {
			continue
		}
		strategies := strings.Split(f.Tag.Get("patchStrategy"), ",")
		return field{
			of: pointed(f.Type), key: f.Tag.Get("patchMergeKey"),
			merges: slices.Contains(strategies, "merge"), replaces: slices.Contains(strategies, "replace"),
		}, true
	}
	return field{}, false
}

// elementOf is the type of a list's elements.
func elementOf(of reflect.Type) reflect.Type {
	if of == nil || of.Kind() != reflect.Slice {
		return nil
	}
	return pointed(of.Elem())
}

func pointed(of reflect.Type) reflect.Type {
	for of.Kind() == reflect.Pointer {
		of = of.Elem()
	}
	return of
}

func sortedKeys(m map[string]any) []string { return slices.Sorted(maps.Keys(m)) }
