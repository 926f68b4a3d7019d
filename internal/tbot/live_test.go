package tbot_test

import (
	"context"
	"encoding/json"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	k8s "k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/tbotctl/tbotctl/internal/kube"
	"github.com/tbotctl/tbotctl/internal/tbot"
	"github.com/tbotctl/tbotctl/internal/tbotconfig"
	"github.com/tbotctl/tbotctl/internal/teleporttest"
	"github.com/tbotctl/tbotctl/internal/testkit"
)

// liveLab is a lab whose cluster alpha is a real API server, on which the group of the bot's role may look at one namespace.
func liveLab(t *testing.T) (l lab, plane *testkit.ControlPlane, namespace string) {
	t.Helper()
	plane = testkit.Shared(t, testkit.SelfManaged)
	namespace = plane.Namespace(t)
	clusters := enrolled()
	clusters[0].Upstream = plane.RESTConfig()
	l = newKubeLab(t, teleporttest.Options{KubeClusters: clusters})
	if _, _, err := plane.Kubectl(t.Context(), nil, "-n", namespace, "create", "rolebinding", "viewers", "--clusterrole=view", "--group=viewers"); err != nil {
		t.Fatal(err)
	}
	return l, plane, namespace
}

// The kubeconfigs and Argo CD's credentials are good for what they are meant for: through the proxy, to a real API server, as the
// groups of the bot's role and no more. kubectl and client-go are the readers.
func TestOutputsReachTheAPIServer(t *testing.T) {
	t.Parallel()
	l, plane, namespace := liveLab(t)
	if _, _, err := plane.Kubectl(t.Context(), nil, "-n", namespace, "create", "configmap", "seen"); err != nil {
		t.Fatal(err)
	}
	v1, v2 := filepath.Join(t.TempDir(), "v1"), filepath.Join(t.TempDir(), "v2")
	first, second := kubernetes("alpha", tbotconfig.Directory(v1)), kubernetesV2(tbotconfig.Directory(v2), named("alpha"))
	first.DisableExecPlugin, second.DisableExecPlugin = true, true
	run, store := l.runs(t, first, second, argoCD(named("alpha"))), &secrets{}
	run.Destinations.Secrets = store
	if _, err := run.Once(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{v1, v2} {
		file := filepath.Join(dir, "kubeconfig.yaml")
		testkit.Eventually(t, "the binding to count", func(ctx context.Context) error {
			_, _, err := plane.Kubectl(ctx, nil, "--kubeconfig", file, "-n", namespace, "get", "configmap", "seen")
			return err
		})
		// Asked again where kubectl got no answer in time, which happened once.
		testkit.Eventually(t, "the deletion to be refused", func(ctx context.Context) error {
			ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
			defer cancel()
			_, stderr, err := plane.Kubectl(ctx, nil, "--kubeconfig", file, "-n", namespace, "delete", "configmap", "seen")
			switch {
			case err == nil:
				t.Errorf("%s: the bot's group may delete", file)
			case !strings.Contains(stderr, "forbidden"):
				return err
			}
			return nil
		})
		config, err := clientcmd.BuildConfigFromFlags("", file)
		if err != nil {
			t.Fatal(err)
		}
		listsConfigMaps(t, config, namespace)
	}
	var argo struct {
		TLS rest.TLSClientConfig `json:"tlsClientConfig"`
	}
	if err := json.Unmarshal(store.put[0].Data["config"], &argo); err != nil {
		t.Fatal(err)
	}
	listsConfigMaps(t, &rest.Config{Host: string(store.put[0].Data["server"]), TLSClientConfig: argo.TLS}, namespace)
}

// listsConfigMaps finds the one that the test made.
func listsConfigMaps(t *testing.T, config *rest.Config, namespace string) {
	t.Helper()
	client, err := k8s.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	list, err := client.CoreV1().ConfigMaps(namespace).List(t.Context(), metav1.ListOptions{})
	if err != nil || !slices.ContainsFunc(list.Items, func(c corev1.ConfigMap) bool { return c.Name == "seen" }) {
		t.Errorf("by %s: %v", config.Host, err)
	}
	if _, err := client.CoreV1().ConfigMaps("kube-system").List(t.Context(), metav1.ListOptions{}); !apierrors.IsForbidden(err) {
		t.Errorf("by %s, another namespace: %v", config.Host, err)
	}
}

// tbot's start, rehearsed on a real API server as the pod's service account: rights and conflicts show, and nothing is written.
func TestRehearseOnTheAPIServer(t *testing.T) {
	t.Parallel()
	plane := testkit.Shared(t, testkit.SelfManaged)
	namespace := plane.Namespace(t)
	l := newKubeLab(t, teleporttest.Options{})
	allowed := func(user string, arguments ...string) *kube.Secrets {
		file := plane.KubeconfigFor(t, user+"-"+namespace)
		if len(arguments) > 0 {
			for _, line := range [][]string{
				append([]string{"-n", namespace, "create", "role", user, "--resource=secrets"}, arguments...),
				{"-n", namespace, "create", "rolebinding", user, "--role=" + user, "--user=" + user + "-" + namespace},
			} {
				if _, _, err := plane.Kubectl(t.Context(), nil, line...); err != nil {
					t.Fatal(err)
				}
			}
		}
		cluster, err := kube.Connect(kube.Options{Kubeconfig: file})
		if err != nil {
			t.Fatal(err)
		}
		return cluster.Secrets(true)
	}
	writer := allowed("writer", "--verb=get,create,patch,update")
	if _, _, err := plane.Kubectl(t.Context(), nil, "-n", namespace, "create", "secret", "generic", "taken", "--from-literal=.write-test=x"); err != nil {
		t.Fatal(err)
	}
	argo := l.runs(t, argoCD(named("alpha")))
	argo.Destinations = tbot.Destinations{Namespace: namespace, Nowhere: true}
	made, err := argo.Once(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, "the Role to count", func(ctx context.Context) error {
		_, err := writer.ReadSecret(ctx, namespace, "out")
		return err
	})
	output := func(name string) tbot.OutputResult { return tbot.OutputResult{Destination: tbotconfig.Secret(name)} }
	for name, row := range map[string]struct {
		store  *kube.Secrets
		output tbot.OutputResult
		kind   kube.Kind
		fails  bool
	}{
		"may write":            {store: writer, output: output("out")},
		"may nothing":          {store: allowed("nobody"), output: output("out"), kind: kube.Forbidden, fails: true},
		"may look":             {store: allowed("reader", "--verb=get"), output: output("out"), kind: kube.Forbidden, fails: true},
		"is somebody else's":   {store: writer, output: output("taken"), kind: kube.Conflict, fails: true},
		"may write Argo CD's":  {store: writer, output: made.Outputs[0]},
		"may not, for Argo CD": {store: allowed("patcher", "--verb=get,patch"), output: made.Outputs[0], kind: kube.Forbidden, fails: true},
	} {
		testkit.Eventually(t, name, func(ctx context.Context) error {
			got := tbot.Destinations{Secrets: row.store, Namespace: namespace}.Rehearse(ctx, row.output)
			if len(got) != 1 || got[0].Untested != "" {
				t.Fatalf("%s: %v", name, got)
			}
			switch {
			case !row.fails || !kube.Is(got[0].Err, row.kind) && got[0].Err != nil:
				return got[0].Err
			case got[0].Err == nil:
				return errors.New("nothing stood in the way")
			}
			return nil
		})
	}
	left, err := plane.Client().CoreV1().Secrets(namespace).List(t.Context(), metav1.ListOptions{})
	if err != nil || len(left.Items) != 1 {
		t.Errorf("%d Secrets after the rehearsals, %v", len(left.Items), err)
	}
}
