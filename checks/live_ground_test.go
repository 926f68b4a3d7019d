package checks

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/yaml"

	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/internal/tbotconfig"
	"github.com/tbotctl/tbotctl/internal/testkit"
	"github.com/tbotctl/tbotctl/manifests"
)

func TestMain(m *testing.M) { os.Exit(testkit.Main(m)) }

// teleportName is the Teleport cluster of these tests; the proxy's host is another name.
const teleportName = "main.example.com"

// setupOf is what discovery leaves of a cluster in which everything is well.
func setupOf(join spec.JoinType, access spec.Access) spec.Setup {
	s := spec.Default()
	s.Access = access
	s.Kubernetes.Namespace = "machines"
	s.Teleport.Proxy = "teleport.example.com:443"
	if access != spec.AccessNone {
		s.Teleport.Roles = []string{"access"}
	}
	s = s.WithClusterID("1a2b3c4d")
	s.Resolved = &spec.Resolved{
		ClusterName: teleportName, ServerVersion: "18.2.0", Image: "public.ecr.aws/gravitational/tbot-distroless:18.2.0", JoinType: join,
		Issuer: "https://oidc.eks.us-west-2.amazonaws.com/id/0123456789ABCDEF",
		JWKS:   `{"keys":[{"use":"sig","kty":"RSA","kid":"Zm9vYmFy","alg":"RS256","n":"sXchDaQebHnPiGvyDOAT4saGEUetSyo9MKLOoWFsueri23bOdgWp4Dy1Wl","e":"AQAB"}]}`,
	}
	return s
}

// rendered is a setup as init makes it.
func rendered(t *testing.T, join spec.JoinType, access spec.Access) (Workload, []Grant) {
	t.Helper()
	s := setupOf(join, access)
	set, err := manifests.Render(s)
	if err != nil {
		t.Fatal(err)
	}
	deployment, err := set.Deployment()
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	for _, resource := range set.Side(spec.SideKubernetes) {
		var b strings.Builder
		if err := (manifests.Set{resource}).Write(&b); err != nil {
			t.Fatal(err)
		}
		texts = append(texts, b.String())
	}
	w, grants := from(t, strings.Join(texts, "\n---\n"))
	w.Deployment, w.Manager = deployment, spec.ManagedBy
	return w, grants
}

// from reads the objects of one tbot: what kubectl apply would make of them.
func from(t *testing.T, manifest string) (Workload, []Grant) {
	t.Helper()
	w := Workload{}
	roles, grants := map[string]rbacv1.Role{}, []Grant{}
	for text := range strings.SplitSeq(manifest, "---\n") {
		read := func(object runtime.Object) {
			if err := yaml.Unmarshal([]byte(text), object); err != nil {
				t.Fatalf("%v in\n%s", err, text)
			}
		}
		switch {
		case strings.Contains(text, "kind: Deployment"):
			w.Deployment = &appsv1.Deployment{}
			read(w.Deployment)
		case strings.Contains(text, "kind: ConfigMap"):
			config := corev1.ConfigMap{}
			read(&config)
			w.ConfigMap, w.Key, w.Text = config.Name, "tbot.yaml", config.Data["tbot.yaml"]
			w.Config, w.Problem = tbotconfig.Inspect([]byte(w.Text))
		case strings.Contains(text, "kind: RoleBinding"):
			binding := rbacv1.RoleBinding{}
			read(&binding)
			grants = append(grants, Grant{Binding: "RoleBinding " + binding.Name, Role: "Role " + binding.RoleRef.Name, Namespace: binding.Namespace})
		case strings.Contains(text, "kind: Role\n"):
			role := rbacv1.Role{}
			read(&role)
			roles["Role "+role.Name] = role
		}
	}
	for i := range grants {
		grants[i].Rules = roles[grants[i].Role].Rules
	}
	if w.Deployment == nil {
		t.Fatal("there is no Deployment in the manifest")
	}
	return w, grants
}

// guide is a setup by hand as the guides of 2024 tell it, with their traps mended, and one output.
const guide = `apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: secrets-admin
  namespace: default
rules:
  - apiGroups: [""]
    resources: ["secrets"]
    verbs: ["*"]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: tbot-secrets-admin
  namespace: default
subjects:
  - kind: ServiceAccount
    name: tbot
roleRef:
  kind: Role
  name:  secrets-admin
  apiGroup: rbac.authorization.k8s.io
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: tbot-config
  namespace: default
data:
  tbot.yaml: |
    version: v2
    onboarding:
      join_method: kubernetes
      token: example-bot
    storage:
      type: memory
    proxy_server: teleport.example.com:443
    outputs:
      - type: identity
        destination:
          type: kubernetes_secret
          name: identity-output
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: tbot
  namespace: default
spec:
  replicas: 1
  strategy:
    type: Recreate
  selector:
    matchLabels:
      app.kubernetes.io/name: tbot
  template:
    metadata:
      labels:
        app.kubernetes.io/name: tbot
    spec:
      containers:
        - name: tbot
          image: public.ecr.aws/gravitational/tbot-distroless:18.2.0
          args:
            - start
            - -c
            - /config/tbot.yaml
          env:
            - name: POD_NAMESPACE
              valueFrom:
                fieldRef:
                  fieldPath: metadata.namespace
            - name: KUBERNETES_TOKEN_PATH
              value: /var/run/secrets/tokens/join-sa-token
            - name: TELEPORT_ANONYMOUS_TELEMETRY
              value: "1"
          volumeMounts:
            - mountPath: /config
              name: config
            - mountPath: /var/run/secrets/tokens
              name: join-sa-token
      serviceAccountName: tbot
      volumes:
        - name: config
          configMap:
            name: tbot-config
        - name: join-sa-token
          projected:
            sources:
              - serviceAccountToken:
                  path: join-sa-token
                  expirationSeconds: 600
                  audience: main.example.com
`

// chart is what the official Helm chart makes (teleport-facts 8.1, 8.2), its state in a Secret and an output beside.
const chart = `apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: ci-tbot
  namespace: ci
rules:
  - apiGroups: [""]
    resources: ["secrets"]
    verbs: ["*"]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: ci-tbot
  namespace: ci
subjects:
  - kind: ServiceAccount
    name: ci-tbot
    namespace: ci
roleRef:
  kind: Role
  name: ci-tbot
  apiGroup: rbac.authorization.k8s.io
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: ci-tbot
  namespace: ci
data:
  tbot.yaml: |-
    onboarding:
      join_method: kubernetes
      token: ci-join-token
    outputs:
    - destination:
        name: ci-tbot-out
        type: kubernetes_secret
      type: identity
    proxy_server: teleport.example.com:443
    storage:
      name: ci-tbot
      type: kubernetes_secret
    version: v2
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: ci-tbot
  namespace: ci
  labels:
    app.kubernetes.io/managed-by: Helm
    helm.sh/chart: tbot-18.2.0
  annotations:
    meta.helm.sh/release-name: ci
spec:
  replicas: 1
  strategy:
    type: Recreate
  selector:
    matchLabels:
      app.kubernetes.io/name: tbot
      app.kubernetes.io/instance: ci
  template:
    metadata:
      labels:
        app.kubernetes.io/name: tbot
        app.kubernetes.io/instance: ci
      annotations:
        checksum/config: 0b1c
    spec:
      containers:
        - name: tbot
          image: public.ecr.aws/gravitational/tbot-distroless:18.2.0
          imagePullPolicy: IfNotPresent
          args: ["start", "-c", "/config/tbot.yaml", "--log-format", "json", "--diag-addr", "0.0.0.0:3001"]
          env:
            - name: POD_NAMESPACE
              valueFrom:
                fieldRef:
                  fieldPath: metadata.namespace
            - name: TELEPORT_NODE_NAME
              valueFrom:
                fieldRef:
                  fieldPath: spec.nodeName
            - name: KUBERNETES_TOKEN_PATH
              value: /var/run/secrets/tokens/join-sa-token
          ports:
            - name: diagnostics
              containerPort: 3001
          livenessProbe:
            httpGet: {path: /livez, port: diagnostics}
          readinessProbe:
            httpGet: {path: /readyz, port: diagnostics}
          volumeMounts:
            - mountPath: /config
              name: config
            - mountPath: /var/run/secrets/tokens
              name: join-sa-token
      serviceAccountName: ci-tbot
      volumes:
        - name: config
          configMap:
            name: ci-tbot
        - name: join-sa-token
          projected:
            sources:
              - serviceAccountToken:
                  path: join-sa-token
                  expirationSeconds: 600
                  audience: main.example.com
`

// guided is the guide's workload with a change.
func guided(t *testing.T, change func(*Workload)) Workload {
	t.Helper()
	w, _ := from(t, guide)
	if change != nil {
		change(&w)
	}
	return w
}

// edited is the guide's workload with another text in the place of one of its manifests.
func edited(t *testing.T, old, instead string) Workload {
	t.Helper()
	if strings.Count(guide, old) != 1 {
		t.Fatalf("%q stands %d times in the guide", old, strings.Count(guide, old))
	}
	w, _ := from(t, strings.Replace(guide, old, instead, 1))
	return w
}

var errForbidden = apierrors.NewForbidden(schema.GroupResource{Resource: "pods"}, "", errors.New(`the user "viewer" cannot list resource "pods"`))

func failing[T any](context.Context) (T, error) {
	var none T
	return none, errForbidden
}
