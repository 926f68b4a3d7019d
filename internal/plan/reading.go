package plan

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
)

// ErrNoDryRun is what a Kubernetes answers to a dry run where the login may not write: the object is then compared by reading alone.
var ErrNoDryRun = errors.New("a dry run is not allowed")

// ByReading tells that an object was compared without the server's own word on what applying would leave behind.
func (p Plan) ByReading() bool {
	return slices.ContainsFunc(p.Items, func(item Item) bool { return item.Read })
}

// compareByReading judges an object of ours as server-side apply would: by the fields that we want, and by those that we hold and want no
// more (Kubernetes: Server-Side Apply, "Field management").
func compareByReading(wanted, live *unstructured.Unstructured) Item {
	changes := differing(wanted, live)
	var held []string
	for _, change := range changes {
		if change.Manager != "" {
			held = append(held, fmt.Sprintf(".%s: conflict with %s", change.Path, change.Manager))
		}
	}
	if len(held) > 0 {
		return Item{Action: Conflict, Reason: HeldFields, Owner: strings.Join(held, "; "), Changes: changes, Read: true}
	}
	item := judge(append(changes, surplus(wanted, live, holdersOf(live, notOurs))...))
	item.Read = true
	return item
}

// differing lists the fields that we want and that a live object has otherwise, each with who holds it. What is there beside them is not
// looked at: the server's defaults, and what others added.
func differing(wanted, live *unstructured.Unstructured) []Change {
	var found []Change
	compareFields("", "", plain(wanted), plain(live), holdersOf(live, notOurs), &found)
	return found
}

func compareFields(path, name string, wanted, live any, holders []holder, found *[]Change) {
	w, isMap := wanted.(map[string]any)
	l, liveIsMap := live.(map[string]any)
	if isMap && (liveIsMap || live == nil) && !atomic(name) {
		for _, key := range slices.Sorted(maps.Keys(w)) {
			compareFields(join(path, key), key, w[key], l[key], below(holders, "f:"+key), found)
		}
		return
	}
	list, isList := wanted.([]any)
	have, liveIsList := live.([]any)
	if keys := keysOf(name); isList && (liveIsList || live == nil) && keys != nil {
		for i, element := range list {
			match, _ := find(have, element, keys)
			compareFields(fmt.Sprintf("%s[%d]", path, i), "", element, match, belowElement(holders, element, keys), found)
		}
		return
	}
	if !atomic(name) {
		live = prune(wanted, live)
	}
	from := len(*found)
	walk(path, live, wanted, found)
	for i := from; i < len(*found); i++ {
		(*found)[i].Manager = names(holders)
	}
}

// surplus lists the fields that tbotctl has applied and wants no more, but those that the others hold as well: they stay.
func surplus(wanted, live *unstructured.Unstructured, others []holder) []Change {
	var found []Change
	for _, ours := range holdersOf(live, appliedByUs) {
		surplusFields("", ours.fields, plain(wanted), plain(live), others, &found)
	}
	return found
}

func surplusFields(path string, fields map[string]any, wanted, live any, others []holder, found *[]Change) {
	deeper := false
	for _, field := range slices.Sorted(maps.Keys(fields)) {
		inside, _ := fields[field].(map[string]any)
		if key, isField := strings.CutPrefix(field, "f:"); isField {
			deeper = true
			w, _ := wanted.(map[string]any)
			l, _ := live.(map[string]any)
			surplusFields(join(path, key), inside, w[key], l[key], below(others, field), found)
			continue
		}
		text, isElement := strings.CutPrefix(field, "k:")
		var element map[string]any
		if !isElement || json.Unmarshal([]byte(text), &element) != nil {
			continue
		}
		deeper = true
		w, _ := wanted.([]any)
		l, _ := live.([]any)
		keys := slices.Sorted(maps.Keys(element))
		match, _ := find(w, element, keys)
		have, at := find(l, element, keys)
		surplusFields(fmt.Sprintf("%s[%d]", path, at), inside, match, have, belowElement(others, element, keys), found)
	}
	if !deeper && len(others) == 0 && isEmpty(wanted) && !isEmpty(live) {
		walk(path, live, nil, found)
	}
}

// plain is an object as its API server would write it: quantities in their canonical form. Only a Deployment's are not plain already.
func plain(object *unstructured.Unstructured) any {
	if object.GroupVersionKind() != appsv1.SchemeGroupVersion.WithKind("Deployment") {
		return object.Object
	}
	var typed appsv1.Deployment
	if runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, &typed) != nil {
		return object.Object
	}
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(&typed)
	if err != nil {
		return object.Object
	}
	return content
}
