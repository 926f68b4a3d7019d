package tbot_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/tbotctl/tbotctl/internal/tbot"
	"github.com/tbotctl/tbotctl/internal/tbotconfig"
	"github.com/tbotctl/tbotctl/internal/teleporttest"
)

// One Secret for each cluster, as Argo CD reads it (teleport-facts 6.5).
func TestArgoCD(t *testing.T) {
	t.Parallel()
	l := newKubeLab(t, teleporttest.Options{})
	output := argoCD(named("beta"), labelled("tier", "1"))
	output.SecretNamespace, output.SecretNamePrefix = "argocd", "prefix"
	output.SecretLabels = map[string]string{"team": "a", "argocd.argoproj.io/secret-type": "repository"}
	output.SecretAnnotations = map[string]string{"note": "b", "teleport.dev/bot-name": "somebody else"}
	output.Project, output.Namespaces, output.ClusterResources = "web", []string{"one", "two"}, true
	output.ClusterNameTemplate = "{{.KubeName}} of {{.ClusterName}}"
	run, store := l.runs(t, output), &secrets{}
	run.Destinations.Secrets = store
	at := time.Date(2026, time.November, 21, 9, 30, 0, 0, time.FixedZone("", 3600))
	run.MaxTTL = 10 * time.Minute
	result, err := run.Once(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got := result.Outputs[0]; !slices.Equal(got.Clusters, []string{"alpha", "beta"}) || got.Artifacts != nil || got.Destination.Type != "" || len(got.Secrets) != 2 {
		t.Errorf("output %v", got)
	}
	if len(store.put) != 2 {
		t.Fatalf("%d Secrets written", len(store.put))
	}
	secret := store.put[0]
	sum := sha256.Sum256([]byte(clusterName + "beta"))
	if want := "prefix." + hex.EncodeToString(sum[:8]); secret.Name != want || secret.Namespace != "argocd" || secret.Type != corev1.SecretTypeOpaque {
		t.Errorf("%s %s/%s, want argocd/%s", secret.Type, secret.Namespace, secret.Name, want)
	}
	if diff := cmp.Diff(map[string]string{"team": "a", "argocd.argoproj.io/secret-type": "cluster"}, secret.Labels); diff != "" {
		t.Errorf("labels (-want +got):\n%s", diff)
	}
	if updated, err := time.Parse(time.RFC3339, secret.Annotations["teleport.dev/updated"]); err != nil || time.Since(updated).Abs() > time.Minute {
		t.Errorf("updated %v, %v", secret.Annotations["teleport.dev/updated"], err)
	}
	delete(secret.Annotations, "teleport.dev/updated")
	if diff := cmp.Diff(map[string]string{
		"note": "b", "teleport.dev/bot-name": "example", "teleport.dev/kubernetes-cluster-name": "beta",
		"teleport.dev/teleport-cluster-name": clusterName, "teleport.dev/tbot-version": l.cluster.Version,
	}, secret.Annotations); diff != "" {
		t.Errorf("annotations (-want +got):\n%s", diff)
	}
	checkArgoData(t, l, secret)

	// The cluster's clock is what a Secret is dated by.
	run.Cluster.Now = func() time.Time { return at }
	session, err := tbot.Open(t.Context(), result.Identity)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := session.Close(); err != nil {
			t.Error(err)
		}
	}()
	made := run.Generate(t.Context(), session, 0)
	if made.Err != nil || len(made.Secrets) != 2 || made.Secrets[0].String() != "Secret argocd/"+secret.Name || made.Secrets[0].Cluster != "beta" {
		t.Errorf("made %v", made)
	}
}

func checkArgoData(t *testing.T, l lab, secret *corev1.Secret) {
	t.Helper()
	rawURL := base64.RawURLEncoding.EncodeToString
	want := map[string]string{
		"name": "beta of " + clusterName, "project": "web", "namespaces": "one,two", "clusterResources": "true",
		"server": "https://" + l.Addr() + "/v1/teleport/" + rawURL([]byte(clusterName)) + "/" + rawURL([]byte("beta")),
	}
	got := map[string]string{}
	for key, value := range secret.Data {
		if key != "config" {
			got[key] = string(value)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("data (-want +got):\n%s", diff)
	}
	var config struct {
		TLS map[string]string `json:"tlsClientConfig"`
	}
	if err := json.Unmarshal(secret.Data["config"], &config); err != nil {
		t.Fatal(err)
	}
	if keys := slices.Sorted(maps.Keys(config.TLS)); !slices.Equal(keys, []string{"caData", "certData", "keyData", "serverName"}) || config.TLS["serverName"] != "kube-teleport-proxy-alpn.localhost" {
		t.Errorf("config of %v for %s", keys, config.TLS["serverName"])
	}
	parts := map[string][]byte{}
	for key, value := range config.TLS {
		if strings.HasSuffix(key, "Data") {
			decoded, err := base64.StdEncoding.DecodeString(value)
			if err != nil {
				t.Fatalf("%s: %v", key, err)
			}
			parts[key] = decoded
		}
	}
	checkLogin(t, parts["certData"], parts["keyData"], parts["certData"])
	authority(t, parts["caData"])
}

func TestArgoCDDefaults(t *testing.T) {
	t.Parallel()
	l := newKubeLab(t, teleporttest.Options{})
	for name, row := range map[string]struct{ configured, pod, want string }{
		"its own":      {"argocd", "machines", "argocd"},
		"the pod's":    {"", "machines", "machines"},
		"neither said": {"", "", "default"},
	} {
		output := argoCD(named("alpha"))
		output.SecretNamespace = row.configured
		run, store := l.runs(t, output), &secrets{}
		run.Destinations = tbot.Destinations{Secrets: store, Namespace: row.pod}
		if _, err := run.Once(t.Context()); err != nil {
			t.Fatal(err)
		}
		secret := store.put[0]
		if secret.Namespace != row.want || !strings.HasPrefix(secret.Name, tbotconfig.DefaultArgoCDPrefix+".") {
			t.Errorf("%s: %s/%s", name, secret.Namespace, secret.Name)
		}
		if keys := slices.Sorted(maps.Keys(secret.Data)); !slices.Equal(keys, []string{"config", "name", "server"}) || string(secret.Data["name"]) != clusterName+"-alpha" {
			t.Errorf("%s: data %v named %s", name, keys, secret.Data["name"])
		}
	}
}

// A Secret that cannot be written keeps no other from being written, and the error names the cluster.
func TestArgoCDWriteErrors(t *testing.T) {
	t.Parallel()
	l := newKubeLab(t, teleporttest.Options{})
	forbidden := errors.New("forbidden")
	run, store := l.runs(t, argoCD(named("alpha"), named("beta"))), &secrets{refuse: map[string]error{"alpha": forbidden}}
	run.Destinations.Secrets = store
	result, err := run.Once(t.Context())
	if !errors.Is(err, forbidden) || err.Error() != "output kubernetes-argo-cd-1: cluster alpha: forbidden" || len(store.put) != 1 || len(result.Outputs[0].Secrets) != 2 {
		t.Errorf("error %v, %d written", err, len(store.put))
	}
	run.Destinations.Secrets = nil
	if _, err := run.Once(t.Context()); err == nil || !strings.Contains(err.Error(), "no Kubernetes cluster") {
		t.Errorf("without a store: %v", err)
	}
	empty := l.runs(t, argoCD(labelled("env", "nowhere")))
	empty.Destinations.Secrets = nil
	if result, err := empty.Once(t.Context()); err != nil || len(result.Outputs[0].Clusters) != 0 {
		t.Errorf("no match: %v, %v", result, err)
	}
}
