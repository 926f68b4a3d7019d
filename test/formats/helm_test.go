package formats_test

import (
	"maps"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/common/util"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	"helm.sh/helm/v4/pkg/engine"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/internal/tbotconfig"
	"github.com/tbotctl/tbotctl/manifests"
)

// install renders the chart of testdata with values, as `helm install` would. It is a chart of the shape of Teleport's and not Teleport's:
// what is shown is that our values have that form, and say what our manifests say.
func install(t *testing.T, s spec.Setup, values []byte) (*appsv1.Deployment, *corev1.ConfigMap, []string) {
	t.Helper()
	shape, err := loader.LoadDir("testdata/chart")
	if err != nil {
		t.Fatal(err)
	}
	shape.Metadata.Version = s.Resolved.ImageVersion() // --version
	given, err := loader.LoadValues(strings.NewReader(string(values)))
	if err != nil {
		t.Fatal(err)
	}
	known(t, shape, given)
	all, err := util.ToRenderValues(shape, given, common.ReleaseOptions{Name: s.Name, Namespace: s.Kubernetes.Namespace, IsInstall: true}, nil)
	if err != nil {
		t.Fatal(err)
	}
	rendered, err := engine.Render(shape, all)
	if err != nil {
		t.Fatal(err)
	}
	deployment, config, kinds := new(appsv1.Deployment), new(corev1.ConfigMap), []string{}
	for _, file := range slices.Sorted(maps.Keys(rendered)) {
		for document := range strings.SplitSeq(rendered[file], "\n---\n") {
			if strings.TrimSpace(document) == "" || path.Ext(file) != ".yaml" {
				continue
			}
			kind, _ := read(t, []byte(document))["kind"].(string)
			kinds = append(kinds, kind)
			into := map[string]any{"Deployment": deployment, "ConfigMap": config}[kind]
			if into == nil {
				continue
			}
			if err := yaml.UnmarshalStrict([]byte(document), into); err != nil {
				t.Fatalf("%v in\n%s", err, document)
			}
		}
	}
	return deployment, config, kinds
}

// known fails for a value that the chart does not have: it would be ignored in silence.
func known(t *testing.T, shape *chart.Chart, given map[string]any) {
	t.Helper()
	for key := range given {
		if _, found := shape.Values[key]; !found {
			t.Errorf("the chart has no value %s", key)
		}
	}
}

// TestHelmAgreesWithTheSet holds what the chart makes of our values to what init would apply.
func TestHelmAgreesWithTheSet(t *testing.T) {
	t.Parallel()
	for name, setup := range setups(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			set, files := formatted(t, setup, spec.KubeHelm, spec.TeleportYAML)
			made, config, kinds := install(t, setup, files[manifests.ValuesFile])
			if want := []string{"ConfigMap", "Deployment"}; !slices.Equal(kinds, want) {
				t.Errorf("the chart makes %v, want %v: account and rights are the manifests'", kinds, want)
			}
			want, err := set.Deployment()
			if err != nil {
				t.Fatal(err)
			}
			agree(t, setup, want, made)
			for _, resource := range set {
				if resource.Kind == "ConfigMap" {
					sameConfig(t, at(t, resource.Object.Object, "data", manifests.ConfigFile).(string), config.Data[manifests.ConfigFile])
				}
			}
			if config.Name != made.Spec.Template.Spec.Volumes[0].ConfigMap.Name {
				t.Errorf("ConfigMap %s, mounted is %s", config.Name, made.Spec.Template.Spec.Volumes[0].ConfigMap.Name)
			}
			manifestsBeside(t, set, files)
		})
	}
}

// agree compares the pods in all that decides whether it joins, what it may do, and what a policy has a say in.
func agree(t *testing.T, s spec.Setup, want, made *appsv1.Deployment) {
	t.Helper()
	if made.Name != want.Name || made.Namespace != want.Namespace {
		t.Errorf("Deployment %s/%s, want %s/%s", made.Namespace, made.Name, want.Namespace, want.Name)
	}
	ours, theirs := want.Spec.Template.Spec, made.Spec.Template.Spec
	for what, pair := range map[string][2]any{
		"account":       {ours.ServiceAccountName, theirs.ServiceAccountName},
		"pull secrets":  {ours.ImagePullSecrets, theirs.ImagePullSecrets},
		"node selector": {ours.NodeSelector, theirs.NodeSelector},
		"tolerations":   {ours.Tolerations, theirs.Tolerations},
		"image":         {ours.Containers[0].Image, theirs.Containers[0].Image},
		"resources":     {ours.Containers[0].Resources, theirs.Containers[0].Resources},
		"strategy":      {want.Spec.Strategy, made.Spec.Strategy},
		"replicas":      {want.Spec.Replicas, made.Spec.Replicas},
		"join token":    {joinToken(ours), joinToken(theirs)},
		"variables":     {variables(ours), variables(theirs)},
		"user labels":   {s.Workload.Labels, chosen(made.Spec.Template.Labels, s.Workload.Labels)},
		"annotations":   {map[string]string(s.Workload.Annotations), chosen(made.Spec.Template.Annotations, s.Workload.Annotations)},
		"mark":          {want.Annotations[spec.MarkInstall], made.Annotations[spec.MarkInstall]},
	} {
		if diff := cmp.Diff(plain(t, pair[0]), plain(t, pair[1])); diff != "" {
			t.Errorf("%s (-set +chart):\n%s", what, diff)
		}
	}
	both := *ours.Containers[0].SecurityContext
	both.RunAsNonRoot, both.RunAsUser, both.RunAsGroup = ours.SecurityContext.RunAsNonRoot, ours.SecurityContext.RunAsUser, ours.SecurityContext.RunAsGroup
	both.SeccompProfile = ours.SecurityContext.SeccompProfile
	if diff := cmp.Diff(plain(t, both), plain(t, theirs.Containers[0].SecurityContext)); diff != "" {
		t.Errorf("security context (-set +chart):\n%s", diff)
	}
}

// joinToken is the projected token with the path that tbot reads it from.
func joinToken(pod corev1.PodSpec) any {
	for _, volume := range pod.Volumes {
		if volume.Projected == nil {
			continue
		}
		for _, mount := range pod.Containers[0].VolumeMounts {
			if mount.Name == volume.Name {
				return []any{volume.Projected.Sources, mount.MountPath}
			}
		}
	}
	return nil
}

// variables are those that tbot is told by, the one of the proxy's authority as the name of what is mounted there.
func variables(pod corev1.PodSpec) map[string]string {
	all := map[string]string{}
	for _, variable := range pod.Containers[0].Env {
		switch {
		case variable.Name == "TELEPORT_NODE_NAME": // the chart's own
		case variable.ValueFrom != nil:
			all[variable.Name] = "from " + variable.ValueFrom.FieldRef.FieldPath
		case variable.Name == "SSL_CERT_FILE":
			all[variable.Name] = mounted(pod, variable.Value)
		default:
			all[variable.Name] = variable.Value
		}
	}
	return all
}

// mounted says from which ConfigMap a file is.
func mounted(pod corev1.PodSpec, file string) string {
	for _, mount := range pod.Containers[0].VolumeMounts {
		for _, volume := range pod.Volumes {
			if volume.Name == mount.Name && mount.MountPath == path.Dir(file) && volume.ConfigMap != nil {
				return path.Base(file) + " of " + volume.ConfigMap.Name
			}
		}
	}
	return "nothing is mounted at " + file
}

func chosen(all, asked map[string]string) map[string]string {
	if asked == nil {
		return nil
	}
	found := map[string]string{}
	for key := range asked {
		found[key] = all[key]
	}
	return found
}

// sameConfig holds the chart's tbot.yaml to ours, read as tbot reads it.
func sameConfig(t *testing.T, ours, theirs string) {
	t.Helper()
	want, err := tbotconfig.Decode([]byte(ours))
	if err != nil {
		t.Fatal(err)
	}
	got, err := tbotconfig.Decode([]byte(theirs))
	if err != nil {
		t.Fatalf("%v in\n%s", err, theirs)
	}
	for _, config := range []*tbotconfig.Config{&want, &got} {
		if _, err := tbotconfig.Encode(*config); err != nil {
			t.Fatal(err)
		}
	}
	a, _ := tbotconfig.Encode(want)
	b, _ := tbotconfig.Encode(got)
	if string(a) != string(b) {
		t.Errorf("tbot.yaml (-set +chart):\n%s", cmp.Diff(string(a), string(b)))
	}
}

// manifestsBeside holds that everything but ConfigMap and Deployment is in the manifests as it was, and the proxy's authority with them.
func manifestsBeside(t *testing.T, set manifests.Set, files map[string][]byte) {
	t.Helper()
	text := string(files["kubernetes/namespace.yaml"]) + "---\n" + string(files["kubernetes/rbac.yaml"])
	for _, resource := range set.Side(spec.SideKubernetes) {
		switch resource.Kind {
		case "Deployment":
		case "ConfigMap":
			authority, found := resource.Object.Object["data"].(map[string]any)[manifests.ProxyCAFile]
			if !found {
				if files["kubernetes/config.yaml"] != nil {
					t.Error("there is a ConfigMap beside the chart's, with nothing in it")
				}
				continue
			}
			beside := read(t, files["kubernetes/config.yaml"])
			if diff := cmp.Diff(map[string]any{manifests.ProxyCAFile: authority}, at(t, beside, "data")); diff != "" {
				t.Errorf("ConfigMap beside the chart's (-want +got):\n%s", diff)
			}
			if at(t, beside, "metadata", "name") != resource.Name {
				t.Errorf("it is called %v", at(t, beside, "metadata", "name"))
			}
		default:
			if !strings.Contains(text, string(resource.YAML)) {
				t.Errorf("%s is not in the manifests", resource.ID())
			}
		}
	}
}
