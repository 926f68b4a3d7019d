package survey_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/tbotctl/tbotctl/checks"
	"github.com/tbotctl/tbotctl/internal/survey"
	"github.com/tbotctl/tbotctl/internal/testkit"
)

func TestPodsLogsEventsAndHealth(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.install(t, s.setup())
	live := s.around(t, s.kube)
	pods, err := live.Pods(t.Context())
	if err != nil || len(pods) != 1 || !strings.HasPrefix(pods[0].Name, "tbot-") {
		t.Fatalf("%d pods, %v", len(pods), err)
	}
	pod := pods[0]
	node(t).Say(s.namespace, pod.Name, "tbot", false, `{"level":"info"}`, "ERROR: access denied")
	logs, err := live.Logs(t.Context())
	if want := (checks.Log{Pod: pod.Name, Lines: []string{`{"level":"info"}`, "ERROR: access denied"}}); err != nil || len(logs) != 1 || !slices.Equal(logs[0].Lines, want.Lines) || logs[0].Pod != want.Pod || logs[0].Previous {
		t.Errorf("logs %+v, %v; want %+v", logs, err, want)
	}

	// After a restart there is what the container before has said.
	s.kubectl(t, "", "patch", "pod", pod.Name, "--subresource=status", "--type=json",
		`--patch=[{"op":"add","path":"/status/containerStatuses/0/lastState","value":{"terminated":{"exitCode":1,"reason":"Error"}}}]`)
	node(t).Say(s.namespace, pod.Name, "tbot", true, "unable to detect namespace from POD_NAMESPACE environment variable")
	logs, err = survey.Around(s.kube, live.Workload).Logs(t.Context())
	if err != nil || len(logs) != 2 || logs[0].Previous || !logs[1].Previous || !strings.Contains(logs[1].Lines[0], "POD_NAMESPACE") {
		t.Errorf("after a restart: %+v, %v", logs, err)
	}

	testkit.Eventually(t, "the events", func(ctx context.Context) error {
		events, err := survey.Around(s.kube, live.Workload).Events(ctx)
		if err != nil {
			return err
		}
		kinds := map[string]bool{}
		for _, event := range events {
			kinds[event.InvolvedObject.Kind] = true
		}
		if !kinds["Deployment"] || !kinds["ReplicaSet"] || !kinds["Pod"] {
			return errors.New("not of all")
		}
		return nil
	})

	port, closeIt, ok, err := node(t).Answer(t.Context(), &pod, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = io.WriteString(w, `{"status":"unhealthy"}`+strings.Repeat(" ", 10<<10))
	}))
	if err != nil {
		t.Fatal(err)
	}
	if !ok {
		t.Skip("this machine has no address that the API server would proxy to")
	}
	defer closeIt()
	w := live.Workload
	w.Deployment = w.Deployment.DeepCopy()
	w.Deployment.Spec.Template.Spec.Containers[0].Args = []string{"start", "--diag-addr=0.0.0.0:" + strconv.Itoa(port)}
	health, err := survey.Around(s.kube, w).Health(t.Context())
	if err != nil || health.Code != http.StatusServiceUnavailable || len(health.Body) != 4<<10 || !strings.HasPrefix(health.Body, `{"status":"unhealthy"}`) {
		t.Errorf("health %d, %d bytes, %v", health.Code, len(health.Body), err)
	}
	w.Deployment.Spec.Template.Spec.Containers[0].Args = []string{"start", "--diag-addr=0.0.0.0:1"}
	if health, err = survey.Around(s.kube, w).Health(t.Context()); err == nil || health.Code != 0 {
		t.Errorf("nobody listens: %+v, %v; want an error", health, err)
	}
}

func TestADeploymentWithoutPods(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.apply(t, ofTheChart)
	live := survey.Around(s.kube, s.only(t, s.kube))
	if pods, err := live.Pods(t.Context()); err != nil || len(pods) != 0 {
		t.Errorf("pods %v, %v", pods, err)
	}
	if logs, err := live.Logs(t.Context()); err != nil || len(logs) != 0 {
		t.Errorf("logs %v, %v", logs, err)
	}
	if health, err := live.Health(t.Context()); err != nil || health.Code != 0 {
		t.Errorf("health %+v, %v", health, err)
	}
	if account, err := live.ServiceAccount(t.Context()); err != nil || account == nil || account.Name != "default" {
		t.Errorf("service account %v, %v; want the default one", account, err)
	}
	silent := live.Workload
	silent.Deployment = silent.Deployment.DeepCopy()
	silent.Deployment.Spec.Template.Spec.Containers[1].Args = []string{"start", "-c", "/config/tbot.yaml"}
	if survey.Around(s.kube, silent).Health != nil {
		t.Error("a tbot that listens to nobody has a Health")
	}
}

func TestAdmissionAndPolicies(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.install(t, s.setup())
	s.apply(t, `
{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: all}, spec: {podSelector: {}, policyTypes: [Egress]}}
---
{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: tbot}, spec: {podSelector: {matchLabels: {app.kubernetes.io/name: tbot}}}}
---
{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: web}, spec: {podSelector: {matchLabels: {app: web}}}}
`)
	live := s.around(t, s.kube)
	policies, err := live.Policies(t.Context())
	var names []string
	for _, policy := range policies {
		names = append(names, policy.Name)
	}
	if err != nil || !slices.Equal(names, []string{"all", "tbot"}) {
		t.Errorf("policies %q, %v", names, err)
	}
	if namespace, err := live.Namespace(t.Context()); err != nil || namespace == nil || namespace.Name != s.namespace {
		t.Errorf("namespace %v, %v", namespace, err)
	}

	s.kubectl(t, "", "label", "namespace", s.namespace, "pod-security.kubernetes.io/enforce=restricted")
	admission, err := live.Admission(t.Context())
	if err != nil || admission.Refused != "" || len(admission.Warnings) != 0 {
		t.Errorf("what init makes: %+v, %v; want it to be admitted", admission, err)
	}
	bare := live.Workload
	bare.Deployment = bare.Deployment.DeepCopy()
	bare.Deployment.Spec.Template.Spec.Containers[0].SecurityContext = nil
	admission, err = survey.Around(s.kube, bare).Admission(t.Context())
	if err != nil || !strings.Contains(admission.Refused, `violates PodSecurity "restricted:latest"`) {
		t.Errorf("without a security context: %+v, %v", admission, err)
	}

	// A quota of the one pod that runs does not speak against it, and one that leaves no room for any does.
	s.kubectl(t, "", "create", "quota", "one", "--hard=pods=1")
	testkit.Eventually(t, "the quota to be counted", func(ctx context.Context) error {
		admission, err := survey.Around(s.kube, live.Workload).Admission(ctx)
		if err != nil {
			return err
		}
		if admission.Refused != "" || len(admission.Warnings) != 1 || !strings.Contains(admission.Warnings[0], "exceeded quota: one") {
			return errors.New("not yet")
		}
		return nil
	})
	s.kubectl(t, "", "delete", "quota", "one")
	s.kubectl(t, "", "create", "quota", "none", "--hard=pods=0")
	s.kubectl(t, "", "scale", "deployment", "tbot", "--replicas=0")
	testkit.Eventually(t, "the pod to be gone", func(ctx context.Context) error {
		pods, err := survey.Around(s.kube, live.Workload).Pods(ctx)
		if err == nil && len(pods) != 0 {
			err = errors.New("it is there")
		}
		return err
	})
	admission, err = survey.Around(s.kube, live.Workload).Admission(t.Context())
	if err != nil || !strings.Contains(admission.Refused, "exceeded quota: none") {
		t.Errorf("no room for any pod: %+v, %v", admission, err)
	}
}

func TestGrantsAndMay(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.install(t, s.setup())
	s.kubectl(t, "", "create", "rolebinding", "dangling", "--role=gone", "--serviceaccount="+s.namespace+":tbot")
	s.kubectl(t, "", "create", "rolebinding", "everybody", "--clusterrole=view", "--group=system:serviceaccounts:"+s.namespace)
	s.kubectl(t, "", "create", "rolebinding", "others", "--clusterrole=admin", "--serviceaccount=default:tbot")
	live := survey.Around(s.kube, s.only(t, s.kube))

	grants, err := live.Grants(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]checks.Grant{}
	for _, grant := range grants {
		found[grant.Binding] = grant
	}
	if own := found["RoleBinding tbot-output"]; own.Role != "Role tbot-output" || own.Namespace != s.namespace || len(own.Rules) == 0 || own.Rules[0].ResourceNames[0] != "tbot-output" {
		t.Errorf("its own: %+v", own)
	}
	if dangling, there := found["RoleBinding dangling"]; !there || len(dangling.Rules) != 0 {
		t.Errorf("a binding to nothing: %+v", dangling)
	}
	if view := found["RoleBinding everybody"]; view.Role != "ClusterRole view" || len(view.Rules) == 0 {
		t.Errorf("by its group: %+v", view)
	}
	if discovery := found["ClusterRoleBinding system:service-account-issuer-discovery"]; discovery.Namespace != "" || len(discovery.Rules) == 0 {
		t.Errorf("everywhere: %+v", discovery)
	}
	if _, there := found["RoleBinding others"]; there {
		t.Error("what another service account holds is among its grants")
	}

	secret := func(verb, name string) checks.Access {
		return checks.Access{Verb: verb, Resource: "secrets", Namespace: s.namespace, Name: name}
	}
	verdicts := live.May(t.Context(), []checks.Access{
		secret("get", "tbot-output"), secret("patch", "tbot-output"), secret("get", "other"), {Verb: "get", Path: "/openid/v1/jwks"},
	})
	for i, want := range []bool{true, true, false, true} {
		if verdicts[i].Err != nil || verdicts[i].Allowed != want {
			t.Errorf("verdict %d: %+v, want %v", i, verdicts[i], want)
		}
	}
}

// Every look that a viewer may not take is an error that says so, and what a viewer may see is seen.
func TestAViewersView(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.install(t, s.setup())
	live := s.around(t, s.viewer(t))
	pods, err := live.Pods(t.Context())
	if err != nil || len(pods) != 1 {
		t.Fatalf("%d pods, %v", len(pods), err)
	}
	node(t).Say(s.namespace, pods[0].Name, "tbot", false, "ERROR: token expired or not found")
	for what, look := range map[string]func(context.Context) error{
		"logs": func(ctx context.Context) error {
			logs, err := live.Logs(ctx)
			if err == nil && (len(logs) != 1 || !strings.Contains(logs[0].Lines[0], "not found")) {
				err = errors.New("nothing was read")
			}
			return err
		},
		"events":          func(ctx context.Context) error { _, err := live.Events(ctx); return err },
		"service account": func(ctx context.Context) error { _, err := live.ServiceAccount(ctx); return err },
		"namespace": func(ctx context.Context) error {
			namespace, err := live.Namespace(ctx)
			if err == nil && namespace == nil {
				err = errors.New("it is not there")
			}
			return err
		},
		"policies": func(ctx context.Context) error { _, err := live.Policies(ctx); return err },
		"mounts":   func(ctx context.Context) error { _, err := live.Mounts(ctx, s.namespace, "tbot-output"); return err },
	} {
		if err := look(t.Context()); err != nil {
			t.Errorf("%s: %v, want a viewer to see that", what, err)
		}
	}
	for what, look := range map[string]func(context.Context) error{
		"health":          func(ctx context.Context) error { _, err := live.Health(ctx); return err },
		"grants":          func(ctx context.Context) error { _, err := live.Grants(ctx); return err },
		"admission":       func(ctx context.Context) error { _, err := live.Admission(ctx); return err },
		"output":          func(ctx context.Context) error { _, err := live.Output(ctx, s.namespace, "tbot-output"); return err },
		"cluster secrets": func(ctx context.Context) error { _, err := live.ClusterSecrets(ctx, s.namespace); return err },
		"may": func(ctx context.Context) error {
			return live.May(ctx, []checks.Access{{Verb: "get", Resource: "secrets", Namespace: s.namespace, Name: "tbot-output"}})[0].Err
		},
	} {
		if err := look(t.Context()); !isForbidden(err) {
			t.Errorf("%s: %v, want an error that is Forbidden", what, err)
		}
	}
	// And nobody at all sees nothing, which is never an empty answer.
	nobody := survey.Around(connect(t, s.plane.KubeconfigFor(t, "nobody-"+s.namespace)), live.Workload)
	for what, look := range map[string]func(context.Context) error{
		"pods":            func(ctx context.Context) error { _, err := nobody.Pods(ctx); return err },
		"logs":            func(ctx context.Context) error { _, err := nobody.Logs(ctx); return err },
		"events":          func(ctx context.Context) error { _, err := nobody.Events(ctx); return err },
		"health":          func(ctx context.Context) error { _, err := nobody.Health(ctx); return err },
		"service account": func(ctx context.Context) error { _, err := nobody.ServiceAccount(ctx); return err },
		"namespace":       func(ctx context.Context) error { _, err := nobody.Namespace(ctx); return err },
		"policies":        func(ctx context.Context) error { _, err := nobody.Policies(ctx); return err },
		"mounts":          func(ctx context.Context) error { _, err := nobody.Mounts(ctx, s.namespace, "a"); return err },
	} {
		if err := look(t.Context()); !isForbidden(err) {
			t.Errorf("nobody's %s: %v, want an error that is Forbidden", what, err)
		}
	}
}

func isForbidden(err error) bool { return err != nil && apierrors.IsForbidden(err) }

// One look serves all who ask, and another name is another look.
func TestLooksOnce(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.apply(t, ofTheChart)
	counted := &counting{Kubernetes: s.kube}
	live := survey.Around(counted, s.only(t, s.kube))
	for range 2 {
		for _, name := range []string{"a", "b"} {
			if out, err := live.Output(t.Context(), s.namespace, name); err != nil || out != nil {
				t.Errorf("a Secret that is not there: %v, %v", out, err)
			}
		}
		if _, err := live.Logs(t.Context()); err != nil {
			t.Error(err)
		}
	}
	if counted.secrets != 2 || counted.pods != 1 {
		t.Errorf("%d reads of Secrets and %d of pods, want 2 and 1", counted.secrets, counted.pods)
	}
}

type counting struct {
	survey.Kubernetes
	secrets, pods int
}

func (c *counting) Secret(ctx context.Context, namespace, name string) (*corev1.Secret, error) {
	c.secrets++
	return c.Kubernetes.Secret(ctx, namespace, name)
}

func (c *counting) Pods(ctx context.Context, namespace, selector string) ([]corev1.Pod, error) {
	c.pods++
	return c.Kubernetes.Pods(ctx, namespace, selector)
}
