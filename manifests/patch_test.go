package manifests_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/manifests"
)

// on makes a patch of the sample's Deployment, ConfigMap or whatever else is named.
func on(kind, name, body string) string {
	group := map[string]string{"Deployment": "apps/v1", "Role": "rbac.authorization.k8s.io/v1", "RoleBinding": "rbac.authorization.k8s.io/v1"}[kind]
	if group == "" {
		group = "v1"
	}
	return "{apiVersion: " + group + ", kind: " + kind + ", metadata: {name: " + name + "}, " + body + "}\n"
}

// inPod is a patch of the pod's spec, inTbot one of tbot's container.
func inPod(body string) string {
	return on("Deployment", "tbot", "spec: {template: {spec: {"+body+"}}}")
}

func inTbot(body string) string { return inPod("containers: [{name: tbot, " + body + "}]") }

func withPatch(patch string) spec.Setup {
	s := sample(spec.JoinOIDC, spec.AccessIdentity)
	s.Kubernetes.CreateNamespace = true
	s.Workload.Patch = spec.Text(patch)
	return s
}

func TestPatch(t *testing.T) {
	t.Parallel()
	setup := withPatch("# by the platform team\n" + on("Deployment", "tbot", "spec: {template: {metadata: {labels: {team: shop}}}}") +
		"---\n" + inTbot("resources: {limits: {cpu: '1'}}, env: [{name: GODEBUG, value: x}]") +
		"---\n" + inPod("containers: [{name: side, image: 'side:1'}], hostAliases: [{ip: 10.0.0.1, hostnames: [proxy]}]") +
		"--- # and labels\n" + "{apiVersion: v1, kind: Namespace, metadata: {name: machines, labels: {pod-security.kubernetes.io/enforce: restricted}}}\n")
	plain := setup
	plain.Workload.Patch = ""
	before, after := render(t, plain), render(t, setup)
	deployment, err := after.Deployment()
	if err != nil {
		t.Fatal(err)
	}
	template := deployment.Spec.Template
	if template.Labels["team"] != "shop" || len(template.Spec.Containers) != 2 || template.Spec.Containers[0].Name != "tbot" {
		t.Errorf("the Deployment is not patched: %+v", template)
	}
	tbot := template.Spec.Containers[0]
	if tbot.Resources.Limits.Cpu().String() != "1" || tbot.Resources.Limits.Memory().String() != "512Mi" || len(tbot.Env) != 3 {
		t.Errorf("the container is not merged: %+v", tbot)
	}
	for i := range after {
		changed := !bytes.Equal(before[i].YAML, after[i].YAML)
		if want := after[i].Kind == "Deployment" || after[i].Kind == "Namespace"; changed != want {
			t.Errorf("%s changed: %v", after[i].ID(), changed)
		}
	}
}

// TestPatchedChecksum: a file that a patch adds to the ConfigMap makes new pods, as a changed answer does.
func TestPatchedChecksum(t *testing.T) {
	t.Parallel()
	sum := func(s spec.Setup) string {
		deployment, err := render(t, s).Deployment()
		if err != nil {
			t.Fatal(err)
		}
		return deployment.Spec.Template.Annotations[spec.MarkChecksum]
	}
	plain := sum(withPatch(""))
	if got := sum(withPatch("{apiVersion: v1, kind: ConfigMap, metadata: {name: tbot-config, labels: {team: shop}}}")); got != plain {
		t.Error("a label of the ConfigMap changed the checksum")
	}
	text, binary := sum(withPatch(on("ConfigMap", "tbot-config", "data: {extra: a}"))), sum(withPatch(on("ConfigMap", "tbot-config", "binaryData: {extra: YQ==}")))
	if text == plain || binary == plain || text == binary {
		t.Errorf("checksums %s, %s and %s, want three", plain, text, binary)
	}
	both := withPatch(on("ConfigMap", "tbot-config", "data: {extra: a}") + "---\n" + inTbot("tty: true"))
	if got := sum(both); got != text {
		t.Errorf("checksum %s where the Deployment is patched too, want %s", got, text)
	}
}

func TestPatchRefused(t *testing.T) {
	t.Parallel()
	const token = "the token that the join token admits"
	for name, row := range map[string]struct{ patch, want string }{
		"no YAML":                        {"{", "the document at line 1"},
		"no mapping":                     {"- a", "it is no mapping"},
		"nothing in it":                  {"# only words\n---\n", "holds no document"},
		"a key twice":                    {"apiVersion: v1\napiVersion: v1\n", `"apiVersion" already set`},
		"no name":                        {"---\n---\n{apiVersion: v1, kind: ConfigMap, data: {a: b}}", "the document at line 2: it does not say which object"},
		"an object that is not there":    {on("ConfigMap", "config", "data: {a: b}"), "there is no ConfigMap config (v1); there are Namespace machines (v1), ServiceAccount tbot (v1)"},
		"another version":                {"{apiVersion: apps/v1beta1, kind: Deployment, metadata: {name: tbot}}", "there is no Deployment tbot (apps/v1beta1)"},
		"a Teleport resource":            {"{apiVersion: v1, kind: bot, metadata: {name: tbot-1a2b3c4d}}", "there is no bot"},
		"another namespace":              {"{apiVersion: v1, kind: ConfigMap, metadata: {name: tbot-config, namespace: other}}", `it says namespace "other"`},
		"a field that is none":           {inTbot("resource: {}"), "spec.template.spec.containers[tbot].resource is no field"},
		"the same in a new element":      {inPod("containers: [{name: side, img: a}]"), `unknown field "spec.template.spec.containers[1].img"`},
		"the same in a list of one":      {inPod("tolerations: [{keys: a}]"), `unknown field "spec.template.spec.tolerations[0].keys"`},
		"a value of another kind":        {on("Deployment", "tbot", "spec: {template: {spec: {hostNetwork: maybe}}}"), "spec.hostNetwork"},
		"a whole object taken out":       {on("Deployment", "tbot", "$patch: delete"), "would drop the whole object"},
		"two pods":                       {on("Deployment", "tbot", "spec: {replicas: 2}"), "it changes spec.replicas; tbot takes no lock"},
		"two pods for a while":           {on("Deployment", "tbot", "spec: {strategy: {type: RollingUpdate}}"), "it changes spec.strategy"},
		"the selector":                   {on("Deployment", "tbot", "spec: {selector: {matchLabels: {a: b}}}"), "it changes spec.selector"},
		"another service account":        {inPod("serviceAccountName: default"), "it changes spec.template.spec.serviceAccountName"},
		"the same by its old name":       {inPod("serviceAccount: default"), "it changes spec.template.spec.serviceAccountName"},
		"no token for its Secret":        {inPod("automountServiceAccountToken: false"), "it changes spec.template.spec.automountServiceAccountToken"},
		"another audience":               {inPod("volumes: [{name: join-token, projected: {sources: [{serviceAccountToken: {path: join-sa-token, audience: other}}]}}]"), token},
		"a token that lives for hours":   {inPod("volumes: [{name: join-token, projected: {sources: [{serviceAccountToken: {path: join-sa-token, audience: main.example.com, expirationSeconds: 7200}}]}}]"), token},
		"no token":                       {inPod("volumes: [{name: join-token, $patch: delete}]"), token},
		"another configuration":          {inPod("volumes: [{name: config, configMap: {name: other}}]"), "tbot reads its configuration there"},
		"a mount over it":                {inTbot("volumeMounts: [{name: join-token, mountPath: /var/run}]"), "have to be where tbot looks for them"},
		"a mount inside it":              {inPod("volumes: [{name: a, emptyDir: {}}], containers: [{name: tbot, volumeMounts: [{name: a, mountPath: /config/}]}]"), "have to be where tbot looks for them"},
		"another token path":             {inTbot("env: [{name: KUBERNETES_TOKEN_PATH, value: /tmp/token}]"), "env[KUBERNETES_TOKEN_PATH]"},
		"telemetry behind one's back":    {inTbot("env: [{name: TELEPORT_ANONYMOUS_TELEMETRY, value: '1'}]"), "env[TELEPORT_ANONYMOUS_TELEMETRY]"},
		"another image":                  {inTbot("image: 'evil:1'"), "--image, --registry and --tbot-version say it"},
		"another program":                {inTbot("command: [sh]"), "containers[tbot].command"},
		"other arguments":                {inTbot("args: [start, --insecure]"), "containers[tbot].args"},
		"no tbot":                        {inPod("containers: [{name: tbot, $patch: delete}, {name: side, image: 'side:1'}]"), "it is the container that joins"},
		"a gate":                         {inPod("schedulingGates: [{name: example.com/wait}]"), "nobody would open the gate"},
		"the label of who made it":       {"{apiVersion: v1, kind: ConfigMap, metadata: {name: tbot-config, labels: {app.kubernetes.io/managed-by: Helm}}}", "metadata.labels[app.kubernetes.io/managed-by]"},
		"the mark of the installation":   {"{apiVersion: v1, kind: ServiceAccount, metadata: {name: tbot, annotations: {tbotctl.dev/install: other}}}", "metadata.annotations[tbotctl.dev/install]"},
		"the checksum":                   {on("Deployment", "tbot", "spec: {template: {metadata: {annotations: {tbotctl.dev/config-checksum: x}}}}"), "tbotctl.dev/config-checksum"},
		"a label that pods are found by": {on("Deployment", "tbot", "spec: {template: {metadata: {labels: {app.kubernetes.io/instance: x}}}}"), "app.kubernetes.io/instance"},
		"a finalizer":                    {"{apiVersion: v1, kind: ServiceAccount, metadata: {name: tbot, finalizers: [a/b]}}", "metadata beyond labels and annotations"},
		"a status":                       {on("Deployment", "tbot", "status: {replicas: 1}"), "it changes status"},
		"more rights":                    {on("Role", "tbot-output", "rules: [{apiGroups: ['*'], resources: ['*'], verbs: ['*']}]"), "it changes rules"},
		"rights for others":              {on("RoleBinding", "tbot-output", "subjects: [{kind: User, name: eve, apiGroup: rbac.authorization.k8s.io}]"), "it changes subjects"},
		"tbot.yaml":                      {on("ConfigMap", "tbot-config", "data: {tbot.yaml: ''}"), "it changes data[tbot.yaml]"},
		"an authority":                   {on("ConfigMap", "tbot-config", "data: {proxy-ca.pem: x}"), "it changes data[proxy-ca.pem]"},
		"a ConfigMap for ever":           {on("ConfigMap", "tbot-config", "immutable: true"), "it changes immutable"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := manifests.Render(withPatch(row.patch))
			var invalid *spec.Invalid
			if !errors.As(err, &invalid) || invalid.Fields[0].Flag != "patch" || !strings.Contains(err.Error(), row.want) {
				t.Errorf("error %v, want one of --patch with %q", err, row.want)
			}
		})
	}
}

// TestPatchOfTheAnswers: the file is not needed again, and its bytes come back, also where YAML would rather fold them.
func TestPatchOfTheAnswers(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"plain":    inTbot("tty: true"),
		"indented": "\n  apiVersion: v1\n  kind: ServiceAccount\n  metadata:\n    name: tbot\n    labels: {a: b}\n",
		"windows":  "apiVersion: v1\r\nkind: ServiceAccount\r\nmetadata:\r\n  name: tbot\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "patch.yaml")
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			setup := sample(spec.JoinOIDC, spec.AccessIdentity)
			for _, field := range spec.Fields() {
				if field.Flag == "patch" {
					if err := field.Set(&setup, path); err != nil {
						t.Fatal(err)
					}
				}
			}
			var answers, before, after bytes.Buffer
			if err := spec.Save(&answers, setup); err != nil {
				t.Fatal(err)
			}
			loaded, err := spec.Load(&answers)
			if err != nil || string(loaded.Workload.Patch) != text {
				t.Fatalf("the patch came back as %q, error %v", loaded.Workload.Patch, err)
			}
			if err := render(t, setup).Write(&before); err != nil {
				t.Fatal(err)
			}
			if err := render(t, loaded).Write(&after); err != nil {
				t.Fatal(err)
			}
			if before.String() != after.String() || !strings.Contains(before.String(), "# With --patch") {
				t.Error("the answers render to other bytes")
			}
		})
	}
}

// TestPatchOfAnAgent: what is made for an agent can be patched, and there is no Deployment.
func TestPatchOfAnAgent(t *testing.T) {
	t.Parallel()
	setup := agent(spec.JoinOIDC, "18.2.0", spec.RoleKube)
	setup.Workload.Patch = spec.Text("{apiVersion: v1, kind: ServiceAccount, metadata: {name: " + setup.Names().ServiceAccount + ", labels: {team: shop}}}")
	if account := resource(t, render(t, setup), "ServiceAccount"); account.Object.GetLabels()["team"] != "shop" {
		t.Errorf("not patched: %s", account.YAML)
	}
	setup.Workload.Patch = spec.Text(inTbot("tty: true"))
	if _, err := manifests.Render(setup); err == nil || !strings.Contains(err.Error(), "there is no Deployment") {
		t.Errorf("error %v", err)
	}
}
