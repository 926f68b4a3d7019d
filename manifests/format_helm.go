package manifests

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/tbotctl/tbotctl/internal/spec"
)

// Teleport's Helm chart for tbot, and what it is called where it is published (teleport-facts 8.1).
const (
	TbotChart       = "tbot"
	ChartRepository = "https://charts.releases.teleport.dev"
)

// authorityMount is where the chart's pod finds the proxy's authority: the ConfigMap that the chart makes holds tbot.yaml alone.
const authorityMount = "/etc/teleport-proxy-ca"

// chartView is what the template of the chart's values reads.
type chartView struct {
	Setup                             spec.Setup
	Names                             spec.Names
	Version, Release, Image, Audience string
	Config                            map[string]any
	Pod                               chartPod
	Labels, Annotations               chartMarks
}

// chartMarks are labels or annotations of the chart's objects.
type chartMarks struct{ Config, Deployment, Pod map[string]any }

// helm gives the Kubernetes side to Teleport's chart. Account, Role, RoleBinding and namespace stay manifests, since the chart's own are
// wider; the ConfigMap stays where it holds the proxy's authority. The values say what the Deployment of the set says, and what they cannot
// say is refused: nothing is lost on the way.
func (s Set) helm(setup spec.Setup) ([]File, error) {
	v := chartView{Setup: setup, Names: setup.Names(), Release: setup.Name, Audience: setup.Resolved.TokenAudience()}
	if v.Audience == "" {
		return nil, refuse(string(spec.KubeHelm), "join-type", "in_cluster with a server before 17.0.3")
	}
	var kept Set
	for _, r := range s {
		switch r.Stage {
		case StageConfig:
			rest, err := v.readConfig(r)
			if err != nil {
				return nil, err
			}
			kept = append(kept, rest...)
		case StageWorkload:
			if err := v.readDeployment(r.Object); err != nil {
				return nil, err
			}
		default:
			kept = append(kept, r)
		}
	}
	values, err := v.values()
	if err != nil {
		return nil, err
	}
	return append(kept.Files(), File{Path: ValuesFile, Data: values}), nil
}

// values fills the template, below what the chart makes weaker.
func (v chartView) values() ([]byte, error) {
	parsed, err := parse()
	if err != nil {
		return nil, err
	}
	var text bytes.Buffer
	text.WriteString(comment(Shortfalls(string(spec.KubeHelm))...) + "#\n")
	if err := parsed.ExecuteTemplate(&text, "tbotvalues.yaml", v); err != nil {
		return nil, fmt.Errorf("rendering the chart's values: %w", err)
	}
	return text.Bytes(), nil
}

// readConfig takes tbot.yaml out of the ConfigMap, and gives back what is left of it.
func (v *chartView) readConfig(r Resource) (Set, error) {
	data, _, err := unstructured.NestedStringMap(r.Object.Object, "data")
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", r.ID(), err)
	}
	if err := yaml.Unmarshal([]byte(data[ConfigFile]), &v.Config); err != nil {
		return nil, fmt.Errorf("reading %s of %s: %w", ConfigFile, r.ID(), err)
	}
	v.Labels.Config, v.Annotations.Config = ownMarks(r.Object.Object)
	delete(data, ConfigFile)
	for _, field := range append(slices.Sorted(maps.Keys(data)), "binaryData", "immutable") {
		if _, there := r.Object.Object[field]; field != ProxyCAFile && (there || data[field] != "") {
			return nil, noValue(field + " of the ConfigMap")
		}
	}
	if len(data) == 0 {
		return nil, nil
	}
	r.Object = r.Object.DeepCopy()
	if err := unstructured.SetNestedStringMap(r.Object.Object, data, "data"); err != nil {
		return nil, fmt.Errorf("writing %s: %w", r.ID(), err)
	}
	text, err := tree(0, r.Object.Object)
	r.YAML = []byte(strings.TrimPrefix(text, "\n") + "\n")
	return Set{r}, err
}

// readDeployment takes the Deployment apart.
func (v *chartView) readDeployment(deployment *unstructured.Unstructured) error {
	v.Labels.Deployment, v.Annotations.Deployment = ownMarks(deployment.Object)
	template, _, err := unstructured.NestedMap(deployment.Object, "spec", "template")
	if err != nil {
		return fmt.Errorf("reading the Deployment: %w", err)
	}
	v.Labels.Pod, v.Annotations.Pod = ownMarks(template)
	delete(v.Annotations.Pod, spec.MarkChecksum) // the chart has one of its own
	for _, own := range []struct {
		flag, key string
		given     map[string]any
	}{{"labels", "app.kubernetes.io/component", v.Labels.Pod}, {"labels", "helm.sh/chart", v.Labels.Pod}, {"annotations", "checksum/config", v.Annotations.Pod}} {
		if _, twice := own.given[own.key]; twice {
			return refuse(string(spec.KubeHelm), own.flag, spec.Quote(own.key))
		}
	}
	image := v.Setup.Resolved.Image
	v.Version = v.Setup.Resolved.ImageVersion()
	if !spec.IsRelease(v.Version) {
		return refuse(string(spec.KubeHelm), "image", spec.Quote(image))
	}
	v.Pod, err = podOf(deployment, v.Names, v.Audience)
	if err != nil {
		return err
	}
	v.Image = strings.TrimSuffix(v.Pod.image, ":"+v.Version)
	if v.Image == v.Pod.image {
		return refuse(string(spec.KubeHelm), "image", spec.Quote(v.Pod.image))
	}
	return nil
}

// ownMarks are an object's labels and annotations without those that Helm and the chart set themselves.
func ownMarks(object map[string]any) (labels, annotations map[string]any) {
	metadata, _ := object["metadata"].(map[string]any)
	labels, annotations = copied(metadata["labels"]), copied(metadata["annotations"])
	for _, own := range []string{spec.LabelName, spec.LabelInstance, spec.LabelManagedBy} {
		delete(labels, own)
	}
	return labels, annotations
}
