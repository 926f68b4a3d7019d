package review

import (
	"fmt"
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/tbotctl/tbotctl/manifests"
)

// workloadWords say what runs, as whom, with what in its hands.
func workloadWords(r manifests.Resource) ([]string, error) {
	var deployment appsv1.Deployment
	if err := yaml.Unmarshal(r.YAML, &deployment); err != nil {
		return nil, err
	}
	pod := deployment.Spec.Template.Spec
	words := []string{fmt.Sprintf("Runs as service account %s. %s", code(pod.ServiceAccountName), defaultToken(pod))}
	for _, container := range pod.InitContainers {
		words = append(words, "Before it runs "+containerWords(container, pod.SecurityContext))
	}
	for _, container := range pod.Containers {
		words = append(words, "Runs "+containerWords(container, pod.SecurityContext))
		for _, port := range container.Ports {
			words = append(words, fmt.Sprintf("Listens at port %d without a login; no Service leads there.", port.ContainerPort))
		}
		for _, variable := range container.Env {
			words = append(words, "Has "+code(environment(variable))+" in its environment.")
		}
	}
	for _, volume := range pod.Volumes {
		words = append(words, volumeWords(volume)...)
	}
	if shared := sharedWords(pod); shared != "" {
		words = append(words, shared)
	}
	return words, nil
}

// defaultToken says whether the pod may speak to the API server.
func defaultToken(pod corev1.PodSpec) string {
	if pod.AutomountServiceAccountToken != nil && !*pod.AutomountServiceAccountToken {
		return "It gets no token for the API server."
	}
	return "It gets a token for the API server, with which it may do what is bound to that account."
}

func containerWords(container corev1.Container, pod *corev1.PodSecurityContext) string {
	own := container.SecurityContext
	if own == nil {
		own = &corev1.SecurityContext{}
	}
	if pod == nil {
		pod = &corev1.PodSecurityContext{}
	}
	is := func(value *bool) bool { return value != nil && *value }
	var held, loose []string
	tell := func(good bool, yes, no string) {
		if good {
			held = append(held, yes)
		} else {
			loose = append(loose, no)
		}
	}
	tell(is(own.RunAsNonRoot) || own.RunAsNonRoot == nil && is(pod.RunAsNonRoot), "not as root", "may run as root")
	tell(own.AllowPrivilegeEscalation != nil && !*own.AllowPrivilegeEscalation, "no privilege escalation", "may escalate privileges")
	tell(is(own.ReadOnlyRootFilesystem), "a read-only root file system", "may write its root file system")
	dropped := own.Capabilities != nil && len(own.Capabilities.Add) == 0 && len(own.Capabilities.Drop) == 1 && own.Capabilities.Drop[0] == "ALL"
	tell(dropped, "no capabilities", "holds Linux capabilities")
	profile := own.SeccompProfile
	if profile == nil {
		profile = pod.SeccompProfile
	}
	tell(profile != nil && profile.Type == corev1.SeccompProfileTypeRuntimeDefault, "the runtime's seccomp profile", "another seccomp profile than the runtime's")
	if is(own.Privileged) {
		loose = append(loose, "is privileged")
	}
	words := "image " + code(container.Image) + ": " + strings.Join(held, ", ") + "."
	if len(loose) > 0 {
		words += " **Loose**: " + strings.Join(loose, ", ") + "."
	}
	return words
}

// environment gives plain values; what comes from a Secret is named.
func environment(variable corev1.EnvVar) string {
	switch from := variable.ValueFrom; {
	case from == nil:
		return variable.Name + "=" + variable.Value
	case from.SecretKeyRef != nil:
		return variable.Name + " from Secret " + from.SecretKeyRef.Name
	case from.ConfigMapKeyRef != nil:
		return variable.Name + " from ConfigMap " + from.ConfigMapKeyRef.Name
	case from.FieldRef != nil:
		return variable.Name + " from the pod's " + from.FieldRef.FieldPath
	}
	return variable.Name
}

func volumeWords(volume corev1.Volume) []string {
	switch {
	case volume.ConfigMap != nil:
		return []string{"Reads ConfigMap " + code(volume.ConfigMap.Name) + "."}
	case volume.Secret != nil:
		return []string{"Reads Secret " + code(volume.Secret.SecretName) + "."}
	case volume.HostPath != nil:
		return []string{"**Loose**: has the node's folder " + code(volume.HostPath.Path) + "."}
	case volume.Projected == nil:
		return []string{"Has the volume " + code(volume.Name) + "."}
	}
	var words []string
	for _, source := range volume.Projected.Sources {
		token := source.ServiceAccountToken
		if token == nil {
			words = append(words, "Has a projected volume "+code(volume.Name)+".")
			continue
		}
		audience := "the API server's own audience"
		if token.Audience != "" {
			audience = "the audience " + code(token.Audience)
		}
		seconds := int64(3600) // Kubernetes: Projected Volumes, "serviceAccountToken projected volumes"
		if token.ExpirationSeconds != nil {
			seconds = *token.ExpirationSeconds
		}
		words = append(words, fmt.Sprintf("Joins with a token of its service account for %s that lives %s.", audience, lifetime(time.Duration(seconds)*time.Second)))
	}
	return words
}

// sharedWords name what a pod shares with its node.
func sharedWords(pod corev1.PodSpec) string {
	var shared []string
	for what, is := range map[string]bool{"network": pod.HostNetwork, "processes": pod.HostPID, "IPC": pod.HostIPC} {
		if is {
			shared = append(shared, what)
		}
	}
	if len(shared) == 0 {
		return ""
	}
	slices.Sort(shared)
	return "**Loose**: shares the node's " + strings.Join(shared, ", ") + "."
}

// lifetime is a duration in whole minutes, as people say it.
func lifetime(d time.Duration) string {
	return fmt.Sprintf("%d minutes", int(d.Minutes()))
}

// nestedTexts is a ConfigMap's data.
func nestedTexts(r manifests.Resource) (data map[string]string, found bool, err error) {
	return unstructured.NestedStringMap(r.Object.Object, "data")
}
