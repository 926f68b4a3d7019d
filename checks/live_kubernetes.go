package checks

import (
	"context"
	"regexp"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/tbotctl/tbotctl/internal/spec"
)

// The checks of what the cluster lets the workload's pods do, and this login see.
const (
	PodsAdmitted     ID = "TBC104"
	PoliciesLetOut   ID = "TBC105"
	DiscoveryAllowed ID = "TBC206"
)

func liveKubernetesChecks() []Check {
	return []Check{
		{
			ID: PodsAdmitted, Category: CategoryKubernetes, Stage: Diagnosis, Needs: []ID{TbotInstalled}, Problems: []string{"P38"}, Title: "the cluster's policies let it in", Run: installed(runAdmission),
		},
		{
			ID: PoliciesLetOut, Category: CategoryKubernetes, Stage: Diagnosis, Needs: []ID{TbotInstalled}, Problems: []string{"P39"},
			Title: "no NetworkPolicy keeps tbot from DNS, the proxy and the API server",
			Run: installed(func(ctx context.Context, _ *Facts, l *Live) Finding {
				policies, lacking := fetched(ctx, l.Policies, "this run cannot look at NetworkPolicies")
				if lacking != nil {
					return *lacking
				}
				return judgePolicies(l.Workload, policies, l.wroteSince(ctx, changedLast(policies)))
			}),
		},
	}
}

func discoveryChecks() []Check {
	return []Check{{
		ID: DiscoveryAllowed, Category: CategoryIssuer, Stage: Diagnosis, Problems: []string{"P14"}, Title: "this login may read the cluster's issuer discovery",
		Run: lived(func(ctx context.Context, f *Facts, _ *Live) Finding {
			if f.KubernetesMay == nil {
				return skipped("no Kubernetes login")
			}
			return judgeDiscovery(f.KubernetesMay(ctx, discoveryPaths()))
		}),
	}}
}

func discoveryPaths() []Access {
	return []Access{{Verb: "get", Path: "/.well-known/openid-configuration"}, {Verb: "get", Path: "/openid/v1/jwks"}}
}

// judgeDiscovery warns: the setup works without it, and what is judged of issuer and keys then comes from elsewhere.
func judgeDiscovery(verdicts []Verdict) Finding {
	var missing []Access
	for i, access := range discoveryPaths() {
		switch verdict := verdicts[i]; {
		case verdict.Err != nil:
			return unknown(verdict.Err)
		case !verdict.Allowed:
			missing = append(missing, access)
		}
	}
	if len(missing) == 0 {
		return passed("may get issuer and keys")
	}
	return Finding{
		Status: Warn, Observed: "this login may not " + grantsOf(missing).text() + ": HTTP 403, which does not mean that the cluster has no issuer",
		Expected: "the ClusterRole system:service-account-issuer-discovery",
		Fix:      "a cluster administrator grants it with: kubectl create clusterrolebinding tbotctl-doctor --clusterrole system:service-account-issuer-discovery --user USER",
	}
}

// runAdmission falls back on what has happened already, which a namespace viewer may see too.
func runAdmission(ctx context.Context, _ *Facts, l *Live) Finding {
	admission, lacking := fetched(ctx, l.Admission, "this run tries no pod")
	if lacking == nil {
		finding := judgeAdmission(l.Workload, admission)
		if finding.Status == Fail {
			return finding
		}
		if refused := refusedImage(ctx, l); refused != "" {
			return judgeAdmission(l.Workload, Admission{Refused: refused})
		}
		return finding
	}
	var events []corev1.Event
	if l.Events != nil {
		if seen, err := l.Events(ctx); err == nil {
			events = seen
		}
	}
	refused := refusedPods(l.Workload, events)
	if refused == "" {
		refused = refusedImage(ctx, l)
	}
	if refused != "" {
		return judgeAdmission(l.Workload, Admission{Refused: refused})
	}
	return *lacking
}

// refusedPods is why the Deployment's controller could make no pod: its condition, else the last event.
func refusedPods(w Workload, events []corev1.Event) string {
	for _, condition := range w.Deployment.Status.Conditions {
		if condition.Type == appsv1.DeploymentReplicaFailure && condition.Status == corev1.ConditionTrue {
			return oneLine(condition.Message)
		}
	}
	made := slices.ContainsFunc(w.Deployment.Status.Conditions, func(c appsv1.DeploymentCondition) bool {
		return c.Type == appsv1.DeploymentAvailable && c.Status == corev1.ConditionTrue
	})
	if made {
		return ""
	}
	last, said := -1, ""
	for i := range events {
		e := &events[i]
		of := e.InvolvedObject.Kind == "ReplicaSet" && strings.HasPrefix(e.InvolvedObject.Name, w.Deployment.Name+"-")
		if of && e.Reason == "FailedCreate" && (last < 0 || !happened(e).Before(happened(&events[last]))) {
			last, said = i, oneLine(e.Message)
		}
	}
	return said
}

// refusedImage is what a node says of a pod that the API server has let in: that its image would run as root.
func refusedImage(ctx context.Context, l *Live) string {
	if l.Pods == nil {
		return ""
	}
	pods, err := l.Pods(ctx)
	if err != nil {
		return ""
	}
	for i := range pods {
		waiting := l.Workload.statusOf(&pods[i]).State.Waiting
		if pods[i].DeletionTimestamp == nil && waiting != nil && strings.Contains(waiting.Message, "runAsNonRoot") {
			return oneLine(waiting.Message)
		}
	}
	return ""
}

// refusedForSA is the admission of a pod whose service account is not there.
var refusedForSA = regexp.MustCompile(`error looking up service account ([^/\s]+)/([^:\s]+)`)

// judgeAdmission names who refuses the pod and what makes it pass (field-notes P38).
func judgeAdmission(w Workload, a Admission) Finding {
	if a.Refused == "" {
		if len(a.Warnings) > 0 {
			finding := Finding{Status: Warn, Observed: "admitted with a warning: " + strings.Join(a.Warnings, "; ")}
			if strings.Contains(finding.Observed, "PodSecurity") {
				finding.Expected, finding.Fix = restrictedText, w.merge(w.restricted())
			}
			return finding
		}
		return passed("a pod of the template would be made")
	}
	finding := Finding{Status: Fail, Observed: oneLine(a.Refused)}
	part := func(pattern *regexp.Regexp) string {
		return strings.Join(append(pattern.FindStringSubmatch(a.Refused), "", "")[1:], "")
	}
	quota, webhook, policy := part(refusedByQuota), part(refusedByWebhook), ""
	if found := refusedByPolicy.FindStringSubmatch(a.Refused); found != nil {
		policy = found[1]
	}
	switch {
	case strings.Contains(a.Refused, "violates PodSecurity"), strings.Contains(a.Refused, "runAsNonRoot"), strings.Contains(a.Refused, "non-numeric user"):
		finding.Expected, finding.Fix = restrictedText, w.merge(w.restricted())
	case strings.Contains(a.Refused, "security context constraint"):
		finding.Expected = "a pod without fixed uid and gid, which OpenShift chooses itself"
		finding.Fix = w.merge(map[string]any{"securityContext": map[string]any{"runAsUser": nil, "runAsGroup": nil, "fsGroup": nil}})
	case strings.Contains(a.Refused, "error looking up service account"):
		name := w.serviceAccount()
		if found := refusedForSA.FindStringSubmatch(a.Refused); found != nil {
			name = found[2]
		}
		finding.Expected, finding.Fix = "ServiceAccount "+w.Deployment.Namespace+"/"+name, w.kubectl("create", "serviceaccount", name)
	case strings.Contains(a.Refused, "must specify"):
		finding.Expected = "requests and limits, as ResourceQuota " + quota + " demands" + w.inValues("resources")
		finding.Fix = w.kubectl("set", "resources", "deployment", w.Deployment.Name, "--requests", "cpu=50m,memory=128Mi", "--limits", "cpu=500m,memory=512Mi")
	case quota != "":
		finding.Expected, finding.Fix = "room for one pod in ResourceQuota "+quota, w.kubectl("describe", "resourcequota", quota)
	case webhook != "":
		finding.Expected = "a pod that the policy behind webhook " + webhook + " lets in"
		finding.Fix = "kubectl get validatingwebhookconfigurations,mutatingwebhookconfigurations"
	case policy != "":
		finding.Expected, finding.Fix = "a pod that ValidatingAdmissionPolicy "+policy+" lets in", "kubectl get validatingadmissionpolicy "+spec.ShellWord(policy)+" --output yaml"
	case strings.Contains(a.Refused, "PriorityClass"):
		finding.Expected, finding.Fix = "a PriorityClass that exists", "kubectl get priorityclasses"
	case strings.Contains(a.Refused, "per Container"), strings.Contains(a.Refused, "per Pod"):
		finding.Expected, finding.Fix = "requests and limits within the LimitRange", w.kubectl("describe", "limitrange")
	default:
		finding.Fix = w.kubectl("describe", "replicaset", "--selector", w.selector())
	}
	return finding
}

const restrictedText = "what the Pod Security Standard restricted asks for: no root, no capabilities, the runtime's seccomp profile"

// restricted is what a pod template lacks for the standard: the same as tbotctl renders. tbot's image has no user of its own.
func (w Workload) restricted() map[string]any {
	containers := func(all []corev1.Container) []any {
		var parts []any
		for i := range all {
			parts = append(parts, map[string]any{"name": all[i].Name, "securityContext": map[string]any{
				"allowPrivilegeEscalation": false, "capabilities": map[string]any{"drop": []string{"ALL"}},
			}})
		}
		return parts
	}
	parts := map[string]any{
		"securityContext": map[string]any{
			"runAsNonRoot": true, "runAsUser": 9807, "runAsGroup": 9807, "seccompProfile": map[string]any{"type": "RuntimeDefault"},
		},
		"containers": containers(w.pod().Containers),
	}
	if more := containers(w.pod().InitContainers); len(more) > 0 {
		parts["initContainers"] = more
	}
	return parts
}
