package plan

import (
	"fmt"
	"slices"
)

// atomic names the maps that are replaced as a whole (Kubernetes: Server-Side Apply, "Merge strategy").
func atomic(name string) bool {
	return name == "nodeSelector" || name == "selector" || name == "roleRef"
}

// keysOf are the fields by which the items of a list are told apart; nil where the list counts as a whole.
func keysOf(name string) []string {
	switch name {
	case "containers", "initContainers", "volumes", "env", "imagePullSecrets", "secrets":
		return []string{"name"}
	case "volumeMounts":
		return []string{"mountPath"}
	case "ports":
		return []string{"containerPort", "protocol"}
	case "hostAliases":
		return []string{"ip"}
	case "topologySpreadConstraints":
		return []string{"topologyKey", "whenUnsatisfiable"}
	}
	return nil
}

// find gives the item of a list that has the same keys as element, -1 where there is none.
func find(list []any, element any, keys []string) (match any, at int) {
	for i, one := range list {
		if sameKeys(one, element, keys) {
			return one, i
		}
	}
	return nil, -1
}

func sameKeys(a, b any, keys []string) bool {
	x, isMap := a.(map[string]any)
	y, bothMaps := b.(map[string]any)
	return isMap && bothMaps && !slices.ContainsFunc(keys, func(key string) bool { return keyIn(x, key) != keyIn(y, key) })
}

// keyIn is a key's value as text, whatever kind of number JSON made of it. The one default among keys is a port's protocol.
func keyIn(element map[string]any, key string) string {
	value, found := element[key]
	if !found && key == "protocol" {
		value = "TCP"
	}
	return fmt.Sprint(value)
}
