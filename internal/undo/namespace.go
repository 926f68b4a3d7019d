package undo

import (
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// namespace judges the namespace itself: it goes where this installation made it and nothing is in it but what goes too. None is
// there where it does not exist.
func (l *look) namespace(ctx context.Context, items []Item) ([]Item, error) {
	live, err := l.kubernetes.Read(ctx, object(corev1.SchemeGroupVersion.WithKind("Namespace"), "", l.names.Namespace))
	if err != nil || live == nil {
		return nil, err
	}
	item := l.judge(live)
	if item.Fate == Remove {
		going := map[types.UID]bool{}
		for _, other := range items {
			if other.Fate == Remove && other.Object != nil {
				going[other.Object.GetUID()] = true
			}
		}
		item.Reason = inTheWay(ctx, l.kubernetes, item.Name, going)
		if item.Reason != "" {
			item.Fate = Keep
		}
	}
	return []Item{item}, nil
}

// inTheWay says why a namespace cannot go, empty where nothing speaks against it. What could not be seen does.
func inTheWay(ctx context.Context, kubernetes Kubernetes, name string, going map[types.UID]bool) string {
	contents, err := kubernetes.Contents(ctx, name)
	if err != nil {
		return fmt.Sprintf("that nothing else is in it could not be seen: %v", err)
	}
	held := others(contents, going)
	if len(held) == 0 {
		return ""
	}
	const most = 5
	if len(held) > most {
		held = append(held[:most:most], fmt.Sprintf("%d more", len(held)-most))
	}
	return "holds " + strings.Join(held, ", ")
}

// others names what is neither going, nor owned by what is, nor made by Kubernetes in every namespace.
func others(contents []metav1.PartialObjectMetadata, going map[types.UID]bool) []string {
	gone := func(object *metav1.PartialObjectMetadata) bool {
		return going[object.UID] || slices.ContainsFunc(object.OwnerReferences, func(r metav1.OwnerReference) bool { return going[r.UID] })
	}
	// Each round finds what the last one's objects own: a Deployment its ReplicaSet, that one its pods.
	for more := true; more; {
		more = false
		for i := range contents {
			if !going[contents[i].UID] && gone(&contents[i]) {
				going[contents[i].UID], more = true, true
			}
		}
	}
	var names []string
	for i := range contents {
		if !gone(&contents[i]) && !everywhere(&contents[i]) {
			names = append(names, contents[i].Kind+" "+contents[i].Name)
		}
	}
	return names
}

// everywhere knows what Kubernetes and OpenShift make in each namespace themselves.
func everywhere(object *metav1.PartialObjectMetadata) bool {
	switch object.Kind {
	case "ServiceAccount":
		return object.Name == "default"
	case "ConfigMap":
		return object.Name == "kube-root-ca.crt" || object.Name == "openshift-service-ca.crt"
	case "RoleBinding":
		return strings.HasPrefix(object.Name, "system:")
	}
	return false
}
