package checks

import (
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

func TestJudgeClocks(t *testing.T) {
	t.Parallel()
	clocks := func(kubernetes, teleport time.Duration) Finding {
		return judgeClocks([]Clock{{Whose: clockKubernetes, Ahead: kubernetes}, {Whose: clockTeleport, Ahead: teleport}, {Whose: "issuer", Err: errForbidden}})
	}
	judgedOn(t, map[string]verdict{
		"together":               {clocks(time.Second, 0), Pass, "1s apart", "", "-"},
		"tokens from the future": {clocks(3*time.Minute, 0), Fail, "the API server's clock is 3m ahead of the Teleport proxy's, so Teleport takes fresh tokens for tokens from the future", "at most 10s", "hosts of the API server"},
		"tokens of the past":     {clocks(-11*time.Minute, 0), Fail, "11m behind the Teleport proxy's", "", "hosts of the API server"},
		"Teleport's is off":      {clocks(0, -5*time.Minute), Fail, "5m ahead of", "", "Teleport Auth Service"},
		"both are off":           {clocks(time.Hour, 2*time.Hour), Fail, "1h behind", "", "API server and of Teleport"},
		"the issuer's is a witness": {
			judgeClocks([]Clock{{Whose: clockKubernetes, Ahead: time.Hour}, {Whose: clockTeleport, Ahead: 2 * time.Hour}, {Whose: clockIssuer, Ahead: time.Hour}}),
			Fail, "the issuer's clock agrees with the API server's", "", "API server and of Teleport",
		},
		"a little behind":         {clocks(-30*time.Second, 0), Warn, "30s behind", "", "timedatectl"},
		"only this machine's":     {clocks(2*time.Hour, 2*time.Hour), Warn, "this machine's clock is 2h behind theirs", "", "timedatectl set-ntp true"},
		"the proxy's is not read": {judgeClocks([]Clock{{Whose: clockKubernetes}, {Whose: clockTeleport, Err: errForbidden}}), Unknown, "the clock of the Teleport proxy could not be read: pods is forbidden", "", "-"},
		"nobody's is there":       {judgeClocks(nil), Unknown, "the clock of the API server could not be read", "", "-"},
	})
}

func TestRoundly(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		0: "0s", 42 * time.Second: "42s", 2 * time.Minute: "2m", 130 * time.Second: "2m10s", time.Hour: "1h", 10*time.Hour + 10*time.Minute: "10h10m",
		36 * time.Hour: "36h", 20 * time.Hour: "20h", 80 * time.Hour: "3 days", 1500 * time.Millisecond: "2s",
	} {
		if got := roundly(d); got != want {
			t.Errorf("%v is %q, want %q", d, got, want)
		}
	}
}

func TestJudgeAdmission(t *testing.T) {
	t.Parallel()
	w := guided(t, nil)
	refused := func(words string) Finding { return judgeAdmission(w, Admission{Refused: words}) }
	judgedOn(t, map[string]verdict{
		"admitted":      {judgeAdmission(w, Admission{}), Pass, "would be made", "", "-"},
		"with warnings": {judgeAdmission(w, Admission{Warnings: []string{`would violate PodSecurity "restricted:latest": runAsNonRoot != true`}}), Warn, "would violate", "restricted", `"runAsNonRoot":true`},
		"another's warning": {
			judgeAdmission(w, Admission{Warnings: []string{"label team is missing"}}), Warn, "label team is missing", "", "-",
		},
		"Pod Security":     {refused(`pods "tbot" is forbidden: violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false`), Fail, "violates PodSecurity", "restricted", `"allowPrivilegeEscalation":false`},
		"a full quota":     {refused(`pods "tbot" is forbidden: exceeded quota: small, requested: pods=1, used: pods=3, limited: pods=3`), Fail, "exceeded quota", "ResourceQuota small", "describe resourcequota small"},
		"limits wanted":    {refused(`pods "tbot" is forbidden: failed quota: small: must specify limits.cpu for: tbot`), Fail, "must specify", "ResourceQuota small", "set resources deployment tbot"},
		"a webhook":        {refused(`admission webhook "validate.kyverno.svc-fail" denied the request: require-labels`), Fail, "require-labels", "webhook validate.kyverno.svc-fail", "kubectl get validatingwebhookconfigurations"},
		"a policy":         {refused(`pods "tbot" is forbidden: ValidatingAdmissionPolicy 'only-ours' with binding 'all' denied request: image is not ours`), Fail, "image is not ours", "ValidatingAdmissionPolicy only-ours", "kubectl get validatingadmissionpolicy only-ours"},
		"OpenShift":        {refused(`pods "tbot" is forbidden: unable to validate against any security context constraint: [provider restricted: .spec.securityContext.runAsUser]`), Fail, "security context constraint", "without fixed uid", `"runAsUser":null`},
		"a LimitRange":     {refused(`pods "tbot" is forbidden: maximum cpu usage per Container is 1, but limit is 2`), Fail, "per Container", "LimitRange", "describe limitrange"},
		"no class":         {refused(`pods "tbot" is forbidden: no PriorityClass with name high was found`), Fail, "no PriorityClass", "", "kubectl get priorityclasses"},
		"no account":       {refused(`pods "tbot-" is forbidden: error looking up service account default/tbot: serviceaccount "tbot" not found`), Fail, "not found", "ServiceAccount default/tbot", "create serviceaccount tbot"},
		"root by the node": {refused("container has runAsNonRoot and image will run as root (pod: tbot)"), Fail, "will run as root", "no root", `"runAsUser":9807`},
		"something new":    {refused("because"), Fail, "because", "", "describe replicaset"},
	})
}

// Who may not try a pod sees the cause in what the cluster has said already.
func TestAdmissionWithoutTheRight(t *testing.T) {
	t.Parallel()
	const words = `pods "tbot-7d9f-" is forbidden: violates PodSecurity "restricted:latest": runAsNonRoot != true`
	by := func(change func(*Live)) Finding {
		l := &Live{Workload: guided(t, nil), Admission: failing[Admission], Events: failing[[]corev1.Event], Pods: failing[[]corev1.Pod]}
		change(l)
		return runAdmission(t.Context(), nil, l)
	}
	event := corev1.Event{InvolvedObject: corev1.ObjectReference{Kind: "ReplicaSet", Name: "tbot-7d9f"}, Reason: "FailedCreate", Message: "Error creating: " + words}
	judgedOn(t, map[string]verdict{
		"nothing seen": {by(func(*Live) {}), Unknown, "forbidden", "", "-"},
		"by the condition": {by(func(l *Live) {
			l.Workload.Deployment.Status.Conditions = []appsv1.DeploymentCondition{{Type: appsv1.DeploymentReplicaFailure, Status: corev1.ConditionTrue, Message: words}}
		}), Fail, "violates PodSecurity", "restricted", "runAsNonRoot"},
		"by the events": {by(func(l *Live) { l.Events = kept([]corev1.Event{event}) }), Fail, "violates PodSecurity", "restricted", "runAsNonRoot"},
		"an event of before": {by(func(l *Live) {
			l.Events = kept([]corev1.Event{event})
			l.Workload.Deployment.Status.Conditions = []appsv1.DeploymentCondition{{Type: appsv1.DeploymentAvailable, Status: corev1.ConditionTrue}}
		}), Unknown, "forbidden", "", "-"},
		"by the node": {by(func(l *Live) {
			l.Pods = kept([]corev1.Pod{stuck(l.Workload, "CreateContainerConfigError", "container has runAsNonRoot and image will run as root")})
		}), Fail, "will run as root", "no root", "9807"},
		"not tried": {by(func(l *Live) { l.Admission = nil }), Skip, "tries no pod", "", "-"},
	})
}

func TestJudgePolicies(t *testing.T) {
	t.Parallel()
	w := guided(t, nil)
	policies := func(specs ...string) []networkingv1.NetworkPolicy {
		var all []networkingv1.NetworkPolicy
		for _, text := range specs {
			p := networkingv1.NetworkPolicy{}
			p.Name = "restrict"
			if err := yaml.UnmarshalStrict([]byte(text), &p.Spec); err != nil {
				t.Fatal(err)
			}
			all = append(all, p)
		}
		return all
	}
	on := func(specs ...string) Finding { return judgePolicies(w, policies(specs...), new(bool)) }
	const (
		deny  = `{podSelector: {}, policyTypes: [Egress]}`
		dns   = `{podSelector: {}, policyTypes: [Egress], egress: [{ports: [{port: 53, protocol: UDP}], to: [{namespaceSelector: {}}]}]}`
		https = `{podSelector: {}, policyTypes: [Egress], egress: [{ports: [{port: 443}]}]}`
		pods  = `{podSelector: {}, policyTypes: [Egress], egress: [{to: [{podSelector: {}}]}]}`
		named = `{podSelector: {}, policyTypes: [Egress], egress: [{ports: [{port: dns, protocol: UDP}]}, {ports: [{port: 1, endPort: 1000}]}]}`
	)
	wrote := true
	judgedOn(t, map[string]verdict{
		"none":            {on(), Pass, "no NetworkPolicy limits", "", "-"},
		"only what comes": {on(`{podSelector: {}, policyTypes: [Ingress]}`), Pass, "no NetworkPolicy limits", "", "-"},
		"nothing out":     {on(deny), Fail, "DNS (53/UDP), the Teleport proxy (443/TCP), the API server (443 or 6443/TCP)", "egress", "kubectl create --filename -"},
		"no DNS":          {on(deny, https), Fail, "lets the pod not reach DNS (53/UDP)", "", `"port":53`},
		"all that it is":  {on(deny, dns, https), Pass, "NetworkPolicy restrict, restrict, restrict", "", "-"},
		"only to pods":    {on(pods), Fail, "lets the pod not reach the API server", "", "6443"},
		"by ranges":       {on(named), Pass, "lets out", "", "-"},
		"all the same":    {judgePolicies(w, policies(deny), &wrote), Warn, "renewed its credentials all the same", "", "create"},
		"not to be seen":  {judgePolicies(w, policies(deny), nil), Warn, "could not be seen", "", "create"},
		"another port":    {judgePolicies(guided(t, func(w *Workload) { w.Config.ProxyServer = "teleport.example.com:3080" }), policies(dns, https), new(bool)), Fail, "the Teleport proxy (3080/TCP)", "", "3080"},
	})
}

func TestPoliciesAfterTheLastWrite(t *testing.T) {
	t.Parallel()
	w := guided(t, nil)
	now := time.Now()
	deny := networkingv1.NetworkPolicy{Spec: networkingv1.NetworkPolicySpec{PolicyTypes: []networkingv1.PolicyType{networkingv1.PolicyTypeEgress}}}
	deny.Name = "default-deny"
	facts := well(w, nil, "")
	for name, row := range map[string]struct {
		made time.Duration
		want Status
	}{"made long ago": {-time.Hour, Warn}, "made since": {-10 * time.Second, Fail}} {
		policy := deny
		policy.CreationTimestamp = metav1.NewTime(now.Add(row.made))
		facts.Live.Policies = kept([]networkingv1.NetworkPolicy{policy})
		if got := look(t.Context(), liveKubernetesChecks()[1], facts).Finding; got.Status != row.want || !strings.Contains(got.Observed, "default-deny") {
			t.Errorf("%s: %+v, want %s", name, got, row.want)
		}
	}
}

func TestJudgeDiscovery(t *testing.T) {
	t.Parallel()
	judgedOn(t, map[string]verdict{
		"may":       {judgeDiscovery([]Verdict{{Allowed: true}, {Allowed: true}}), Pass, "may get", "", "-"},
		"may not":   {judgeDiscovery([]Verdict{{}, {Allowed: true}}), Warn, "get /.well-known/openid-configuration", "system:service-account-issuer-discovery", "create clusterrolebinding"},
		"not known": {judgeDiscovery([]Verdict{{Err: errForbidden}, {}}), Unknown, "forbidden", "", "-"},
	})
}
