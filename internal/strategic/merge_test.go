package strategic_test

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	"sigs.k8s.io/yaml"

	"github.com/tbotctl/tbotctl/internal/strategic"
)

const workload = `
metadata: {name: tbot, labels: {app: tbot}}
spec:
  replicas: 1
  strategy: {type: Recreate}
  template:
    metadata: {labels: {app: tbot}, annotations: {sum: abc}}
    spec:
      securityContext: {runAsUser: 9807, runAsGroup: 9807, runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}
      imagePullSecrets: [{name: login}]
      nodeSelector: {disk: ssd}
      tolerations: [{key: spot, operator: Exists}]
      containers:
        - name: tbot
          image: tbot:1
          args: [start, -c, /config/tbot.yaml]
          env: [{name: A, value: "1"}, {name: B, value: "2"}]
          ports: [{containerPort: 3001, name: diag}]
          resources: {requests: {cpu: 50m, memory: 128Mi}, limits: {memory: 512Mi}}
          volumeMounts: [{name: config, mountPath: /config}]
          securityContext: {capabilities: {drop: [ALL]}}
      volumes:
        - {name: config, configMap: {name: tbot-config}}
        - {name: scratch, emptyDir: {}}
`

// rows are patches that both sides take.
func rows() map[string]string {
	return map[string]string{
		"nothing":                          `{}`,
		"a label":                          `metadata: {labels: {team: a}}`,
		"a label of the pod, and one gone": `spec: {template: {metadata: {labels: {team: a}, annotations: {sum: null}}}}`,
		"a new map":                        `spec: {template: {metadata: {labels: {team: a}}}, selector: {matchLabels: {a: b}}}`,
		"a number":                         `spec: {replicas: 3, progressDeadlineSeconds: 60}`,
		"a container's field":              `spec: {template: {spec: {containers: [{name: tbot, resources: {limits: {cpu: "1"}}}]}}}`,
		"a sidecar":                        `spec: {template: {spec: {containers: [{name: side, image: side:1}]}}}`,
		"a sidecar and a field":            `spec: {template: {spec: {containers: [{name: side, image: side:1}, {name: tbot, tty: true}]}}}`,
		"an environment variable":          `spec: {template: {spec: {containers: [{name: tbot, env: [{name: C, value: "3"}, {name: A, value: "9"}]}]}}}`,
		"arguments are replaced":           `spec: {template: {spec: {containers: [{name: tbot, args: [start]}]}}}`,
		"tolerations are replaced":         `spec: {template: {spec: {tolerations: [{key: gpu, operator: Exists}]}}}`,
		"capabilities are replaced":        `spec: {template: {spec: {containers: [{name: tbot, securityContext: {capabilities: {drop: [NET_RAW], add: [NET_BIND_SERVICE]}}}]}}}`,
		"a port by its number":             `spec: {template: {spec: {containers: [{name: tbot, ports: [{containerPort: 3001, protocol: TCP}, {containerPort: 80}]}]}}}`,
		"a mount by its path":              `spec: {template: {spec: {containers: [{name: tbot, volumeMounts: [{mountPath: /config, readOnly: true, name: config}]}]}}}`,
		"a pull secret":                    `spec: {template: {spec: {imagePullSecrets: [{name: more}]}}}`,
		"a volume of another kind":         `spec: {template: {spec: {volumes: [{name: scratch, emptyDir: null, hostPath: {path: /tmp}}]}}}`,
		"a volume gone":                    `spec: {template: {spec: {volumes: [{name: scratch, $patch: delete}]}}}`,
		"volumes replaced":                 `spec: {template: {spec: {volumes: [{$patch: replace}, {name: only, emptyDir: {}}]}}}`,
		"a map replaced":                   `spec: {template: {spec: {securityContext: {$patch: replace, fsGroup: 1}}}}`,
		"a map emptied":                    `spec: {template: {spec: {securityContext: {$patch: delete}}}}`,
		"a field gone":                     `spec: {template: {spec: {securityContext: {runAsUser: null, runAsGroup: null}, nodeSelector: null}}}`,
		"nulls in what is new":             `spec: {template: {spec: {affinity: {nodeAffinity: null, podAffinity: {}}, dnsConfig: {nameservers: [1.1.1.1], options: null}}}}`,
		"finalizers are a set":             `metadata: {finalizers: [a/b, a/b]}`,
	}
}

func decode(t *testing.T, text string) map[string]any {
	t.Helper()
	data, err := yaml.YAMLToJSONStrict([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	var object map[string]any
	if err := utiljson.Unmarshal(data, &object); err != nil {
		t.Fatal(err)
	}
	return object
}

// TestAsTheLibrary holds every row to what apimachinery's own merge gives. It puts new elements of a list to its front; the order is
// left out of the comparison, and is TestOrder's.
func TestAsTheLibrary(t *testing.T) {
	t.Parallel()
	for name, text := range rows() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			object, patch := decode(t, workload), decode(t, text)
			got, err := strategic.Merge(object, patch, reflect.TypeFor[appsv1.Deployment]())
			if err != nil {
				t.Fatal(err)
			}
			want, err := strategicpatch.StrategicMergeMapPatch(decode(t, workload), decode(t, text), appsv1.Deployment{})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(unordered(map[string]any(want)), unordered(got)); diff != "" {
				t.Errorf("other than the library (-) it merged to (+)\n%s", diff)
			}
			if !reflect.DeepEqual(object, decode(t, workload)) || !reflect.DeepEqual(patch, decode(t, text)) {
				t.Error("object or patch were changed")
			}
		})
	}
}

// unordered sorts every list by its elements' text.
func unordered(value any) any {
	switch value := value.(type) {
	case map[string]any:
		sorted := map[string]any{}
		for key, element := range value {
			sorted[key] = unordered(element)
		}
		return sorted
	case []any:
		sorted := make([]any, 0, len(value))
		for _, element := range value {
			sorted = append(sorted, unordered(element))
		}
		slices.SortFunc(sorted, func(a, b any) int {
			x, _ := json.Marshal(a)
			y, _ := json.Marshal(b)
			return strings.Compare(string(x), string(y))
		})
		return sorted
	}
	return value
}

func asText(t *testing.T, value any) string {
	t.Helper()
	text, err := yaml.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// What is there keeps its place: tbot's container stays the first.
func TestOrder(t *testing.T) {
	t.Parallel()
	merged, err := strategic.Merge(decode(t, workload), decode(t, rows()["a sidecar and a field"]), reflect.TypeFor[appsv1.Deployment]())
	if err != nil {
		t.Fatal(err)
	}
	text := asText(t, merged)
	if strings.Index(text, "name: tbot\n        ports") > strings.Index(text, "name: side") {
		t.Errorf("the sidecar stands first:\n%s", text)
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct{ patch, want string }{
		"a field that is none":            {`spec: {replica: 3}`, "spec.replica is no field"},
		"in an element":                   {`spec: {template: {spec: {containers: [{name: tbot, img: a}]}}}`, "spec.template.spec.containers[tbot].img is no field"},
		"in an embedded type":             {`spec: {template: {spec: {volumes: [{name: config, configmap: {}}]}}}`, "spec.template.spec.volumes[config].configmap is no field"},
		"a null for a field that is none": {`spec: {replica: null}`, "spec.replica is no field"},
		"an element without its key":      {`spec: {template: {spec: {containers: [{image: a}]}}}`, "spec.template.spec.containers: an element has no name"},
		"an element that is text":         {`spec: {template: {spec: {containers: [tbot]}}}`, "has to be a mapping"},
		"a delete of nothing":             {`spec: {template: {spec: {volumes: [{name: skratch, $patch: delete}]}}}`, "spec.template.spec.volumes[skratch]: there is none to delete"},
		"replace within an element":       {`spec: {template: {spec: {volumes: [{name: scratch, $patch: replace}]}}}`, "stands in an element of its own"},
		"a directive nobody knows":        {`spec: {$patch: remove}`, "spec.$patch: remove is not known"},
		"a directive that is not done":    {`spec: {template: {spec: {$setElementOrder/containers: [{name: tbot}]}}}`, "$setElementOrder/containers: the directive is not supported"},
		"the same in what is new":         {`spec: {template: {spec: {affinity: {$retainKeys: [a]}}}}`, "spec.template.spec.affinity.$retainKeys: the directive is not supported"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := strategic.Merge(decode(t, workload), decode(t, row.patch), reflect.TypeFor[appsv1.Deployment]())
			if err == nil || !strings.Contains(err.Error(), row.want) {
				t.Errorf("error %v, want %q", err, row.want)
			}
		})
	}
}

// Plain maps of text take any key.
func TestMapsOfText(t *testing.T) {
	t.Parallel()
	merged, err := strategic.Merge(decode(t, `data: {a: "1", b: "2"}`), decode(t, `data: {b: null, c.yaml: "x: 1\n"}`), reflect.TypeFor[corev1.ConfigMap]())
	if err != nil || !reflect.DeepEqual(merged, decode(t, `data: {a: "1", c.yaml: "x: 1\n"}`)) {
		t.Errorf("merged to %v, error %v", merged, err)
	}
}
