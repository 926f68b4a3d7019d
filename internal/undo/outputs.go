package undo

import (
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/manifests"
)

// tbotManager is the field manager that tbot writes Secrets as (teleport-facts 6.6).
const tbotManager = "tbot"

// outputs judges the Secrets that tbot writes: those that the installation's Roles name, and the one of the Setup's name. They
// carry no mark, because tbot makes them; who else wrote data into one keeps it.
func (l *look) outputs(ctx context.Context, roles []Item) ([]Item, error) {
	names, err := writable(roles, l.names.Namespace)
	if err != nil {
		return nil, err
	}
	// Where no Role names it, it may be left over, or may never have been.
	guessed := ""
	if l.names.OutputSecret != "" && !slices.Contains(names, l.names.OutputSecret) {
		guessed = l.names.OutputSecret
		names = append(names, guessed)
	}
	var items []Item
	for _, name := range names {
		live, err := l.kubernetes.SecretMetadata(ctx, l.names.Namespace, name)
		if err != nil {
			return nil, err
		}
		if live == nil && name == guessed {
			continue
		}
		item := Item{System: manifests.Kubernetes, Kind: "Secret", Namespace: l.names.Namespace, Name: name, Fate: Gone}
		if live != nil {
			item = l.output(item, live)
		}
		items = append(items, item)
	}
	return items, l.mounts(ctx, items)
}

func (l *look) output(item Item, live *metav1.PartialObjectMetadata) Item {
	item.Object = object(corev1.SchemeGroupVersion.WithKind("Secret"), item.Namespace, item.Name)
	item.Object.SetUID(live.UID)
	writers := dataWriters(live.ManagedFields)
	switch {
	case !slices.Equal(writers, []string{tbotManager}):
		item.Fate, item.Reason = Keep, "not written by tbot"
		if len(writers) > 0 {
			item.Reason = fmt.Sprintf("its data is not tbot's alone, but of %s", spec.Quote(fmt.Sprint(writers)))
		}
	case l.PurgeOutputs:
		item.Fate = Remove
	default:
		item.Fate, item.Reason = Keep, "the credentials that tbot wrote; --purge-outputs removes them"
	}
	return item
}

// writable lists the Secrets of a namespace that the Roles let tbot write as its own, which it patches. Those that it updates are Argo CD's
// (teleport-facts 6.5, 6.6), and never count as outputs that could be purged.
func writable(roles []Item, namespace string) ([]string, error) {
	var names []string
	for _, item := range roles {
		if item.Fate != Remove || item.Namespace != namespace {
			continue
		}
		var role rbacv1.Role
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(item.Object.Object, &role); err != nil {
			return nil, fmt.Errorf("reading %s: %w", item.ID(), err)
		}
		for _, rule := range role.Rules {
			if slices.Contains(rule.Resources, "secrets") && !slices.Contains(rule.Verbs, "update") {
				names = append(names, rule.ResourceNames...)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

// dataWriters lists the field managers that hold data of a Secret, sorted.
func dataWriters(fields []metav1.ManagedFieldsEntry) []string {
	var writers []string
	for _, entry := range fields {
		if entry.FieldsV1 != nil && strings.Contains(entry.FieldsV1.GetRawString(), `"f:data"`) {
			writers = append(writers, entry.Manager)
		}
	}
	slices.Sort(writers)
	return slices.Compact(writers)
}

// mounts notes which pods take the Secrets that are there into themselves: they go on with what they have, and a new one would
// not start without the Secret.
func (l *look) mounts(ctx context.Context, items []Item) error {
	if !slices.ContainsFunc(items, func(i Item) bool { return i.Fate != Gone }) {
		return nil
	}
	pods, err := l.kubernetes.Pods(ctx, l.names.Namespace, "")
	if err != nil {
		l.unknown = append(l.unknown, fmt.Sprintf("which pods use the credentials: %v", err))
		return ctx.Err()
	}
	for i := range items {
		for p := range pods {
			if items[i].Fate != Gone && uses(&pods[p].Spec, items[i].Name) {
				items[i].UsedBy = append(items[i].UsedBy, pods[p].Name)
			}
		}
	}
	return nil
}

// uses tells whether a pod refers to a Secret: as a volume, in its environment, or to pull images.
func uses(pod *corev1.PodSpec, secret string) bool {
	for _, volume := range pod.Volumes {
		if volume.Secret != nil && volume.Secret.SecretName == secret {
			return true
		}
		if volume.Projected == nil {
			continue
		}
		for _, source := range volume.Projected.Sources {
			if source.Secret != nil && source.Secret.Name == secret {
				return true
			}
		}
	}
	for _, container := range slices.Concat(pod.InitContainers, pod.Containers) {
		for _, from := range container.EnvFrom {
			if from.SecretRef != nil && from.SecretRef.Name == secret {
				return true
			}
		}
		for _, variable := range container.Env {
			if variable.ValueFrom != nil && variable.ValueFrom.SecretKeyRef != nil && variable.ValueFrom.SecretKeyRef.Name == secret {
				return true
			}
		}
	}
	return slices.ContainsFunc(pod.ImagePullSecrets, func(r corev1.LocalObjectReference) bool { return r.Name == secret })
}
