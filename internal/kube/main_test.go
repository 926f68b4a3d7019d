package kube_test

import (
	"io"
	"log"
	"os"
	"path/filepath"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"

	"github.com/tbotctl/tbotctl/internal/kube"
	"github.com/tbotctl/tbotctl/internal/testkit"
)

func TestMain(m *testing.M) { os.Exit(testkit.Main(m)) }

// secretWord stands for every secret of these tests: no error and no printed value may hold it.
const secretWord = "hunter2-very-secret"

// server is the API server that the tests of this package share; what tells flavours apart is not kube's business.
func server(t *testing.T) *testkit.ControlPlane {
	t.Helper()
	return testkit.Shared(t, testkit.SelfManaged)
}

func connect(t *testing.T, o kube.Options) *kube.Cluster {
	t.Helper()
	cluster, err := kube.Connect(o)
	if err != nil {
		t.Fatal(err)
	}
	return cluster
}

// admin is a cluster administrator.
func admin(t *testing.T) *kube.Cluster {
	t.Helper()
	return connect(t, kube.Options{Kubeconfig: server(t).KubeconfigFile()})
}

// kubeconfig writes a kubeconfig with one context of that name.
func kubeconfig(t *testing.T, name string, cluster api.Cluster, user api.AuthInfo) string {
	t.Helper()
	return writeKubeconfig(t, api.Config{
		Clusters:       map[string]*api.Cluster{name: &cluster},
		AuthInfos:      map[string]*api.AuthInfo{name: &user},
		Contexts:       map[string]*api.Context{name: {Cluster: name, AuthInfo: name}},
		CurrentContext: name,
	})
}

func writeKubeconfig(t *testing.T, config api.Config) string {
	t.Helper()
	content, err := clientcmd.Write(config)
	if err != nil {
		t.Fatal(err)
	}
	return writeFile(t, string(content))
}

func writeFile(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "kubeconfig")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// loginTo is a connection to the shared API server with other credentials than the administrator's.
func loginTo(t *testing.T, user api.AuthInfo) *kube.Cluster {
	t.Helper()
	config := server(t).RESTConfig()
	return connect(t, kube.Options{
		Kubeconfig:     kubeconfig(t, "lab", api.Cluster{Server: config.Host, CertificateAuthorityData: config.CAData}, user),
		RequestTimeout: 20 * time.Second,
	})
}

func object(apiVersion, kind, namespace, name string) *unstructured.Unstructured {
	u := &unstructured.Unstructured{Object: map[string]any{"apiVersion": apiVersion, "kind": kind}}
	u.SetNamespace(namespace)
	u.SetName(name)
	return u
}

func configMap(namespace, name string, data map[string]any) *unstructured.Unstructured {
	u := object("v1", "ConfigMap", namespace, name)
	u.Object["data"] = data
	return u
}

// pod is one that the scheduler never sees, unless change takes the gate away.
func pod(namespace, name string, change func(*corev1.Pod)) *corev1.Pod {
	p := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec: corev1.PodSpec{
			Containers:      []corev1.Container{{Name: "main", Image: "registry.example.com/main:1.2.3"}},
			SchedulingGates: []corev1.PodSchedulingGate{{Name: "example.com/gate"}},
		},
	}
	if change != nil {
		change(p)
	}
	return p
}

// restricted makes a namespace hold its pods to the `restricted` Pod Security Standard.
func restrict(t *testing.T, namespace string) {
	t.Helper()
	_, _, err := server(t).Kubectl(t.Context(), nil, "label", "namespace", namespace, "pod-security.kubernetes.io/enforce=restricted")
	if err != nil {
		t.Fatal(err)
	}
}

// quiet is the log of a server whose complaints are part of a test.
func quiet() *log.Logger { return log.New(io.Discard, "", 0) }
