package spec

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/validation"
)

// imageRef is the shape of an image reference (distribution spec, OCI image-spec annotations aside): lower-case path parts, an
// optional registry port, tag and digest. It keeps spaces and quotes out, the registry judges the rest.
var imageRef = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9.-]*(:[0-9]+)?(/[a-z0-9][a-z0-9._-]*)*(:[A-Za-z0-9_][A-Za-z0-9._-]{0,127})?(@sha256:[a-f0-9]{64})?$`)

var registryRef = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9.-]*(:[0-9]+)?(/[a-z0-9][a-z0-9._-]*)*/?$`)

func (w Workload) validate(v *collector) {
	oneOf(v, "workload", w.Kind, WorkloadTbot, WorkloadAgent)
	if w.Image != "" && !imageRef.MatchString(w.Image) {
		v.add("image", Quote(w.Image)+" is no image reference", "write for example registry.example.com/teleport/tbot-distroless")
	}
	if w.Image != "" && w.Registry != "" {
		v.add("registry", "given together with --image, which already names its registry", "leave one of the two out")
	}
	if w.Registry != "" && !registryRef.MatchString(w.Registry) {
		v.add("registry", Quote(w.Registry)+" is no registry path", "write for example registry.example.com/mirror/gravitational")
	}
	if w.TbotVersion != "" && !IsRelease(w.TbotVersion) {
		v.add("tbot-version", Quote(w.TbotVersion)+" is no release", "write X.Y.Z, for example 18.2.0")
	}
	if w.PullSecret != "" {
		v.dns("image-pull-secret", w.PullSecret, validation.IsDNS1123Subdomain)
	}
	if w.PriorityClass != "" {
		v.dns("priority-class", w.PriorityClass, validation.IsDNS1123Subdomain)
	}
	oneOf(v, "platform", w.Platform, PlatformAuto, PlatformKubernetes, PlatformOpenShift)
	w.validatePatch(v)
	w.validateMaps(v)
	for _, t := range w.Tolerations {
		v.toleration(t)
	}
}

// OwnEnv are the environment variables that tbotctl sets.
func OwnEnv() []string {
	return []string{"POD_NAMESPACE", "KUBERNETES_TOKEN_PATH", "TELEPORT_ANONYMOUS_TELEMETRY", "SSL_CERT_FILE"}
}

func (w Workload) validateMaps(v *collector) {
	reserved := map[string]bool{LabelName: true, LabelInstance: true, LabelManagedBy: true}
	for _, key := range sorted(w.Labels) {
		if reserved[key] || strings.HasPrefix(key, MarkPrefix) {
			v.add("labels", Quote(key)+" is tbotctl's own", "choose another key")
			continue
		}
		v.label("labels", key, w.Labels[key])
	}
	for _, key := range sorted(w.NodeSelector) {
		v.label("node-selector", key, w.NodeSelector[key])
	}
	for _, key := range sorted(w.Annotations) {
		if problems := validation.IsQualifiedName(strings.ToLower(key)); len(problems) > 0 {
			v.add("annotations", Quote(key)+" is no annotation key", firstRule(problems))
		}
		if strings.HasPrefix(key, MarkPrefix) {
			v.add("annotations", Quote(key)+" is tbotctl's own", "choose another key")
		}
		v.text("annotations", "the value of "+Quote(key), w.Annotations[key])
	}
	for _, key := range sorted(w.Env) {
		if slices.Contains(OwnEnv(), key) {
			v.add("env", Quote(key)+" is set by tbotctl", "it follows from the other answers; leave it out")
		} else if problems := validation.IsEnvVarName(key); len(problems) > 0 {
			v.add("env", Quote(key)+" is no name of an environment variable", firstRule(problems))
		}
		v.text("env", "the value of "+Quote(key), w.Env[key])
	}
	for flag, quantities := range map[string]map[string]string{"requests": w.Requests, "limits": w.Limits} {
		for _, key := range sorted(quantities) {
			if q, err := resource.ParseQuantity(quantities[key]); err != nil || q.Sign() <= 0 {
				v.add(flag, fmt.Sprintf("%s=%s is no quantity above zero", Quote(key), Quote(quantities[key])), "write for example cpu=100m,memory=128Mi")
			}
			if !isResource(key) {
				v.add(flag, Quote(key)+" is no resource name", "write for example cpu=100m,memory=128Mi")
			}
		}
	}
	for _, key := range sorted(w.Requests) {
		limit, given := w.Limits[key]
		r, err1 := resource.ParseQuantity(w.Requests[key])
		l, err2 := resource.ParseQuantity(limit)
		if given && err1 == nil && err2 == nil && l.Sign() > 0 && r.Cmp(l) > 0 {
			v.add("requests", fmt.Sprintf("%s=%s is above its limit of %s", key, w.Requests[key], limit), "raise --limits or lower --requests")
		}
	}
}

// isResource accepts what the API server does: its own resources by their plain names, others with a domain.
func isResource(name string) bool {
	if !strings.Contains(name, "/") {
		return slices.Contains([]string{"cpu", "memory", "ephemeral-storage"}, name) || strings.HasPrefix(name, "hugepages-")
	}
	return len(validation.IsQualifiedName(name)) == 0
}

func (c *collector) label(flag, key, value string) {
	if problems := validation.IsQualifiedName(key); len(problems) > 0 {
		c.add(flag, Quote(key)+" is no label key", firstRule(problems))
	}
	if problems := validation.IsValidLabelValue(value); len(problems) > 0 {
		c.add(flag, fmt.Sprintf("%s is no value for label %s", Quote(value), Quote(key)), firstRule(problems))
	}
}

func (c *collector) toleration(t Toleration) {
	keyless := t.Key == "" && t.Value != "" // only `Exists` goes without a key
	if keyless || t.Key != "" && len(validation.IsQualifiedName(t.Key)) > 0 || len(validation.IsValidLabelValue(t.Value)) > 0 {
		c.add("toleration", Quote(t.String())+" is no toleration", "write key, key=value or key=value:NoSchedule")
	}
	if !slices.Contains([]string{"", "NoSchedule", "PreferNoSchedule", "NoExecute"}, t.Effect) {
		c.add("toleration", Quote(t.Effect)+" is no taint effect", "use NoSchedule, PreferNoSchedule or NoExecute")
	}
}

// String writes a toleration as --toleration takes it.
func (t Toleration) String() string {
	text := t.Key
	if t.Value != "" {
		text += "=" + t.Value
	}
	if t.Effect != "" {
		text += ":" + t.Effect
	}
	return text
}

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
