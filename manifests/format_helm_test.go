package manifests_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/manifests"
)

// changed is a set whose Deployment was changed by somebody, as a patch does it.
func changed(t *testing.T, s spec.Setup, change func(pod, container map[string]any)) manifests.Set {
	t.Helper()
	set := render(t, s)
	for i, r := range set {
		if r.Kind != "Deployment" {
			continue
		}
		set[i].Object = r.Object.DeepCopy()
		body := set[i].Object.Object["spec"].(map[string]any)
		pod := body["template"].(map[string]any)["spec"].(map[string]any)
		change(pod, pod["containers"].([]any)[0].(map[string]any))
	}
	return set
}

// TestHelmRefusesWhatTheChartCannotMake changes one thing at a time: nothing of the Deployment is lost in silence.
func TestHelmRefusesWhatTheChartCannotMake(t *testing.T) {
	t.Parallel()
	setup := inFormat(sample(spec.JoinOIDC, spec.AccessIdentity), spec.KubeHelm, spec.TeleportYAML)
	for path, change := range map[string]func(pod, container map[string]any){
		"spec.template.spec.hostNetwork":                     func(pod, _ map[string]any) { pod["hostNetwork"] = true },
		"spec.template.spec.terminationGracePeriodSeconds":   func(pod, _ map[string]any) { pod["terminationGracePeriodSeconds"] = int64(5) },
		"spec.template.spec.initContainers":                  func(pod, _ map[string]any) { pod["initContainers"] = []any{} },
		"spec.template.spec.containers":                      func(pod, c map[string]any) { pod["containers"] = []any{c, c} },
		"spec.template.spec.containers[0].command":           func(_, c map[string]any) { c["command"] = []any{"tbot"} },
		"spec.template.spec.containers[0].livenessProbe":     func(_, c map[string]any) { delete(c, "livenessProbe") },
		"spec.template.spec.containers[0].args":              func(_, c map[string]any) { c["args"] = []any{"start"} },
		"spec.template.spec.containers[0].env POD_NAMESPACE": func(_, c map[string]any) { c["env"] = []any{map[string]any{"name": "POD_NAMESPACE", "value": "x"}} },
		"spec.template.spec.containers[0].volumeMounts config": func(_, c map[string]any) {
			c["volumeMounts"] = []any{map[string]any{"name": "config", "mountPath": "/x"}}
		},
		"spec.template.spec.volumes join-token": func(pod, _ map[string]any) {
			pod["volumes"] = []any{map[string]any{"name": "join-token", "emptyDir": map[string]any{}}}
		},
	} {
		_, err := changed(t, setup, change).Format(setup)
		var refused *spec.Invalid
		if !errors.As(err, &refused) || refused.Fields[0].Flag != "kube-format" || !strings.Contains(err.Error(), "no value for "+path+" of the Deployment") {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// TestHelmRefusesFilesThatTheChartDoesNotMount does the same with the ConfigMap: the chart's own holds tbot.yaml alone.
func TestHelmRefusesFilesThatTheChartDoesNotMount(t *testing.T) {
	t.Parallel()
	setup := inFormat(sample(spec.JoinOIDC, spec.AccessIdentity), spec.KubeHelm, spec.TeleportYAML)
	for part, change := range map[string]func(object map[string]any){
		"more.pem":   func(object map[string]any) { object["data"].(map[string]any)["more.pem"] = "text" },
		"binaryData": func(object map[string]any) { object["binaryData"] = map[string]any{"a": "AA=="} },
	} {
		set := render(t, setup)
		for i, r := range set {
			if r.Kind == "ConfigMap" {
				set[i].Object = r.Object.DeepCopy()
				change(set[i].Object.Object)
			}
		}
		if _, err := set.Format(setup); err == nil || !strings.Contains(err.Error(), "no value for "+part+" of the ConfigMap") {
			t.Errorf("%s: %v", part, err)
		}
	}
}

// TestHelmTakesWhatTheChartHasValuesFor does the same with what can be said.
func TestHelmTakesWhatTheChartHasValuesFor(t *testing.T) {
	t.Parallel()
	setup := inFormat(sample(spec.JoinOIDC, spec.AccessIdentity), spec.KubeHelm, spec.TeleportYAML)
	volume := map[string]any{"name": "scratch", "emptyDir": map[string]any{}}
	mount := map[string]any{"name": "scratch", "mountPath": "/scratch"}
	set := changed(t, setup, func(pod, container map[string]any) {
		pod["securityContext"] = map[string]any{"runAsNonRoot": true, "fsGroup": int64(9807)}
		pod["affinity"] = map[string]any{"nodeAffinity": map[string]any{}}
		pod["volumes"] = append(pod["volumes"].([]any), volume)
		container["volumeMounts"] = append(container["volumeMounts"].([]any), mount)
		container["args"] = append(container["args"].([]any), "--debug")
		container["imagePullPolicy"] = "Always"
	})
	files, err := set.Format(setup)
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	for _, file := range files {
		if file.Path == manifests.ValuesFile {
			if err := yaml.UnmarshalStrict(file.Data, &got); err != nil {
				t.Fatal(err)
			}
		}
	}
	for key, want := range map[string]any{
		"podSecurityContext": map[string]any{"fsGroup": float64(9807)},
		"affinity":           map[string]any{"nodeAffinity": map[string]any{}},
		"extraVolumes":       []any{volume},
		"extraVolumeMounts":  []any{mount},
		"extraArgs":          []any{"--debug"},
		"imagePullPolicy":    "Always",
	} {
		if diff := cmp.Diff(want, got[key]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", key, diff)
		}
	}
	context, _ := got["securityContext"].(map[string]any)
	if _, fixed := context["runAsUser"]; fixed || context["runAsNonRoot"] != true {
		t.Errorf("securityContext %v: the pod fixes no user", context)
	}
}
