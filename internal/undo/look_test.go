package undo_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	kubetypes "k8s.io/apimachinery/pkg/types"

	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/internal/undo"
)

func TestLookKeepsTheOrder(t *testing.T) {
	t.Parallel()
	found := installed(t).look(t, false)
	want := []string{
		"token tbot-1a2b3c4d", "Deployment machines/tbot", "RoleBinding machines/tbot-output", "Role machines/tbot-output",
		"ConfigMap machines/tbot-config", "ServiceAccount machines/tbot", "bot tbot-1a2b3c4d", "Namespace machines",
	}
	if got := ids(found.Of(undo.Remove)); !slices.Equal(got, want) {
		t.Errorf("the order is %v, want %v", got, want)
	}
	if found.Lifetime != time.Hour || !slices.Equal(found.Users, []string{"bot-tbot-1a2b3c4d"}) || len(found.Unknown) > 0 {
		t.Errorf("inventory %+v", found)
	}
}

// TestLookThatIsImpossible tells looks that everything depends on from those that are only said.
func TestLookThatIsImpossible(t *testing.T) {
	t.Parallel()
	for _, call := range []string{"List Deployment", "List Role", "Read ConfigMap", "Token", "Bot", "SecretMetadata", "Read Namespace"} {
		t.Run(call, func(t *testing.T) {
			t.Parallel()
			at := installed(t)
			at.fails[call] = errBroken
			if _, err := undo.Look(t.Context(), undo.Target{Setup: setup()}, at, at); !errors.Is(err, errBroken) {
				t.Errorf("error %v, want the server's", err)
			}
		})
	}
	for call, word := range map[string]string{"Bots": "under other names", "Pods": "which pods use the credentials"} {
		t.Run(call, func(t *testing.T) {
			t.Parallel()
			at := installed(t)
			at.secrets["tbot-output"] = written("tbot")
			at.fails[call] = errBroken
			found := at.look(t, false)
			if len(found.Unknown) != 1 || !strings.Contains(found.Unknown[0], word) || !strings.Contains(found.Unknown[0], errBroken.Error()) {
				t.Errorf("unknown %v, want one that says %q and why", found.Unknown, word)
			}
		})
	}
}

func TestLookReadsTheInstalledConfiguration(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		config   string
		lifetime time.Duration
		tokens   []string
		unknown  bool
	}{
		"as rendered": {"", time.Hour, []string{"tbot-1a2b3c4d"}, false},
		"an output that lives longer": {
			"version: v2\nonboarding: {token: door, join_method: kubernetes}\nstorage: {type: memory}\nproxy_server: example.com:443\n" +
				"outputs: [{type: identity, credential_ttl: 8h, destination: {type: kubernetes_secret, name: s}}]\n",
			8 * time.Hour,
			[]string{"tbot-1a2b3c4d", "door"},
			false,
		},
		"no tbot.yaml": {"# gone\n", 24 * time.Hour, []string{"tbot-1a2b3c4d"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			at := installed(t)
			if row.config != "" {
				if err := unstructured.SetNestedField(at.objects["ConfigMap tbot-config"].Object, row.config, "data", "tbot.yaml"); err != nil {
					t.Fatal(err)
				}
			}
			found := at.look(t, false)
			var tokens []string
			for _, item := range found.Items {
				if item.Kind == "token" {
					tokens = append(tokens, item.Name)
				}
			}
			if found.Lifetime != row.lifetime || !slices.Equal(tokens, row.tokens) || (len(found.Unknown) > 0) != row.unknown {
				t.Errorf("lifetime %s, tokens %v, unknown %v; want %s, %v, %v", found.Lifetime, tokens, found.Unknown, row.lifetime, row.tokens, row.unknown)
			}
		})
	}
}

func TestLookFindsBotsByTheirMarks(t *testing.T) {
	t.Parallel()
	at := installed(t)
	at.bots["robot"] = markedBot("robot", setup().InstallID())
	at.bots["theirs"] = markedBot("theirs", "another/installation")
	found := at.look(t, false)
	if !slices.Contains(ids(found.Of(undo.Remove)), "bot robot") || !slices.Contains(found.Users, "bot-robot") {
		t.Errorf("the bot of another name is not found: %v, users %v", ids(found.Items), found.Users)
	}
	if slices.Contains(ids(found.Items), "bot theirs") {
		t.Error("another installation's bot is listed")
	}
}

func TestLookLeavesToManagersWhatIsTheirs(t *testing.T) {
	t.Parallel()
	yes := true
	for manager, mark := range map[string]func(*unstructured.Unstructured){
		"Argo CD": func(u *unstructured.Unstructured) {
			u.SetAnnotations(with(u.GetAnnotations(), "argocd.argoproj.io/tracking-id", "x"))
		},
		"Flux": func(u *unstructured.Unstructured) {
			u.SetLabels(with(u.GetLabels(), "kustomize.toolkit.fluxcd.io/name", "x"))
		},
		"Helm": func(u *unstructured.Unstructured) {
			u.SetAnnotations(with(u.GetAnnotations(), "meta.helm.sh/release-name", "x"))
		},
		"Machine main": func(u *unstructured.Unstructured) {
			u.SetOwnerReferences([]metav1.OwnerReference{{Kind: "Machine", Name: "main", Controller: &yes}})
		},
	} {
		t.Run(manager, func(t *testing.T) {
			t.Parallel()
			at := installed(t)
			mark(at.objects["Deployment tbot"])
			if got := item(t, at.look(t, false), "Deployment"); got.Fate != undo.Keep || !strings.Contains(got.Reason, "managed by "+manager) {
				t.Errorf("%+v, want it left to %s", got, manager)
			}
		})
	}
}

func with(m map[string]string, key, value string) map[string]string {
	m[key] = value
	return m
}

// written is a Secret whose data those managers hold.
func written(managers ...string) *metav1.PartialObjectMetadata {
	secret := &metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{UID: "uid of Secret"}}
	for _, manager := range managers {
		secret.ManagedFields = append(secret.ManagedFields, metav1.ManagedFieldsEntry{
			Manager: manager, FieldsV1: metav1.NewFieldsV1(`{"f:data":{"f:identity":{}}}`),
		})
	}
	secret.ManagedFields = append(secret.ManagedFields, metav1.ManagedFieldsEntry{
		Manager: "labeller", FieldsV1: metav1.NewFieldsV1(`{"f:metadata":{"f:labels":{}}}`),
	})
	return secret
}

func TestLookAtOutputs(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		secret *metav1.PartialObjectMetadata
		purge  bool
		fate   undo.Fate
		reason string
	}{
		"none":                          {nil, true, undo.Gone, ""},
		"kept by default":               {written("tbot"), false, undo.Keep, "--purge-outputs removes them"},
		"purged":                        {written("tbot"), true, undo.Remove, ""},
		"somebody else's":               {written("kubectl"), true, undo.Keep, "not tbot's alone"},
		"tbot's and somebody else's":    {written("kubectl", "tbot"), true, undo.Keep, "not tbot's alone"},
		"without any data, not written": {written(), true, undo.Keep, "not written by tbot"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			at := installed(t)
			if row.secret != nil {
				at.secrets["tbot-output"] = row.secret
			}
			got := item(t, at.look(t, row.purge), "Secret")
			if got.Fate != row.fate || !strings.Contains(got.Reason, row.reason) {
				t.Errorf("%+v, want %s because %q", got, row.fate, row.reason)
			}
		})
	}
}

func TestLookFindsWhoUsesAnOutput(t *testing.T) {
	t.Parallel()
	ref := corev1.LocalObjectReference{Name: "tbot-output"}
	pod := func(name string, spec corev1.PodSpec) corev1.Pod {
		return corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: spec}
	}
	volume := func(source corev1.VolumeSource) corev1.PodSpec {
		return corev1.PodSpec{Volumes: []corev1.Volume{{VolumeSource: source}}}
	}
	env := func(from corev1.EnvVarSource) []corev1.Container {
		return []corev1.Container{{Env: []corev1.EnvVar{{Name: "A", Value: "tbot-output"}, {Name: "B", ValueFrom: &from}}}}
	}
	at := installed(t)
	at.secrets["tbot-output"] = written("tbot")
	at.pods = []corev1.Pod{
		pod("volume", volume(corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: ref.Name}})),
		pod("projected", volume(corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{Sources: []corev1.VolumeProjection{
			{ConfigMap: &corev1.ConfigMapProjection{LocalObjectReference: ref}}, {Secret: &corev1.SecretProjection{LocalObjectReference: ref}},
		}}})),
		pod("env", corev1.PodSpec{Containers: env(corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{LocalObjectReference: ref}})}),
		pod("init", corev1.PodSpec{InitContainers: []corev1.Container{{EnvFrom: []corev1.EnvFromSource{{SecretRef: &corev1.SecretEnvSource{LocalObjectReference: ref}}}}}}),
		pod("pull", corev1.PodSpec{ImagePullSecrets: []corev1.LocalObjectReference{ref}}),
		pod("none", volume(corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: ref}})),
		pod("other", volume(corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "another"}})),
		pod("config", corev1.PodSpec{Containers: env(corev1.EnvVarSource{ConfigMapKeyRef: &corev1.ConfigMapKeySelector{LocalObjectReference: ref}})}),
	}
	if got, want := item(t, at.look(t, false), "Secret").UsedBy, []string{"volume", "projected", "env", "init", "pull"}; !slices.Equal(got, want) {
		t.Errorf("used by %v, want %v", got, want)
	}
}

func TestLookAtTheNamespace(t *testing.T) {
	t.Parallel()
	object := func(kind, name string, owners ...kubetypes.UID) metav1.PartialObjectMetadata {
		o := metav1.PartialObjectMetadata{TypeMeta: metav1.TypeMeta{Kind: kind}, ObjectMeta: metav1.ObjectMeta{Name: name, UID: kubetypes.UID(kind + name)}}
		for _, owner := range owners {
			o.OwnerReferences = append(o.OwnerReferences, metav1.OwnerReference{UID: owner})
		}
		return o
	}
	ours := metav1.PartialObjectMetadata{TypeMeta: metav1.TypeMeta{Kind: "Deployment"}, ObjectMeta: metav1.ObjectMeta{Name: "tbot", UID: "uid of Deployment machines/tbot"}}
	many := make([]metav1.PartialObjectMetadata, 0, 7)
	for _, name := range []string{"a", "b", "c", "d", "e", "f", "g"} {
		many = append(many, object("Job", name))
	}
	for name, row := range map[string]struct {
		contents []metav1.PartialObjectMetadata
		fail     error
		mark     string
		fate     undo.Fate
		reason   string
	}{
		"empty": {nil, nil, setup().InstallID(), undo.Remove, ""},
		"what every namespace has": {
			[]metav1.PartialObjectMetadata{object("ServiceAccount", "default"), object("ConfigMap", "kube-root-ca.crt"), object("RoleBinding", "system:deployers")},
			nil, setup().InstallID(), undo.Remove, "",
		},
		"what goes too, and what it owns": {
			[]metav1.PartialObjectMetadata{object("Pod", "p", "ReplicaSetr"), object("ReplicaSet", "r", ours.UID), ours}, nil, setup().InstallID(), undo.Remove, "",
		},
		"a pod of somebody else's": {[]metav1.PartialObjectMetadata{ours, object("Pod", "p", "another")}, nil, setup().InstallID(), undo.Keep, "holds Pod p"},
		"many others":              {many, nil, setup().InstallID(), undo.Keep, "holds Job a, Job b, Job c, Job d, Job e, 2 more"},
		"not to be looked into":    {nil, errBroken, setup().InstallID(), undo.Keep, "could not be seen: " + errBroken.Error()},
		"not ours":                 {nil, nil, "", undo.Keep, "not made by tbotctl"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			at := installed(t)
			at.contents, at.fails["Contents"] = row.contents, row.fail
			at.objects["Namespace machines"].SetAnnotations(map[string]string{spec.MarkInstall: row.mark})
			if got := item(t, at.look(t, false), "Namespace"); got.Fate != row.fate || !strings.Contains(got.Reason, row.reason) {
				t.Errorf("%+v, want %s because %q", got, row.fate, row.reason)
			}
		})
	}
}
