package checks

import (
	"errors"
	"strings"
	"testing"
)

// TestExplainAdmission holds the API server's words, and those of policy engines (taken from their public issues), to who refuses and
// which flag answers it.
func TestExplainAdmission(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct{ words, by, expected, fix string }{
		"Pod Security": {
			`pods "tbot-probe-1" is forbidden: violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false (container "side" must set securityContext.allowPrivilegeEscalation=false), hostPort (container "tbot" uses hostPort 80)`,
			"Pod Security Standard restricted:latest", "a pod without allowPrivilegeEscalation != false, hostPort", "take out of --patch",
		},
		"a quota of memory": {
			`pods "p" is forbidden: exceeded quota: small, requested: requests.memory=128Mi, used: requests.memory=1Gi, limited: requests.memory=1100Mi`,
			"ResourceQuota small", "room for requests.memory=128Mi: 1Gi of 1100Mi is used", "less by --requests, or a larger quota",
		},
		"a quota of both": {
			`pods "p" is forbidden: exceeded quota: small, requested: limits.memory=512Mi,requests.memory=128Mi, used: limits.memory=0,requests.memory=0, limited: limits.memory=1Mi,requests.memory=1Mi`,
			"ResourceQuota small", "room for limits.memory=512Mi,requests.memory=128Mi", "less by --limits and --requests, or a larger quota",
		},
		"a quota of pods": {
			`pods "p" is forbidden: exceeded quota: one, requested: pods=1, used: pods=1, limited: pods=1`,
			"ResourceQuota one", "room for pods=1: 1 of 1 is used", "a larger quota, or room in this one: kubectl describe resourcequota one",
		},
		"a quota that wants limits": {
			`pods "p" is forbidden: failed quota: strict: must specify limits.cpu for: tbot; requests.cpu for: tbot`,
			"ResourceQuota strict", "limits.cpu in the pod", "--limits",
		},
		"a LimitRange": {
			`pods "p" is forbidden: maximum memory usage per Container is 64Mi, but limit is 512Mi`,
			"a LimitRange", "requests and limits within it", "--requests and --limits",
		},
		"a policy of the API": {
			`deployments.apps "tbot" is forbidden: ValidatingAdmissionPolicy 'owned' with binding 'all' denied request: the label team is missing`,
			"ValidatingAdmissionPolicy owned (binding all)", "what the policy asks for", "by its words --labels; else --patch FILE",
		},
		"a policy whose name is about labels": {
			`pods "tbot" is forbidden: ValidatingAdmissionPolicy 'labels' with binding 'all' denied request: no`,
			"ValidatingAdmissionPolicy labels (binding all)", "what the policy asks for", "--patch FILE, a strategic merge patch",
		},
		"Kyverno": {
			"admission webhook \"validate.kyverno.svc-fail\" denied the request: \n\nresource Pod/machines/tbot-probe-1 was blocked due to the following policies \n\nrequire-labels:\n  check-team: 'validation error: label team is required. rule check-team failed\n    at path /metadata/labels/team/'\nrestrict-registries:\n  autogen-check: 'validation error: unknown image registry'\n",
			"policy require-labels (rule check-team), restrict-registries (rule autogen-check) of webhook validate.kyverno.svc-fail", "what the policy behind it asks for", "--labels, --registry or --image; else --patch FILE",
		},
		"Gatekeeper": {
			`admission webhook "validation.gatekeeper.sh" denied the request: [must-have-owner] you must provide annotations: {"owner"}`,
			"policy must-have-owner of webhook validation.gatekeeper.sh", "what the policy behind it asks for", "--annotations",
		},
		"a webhook of nobody's": {
			`admission webhook "guard.example.com" denied the request: no`, "webhook guard.example.com", "what the policy behind it asks for", "--patch FILE",
		},
		"a webhook that is down": {
			`Internal error occurred: failed calling webhook "validate.kyverno.svc-fail": failed to call webhook: Post "https://kyverno-svc.kyverno.svc:443/validate/fail?timeout=10s": context deadline exceeded`,
			"webhook validate.kyverno.svc-fail, which does not answer", "a policy engine that answers", "kubectl get validatingwebhookconfigurations",
		},
		"OpenShift": {
			`pods "tbot-" is forbidden: unable to validate against any security context constraint: [provider "anyuid": Forbidden: not usable by user or serviceaccount, provider restricted-v2: .containers[0].runAsUser: Invalid value: 9807: must be in the ranges: [1000740000, 1000749999]]`,
			"OpenShift's admission (SecurityContextConstraints)", "which OpenShift assigns", "--platform openshift",
		},
		"a priority class": {
			`pods "p" is forbidden: no PriorityClass with name high was found`, "admission", "a PriorityClass that exists", "--priority-class",
		},
		"nobody known": {`pods "p" is forbidden: not today`, "", "what it asks for", "--patch FILE"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := ExplainAdmission("a pod", row.words)
			if !strings.HasPrefix(got.By, row.by) || row.by == "" && got.By != "" || !strings.Contains(got.Expected, row.expected) || !strings.Contains(got.Fix, row.fix) {
				t.Errorf("%+v, want %+v", got, row)
			}
			if strings.Contains(got.Observed, "\n") || !strings.Contains(got.Observed, "refuses a pod: ") {
				t.Errorf("observed %q", got.Observed)
			}
			cause := errors.New("cause")
			if result := got.Result(cause); result.Check.ID != PodsAdmitted || result.Finding.Status != Fail || !errors.Is(result.Finding.Err, cause) {
				t.Errorf("result %+v", result)
			}
		})
	}
}
