package cmd_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tbotctl/tbotctl/internal/teleporttest"
	"github.com/tbotctl/tbotctl/internal/testkit"
	"github.com/tbotctl/tbotctl/internal/testkit/lab"
)

// policyPatch is what the policies of these tests ask for and no flag gives, and something that no policy asks for.
const policyPatch = `# for the platform team's policies
apiVersion: apps/v1
kind: Deployment
metadata: {name: tbot, labels: {team: shop}}
spec:
  template:
    metadata: {labels: {team: shop}}
    spec: {hostAliases: [{ip: 192.0.2.1, hostnames: [teleport.corp]}]}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: tbot-config, labels: {team: shop}}
`

// policy makes a ValidatingAdmissionPolicy for this namespace alone, and waits until it refuses what it is about.
func (b *bench) policy(t *testing.T, name, resources, expression, message string) (full string) {
	t.Helper()
	full = name + "-" + b.namespace
	group, plural, _ := strings.Cut(resources, "/")
	b.apply(t, fmt.Sprintf(`{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingAdmissionPolicy, metadata: {name: %[1]s}, spec: {
  failurePolicy: Fail,
  matchConstraints: {resourceRules: [{apiGroups: [%[2]q], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [%[3]s]}]},
  validations: [{expression: %[4]q, message: %[5]q}]}}
---
{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingAdmissionPolicyBinding, metadata: {name: %[1]s-all}, spec: {
  policyName: %[1]s, validationActions: [Deny],
  matchResources: {namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: %[6]s}}}}}
`, full, group, plural, expression, message, b.namespace))
	t.Cleanup(func() {
		_, stderr, err := b.plane.Kubectl(context.WithoutCancel(t.Context()), nil, "delete", "--ignore-not-found", "validatingadmissionpolicybinding/"+full+"-all", "validatingadmissionpolicy/"+full)
		if err != nil {
			t.Error(stderr)
		}
	})
	return full
}

// counts waits until a dry run meets a policy's message.
func (b *bench) counts(t *testing.T, message, manifest string) {
	t.Helper()
	testkit.Eventually(t, "the policy to count", func(ctx context.Context) error {
		_, _, err := b.plane.Kubectl(ctx, reader(manifest), "--namespace", b.namespace, "create", "--dry-run=server", "-f", "-")
		if err == nil || !strings.Contains(err.Error(), message) {
			return fmt.Errorf("not yet: %w", errors.Join(errors.New(message), err))
		}
		return nil
	})
}

// triedPod passes the standard restricted, and is otherwise bare.
const triedPod = `{apiVersion: v1, kind: Pod, metadata: {name: trial}, spec: {securityContext: {runAsNonRoot: true, runAsUser: 1, seccompProfile: {type: RuntimeDefault}}, containers: [
  {name: a, image: a, resources: {requests: {memory: 1Mi}, limits: {memory: 1Mi}}, securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}}]}}`

// stands lists what there is of tbot in the namespace, by kind.
func (b *bench) stands(t *testing.T) []string {
	t.Helper()
	stdout, stderr, err := b.plane.Kubectl(t.Context(), nil, "--namespace", b.namespace, "get", "deployments,pods,configmaps,serviceaccounts", "--field-selector", "metadata.name!=kube-root-ca.crt,metadata.name!=default", "-o", "name")
	if err != nil {
		t.Fatal(stderr)
	}
	return strings.Fields(stdout)
}

// TestPolicies is the job of a namespace with policies: the standard restricted, a quota for just this pod, a label and a registry. Each
// is met before the Deployment, by its name and with the flag that answers it.
func TestPolicies(t *testing.T) {
	t.Parallel()
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
	b.play(t)
	b.apply(t, fmt.Sprintf(`{apiVersion: v1, kind: Namespace, metadata: {name: %s, labels: {pod-security.kubernetes.io/enforce: restricted}}}
---
{apiVersion: v1, kind: ResourceQuota, metadata: {name: small}, spec: {hard: {pods: "1", requests.memory: 100Mi, limits.memory: 512Mi, count/deployments.apps: "1"}}}
`, b.namespace))
	objects := b.policy(t, "owned", "/configmaps, deployments", `has(object.metadata.labels) && 'team' in object.metadata.labels || object.metadata.name == 'kube-root-ca.crt'`, "every object carries the label team")
	b.counts(t, "the label team", `{apiVersion: v1, kind: ConfigMap, metadata: {name: trial}}`)
	b.teleport.Reset()

	t.Log("a policy about the objects: nothing is written")
	got := b.run(t, b.initArgs("-o", "json")...)
	got.want(t, 3, "TBC104 failed", "nothing was applied", "ConfigMap "+b.namespace+"/tbot-config")
	if finding := got.finding(t, "TBC104"); finding.Status != "fail" || !strings.Contains(finding.Observed, "ValidatingAdmissionPolicy "+objects+" (binding "+objects+"-all)") ||
		!strings.Contains(finding.Observed, "every object carries the label team") || !strings.Contains(finding.Fix, "--labels") {
		t.Errorf("finding %+v", finding)
	}
	b.nothingWritten(t)

	t.Log("the quota: the probe pod asks for too much")
	b.write(t, "patch.yaml", []byte(policyPatch))
	testkit.Eventually(t, "the quota to count", func(ctx context.Context) error {
		quota, err := b.plane.Client().CoreV1().ResourceQuotas(b.namespace).Get(ctx, "small", metav1.GetOptions{})
		if err == nil && len(quota.Status.Hard) == 0 {
			err = errors.New("no status yet")
		}
		return err
	})
	got = b.run(t, b.initArgs("-o", "json", "--patch", b.path("patch.yaml"))...)
	got.want(t, 3)
	b.refusedBeforeTheDeployment(t, got, "ResourceQuota small refuses a pod like the Deployment's", "--requests")

	t.Log("a policy about the pod: the registry")
	pods := b.policy(t, "ours", "/pods", `'team' in object.metadata.labels && object.spec.containers.all(c, c.image.startsWith('registry.example.com/'))`, "images come from registry.example.com")
	b.counts(t, "images come from", strings.Replace(triedPod, "name: trial", "name: trial, labels: {a: b}", 1))
	got = b.run(t, b.initArgs("-o", "json", "--patch", b.path("patch.yaml"), "--requests", "memory=64Mi")...)
	got.want(t, 3)
	b.refusedBeforeTheDeployment(t, got, "ValidatingAdmissionPolicy "+pods+" (binding "+pods+"-all) refuses a pod like the Deployment's", "--registry or --image")

	t.Log("all of it answered")
	args := []string{"--patch", b.path("patch.yaml"), "--requests", "memory=64Mi", "--registry", "registry.example.com/gravitational", "--save", b.path("answers.yaml")}
	got = b.run(t, b.initArgs(append(args, "-o", "json")...)...)
	got.want(t, 0)
	if document := got.document(t); document.Proof.Status != "proven" {
		t.Errorf("proof %+v", document.Proof)
	}
	b.noProbePods(t)
	b.noSecrets(t, got)
	live, err := b.plane.Client().CoreV1().Pods(b.namespace).List(t.Context(), metav1.ListOptions{LabelSelector: "team=shop"})
	if err != nil || len(live.Items) != 1 || len(live.Items[0].Spec.HostAliases) != 1 || !strings.HasPrefix(live.Items[0].Spec.Containers[0].Image, "registry.example.com/") {
		t.Errorf("pods %+v, error %v; want one as it was patched", live, err)
	}

	t.Log("again, from the answers and without the file")
	if err := os.Remove(b.path("patch.yaml")); err != nil {
		t.Fatal(err)
	}
	before := len(b.kubernetesWrites(t))
	from := []string{"--kubeconfig", b.plane.KubeconfigFile(), "--from", b.path("answers.yaml"), "--identity", b.path("admin.identity"), "--non-interactive", "--timeout", "60s"}
	b.run(t, append([]string{"diff"}, from...)...).want(t, 0)
	b.run(t, append([]string{"init", "--yes"}, from...)...).want(t, 0, "nothing changed, and it works")
	if writes := b.kubernetesWrites(t); len(writes) != before {
		t.Errorf("the second run wrote to Kubernetes: %v", writes[before:])
	}
	rendered := runWith(t, noClusters(t), "", "render", "--from", b.path("answers.yaml"), "--side", "kubernetes")
	rendered.want(t, 0, "team: shop", "192.0.2.1")
	if strings.Contains(rendered.stdout, "for the platform team") {
		t.Error("the patch's own comment is in the manifests")
	}
	b.run(t, append([]string{"delete", "--yes", "--purge-outputs"}, from...)...).want(t, 0)
	if left := b.stands(t); slices.ContainsFunc(left, func(name string) bool { return !strings.HasPrefix(name, "pod/") }) {
		t.Errorf("left behind: %v", left)
	}
}

// refusedBeforeTheDeployment holds that a policy was met by the probe pod: it is a finding and no failed join, nothing of the Deployment
// is there, and no pod is left.
func (b *bench) refusedBeforeTheDeployment(t *testing.T, got outcome, observed, fix string) {
	t.Helper()
	if finding := got.finding(t, "TBC104"); finding.Status != "fail" || !strings.Contains(finding.Observed, observed) || !strings.Contains(finding.Fix, fix) {
		t.Errorf("finding %+v, want %q and %q", finding, observed, fix)
	}
	if proof := got.document(t).Proof; proof.Status != "none" || proof.Error != "" {
		t.Errorf("proof %+v, want none: Teleport was not asked", proof)
	}
	if left := b.stands(t); !slices.Equal(left, []string{"serviceaccount/tbot"}) {
		t.Errorf("there are %v, want the service account alone", left)
	}
	for _, request := range b.teleport.Requests() {
		if strings.HasSuffix(request.Method, "/RegisterUsingToken") {
			t.Error("a join was tried")
		}
	}
}

// TestDiffMeetsPolicies: diff says so too, and writes nothing.
func TestDiffMeetsPolicies(t *testing.T) {
	t.Parallel()
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
	b.run(t, b.initArgs("--no-wait", "--save", b.path("answers.yaml"))...).want(t, 0)
	name := b.policy(t, "tagged", "apps/deployments", `has(object.metadata.annotations) && 'example.com/contact' in object.metadata.annotations`, "an annotation example.com/contact is missing")
	deployment := `{apiVersion: apps/v1, kind: Deployment, metadata: {name: trial}, spec: {selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: a, image: a}]}}}}`
	b.counts(t, "example.com/contact", deployment)
	from := []string{"--kubeconfig", b.plane.KubeconfigFile(), "--from", b.path("answers.yaml"), "--identity", b.path("admin.identity"), "--non-interactive", "--timeout", "60s"}

	t.Log("what is there and does not change is left alone, whatever a policy thinks of it now")
	b.run(t, append([]string{"diff"}, from...)...).want(t, 0)
	got := b.run(t, append(append([]string{"diff"}, from...), "--limits", "memory=256Mi")...)
	got.want(t, 3, "ValidatingAdmissionPolicy "+name, "refuses Deployment "+b.namespace+"/tbot", "--annotations", "512Mi -> 256Mi")
	before := len(b.kubernetesWrites(t))
	b.run(t, append(append([]string{"init", "--yes", "--no-wait"}, from...), "--limits", "memory=256Mi")...).want(t, 3, "TBC104 failed", "nothing was applied")
	if writes := b.kubernetesWrites(t); len(writes) != before {
		t.Errorf("written: %v", writes[before:])
	}
	b.run(t, append(append([]string{"init", "--yes", "--no-wait", "--prove", "never"}, from...), "--limits", "memory=256Mi", "--annotations", "example.com/contact=shop")...).want(t, 0, "Deployment "+b.namespace+"/tbot: updated")
}

// TestPolicyOfAChange: a policy that came later refuses the pod of a change before the pod that runs is taken away for it.
func TestPolicyOfAChange(t *testing.T) {
	t.Parallel()
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
	b.play(t)
	b.run(t, b.initArgs()...).want(t, 0)
	name := b.policy(t, "tiers", "/pods", `has(object.metadata.labels) && 'tier' in object.metadata.labels`, "pods carry the label tier")
	b.counts(t, "the label tier", triedPod)
	before := len(b.kubernetesWrites(t))
	got := b.run(t, b.initArgs("--limits", "memory=256Mi", "-o", "json")...)
	got.want(t, 3, "nothing was applied")
	if finding := got.finding(t, "TBC104"); !strings.Contains(finding.Observed, "ValidatingAdmissionPolicy "+name+" (binding "+name+"-all) refuses the pods of Deployment "+b.namespace+"/tbot") {
		t.Errorf("finding %+v", finding)
	}
	if writes := b.kubernetesWrites(t); len(writes) != before {
		t.Errorf("written: %v", writes[before:])
	}
	b.run(t, b.initArgs("--limits", "memory=256Mi", "--labels", "tier=gold")...).want(t, 0, "Deployment "+b.namespace+"/tbot: updated")

	// A service account that this very run makes is nobody's reason to refuse.
	b.run(t, b.initArgs("--limits", "memory=256Mi", "--labels", "tier=gold", "--service-account", "ci-bot")...).want(t, 0, "ServiceAccount "+b.namespace+"/ci-bot: created")
}

// TestQuotaOfOnePod: a pod that does not come up fills the quota, and the mended setup is proven all the same.
func TestQuotaOfOnePod(t *testing.T) {
	t.Parallel()
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
	b.apply(t, `{apiVersion: v1, kind: ResourceQuota, metadata: {name: one}, spec: {hard: {pods: "1"}}}`)
	b.run(t, b.initArgs("--image", "registry.example.com/tbot:0.0.0-missing", "--timeout", "10s")...).want(t, 3, "the Deployment is not ready after")
	b.play(t)
	b.run(t, b.initArgs()...).want(t, 0, "the quota has no room for another pod, so using pod tbot-", "which does not run yet")
	b.noProbePods(t)
}

// TestOpenShift plays its admission: the group is there by a resource of it, and a policy refuses a pod that fixes its uid as the
// security context constraints do.
func TestOpenShift(t *testing.T) {
	t.Parallel()
	plane, err := testkit.Start(t.Context(), testkit.Options{Flavour: testkit.SelfManaged, Audit: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := plane.Stop(); err != nil {
			t.Error(err)
		}
	})
	b := benchOn(t, plane, teleporttest.Options{})
	b.play(t)
	b.apply(t, `{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: securitycontextconstraints.security.openshift.io}, spec: {
  group: security.openshift.io, scope: Cluster, names: {kind: SecurityContextConstraints, listKind: SecurityContextConstraintsList, plural: securitycontextconstraints, singular: securitycontextconstraint},
  versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}]}}`)
	const words = "unable to validate against any security context constraint: provider restricted-v2: .spec.securityContext.runAsUser: Invalid value: 9807: must be in the ranges: [1000650000, 1000659999]"
	b.policy(t, "restricted-v2", "/pods", `!has(object.spec.securityContext) || !has(object.spec.securityContext.runAsUser) && !has(object.spec.securityContext.runAsGroup) && !has(object.spec.securityContext.fsGroup)`, words)
	b.counts(t, "security context constraint", triedPod)
	testkit.Eventually(t, "the group to be served", func(ctx context.Context) error {
		_, _, err := plane.Kubectl(ctx, nil, "get", "--raw", "/apis/security.openshift.io")
		return err
	})

	got := b.run(t, b.initArgs("--platform", "kubernetes", "-o", "json")...)
	got.want(t, 3)
	b.refusedBeforeTheDeployment(t, got, "OpenShift's admission (SecurityContextConstraints) refuses a pod like the Deployment's", "--platform openshift")

	t.Log("found by itself, and kept in the answers")
	got = b.run(t, b.initArgs("--save", b.path("answers.yaml"))...)
	got.want(t, 0, "OpenShift assigns its uid and gid: the cluster has the API group security.openshift.io")
	pods, err := plane.Client().CoreV1().Pods(b.namespace).List(t.Context(), metav1.ListOptions{})
	if err != nil || len(pods.Items) != 1 || pods.Items[0].Spec.SecurityContext.RunAsUser != nil || !*pods.Items[0].Spec.SecurityContext.RunAsNonRoot {
		t.Errorf("pods %+v, error %v; want one without a uid that still may not be root", pods, err)
	}
	rendered := runWith(t, noClusters(t), "", "render", "--from", b.path("answers.yaml"), "--side", "kubernetes")
	rendered.want(t, 0, "runAsNonRoot: true")
	if strings.Contains(rendered.stdout, "9807") {
		t.Errorf("render fixes a uid:\n%s", rendered.stdout)
	}
	b.run(t, b.initArgs("--platform", "openshift", "--prove", "always")...).want(t, 0, "as --platform says")
}

// TestUnknownPlatform: who may not ask for API groups is told, and gets the pod of other clusters.
func TestUnknownPlatform(t *testing.T) {
	t.Parallel()
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
	gateway, err := lab.NewGateway(t.Context(), b.plane)
	if err != nil {
		t.Fatal(err)
	}
	kubeconfig, closeIt, err := gateway.Open(b.dir, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasPrefix(r.URL.Path, "/apis/security.openshift.io") {
				http.Error(w, "forbidden", http.StatusForbidden)
				return
			}
			next.ServeHTTP(w, r)
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(closeIt)
	got := b.run(t, b.initArgs("--kubeconfig", kubeconfig, "--context", lab.GatewayContext, "--no-wait", "--save", b.path("answers.yaml"))...)
	got.want(t, 0, "whether this cluster is OpenShift could not be looked at", "--platform openshift")
	answers, err := os.ReadFile(b.path("answers.yaml"))
	if err != nil || strings.Contains(string(answers), "platform: kubernetes") {
		t.Errorf("error %v; what nobody saw is in the answers:\n%s", err, answers)
	}
}
