package manifests

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/tbotctl/tbotctl/internal/spec"
)

// held is a part of an object that a patch may not change, and why.
type held struct {
	field         string
	before, after any
	why           string
}

// unbroken refuses a patch that changes what something else relies on, with the first such part.
func unbroken(before, after Resource) error {
	parts := heldOfAny(before.Object, after.Object)
	switch before.Kind {
	case "Namespace", "Role", "RoleBinding":
		parts = append(parts, heldOfRights(before.Object, after.Object)...)
	case "ConfigMap":
		parts = append(parts, heldOfConfig(before.Object, after.Object)...)
	case "Deployment":
		more, err := heldOfDeployment(before.Object, after.Object)
		if err != nil {
			return fmt.Errorf("%s %s: %w", before.Kind, before.Name, err)
		}
		parts = append(parts, more...)
	}
	for _, part := range parts {
		if !reflect.DeepEqual(part.before, part.after) {
			return fmt.Errorf("%s %s: it changes %s; %s", before.Kind, before.Name, part.field, part.why)
		}
	}
	return nil
}

const marksAreOurs = "by it tbotctl knows what it has made"

// heldOfAny are the marks of ownership, and all of the metadata but labels and annotations.
func heldOfAny(before, after *unstructured.Unstructured) []held {
	rest := func(u *unstructured.Unstructured) any {
		all, _, _ := unstructured.NestedMap(u.Object, "metadata")
		delete(all, "labels")
		delete(all, "annotations")
		return all
	}
	status := func(u *unstructured.Unstructured) any { return u.Object["status"] }
	parts := marks("metadata", before.GetLabels(), after.GetLabels(), before.GetAnnotations(), after.GetAnnotations())
	return append(parts,
		held{"metadata beyond labels and annotations", rest(before), rest(after), "name and namespace are the answers', the rest is the server's"},
		held{"status", status(before), status(after), "it is the server's"},
	)
}

// marks are the labels and annotations that are tbotctl's own.
func marks(at string, labels, labelsAfter, annotations, annotationsAfter map[string]string) []held {
	var parts []held
	for _, kind := range []struct {
		name          string
		before, after map[string]string
	}{{"labels", labels, labelsAfter}, {"annotations", annotations, annotationsAfter}} {
		keys := merged(kind.before, kind.after)
		for _, key := range slices.Sorted(maps.Keys(keys)) {
			own := strings.HasPrefix(key, spec.MarkPrefix) || kind.name == "labels" && slices.Contains([]string{spec.LabelName, spec.LabelInstance, spec.LabelManagedBy}, key)
			if own {
				parts = append(parts, held{fmt.Sprintf("%s.%s[%s]", at, kind.name, key), kind.before[key], kind.after[key], marksAreOurs})
			}
		}
	}
	return parts
}

// heldOfRights is all beside the metadata.
func heldOfRights(before, after *unstructured.Unstructured) []held {
	var parts []held
	for _, key := range slices.Sorted(maps.Keys(after.Object)) {
		if key != "metadata" && key != "status" {
			parts = append(parts, held{key, before.Object[key], after.Object[key], "what tbot may do there follows from the answers; only labels and annotations can be patched"})
		}
	}
	return parts
}

// heldOfConfig are the files that are tbotctl's own; others may stand beside them.
func heldOfConfig(before, after *unstructured.Unstructured) []held {
	at := func(u *unstructured.Unstructured, fields ...string) any {
		value, _, _ := unstructured.NestedFieldNoCopy(u.Object, fields...)
		return value
	}
	var parts []held
	for _, file := range []string{ConfigFile, ProxyCAFile} {
		for _, part := range []string{"data", "binaryData"} {
			parts = append(parts, held{part + "[" + file + "]", at(before, part, file), at(after, part, file), "it follows from the answers, and the proof of the join runs what they say"})
		}
	}
	return append(parts, held{"immutable", at(before, "immutable"), at(after, "immutable"), "the next change of an answer could not be applied"})
}

// heldOfDeployment is what makes the pod the one that the join token admits, and one alone.
func heldOfDeployment(before, after *unstructured.Unstructured) ([]held, error) {
	var was, is appsv1.Deployment
	for object, into := range map[*unstructured.Unstructured]*appsv1.Deployment{before: &was, after: &is} {
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, into); err != nil {
			return nil, err
		}
	}
	a, b := was.Spec.Template, is.Spec.Template
	const alone = "tbot takes no lock on the Secret that it writes, so there is always one pod"
	parts := append(
		marks("spec.template.metadata", a.Labels, b.Labels, a.Annotations, b.Annotations),
		held{"spec.replicas", was.Spec.Replicas, is.Spec.Replicas, alone},
		held{"spec.strategy", was.Spec.Strategy, is.Spec.Strategy, alone},
		held{"spec.selector", was.Spec.Selector, is.Spec.Selector, "it cannot be changed later"},
		held{"spec.paused", was.Spec.Paused, is.Spec.Paused, "nothing would be rolled out"},
		held{"spec.template.spec.serviceAccountName", account(a), account(b), "the join token admits that service account; --service-account names another"},
		held{"spec.template.spec.automountServiceAccountToken", a.Spec.AutomountServiceAccountToken, b.Spec.AutomountServiceAccountToken, "it follows from whether tbot writes a Secret"},
		held{"spec.template.spec.schedulingGates", a.Spec.SchedulingGates, b.Spec.SchedulingGates, "nobody would open the gate"},
	)
	of := func(name, why string) held {
		return held{"spec.template.spec.volumes[" + name + "]", volume(a, name), volume(b, name), why}
	}
	parts = append(
		parts, of("config", "tbot reads its configuration there"),
		of("join-token", "the pod has to present the token that the join token admits, with its audience and lifetime"),
	)
	return append(parts, heldOfContainer(container(a), container(b))...), nil
}

// heldOfContainer is what tbotctl says of tbot's own container; others may stand beside it.
func heldOfContainer(a, b corev1.Container) []held {
	const at = "spec.template.spec.containers[tbot]"
	parts := []held{
		{at, a.Name, b.Name, "it is the container that joins"},
		{at + ".image", a.Image, b.Image, "--image, --registry and --tbot-version say it"},
		{at + ".command", a.Command, b.Command, "tbot is what runs"},
		{at + ".args", a.Args, b.Args[:min(len(a.Args), len(b.Args))], "tbotctl's own come first; others may follow them"},
	}
	for _, name := range spec.OwnEnv() {
		parts = append(parts, held{at + ".env[" + name + "]", variable(a, name), variable(b, name), "it follows from the answers"})
	}
	own := func(c corev1.Container) []corev1.VolumeMount {
		return slices.DeleteFunc(slices.Clone(c.VolumeMounts), func(m corev1.VolumeMount) bool {
			return !slices.ContainsFunc(a.VolumeMounts, func(ours corev1.VolumeMount) bool { return m.Name == ours.Name || covers(m.MountPath, ours.MountPath) })
		})
	}
	return append(parts, held{at + ".volumeMounts", own(a), own(b), "the configuration and the token that joins have to be where tbot looks for them"})
}

// covers reports whether a mount hides another, or stands inside it.
func covers(a, b string) bool {
	a, b = strings.TrimRight(a, "/")+"/", strings.TrimRight(b, "/")+"/"
	return strings.HasPrefix(a, b) || strings.HasPrefix(b, a)
}

// account is by either of its two names, of which the second is the old one.
func account(template corev1.PodTemplateSpec) [2]string {
	return [2]string{template.Spec.ServiceAccountName, template.Spec.DeprecatedServiceAccount}
}

func volume(template corev1.PodTemplateSpec, name string) []corev1.Volume {
	return slices.DeleteFunc(slices.Clone(template.Spec.Volumes), func(v corev1.Volume) bool { return v.Name != name })
}

func container(template corev1.PodTemplateSpec) corev1.Container {
	for _, c := range template.Spec.Containers {
		if c.Name == "tbot" {
			return c
		}
	}
	return corev1.Container{}
}

func variable(c corev1.Container, name string) []corev1.EnvVar {
	return slices.DeleteFunc(slices.Clone(c.Env), func(v corev1.EnvVar) bool { return v.Name != name })
}
