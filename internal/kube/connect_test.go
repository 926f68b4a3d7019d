package kube_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/client-go/tools/clientcmd/api"

	"github.com/tbotctl/tbotctl/internal/kube"
)

// twoContexts is a kubeconfig with the contexts east and west; east is current and its namespace is tools.
func twoContexts() api.Config {
	return api.Config{
		Clusters:  map[string]*api.Cluster{"east": {Server: "https://east.example.com"}, "west": {Server: "https://west.example.com:6443"}},
		AuthInfos: map[string]*api.AuthInfo{"ann": {Token: secretWord}},
		Contexts: map[string]*api.Context{
			"east": {Cluster: "east", AuthInfo: "ann", Namespace: "tools"},
			"west": {Cluster: "west", AuthInfo: "ann"},
		},
		CurrentContext: "east",
	}
}

func TestConnectTakesTheContext(t *testing.T) {
	t.Parallel()
	file := writeKubeconfig(t, twoContexts())
	for name, row := range map[string]struct {
		options       kube.Options
		context, host string
		namespace     string
	}{
		"current":            {kube.Options{Kubeconfig: file}, "east", "https://east.example.com", "tools"},
		"named":              {kube.Options{Kubeconfig: file, Context: "west"}, "west", "https://west.example.com:6443", "default"},
		"named and explicit": {kube.Options{Kubeconfig: file, Context: "east", Explicit: true}, "east", "https://east.example.com", "tools"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cluster := connect(t, row.options)
			if cluster.Context() != row.context || strings.TrimSuffix(cluster.Host(), "/") != row.host {
				t.Errorf("context %s at %s, want %s at %s", cluster.Context(), cluster.Host(), row.context, row.host)
			}
			if got := kube.CurrentNamespace(row.options); got != row.namespace {
				t.Errorf("namespace %q, want %q", got, row.namespace)
			}
			if text := fmt.Sprintf("%v %+v", row.options, cluster); strings.Contains(text, secretWord) {
				t.Error("the token can be printed")
			}
		})
	}
}

func TestConnectErrors(t *testing.T) {
	t.Parallel()
	file := writeKubeconfig(t, twoContexts())
	noCurrent := twoContexts()
	noCurrent.CurrentContext = ""
	many := twoContexts()
	for i := range 20 {
		many.Contexts[fmt.Sprintf("cluster-%02d", i)] = many.Contexts["east"]
	}
	hostile := twoContexts()
	hostile.Contexts["\x1b[2Jowned"] = hostile.Contexts["east"]
	missing := filepath.Join(t.TempDir(), "nowhere")
	for name, row := range map[string]struct {
		options kube.Options
		want    []string
	}{
		"a file that does not exist":        {kube.Options{Kubeconfig: missing}, []string{"--kubeconfig", missing, "no such file"}},
		"a folder":                          {kube.Options{Kubeconfig: t.TempDir()}, []string{"is a directory"}},
		"an empty file":                     {kube.Options{Kubeconfig: writeFile(t, "")}, []string{"--kubeconfig", "names no cluster"}},
		"no YAML":                           {kube.Options{Kubeconfig: writeFile(t, "{")}, []string{"error loading config file"}},
		"an unknown context":                {kube.Options{Kubeconfig: file, Context: "north"}, []string{`context "north" does not exist`, `"east", "west"`}},
		"an unknown context among many":     {kube.Options{Kubeconfig: writeKubeconfig(t, many), Context: "north"}, []string{`"cluster-11", and 10 more`}},
		"a context's name is foreign text":  {kube.Options{Kubeconfig: writeKubeconfig(t, hostile), Context: "north"}, []string{`"\x1b[2Jowned"`}},
		"nothing is taken without asking":   {kube.Options{Kubeconfig: file, Explicit: true}, []string{"no --context given; without a terminal", `"east", "west"`}},
		"no current context":                {kube.Options{Kubeconfig: writeKubeconfig(t, noCurrent)}, []string{"the kubeconfig has no current one", `"east", "west"`}},
		"no context at all":                 {kube.Options{Kubeconfig: writeFile(t, "apiVersion: v1\nkind: Config\nusers: [{name: ann, user: {}}]\n")}, []string{"there are none"}},
		"a context without its cluster":     {kube.Options{Kubeconfig: writeFile(t, "apiVersion: v1\nkind: Config\ncontexts: [{name: a, context: {cluster: gone, user: gone}}]\n"), Context: "a"}, []string{`context "a" names the cluster "gone"`}},
		"a context without its user":        {kube.Options{Kubeconfig: writeFile(t, "apiVersion: v1\nkind: Config\nclusters: [{name: c, cluster: {server: https://c.example.com}}]\ncontexts: [{name: a, context: {cluster: c, user: gone}}]\n"), Context: "a"}, []string{`context "a" names the user "gone"`}},
		"groups without a user":             {kube.Options{Kubeconfig: file, AsGroups: []string{"admins"}}, []string{"--as-group", "--as"}},
		"a login plugin that was abolished": {kube.Options{Kubeconfig: kubeconfig(t, "old", api.Cluster{Server: "https://old.example.com"}, api.AuthInfo{AuthProvider: &api.AuthProviderConfig{Name: "gcp"}})}, []string{"gcp auth plugin has been removed"}},
		"a certificate that is none":        {kube.Options{Kubeconfig: kubeconfig(t, "bad", api.Cluster{Server: "https://bad.example.com"}, api.AuthInfo{ClientCertificateData: []byte("x"), ClientKeyData: []byte(secretWord)})}, []string{"reading the kubeconfig"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := kube.Connect(row.options)
			if !kube.Is(err, kube.Config) {
				t.Fatalf("error %v, want one of kind Config", err)
			}
			for _, part := range row.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("the error does not say %q: %v", part, err)
				}
			}
			if strings.Contains(err.Error(), secretWord) || strings.ContainsRune(err.Error(), '\x1b') {
				t.Errorf("the error is not safe to show: %q", err)
			}
		})
	}
}

// The environment is the process's, so the tests below are not parallel.

func TestConnectMergesFilesOfKUBECONFIG(t *testing.T) {
	first, second := twoContexts(), twoContexts()
	first.CurrentContext = ""
	delete(first.Contexts, "west")
	second.Clusters["east"] = &api.Cluster{Server: "https://later.example.com"}
	second.CurrentContext = "west"
	files := []string{writeKubeconfig(t, first), filepath.Join(t.TempDir(), "nowhere"), writeKubeconfig(t, second)}
	t.Setenv("KUBECONFIG", strings.Join(files, string(os.PathListSeparator)))

	if got := connect(t, kube.Options{}); got.Context() != "west" {
		t.Errorf("context %s, want west, the current one of the second file", got.Context())
	}
	if got := connect(t, kube.Options{Context: "east"}); !strings.HasPrefix(got.Host(), "https://east.example.com") {
		t.Errorf("context east is at %s, want the first file's word for it", got.Host())
	}
	if _, err := kube.Connect(kube.Options{Kubeconfig: files[0], Context: "west"}); !kube.Is(err, kube.Config) {
		t.Errorf("error %v, want one: --kubeconfig takes the place of KUBECONFIG", err)
	}
}

func TestConnectWithoutKubeconfig(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "nowhere")
	t.Setenv("KUBECONFIG", missing)
	t.Setenv("KUBERNETES_SERVICE_HOST", "")
	_, err := kube.Connect(kube.Options{})
	if !kube.Is(err, kube.Config) || !strings.Contains(err.Error(), missing) || !strings.Contains(err.Error(), "--kubeconfig FILE") {
		t.Errorf("error %v, want one of kind Config that says where was looked and what to do", err)
	}
	if got := kube.CurrentNamespace(kube.Options{}); got != "" {
		t.Errorf("namespace %q, want none where there is no cluster", got)
	}
}

// Outside of a pod with its mounted token, which this machine is, the variables of a pod alone are no login.
func TestConnectInAPodWithoutItsToken(t *testing.T) {
	t.Setenv("KUBECONFIG", filepath.Join(t.TempDir(), "nowhere"))
	t.Setenv("KUBERNETES_SERVICE_HOST", "192.0.2.1")
	t.Setenv("KUBERNETES_SERVICE_PORT", "443")
	if _, err := kube.Connect(kube.Options{}); !kube.Is(err, kube.Config) || !strings.Contains(err.Error(), "the pod's own service account") {
		t.Errorf("error %v, want one of kind Config about the pod's service account", err)
	}
}
