package checks

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/internal/tbotconfig"
	"github.com/tbotctl/tbotctl/internal/testkit"
)

// site is a namespace of a real API server with one tbot in it.
type site struct {
	plane                            *testkit.ControlPlane
	namespace, deployment, configMap string
}

// newSite applies manifests, put into a namespace of their own, with one text in the place of another.
func newSite(t *testing.T, manifest, old, instead string) site {
	t.Helper()
	s := site{plane: testkit.Shared(t, testkit.SelfManaged), deployment: "tbot", configMap: "tbot-config"}
	s.namespace = s.plane.Namespace(t)
	if old != "" && !strings.Contains(manifest, old) {
		t.Fatalf("%q is not in the manifest", old)
	}
	manifest = strings.ReplaceAll(manifest, old, instead)
	manifest = strings.ReplaceAll(manifest, "namespace: default", "namespace: "+s.namespace)
	s.run(t, "kubectl apply -f - >/dev/null <<'EOT'\n"+manifest+"\nEOT\n")
	s.run(t, "kubectl create serviceaccount tbot -n "+s.namespace)
	return s
}

// run is what somebody does who pastes a fix into a shell.
func (s site) run(t *testing.T, command string) {
	t.Helper()
	assets, err := testkit.AssetsDir(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "tbot.yaml"), []byte("version: v2\nproxy_server: teleport.example.com:443\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	shell := exec.CommandContext(t.Context(), "sh", "-c", command)
	shell.Dir = dir
	shell.Env = []string{"PATH=" + assets + ":/usr/bin:/bin", "KUBECONFIG=" + s.plane.KubeconfigFile(), "HOME=" + dir}
	if said, err := shell.CombinedOutput(); err != nil {
		t.Fatalf("%s\n%v: %s", command, err, said)
	}
}

// live reads what stands there now.
func (s site) live(t *testing.T) Workload {
	t.Helper()
	deployment, err := s.plane.Client().AppsV1().Deployments(s.namespace).Get(t.Context(), s.deployment, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	w := Workload{Deployment: deployment, ConfigMap: s.configMap, Key: "tbot.yaml"}
	config, err := s.plane.Client().CoreV1().ConfigMaps(s.namespace).Get(t.Context(), s.configMap, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		w.ConfigErr = err
		return w
	case err != nil:
		t.Fatal(err)
	}
	w.Text = config.Data["tbot.yaml"]
	w.Config, w.Problem = tbotconfig.Inspect([]byte(w.Text))
	return w
}

// may asks the authorizer about the service account.
func (s site) may(t *testing.T, asked []Access) []Verdict {
	t.Helper()
	verdicts := make([]Verdict, len(asked))
	for i, a := range asked {
		review, err := s.plane.Client().AuthorizationV1().SubjectAccessReviews().Create(t.Context(), &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
			User:               "system:serviceaccount:" + s.namespace + ":tbot",
			ResourceAttributes: &authorizationv1.ResourceAttributes{Verb: a.Verb, Resource: a.Resource, Namespace: a.Namespace, Name: a.Name},
		}}, metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		verdicts[i].Allowed = review.Status.Allowed
	}
	return verdicts
}

// grants reads the Roles that are bound in the namespace.
func (s site) grants(t *testing.T) []Grant {
	t.Helper()
	var found []Grant
	bindings, err := s.plane.Client().RbacV1().RoleBindings(s.namespace).List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, binding := range bindings.Items {
		role, err := s.plane.Client().RbacV1().Roles(s.namespace).Get(t.Context(), binding.RoleRef.Name, metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, Grant{Binding: "RoleBinding " + binding.Name, Role: "Role " + role.Name, Namespace: s.namespace, Rules: role.Rules})
	}
	return found
}

func (s site) policies(t *testing.T) []networkingv1.NetworkPolicy {
	t.Helper()
	found, err := s.plane.Client().NetworkingV1().NetworkPolicies(s.namespace).List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return found.Items
}

// admit tries a pod of the template.
func (s site) admit(t *testing.T) Admission {
	t.Helper()
	template := s.live(t).Deployment.Spec.Template
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{GenerateName: "try-", Namespace: s.namespace, Labels: template.Labels}, Spec: template.Spec}
	_, err := s.plane.Client().CoreV1().Pods(s.namespace).Create(t.Context(), pod, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
	if err != nil {
		return Admission{Refused: err.Error()}
	}
	return Admission{}
}

const projectedVolume = `        - name: join-sa-token
          projected:
            sources:
              - serviceAccountToken:
                  path: join-sa-token
                  expirationSeconds: 600
                  audience: main.example.com
`

const noEgress = `
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: default-deny
  namespace: default
spec:
  podSelector: {}
  policyTypes: [Egress, Ingress]
`

// Every fix is a command that mends what it is given for, on a real API server: pasted into a shell, it makes the same look pass.
func TestFixesMend(t *testing.T) {
	t.Parallel()
	proxy := Proxy{ClusterName: teleportName, Version: "18.2.0", MinClientVersion: "17.0.0"}
	type looks = func(t *testing.T, s site) Finding
	audience := func(t *testing.T, s site) Finding {
		t.Helper()
		return judgeAudience(s.live(t), teleportName, spec.JoinOIDC)
	}
	path := func(t *testing.T, s site) Finding {
		t.Helper()
		return judgeTokenPath(s.live(t), teleportName, spec.JoinOIDC)
	}
	of := func(judge func(Workload) Finding) looks {
		return func(t *testing.T, s site) Finding { t.Helper(); return judge(s.live(t)) }
	}
	rights := func(t *testing.T, s site) Finding {
		t.Helper()
		w := s.live(t)
		wanted := w.writes(teleportName)
		return judgeMayWrite(w, wanted, s.may(t, wanted))
	}
	for name, row := range map[string]struct {
		manifest, old, instead string
		// more is done to the site first.
		more   string
		look   looks
		status Status
	}{
		"P01 the proxy's address as the audience": {old: "audience: main.example.com", instead: "audience: teleport.example.com:443", look: audience},
		"P01 no audience":                         {old: "audience: main.example.com\n", instead: "\n", look: audience},
		"P09 an hour": {old: "expirationSeconds: 600", instead: "expirationSeconds: 3600", look: func(t *testing.T, s site) Finding {
			t.Helper()
			return judgeLifetime(s.live(t), spec.JoinOIDC)
		}},
		"P10 another path":     {old: "value: /var/run/secrets/tokens/join-sa-token", instead: "value: /var/run/secrets/token/join-sa-token", look: path},
		"P10 no variable":      {old: "            - name: KUBERNETES_TOKEN_PATH\n              value: /var/run/secrets/tokens/join-sa-token\n", look: path},
		"P08 a Secret's token": {old: projectedVolume, instead: "        - name: join-sa-token\n          secret:\n            secretName: tbot-token\n", look: path},
		"P19 no POD_NAMESPACE": {
			old:  "            - name: POD_NAMESPACE\n              valueFrom:\n                fieldRef:\n                  fieldPath: metadata.namespace\n",
			look: of(judgeOwnNamespace),
		},
		"P19 another namespace": {
			old: "              valueFrom:\n                fieldRef:\n                  fieldPath: metadata.namespace\n", instead: "              value: elsewhere\n",
			look: of(judgeOwnNamespace), status: Warn,
		},
		"P20 no Role":            {old: "  - apiGroups: [\"\"]\n    resources: [\"secrets\"]\n    verbs: [\"*\"]\n", instead: "  []\n", look: rights},
		"P20 a Role for another": {old: "verbs: [\"*\"]", instead: "verbs: [\"*\"]\n    resourceNames: [another]", look: rights},
		"P20 Argo CD":            {old: identityOutput, instead: argoOutput, more: "kubectl delete role secrets-admin -n NAMESPACE", look: rights},
		"P21 every Secret": {status: Warn, look: func(t *testing.T, s site) Finding {
			t.Helper()
			w := s.live(t)
			return judgeNoMore(w, w.writes(teleportName), s.grants(t))
		}},
		"P22 a plugin in a Secret": {old: "      - type: identity\n", instead: "      - type: kubernetes\n        kubernetes_cluster: production\n", more: "kubectl set image deployment/tbot tbot=public.ecr.aws/gravitational/tbot-distroless:15.4.0 -n NAMESPACE", look: of(judgeExecPlugin)},
		"P31 no port":              {old: "proxy_server: teleport.example.com:443", instead: "proxy_server: teleport.example.com", look: of(judgeProxyServer)},
		"P31 a scheme, in quotes":  {old: "proxy_server: teleport.example.com:443", instead: `proxy_server: "https://teleport.example.com/"`, look: of(judgeProxyServer)},
		"P31 the proxy as auth":    {old: "proxy_server: teleport.example.com:443", instead: "auth_server: teleport.example.com:443", look: of(judgeProxyServer), status: Warn},
		"P33 never published": {old: "tbot-distroless:18.2.0", instead: "tbot-distroless:19.0.0-dev", look: func(t *testing.T, s site) Finding {
			t.Helper()
			return judgeImage(s.live(t), proxy, nil)
		}},
		"P36 two replicas":  {old: "replicas: 1", instead: "replicas: 2", look: of(judgeOneTbot), status: Warn},
		"P36 rolling":       {old: "  strategy:\n    type: Recreate\n", look: of(judgeOneTbot), status: Warn},
		"no replica":        {old: "replicas: 1", instead: "replicas: 0", look: of(judgeOneTbot)},
		"P40 no probes":     {look: of(judgeProbes), status: Warn},
		"P40 for itself":    {more: "kubectl patch deployment tbot -n NAMESPACE --patch '" + loneProbe("--diag-addr=127.0.0.1:3001") + "'", look: of(judgeProbes)},
		"P40 another port":  {more: "kubectl patch deployment tbot -n NAMESPACE --patch '" + loneProbe("--diag-addr=0.0.0.0:3000") + "'", look: of(judgeProbes)},
		"P40 nothing opens": {more: "kubectl patch deployment tbot -n NAMESPACE --patch '" + loneProbe("--debug") + "'", look: of(judgeProbes)},
		"P41 a file of another day": {
			more: `kubectl patch deployment tbot -n NAMESPACE --patch '{"spec":{"template":{"metadata":{"annotations":{"tbotctl.dev/config-checksum":"00"}}}}}'`, look: func(t *testing.T, s site) Finding {
				t.Helper()
				l := &Live{Workload: s.live(t)}
				return runInForce(t.Context(), nil, l)
			},
		},
		"P38 Pod Security": {
			more: "kubectl label namespace NAMESPACE pod-security.kubernetes.io/enforce=restricted", look: func(t *testing.T, s site) Finding { t.Helper(); return judgeAdmission(s.live(t), s.admit(t)) },
		},
		"P38 a quota": {
			more: "kubectl create quota small --hard limits.cpu=2,limits.memory=2Gi,requests.cpu=2,requests.memory=2Gi -n NAMESPACE",
			look: func(t *testing.T, s site) Finding { t.Helper(); return judgeAdmission(s.live(t), s.admit(t)) },
		},
		"no service account": {
			more: "kubectl delete serviceaccount tbot -n NAMESPACE", look: func(t *testing.T, s site) Finding { t.Helper(); return judgeAdmission(s.live(t), s.admit(t)) },
		},
		"P39 a proxy for all": {more: "kubectl set env deployment/tbot HTTPS_PROXY=http://egress.example.com:3128 -n NAMESPACE", look: of(judgeProxies)},
		"P39 names exempted":  {more: "kubectl set env deployment/tbot https_proxy=http://egress.example.com:3128 no_proxy=.svc,.cluster.local -n NAMESPACE", look: of(judgeProxies)},
		"P39 nothing goes out": {manifest: guide + noEgress, look: func(t *testing.T, s site) Finding {
			t.Helper()
			return judgePolicies(s.live(t), s.policies(t), new(bool))
		}},
		"P29 another's label": {old: identityOutput, instead: argoOutput, look: of(strangeLabel), status: Warn},
		"P29 beside others":   {old: identityOutput, instead: argoOutput + "        secret_labels:\n          env: prod\n", look: of(strangeLabel), status: Warn},
		"no ConfigMap":        {more: "kubectl delete configmap tbot-config -n NAMESPACE", look: of(judgeConfig)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if row.manifest == "" {
				row.manifest = guide
			}
			s := newSite(t, row.manifest, row.old, row.instead)
			if row.more != "" {
				s.run(t, strings.ReplaceAll(row.more, "NAMESPACE", s.namespace))
			}
			want := row.status
			if want == "" {
				want = Fail
			}
			found := row.look(t, s)
			if found.Status != want || found.Observed == "" || found.Expected == "" || found.Fix == "" {
				t.Fatalf("before: %+v, want %s with both values and a fix", found, want)
			}
			t.Logf("%s | %s | %s", found.Observed, found.Expected, found.Fix)
			s.run(t, found.Fix)
			if after := row.look(t, s); after.Status != Pass {
				t.Errorf("after %s: %+v", found.Fix, after)
			}
		})
	}
}

const (
	identityOutput = "      - type: identity\n        destination:\n          type: kubernetes_secret\n          name: identity-output\n"
	argoOutput     = "      - type: kubernetes/argo-cd\n        selectors: [{name: production}]\n"
)

// strangeLabel judges a cluster Secret with a label that somebody has put there.
func strangeLabel(w Workload) Finding {
	output := w.argoOutputs()[0]
	labels := map[string]string{argoLabel: "cluster", "example.com/team": "platform"}
	return judgeArgoLabels(w, []seenCluster{{output: output, cluster: "production", namespace: w.Deployment.Namespace, name: "c", found: &Output{Labels: labels}}})
}

// loneProbe is a patch by which a liveness probe asks port 3001 of a tbot with that argument.
func loneProbe(argument string) string {
	return compact(map[string]any{"spec": map[string]any{"template": map[string]any{"spec": map[string]any{"containers": []any{map[string]any{
		"name": "tbot", "args": []string{"start", "-c", "/config/tbot.yaml", argument},
		"livenessProbe":  map[string]any{"httpGet": map[string]any{"path": "/livez", "port": 3001}},
		"readinessProbe": map[string]any{"httpGet": map[string]any{"path": "/readyz", "port": 3001}},
	}}}}}})
}

// The Role that a fix writes in the place of a wider one still lets tbot write.
func TestNarrowedRoleIsEnough(t *testing.T) {
	t.Parallel()
	s := newSite(t, guide, "", "")
	w := s.live(t)
	wanted := w.writes(teleportName)
	s.run(t, judgeNoMore(w, wanted, s.grants(t)).Fix)
	if got := judgeMayWrite(w, wanted, s.may(t, wanted)); got.Status != Pass {
		t.Errorf("after narrowing: %+v", got)
	}
	another := []Access{{Verb: "get", Resource: "secrets", Namespace: s.namespace, Name: "another"}, {Verb: "list", Resource: "secrets", Namespace: s.namespace}}
	if slices.ContainsFunc(s.may(t, another), func(v Verdict) bool { return v.Allowed }) {
		t.Error("the service account may still read other Secrets")
	}
}
