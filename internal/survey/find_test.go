package survey_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/tbotctl/tbotctl/internal/kube"
	"github.com/tbotctl/tbotctl/internal/survey"
	"github.com/tbotctl/tbotctl/internal/tbotconfig"
)

// ofTheChart has the shape of Helm's chart tbot (teleport-facts 8).
const ofTheChart = `
apiVersion: v1
kind: ConfigMap
metadata:
  name: chart-tbot
  labels: {app.kubernetes.io/name: tbot, app.kubernetes.io/instance: chart, app.kubernetes.io/managed-by: Helm}
data:
  tbot.yaml: |
    version: v2
    onboarding: {join_method: kubernetes, token: chart-token}
    storage: {type: kubernetes_secret, name: chart-tbot}
    outputs: [{type: identity, destination: {type: kubernetes_secret, name: chart-tbot-out}}]
    services: [{type: kubernetes/argo-cd, selectors: [{labels: {env: prod}}]}]
    proxy_server: teleport.example.com:443
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: chart-tbot
  labels: {app.kubernetes.io/name: tbot, app.kubernetes.io/instance: chart, app.kubernetes.io/managed-by: Helm}
  annotations: {meta.helm.sh/release-name: chart, meta.helm.sh/release-namespace: NAMESPACE}
spec:
  replicas: 0
  selector: {matchLabels: {app.kubernetes.io/name: tbot, app.kubernetes.io/instance: chart}}
  template:
    metadata: {labels: {app.kubernetes.io/name: tbot, app.kubernetes.io/instance: chart}}
    spec:
      containers:
        - {name: sidecar, image: "registry.example.com/proxy:1"}
        - name: tbot
          image: public.ecr.aws/gravitational/tbot-distroless:18.2.0
          args: [start, -c, /config/tbot.yaml, --log-format, json, --diag-addr, "0.0.0.0:3001"]
          volumeMounts: [{mountPath: /config, name: config}]
      volumes: [{name: config, configMap: {name: chart-tbot}}]
`

// ofTheGuide has the shape of the guides' manifests, with what people do to them: an unknown key in tbot.yaml.
const ofTheGuide = `
apiVersion: v1
kind: ConfigMap
metadata: {name: tbot-config}
data:
  tbot.yaml: |
    version: v2
    onboarding: {join_method: kubernetes, token: bot-kubernetes}
    storage: {type: memory}
    proxy_server: teleport.example.com:443
    ouputs: []
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: by-hand}
spec:
  replicas: 0
  selector: {matchLabels: {app: by-hand}}
  template:
    metadata: {labels: {app: by-hand}}
    spec:
      serviceAccountName: tbot
      containers:
        - name: tbot
          image: public.ecr.aws/gravitational/tbot-distroless:17.0.0-dev
          args: [start, -c, /config/tbot.yaml]
          volumeMounts: [{mountPath: /config, name: config}]
      volumes: [{name: config, configMap: {name: tbot-config}}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: lost}
spec:
  replicas: 0
  selector: {matchLabels: {app: lost}}
  template:
    metadata: {labels: {app: lost}}
    spec:
      containers:
        - name: tbot
          image: tbot:18
          args: [start, -c, /config/tbot.yaml]
          volumeMounts: [{mountPath: /config, name: config}]
      volumes: [{name: config, configMap: {name: gone}}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 0
  selector: {matchLabels: {app: web}}
  template: {metadata: {labels: {app: web}}, spec: {containers: [{name: web, image: "registry.example.com/chatbot:1"}]}}
`

func TestFindsEveryTbotWhoeverMadeIt(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.apply(t, ofTheChart)
	s.kubectl(t, strings.ReplaceAll(ofTheGuide, "NAMESPACE", s.namespace), "create", "-f", "-")
	setup := s.setup()
	setup.Name = "ours"
	s.install(t, setup)

	for name, options := range map[string]survey.Options{"the namespace": {Namespace: s.namespace}, "the cluster": {Fallback: "default"}} {
		found, err := survey.Find(t.Context(), s.kube, options)
		if err != nil || found.Narrowed != nil {
			t.Fatalf("%s: %v, %v", name, err, found.Narrowed)
		}
		var got []string
		for _, w := range found.Workloads {
			if w.Deployment.Namespace != s.namespace {
				continue
			}
			got = append(got, w.Deployment.Name+" by "+w.Manager)
			switch w.Deployment.Name {
			case "ours":
				if w.ConfigMap != "ours-config" || w.Key != "tbot.yaml" || w.ConfigErr != nil || w.Problem != nil || w.Config.Onboarding.Token != setup.WithClusterID("1a2b3c4d").Names().Token {
					t.Errorf("ours: %+v", w)
				}
			case "chart-tbot":
				if w.Container != 1 || w.Config.Storage.Name != "chart-tbot" || len(w.Config.Outputs) != 2 || w.Config.Outputs[1].Shared().Type != tbotconfig.TypeArgoCD || w.Problem != nil {
					t.Errorf("the chart's: %+v", w)
				}
			case "by-hand":
				if w.Problem == nil || !strings.Contains(w.Problem.Error(), "line 5: key ouputs is not known here") || w.Config.Onboarding.Token != "bot-kubernetes" || w.ConfigErr != nil {
					t.Errorf("made by hand: %+v", w)
				}
			case "lost":
				if w.ConfigErr == nil || !strings.Contains(w.ConfigErr.Error(), "ConfigMap "+s.namespace+"/gone, which the pods mount: it does not exist") || w.ConfigMap != "gone" {
					t.Errorf("without its ConfigMap: %+v", w)
				}
			}
		}
		if want := []string{"by-hand by kubectl", "chart-tbot by Helm", "lost by kubectl", "ours by tbotctl"}; !slices.Equal(got, want) {
			t.Errorf("%s: found %q, want %q", name, got, want)
		}
	}

	one, err := survey.Find(t.Context(), s.kube, survey.Options{Namespace: s.namespace, Name: "ours"})
	if err != nil || len(one.Workloads) != 1 || one.Workloads[0].Deployment.Name != "ours" {
		t.Errorf("by name: %+v, %v", one, err)
	}
	if _, err := survey.Find(t.Context(), s.kube, survey.Options{Namespace: s.namespace, Name: "web"}); !errors.Is(err, survey.ErrNoTbot) {
		t.Errorf("one that is none: %v", err)
	}
	if none, err := survey.Find(t.Context(), s.kube, survey.Options{Namespace: s.namespace, Name: "nobody"}); err != nil || len(none.Workloads) != 0 {
		t.Errorf("one that is not there: %+v, %v", none, err)
	}
}

func TestFindWithFewRights(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.apply(t, ofTheChart)
	viewer := s.viewer(t)

	found, err := survey.Find(t.Context(), viewer, survey.Options{Fallback: s.namespace})
	if err != nil || len(found.Workloads) != 1 || !kube.Is(found.Narrowed, kube.Forbidden) {
		t.Errorf("a viewer's whole cluster: %+v, %v; want the namespace, and why", found, err)
	}
	if _, err = survey.Find(t.Context(), viewer, survey.Options{}); !kube.Is(err, kube.Forbidden) {
		t.Errorf("without a fallback: %v, want Forbidden", err)
	}
	if _, err = survey.Find(t.Context(), viewer, survey.Options{Namespace: "kube-system"}); !kube.Is(err, kube.Forbidden) {
		t.Errorf("another namespace: %v, want Forbidden", err)
	}

	// Who may read Deployments and no ConfigMaps still finds it, and knows what is missing.
	user := "clerk-" + s.namespace
	s.kubectl(t, "", "create", "role", "clerk", "--verb=get,list", "--resource=deployments.apps")
	s.kubectl(t, "", "create", "rolebinding", "clerk", "--role=clerk", "--user="+user)
	w := s.only(t, connect(t, s.plane.KubeconfigFor(t, user)))
	if !apierrors.IsForbidden(w.ConfigErr) || w.ConfigMap != "chart-tbot" || w.Text != "" {
		t.Errorf("without ConfigMaps: %+v; want ConfigErr to be Forbidden", w)
	}
}
