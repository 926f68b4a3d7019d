package plan

import (
	"encoding/json"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/tbotctl/tbotctl/internal/spec"
)

// holder is a field manager with the fields that it holds.
type holder struct {
	name   string
	fields map[string]any
}

// notOurs and appliedByUs select managers for holdersOf.
func notOurs(entry metav1.ManagedFieldsEntry) bool { return entry.Manager != spec.FieldManager }

func appliedByUs(entry metav1.ManagedFieldsEntry) bool {
	return entry.Manager == spec.FieldManager && entry.Operation == metav1.ManagedFieldsOperationApply
}

// holdersOf are the managers of an object but those of its status. Fields that cannot be read are nobody's.
func holdersOf(live *unstructured.Unstructured, wanted func(metav1.ManagedFieldsEntry) bool) []holder {
	var found []holder
	for _, entry := range live.GetManagedFields() {
		var fields map[string]any
		if entry.FieldsV1 == nil || entry.Subresource == "status" || !wanted(entry) || json.Unmarshal(entry.FieldsV1.GetRawBytes(), &fields) != nil {
			continue
		}
		found = append(found, holder{entry.Manager, fields})
	}
	return found
}

// below are the holders of a field inside of what they hold.
func below(holders []holder, field string) []holder {
	var found []holder
	for _, h := range holders {
		if inside, is := h.fields[field].(map[string]any); is {
			found = append(found, holder{h.name, inside})
		}
	}
	return found
}

func belowElement(holders []holder, element any, keys []string) []holder {
	var found []holder
	for _, h := range holders {
		for field, value := range h.fields {
			text, isElement := strings.CutPrefix(field, "k:")
			inside, isMap := value.(map[string]any)
			var held map[string]any
			if isElement && isMap && json.Unmarshal([]byte(text), &held) == nil && sameKeys(held, element, keys) {
				found = append(found, holder{h.name, inside})
			}
		}
	}
	return found
}

// names are the holders', each quoted once.
func names(holders []holder) string {
	var quoted []string
	for _, h := range holders {
		quoted = append(quoted, spec.Quote(h.name))
	}
	slices.Sort(quoted)
	return strings.Join(slices.Compact(quoted), ", ")
}
