package kube_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/tbotctl/tbotctl/internal/kube"
	"github.com/tbotctl/tbotctl/internal/testkit"
	"github.com/tbotctl/tbotctl/internal/testkit/kubelet"
)

// theKubelet is that of the shared control plane; it ends with the tests.
//
//nolint:gochecknoglobals // the tests of this package share it as they share the control plane
var theKubelet = struct {
	once sync.Once
	*kubelet.Kubelet
	err error
}{}

func node(t *testing.T) *kubelet.Kubelet {
	t.Helper()
	theKubelet.once.Do(func() {
		theKubelet.Kubelet, theKubelet.err = kubelet.Start(context.WithoutCancel(t.Context()), server(t))
	})
	if theKubelet.err != nil {
		t.Fatal(theKubelet.err)
	}
	return theKubelet.Kubelet
}

// apply makes objects from YAML, in which NAMESPACE stands for the namespace.
func apply(t *testing.T, namespace, manifest string) {
	t.Helper()
	if _, _, err := server(t).Kubectl(t.Context(), strings.NewReader(strings.ReplaceAll(manifest, "NAMESPACE", namespace)), "-n", namespace, "apply", "--server-side", "-f", "-"); err != nil {
		t.Fatal(err)
	}
}

const observed = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 0
  selector: {matchLabels: {app: web}}
  template: {metadata: {labels: {app: web}}, spec: {containers: [{name: web, image: "registry.example.com/web:1"}]}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: settings}, data: {colour: blue}}
---
{apiVersion: v1, kind: Secret, metadata: {name: credentials}, stringData: {key: ` + secretWord + `}}
---
{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: deny}, spec: {podSelector: {}}}
---
{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: reader}, rules: [{apiGroups: [""], resources: [pods], verbs: [get]}]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: reader}
subjects: [{kind: ServiceAccount, name: default}]
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}
---
apiVersion: v1
kind: Event
metadata: {name: told}
involvedObject: {kind: Pod, name: web-1, namespace: NAMESPACE}
reason: Failed
`

// looks are all the looks at a namespace, each with what it saw in one word.
func looks(c *kube.Cluster, namespace string, missing bool) map[string]func(context.Context) (any, error) {
	name := func(given string) string {
		if missing {
			return "nothing"
		}
		return given
	}
	return map[string]func(context.Context) (any, error){
		"Deployment": func(ctx context.Context) (any, error) {
			d, err := c.Deployment(ctx, namespace, name("web"))
			return say(d != nil, func() any { return d.Spec.Template.Spec.Containers[0].Name }), err
		},
		"ConfigMap": func(ctx context.Context) (any, error) {
			m, err := c.ConfigMap(ctx, namespace, name("settings"))
			return say(m != nil, func() any { return m.Data["colour"] }), err
		},
		"Secret": func(ctx context.Context) (any, error) {
			s, err := c.Secret(ctx, namespace, name("credentials"))
			return say(s != nil, func() any { return string(s.Data["key"]) }), err
		},
		"ServiceAccount": func(ctx context.Context) (any, error) {
			a, err := c.ServiceAccount(ctx, namespace, name("default"))
			return say(a != nil, func() any { return a.Name }), err
		},
		"Role": func(ctx context.Context) (any, error) {
			r, err := c.Role(ctx, namespace, name("reader"))
			return say(r != nil, func() any { return r.Rules[0].Verbs[0] }), err
		},
	}
}

func say(there bool, word func() any) any {
	if !there {
		return nil
	}
	return word()
}

func TestLooksAtWhatLives(t *testing.T) {
	t.Parallel()
	namespace := server(t).Namespace(t)
	apply(t, namespace, observed)
	c := admin(t)
	want := map[string]any{"Deployment": "web", "ConfigMap": "blue", "Secret": secretWord, "ServiceAccount": "default", "Role": "get"}
	for kind, look := range looks(c, namespace, false) {
		if got, err := look(t.Context()); err != nil || got != want[kind] {
			t.Errorf("%s: %v, %v; want %v", kind, got, err, want[kind])
		}
	}
	for kind, look := range looks(c, namespace, true) {
		if got, err := look(t.Context()); err != nil || got != nil {
			t.Errorf("%s that is not there: %v, %v; want neither", kind, got, err)
		}
	}
	if role, err := c.ClusterRole(t.Context(), "view"); err != nil || role == nil {
		t.Errorf("ClusterRole view: %v, %v", role, err)
	}
	if live, err := c.Namespace(t.Context(), namespace); err != nil || live == nil || live.Name != namespace {
		t.Errorf("Namespace: %v, %v", live, err)
	}
	for what, list := range map[string]func() (int, error){
		"deployments":   func() (int, error) { all, err := c.Deployments(t.Context(), namespace); return len(all), err },
		"policies":      func() (int, error) { all, err := c.NetworkPolicies(t.Context(), namespace); return len(all), err },
		"role bindings": func() (int, error) { all, err := c.RoleBindings(t.Context(), namespace); return len(all), err },
		"events":        func() (int, error) { all, err := c.Events(t.Context(), namespace); return len(all), err },
	} {
		if n, err := list(); err != nil || n < 1 {
			t.Errorf("%s: %d, %v", what, n, err)
		}
	}
	all, err := c.Deployments(t.Context(), "")
	if err != nil || !slices.ContainsFunc(all, func(d appsv1.Deployment) bool { return d.Namespace == namespace }) {
		t.Errorf("the whole cluster's Deployments are %d, %v; want ours among them", len(all), err)
	}
	bindings, err := c.ClusterRoleBindings(t.Context())
	if err != nil || len(bindings) == 0 {
		t.Errorf("cluster role bindings: %d, %v", len(bindings), err)
	}
}

func TestALookWithoutTheRightIsNoAnswer(t *testing.T) {
	t.Parallel()
	namespace := server(t).Namespace(t)
	apply(t, namespace, observed)
	nobody := connect(t, kube.Options{Kubeconfig: server(t).KubeconfigFor(t, "nobody-"+namespace)})
	all := looks(nobody, namespace, false)
	all["ClusterRole"] = func(ctx context.Context) (any, error) { return nobody.ClusterRole(ctx, "view") }
	all["Namespace"] = func(ctx context.Context) (any, error) { return nobody.Namespace(ctx, namespace) }
	all["Deployments"] = func(ctx context.Context) (any, error) { return nobody.Deployments(ctx, namespace) }
	all["all Deployments"] = func(ctx context.Context) (any, error) { return nobody.Deployments(ctx, "") }
	all["NetworkPolicies"] = func(ctx context.Context) (any, error) { return nobody.NetworkPolicies(ctx, namespace) }
	all["RoleBindings"] = func(ctx context.Context) (any, error) { return nobody.RoleBindings(ctx, namespace) }
	all["ClusterRoleBindings"] = func(ctx context.Context) (any, error) { return nobody.ClusterRoleBindings(ctx) }
	all["Events"] = func(ctx context.Context) (any, error) { return nobody.Events(ctx, namespace) }
	all["Logs"] = func(ctx context.Context) (any, error) { return nobody.Logs(ctx, namespace, "web", "web", false, 10) }
	all["ProxyGet"] = func(ctx context.Context) (any, error) {
		status, _, err := nobody.ProxyGet(ctx, namespace, "web", 3001, "/readyz")
		return status, err
	}
	all["Review"] = func(ctx context.Context) (any, error) {
		return nobody.Review(ctx, authorizationv1.SubjectAccessReviewSpec{
			User: "ann", ResourceAttributes: &authorizationv1.ResourceAttributes{Verb: "get", Resource: "pods"},
		})
	}
	all["Admit"] = func(ctx context.Context) (any, error) {
		refused, _, err := nobody.Admit(ctx, pod(namespace, "web", nil))
		return refused, err
	}
	for what, look := range all {
		_, err := look(t.Context())
		if !kube.Is(err, kube.Forbidden) || !apierrors.IsForbidden(err) {
			t.Errorf("%s: %v, want an error of kind Forbidden that unwraps to the API server's Status", what, err)
		}
	}
}

func TestLogs(t *testing.T) {
	t.Parallel()
	namespace := server(t).Namespace(t)
	c := admin(t)
	runs(t, c, namespace, "talker")
	kubelet := node(t)
	lines := make([]string, 150)
	for i := range lines {
		lines[i] = fmt.Sprintf("line %d", i)
	}
	kubelet.Say(namespace, "talker", "main", false, lines...)

	got, err := c.Logs(t.Context(), namespace, "talker", "main", false, 100)
	if err != nil || !slices.Equal(got, lines[50:]) {
		t.Errorf("%d lines from %.20q, %v; want the last 100", len(got), got, err)
	}
	if got, err = c.Logs(t.Context(), namespace, "talker", "main", true, 100); err != nil || got != nil {
		t.Errorf("a container that was not restarted: %q, %v; want nothing", got, err)
	}
	kubelet.Say(namespace, "talker", "main", true, "ERROR: access denied")
	if got, err = c.Logs(t.Context(), namespace, "talker", "main", true, 100); err != nil || !slices.Equal(got, []string{"ERROR: access denied"}) {
		t.Errorf("the container before: %q, %v", got, err)
	}
	kubelet.Say(namespace, "talker", "main", false)
	if got, err = c.Logs(t.Context(), namespace, "talker", "main", false, 100); err != nil || got != nil {
		t.Errorf("a silent container: %q, %v; want nothing", got, err)
	}
	if got, err = c.Logs(t.Context(), namespace, "nobody", "main", false, 100); err != nil || got != nil {
		t.Errorf("a pod that is not there: %q, %v; want nothing", got, err)
	}
	kubelet.Say(namespace, "talker", "main", false, strings.Repeat("x", 2<<20))
	if got, err = c.Logs(t.Context(), namespace, "talker", "main", false, 100); err != nil || len(got) != 1 || len(got[0]) > 1<<20 {
		t.Errorf("a very long line: %d lines, %v; want its beginning", len(got), err)
	}
	if _, err = c.Logs(t.Context(), namespace, "talker", "sidecar", false, 100); !kube.Is(err, kube.Invalid) {
		t.Errorf("a container that the pod does not have: %v, want kind Invalid", err)
	}
}

// runs makes a pod that runs, as far as the cluster can tell.
func runs(t *testing.T, c *kube.Cluster, namespace, name string) *corev1.Pod {
	t.Helper()
	if _, err := c.CreatePod(t.Context(), pod(namespace, name, func(p *corev1.Pod) { p.Spec.SchedulingGates = nil })); err != nil {
		t.Fatal(err)
	}
	var live *corev1.Pod
	testkit.Eventually(t, "the pod to run", func(ctx context.Context) error {
		pods, err := c.Pods(ctx, namespace, "")
		for i := range pods {
			if pods[i].Name == name && pods[i].Status.Phase == corev1.PodRunning && pods[i].Status.PodIP != "" {
				live = &pods[i]
				return nil
			}
		}
		return fmt.Errorf("it does not: %w", err)
	})
	return live
}
