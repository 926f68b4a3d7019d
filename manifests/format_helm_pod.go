package manifests

import (
	"fmt"
	"maps"
	"path"
	"reflect"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/tbotctl/tbotctl/internal/spec"
)

// chartPod is what the chart has values for in a pod, in the form of the Kubernetes API.
type chartPod struct {
	SecurityContext, PodSecurityContext, Resources, NodeSelector, Affinity map[string]any
	Tolerations, PullSecrets, Args, Env, Volumes, Mounts                   []any
	PullPolicy                                                             string
	Telemetry                                                              bool

	image string
}

// chartGives is what of the Deployment the chart makes by itself (teleport-facts 8.2), by its path. What is there in another form is not
// the chart's to make.
func chartGives(audience, config string) map[string]any {
	probe := func(path string, delay, failures int64) map[string]any {
		return map[string]any{
			"httpGet": map[string]any{"path": path, "port": "diag"}, "initialDelaySeconds": delay, "periodSeconds": int64(10),
			"timeoutSeconds": int64(5), "failureThreshold": failures,
		}
	}
	token := map[string]any{"path": "join-sa-token", "expirationSeconds": int64(600), "audience": audience}
	return map[string]any{
		"spec.replicas": int64(1),
		"spec.strategy": map[string]any{"type": "Recreate"},
		"spec.template.spec.terminationGracePeriodSeconds": int64(30),
		"spec.template.spec.enableServiceLinks":            false,
		"container.name":                                   "tbot",
		"container.livenessProbe":                          probe("/livez", 10, 6),
		"container.readinessProbe":                         probe("/readyz", 5, 3),
		"container.ports":                                  []any{map[string]any{"name": "diag", "containerPort": int64(3001), "protocol": "TCP"}},
		"volume.config":                                    map[string]any{"name": "config", "configMap": map[string]any{"name": config}},
		"volume.join-token":                                map[string]any{"name": "join-token", "projected": map[string]any{"sources": []any{map[string]any{"serviceAccountToken": token}}}},
		"mount.config":                                     map[string]any{"name": "config", "mountPath": "/config", "readOnly": true},
		"mount.join-token":                                 map[string]any{"name": "join-token", "mountPath": "/var/run/secrets/tokens", "readOnly": true},
		"env.POD_NAMESPACE":                                map[string]any{"name": "POD_NAMESPACE", "valueFrom": map[string]any{"fieldRef": map[string]any{"apiVersion": "v1", "fieldPath": "metadata.namespace"}}},
		"env.KUBERNETES_TOKEN_PATH":                        map[string]any{"name": "KUBERNETES_TOKEN_PATH", "value": "/var/run/secrets/tokens/join-sa-token"},
	}
}

// reader takes a Deployment apart, field by field, and remembers the first that the chart has no value for.
type reader struct {
	gives  map[string]any
	unsaid string
}

// podOf reads the values out of a Deployment. The error names a field that the chart cannot make.
func podOf(deployment *unstructured.Unstructured, names spec.Names, audience string) (chartPod, error) {
	r := &reader{gives: chartGives(audience, names.ConfigMap)}
	var pod chartPod
	body := copied(deployment.Object["spec"])
	for _, field := range []string{"replicas", "strategy"} {
		r.given(body, field, "spec.")
	}
	template := copied(body["template"])
	inner := copied(template["spec"])
	delete(body, "selector")
	delete(body, "template")
	r.rest("spec.", body)

	pod.NodeSelector, pod.Affinity = taken(inner, "nodeSelector"), taken(inner, "affinity")
	pod.Tolerations, pod.PullSecrets = takenList(inner, "tolerations"), takenList(inner, "imagePullSecrets")
	context := taken(inner, "securityContext")
	containers, volumes := takenList(inner, "containers"), takenList(inner, "volumes")
	if _, found := inner["priorityClassName"]; found {
		return pod, refuse(string(spec.KubeHelm), "priority-class", "")
	}
	for _, field := range []string{"terminationGracePeriodSeconds", "enableServiceLinks"} {
		r.given(inner, field, "spec.template.spec.")
	}
	for _, own := range []string{"serviceAccountName", "automountServiceAccountToken"} {
		delete(inner, own)
	}
	r.rest("spec.template.spec.", inner)
	if len(containers) != 1 {
		r.cannot("spec.template.spec.containers")
	} else {
		pod.readContainer(r, copied(containers[0]))
		pod.readVolumes(r, volumes)
	}
	pod.secure(context)
	pod.authority(names.ConfigMap)
	if r.unsaid != "" {
		return pod, noValue(r.unsaid + " of the Deployment")
	}
	return pod, nil
}

// noValue refuses a part of the set that the chart neither makes nor has a value for.
func noValue(part string) error {
	return &spec.Invalid{Fields: []spec.FieldError{{
		Flag: "kube-format", Problem: fmt.Sprintf("the chart %s has no value for %s", TbotChart, part), Fix: "leave it as it is made, or choose manifests or kustomize",
	}}}
}

// readContainer reads the only container.
func (p *chartPod) readContainer(r *reader, c map[string]any) {
	const at = "spec.template.spec.containers[0]."
	p.image, _ = c["image"].(string)
	p.PullPolicy, _ = c["imagePullPolicy"].(string)
	p.SecurityContext, p.Resources = taken(c, "securityContext"), taken(c, "resources")
	for _, own := range []string{"image", "imagePullPolicy"} {
		delete(c, own)
	}
	for _, item := range takenList(c, "env") {
		variable := copied(item)
		name, _ := variable["name"].(string)
		switch {
		case reflect.DeepEqual(r.gives["env."+name], item):
		case name == "TELEPORT_ANONYMOUS_TELEMETRY":
			p.Telemetry = true
		case r.gives["env."+name] != nil:
			r.cannot(at + "env " + name)
		default:
			p.Env = append(p.Env, variable)
		}
	}
	// What every tbot is started with; the chart starts it the same way and puts more between.
	own := []any{"start", "-c", "/config/" + ConfigFile, "--log-format=json", "--diag-addr=0.0.0.0:3001"}
	args := takenList(c, "args")
	if len(args) < len(own) || !reflect.DeepEqual(args[:len(own)], own) {
		r.cannot(at + "args")
	} else {
		p.Args = slices.Clone(args[len(own):])
	}
	for _, item := range takenList(c, "volumeMounts") {
		if !r.gave("mount.", item, at+"volumeMounts ") {
			p.Mounts = append(p.Mounts, item)
		}
	}
	for _, field := range []string{"name", "livenessProbe", "readinessProbe", "ports"} {
		r.containerGiven(c, field, at)
	}
	r.rest(at, c)
}

func (p *chartPod) readVolumes(r *reader, volumes []any) {
	for _, item := range volumes {
		if !r.gave("volume.", item, "spec.template.spec.volumes ") {
			p.Volumes = append(p.Volumes, item)
		}
	}
}

// secure says for the container what the pod says for all, because older charts have no value for a pod.
func (p *chartPod) secure(pod map[string]any) {
	for _, field := range []string{"runAsNonRoot", "runAsUser", "runAsGroup", "seccompProfile", "seLinuxOptions", "windowsOptions"} {
		value, found := pod[field]
		if _, own := p.SecurityContext[field]; found && !own {
			p.SecurityContext = merging(p.SecurityContext, field, value)
		}
		delete(pod, field)
	}
	p.PodSecurityContext = pod
}

// authority mounts the ConfigMap with the proxy's authority beside the chart's own.
func (p *chartPod) authority(configMap string) {
	for i, item := range p.Env {
		variable := copied(item)
		if variable["name"] != "SSL_CERT_FILE" || variable["value"] != "/config/"+ProxyCAFile {
			continue
		}
		variable["value"] = path.Join(authorityMount, ProxyCAFile)
		p.Env[i] = variable
		p.Volumes = append(p.Volumes, map[string]any{"name": "proxy-ca", "configMap": map[string]any{"name": configMap}})
		p.Mounts = append(p.Mounts, map[string]any{"name": "proxy-ca", "mountPath": authorityMount, "readOnly": true})
	}
}

// given drops a field that the chart makes as it is here, or that is not there.
func (r *reader) given(fields map[string]any, field, at string) { r.drop(fields, field, at, at) }

func (r *reader) containerGiven(fields map[string]any, field, at string) {
	r.drop(fields, field, at, "container.")
}

func (r *reader) drop(fields map[string]any, field, at, key string) {
	if !reflect.DeepEqual(fields[field], r.gives[key+field]) {
		r.cannot(at + field)
	}
	delete(fields, field)
}

// gave tells of a named item of a list whether the chart makes it.
func (r *reader) gave(kind string, item any, at string) bool {
	name, _ := copied(item)["name"].(string)
	own, found := r.gives[kind+name]
	if found && !reflect.DeepEqual(own, item) {
		r.cannot(at + name)
	}
	return found
}

// rest is what nobody has asked for.
func (r *reader) rest(at string, fields map[string]any) {
	for _, field := range slices.Sorted(maps.Keys(fields)) {
		r.cannot(at + field)
	}
}

func (r *reader) cannot(field string) {
	if r.unsaid == "" {
		r.unsaid = field
	}
}

func copied(value any) map[string]any {
	fields, _ := value.(map[string]any)
	return maps.Clone(fields)
}

func taken(fields map[string]any, field string) map[string]any {
	value := copied(fields[field])
	delete(fields, field)
	return value
}

func takenList(fields map[string]any, field string) []any {
	value, _ := fields[field].([]any)
	delete(fields, field)
	return value
}

func merging(fields map[string]any, field string, value any) map[string]any {
	all := map[string]any{field: value}
	maps.Copy(all, fields)
	return all
}
