package cmd_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tbotctl/tbotctl/internal/teleporttest"
	"github.com/tbotctl/tbotctl/internal/testkit"
	"github.com/tbotctl/tbotctl/internal/testkit/lab"
)

// TestDoctorOnHealthySetups holds that no setup that works is called broken, whoever made it. What deserves a look is named here.
func TestDoctorOnHealthySetups(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		flavour testkit.Flavour
		make    func(*testing.T, *bench)
		manager string
		warns   []string
	}{
		"init, static_jwks": {flavour: testkit.SelfManaged, make: byInitAlone, manager: "tbotctl"},
		"init, oidc":        {flavour: testkit.CloudLike, make: byInitAlone, manager: "tbotctl"},
		"the guide":         {flavour: testkit.SelfManaged, make: byTheGuide, manager: "kubectl"},
		// P21: the chart's Role is for every Secret of the namespace (teleport-facts 8.2).
		"the chart": {flavour: testkit.CloudLike, make: byTheChart, manager: "Helm", warns: []string{"TBC604"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, row.flavour, teleporttest.Options{})
			b.node(t)
			row.make(t, b)
			got := b.run(t, b.lookArgs("-o", "json")...)
			got.want(t, 0)
			document := lookedOf(t, got)
			if len(document.Installations) != 1 || document.Installations[0].Manager != row.manager || len(document.Causes) > 0 {
				t.Errorf("installations %+v, causes %+v; want one, made by %s, and no cause", document.Installations, document.Causes, row.manager)
			}
			if warned := document.statuses("warn"); !slices.Equal(warned, append([]string{}, row.warns...)) {
				t.Errorf("warned of %v, want %v\n%s", warned, row.warns, document.table())
			}
			// What tells that it works must have been looked at.
			passed := document.statuses("pass")
			for _, id := range []string{"TBC401", "TBC403", "TBC503", "TBC504", "TBC514", "TBC603", "TBC703", "TBC704", "TBC802", "TBC901"} {
				if !slices.Contains(passed, id) {
					t.Errorf("%s did not pass\n%s", id, document.table())
				}
			}
		})
	}
}

func byInitAlone(t *testing.T, b *bench) {
	t.Helper()
	b.healthy(t)
}

// byTheGuide makes what the static_jwks guide makes, with its traps mended (field-notes 5): the names of token, bot and cluster agree,
// the keys stand alone in jwks, the bot has a role and tbot an output, the image exists, the Role is for one Secret, and the pod is
// probed and runs as nobody.
func byTheGuide(t *testing.T, b *bench) {
	t.Helper()
	keys, err := json.Marshal(published(t, b.plane))
	if err != nil {
		t.Fatal(err)
	}
	b.byHand(t, `{kind: bot, version: v1, metadata: {name: example}, spec: {roles: [access]}}
---
kind: token
version: v2
metadata: {name: example-bot}
spec:
  roles: [Bot]
  bot_name: example
  join_method: kubernetes
  kubernetes:
    type: static_jwks
    static_jwks: {jwks: `+string(keys)+`}
    allow: [{service_account: "MACHINES:tbot"}]
`, `apiVersion: v1
kind: ServiceAccount
metadata: {name: tbot}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: tbot-secrets}
rules: [{apiGroups: [""], resources: [secrets], resourceNames: [identity-output], verbs: [get, create, patch]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: tbot-secrets}
subjects: [{kind: ServiceAccount, name: tbot, namespace: MACHINES}]
roleRef: {kind: Role, name: tbot-secrets, apiGroup: rbac.authorization.k8s.io}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: tbot-config}
data:
  tbot.yaml: |
    version: v2
    onboarding:
      join_method: kubernetes
      # the name of the join token
      token: example-bot
    storage:
      type: memory
    proxy_server: PROXY
    outputs:
      - type: identity
        destination:
          type: kubernetes_secret
          name: identity-output
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: tbot}
spec:
  replicas: 1
  strategy: {type: Recreate}
  selector: {matchLabels: {app.kubernetes.io/name: tbot}}
  template:
    metadata: {labels: {app.kubernetes.io/name: tbot}}
    spec:
      serviceAccountName: tbot
      securityContext: {runAsNonRoot: true, runAsUser: 9807, seccompProfile: {type: RuntimeDefault}}
      containers:
        - name: tbot
          image: public.ecr.aws/gravitational/tbot-distroless:18.2.0
          args: [start, -c, /config/tbot.yaml, "--diag-addr=0.0.0.0:3001"]
          env:
            - {name: POD_NAMESPACE, valueFrom: {fieldRef: {fieldPath: metadata.namespace}}}
            - {name: KUBERNETES_TOKEN_PATH, value: /var/run/secrets/tokens/join-sa-token}
            - {name: TELEPORT_ANONYMOUS_TELEMETRY, value: "1"}
          livenessProbe: {httpGet: {path: /livez, port: 3001}}
          readinessProbe: {httpGet: {path: /readyz, port: 3001}}
          securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
          volumeMounts:
            - {name: config, mountPath: /config}
            - {name: join-sa-token, mountPath: /var/run/secrets/tokens}
      volumes:
        - {name: config, configMap: {name: tbot-config}}
        - name: join-sa-token
          projected:
            sources: [{serviceAccountToken: {path: join-sa-token, expirationSeconds: 600, audience: CLUSTER}}]
`, "app.kubernetes.io/name=tbot", "identity-output", `INFO [TBOT]      Fetched new bot identity. tbot/service_bot_identity.go:1`, `INFO [TBOT]      Generated output. tbot/service_outputs.go:1`)
}

// byTheChart makes objects of the shape of the official chart, release ci, with its defaults (teleport-facts 8.1, 8.2).
func byTheChart(t *testing.T, b *bench) {
	t.Helper()
	const labels = `{app.kubernetes.io/name: tbot, app.kubernetes.io/instance: ci, app.kubernetes.io/managed-by: Helm, helm.sh/chart: tbot-18.2.0}`
	const release = `{meta.helm.sh/release-name: ci, meta.helm.sh/release-namespace: MACHINES}`
	b.byHand(t, `{kind: bot, version: v1, metadata: {name: ci}, spec: {roles: [access]}}
---
kind: token
version: v2
metadata: {name: ci-join}
spec:
  roles: [Bot]
  bot_name: ci
  join_method: kubernetes
  kubernetes:
    type: oidc
    oidc: {issuer: "`+b.plane.Issuer()+`"}
    allow: [{service_account: "MACHINES:ci-tbot"}]
`, strings.NewReplacer("LABELS", labels, "RELEASE", release).Replace(`apiVersion: v1
kind: ServiceAccount
metadata: {name: ci-tbot, labels: LABELS, annotations: RELEASE}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: ci-tbot, labels: LABELS, annotations: RELEASE}
rules: [{apiGroups: [""], resources: [secrets], verbs: ["*"]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: ci-tbot, labels: LABELS, annotations: RELEASE}
subjects: [{kind: ServiceAccount, name: ci-tbot, namespace: MACHINES}]
roleRef: {kind: Role, name: ci-tbot, apiGroup: rbac.authorization.k8s.io}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: ci-tbot, labels: LABELS, annotations: RELEASE}
data:
  tbot.yaml: |-
    onboarding:
      join_method: kubernetes
      token: ci-join
    outputs:
    - destination:
        name: ci-tbot-out
        type: kubernetes_secret
      type: identity
    proxy_server: PROXY
    services: []
    storage:
      name: ci-tbot
      type: kubernetes_secret
    version: v2
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: ci-tbot, labels: LABELS, annotations: RELEASE}
spec:
  replicas: 1
  strategy: {type: Recreate}
  selector: {matchLabels: {app.kubernetes.io/name: tbot, app.kubernetes.io/instance: ci}}
  template:
    metadata:
      labels: LABELS
      annotations: {checksum/config: 0b1c}
    spec:
      serviceAccountName: ci-tbot
      containers:
        - name: tbot
          image: public.ecr.aws/gravitational/tbot-distroless:18.2.0
          imagePullPolicy: IfNotPresent
          args: [start, -c, /config/tbot.yaml, --log-format, json, --diag-addr, "0.0.0.0:3001"]
          env:
            - {name: POD_NAMESPACE, valueFrom: {fieldRef: {fieldPath: metadata.namespace}}}
            - {name: TELEPORT_NODE_NAME, valueFrom: {fieldRef: {fieldPath: spec.nodeName}}}
            - {name: KUBERNETES_TOKEN_PATH, value: /var/run/secrets/tokens/join-sa-token}
          ports: [{name: diagnostics, containerPort: 3001, protocol: TCP}]
          livenessProbe: {httpGet: {path: /livez, port: diagnostics}, initialDelaySeconds: 10, periodSeconds: 10, failureThreshold: 6, timeoutSeconds: 5}
          readinessProbe: {httpGet: {path: /readyz, port: diagnostics}, initialDelaySeconds: 5, periodSeconds: 10, failureThreshold: 3, timeoutSeconds: 5}
          volumeMounts:
            - {name: config, mountPath: /config}
            - {name: join-sa-token, mountPath: /var/run/secrets/tokens}
      volumes:
        - {name: config, configMap: {name: ci-tbot}}
        - name: join-sa-token
          projected:
            sources: [{serviceAccountToken: {path: join-sa-token, expirationSeconds: 600, audience: CLUSTER}}]
`), "app.kubernetes.io/instance=ci", "ci-tbot-out",
		`{"timestamp":"2026-11-20T12:00:00Z","level":"info","component":"tbot:identity","message":"Fetched new bot identity"}`,
		`{"timestamp":"2026-11-20T12:00:01Z","level":"info","component":"tbot:output","message":"Generated output"}`)
}

// byHand makes both sides from text, in which MACHINES, PROXY and CLUSTER stand for the bench's, plays the pod until its output is
// there, and lets it say so.
func (b *bench) byHand(t *testing.T, teleport, kubernetes, selector, output string, said ...string) {
	t.Helper()
	fill := strings.NewReplacer("MACHINES", b.namespace, "PROXY", b.teleport.Addr(), "CLUSTER", b.teleport.ClusterName())
	if err := b.make([]byte(fill.Replace(teleport))); err != nil {
		t.Fatal(err)
	}
	b.apply(t, fill.Replace(kubernetes))
	ctx, cancel := context.WithCancel(t.Context())
	ended, failed := make(chan struct{}), make(chan string, 1)
	go func() {
		defer close(ended)
		lab.Player{Plane: b.plane, Namespace: b.namespace, Selector: selector, ProxyCA: string(b.teleport.WebCAPEM()), Say: func(line string) {
			select {
			case failed <- line:
			default:
			}
		}}.Play(ctx)
	}()
	t.Cleanup(func() { cancel(); <-ended })
	testkit.Eventually(t, "the pod's output", func(ctx context.Context) error {
		_, err := b.plane.Client().CoreV1().Secrets(b.namespace).Get(ctx, output, metav1.GetOptions{})
		if err != nil && len(failed) > 0 {
			return errors.New(<-failed)
		}
		return err
	})
	b.says(t, said...)
}
