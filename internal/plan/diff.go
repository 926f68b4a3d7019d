package plan

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// Change is one field that differs. Live or Wanted is empty where the field does not exist on that side.
type Change struct {
	// Path is the field in dotted form, with [n] for the items of a list.
	Path         string
	Live, Wanted string
	// Manager is who else than tbotctl holds the field, as the API server has noted it; empty where it has not, and in Teleport.
	Manager string
}

// Diff lists the fields in which two trees of JSON values differ, sorted by path.
func Diff(live, wanted map[string]any) []Change {
	var found []Change
	walk("", live, wanted, &found)
	return found
}

func walk(path string, live, wanted any, found *[]Change) {
	if isEmpty(live) && isEmpty(wanted) || reflect.DeepEqual(live, wanted) {
		return
	}
	l, liveIsMap := live.(map[string]any)
	w, wantedIsMap := wanted.(map[string]any)
	if (liveIsMap || live == nil) && (wantedIsMap || wanted == nil) {
		keys := maps.Clone(l)
		if keys == nil {
			keys = map[string]any{}
		}
		maps.Copy(keys, w)
		for _, key := range slices.Sorted(maps.Keys(keys)) {
			walk(join(path, key), l[key], w[key], found)
		}
		return
	}
	ls, liveIsList := live.([]any)
	ws, wantedIsList := wanted.([]any)
	if (liveIsList || live == nil) && (wantedIsList || wanted == nil) {
		if keys := keysOf(path[strings.LastIndex(path, ".")+1:]); keys != nil {
			walkKeyed(path, ls, ws, keys, found)
			return
		}
		for i := range max(len(ls), len(ws)) {
			walk(fmt.Sprintf("%s[%d]", path, i), at(ls, i), at(ws, i), found)
		}
		return
	}
	*found = append(*found, Change{Path: path, Live: text(live), Wanted: text(wanted)})
}

// walkKeyed compares items of the same keys, wherever in their lists they are: one that is put in before the others changes none of them.
func walkKeyed(path string, live, wanted []any, keys []string, found *[]Change) {
	for i, item := range wanted {
		match, _ := find(live, item, keys)
		walk(fmt.Sprintf("%s[%d]", path, i), match, item, found)
	}
	for i, item := range live {
		if _, at := find(wanted, item, keys); at < 0 {
			walk(fmt.Sprintf("%s[%d]", path, i), item, nil, found)
		}
	}
}

// isEmpty treats a missing field and an empty one alike, as every API here does.
func isEmpty(value any) bool {
	switch v := value.(type) {
	case nil:
		return true
	case string:
		return v == ""
	case bool:
		return !v
	case map[string]any:
		return len(v) == 0
	case []any:
		return len(v) == 0
	}
	return false
}

func at(list []any, i int) any {
	if i < len(list) {
		return list[i]
	}
	return nil
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

func text(value any) string {
	if value == nil {
		return ""
	}
	if s, ok := value.(string); ok {
		return s
	}
	encoded, err := json.Marshal(value)
	if err != nil {
		return fmt.Sprint(value)
	}
	return string(encoded)
}
