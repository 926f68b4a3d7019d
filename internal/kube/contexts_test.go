package kube_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/client-go/tools/clientcmd/api"

	"github.com/tbotctl/tbotctl/internal/kube"
)

func TestContexts(t *testing.T) {
	t.Parallel()
	config := twoContexts()
	config.CurrentContext = "west"
	config.Contexts["adrift"] = &api.Context{Cluster: "gone", AuthInfo: "ann"}
	got, err := kube.Contexts(kube.Options{Kubeconfig: writeKubeconfig(t, config)})
	if err != nil {
		t.Fatal(err)
	}
	want := []kube.Context{
		{Name: "west", Cluster: "west", User: "ann", Server: "https://west.example.com:6443", Current: true},
		{Name: "adrift", Cluster: "gone", User: "ann"},
		{Name: "east", Cluster: "east", User: "ann", Server: "https://east.example.com", Namespace: "tools"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("contexts (-want +got):\n%s", diff)
	}
}

func TestContextsOfABadFile(t *testing.T) {
	t.Parallel()
	missing := filepath.Join(t.TempDir(), "nowhere")
	folder := t.TempDir()
	broken := writeFile(t, "users: [{name: ann, user: {token: "+secretWord+"}}]\nclusters: {")
	oddly := writeFile(t, "apiVersion: v1\nkind: Config\nusers: "+secretWord+"\n")
	for name, row := range map[string]struct {
		file string
		want []string
	}{
		"named and missing": {missing, []string{"--kubeconfig", missing, "no such file"}},
		"a folder":          {folder, []string{folder, "is a directory"}},
		"no YAML":           {broken, []string{broken, "error loading config file"}},
		"another shape":     {oddly, []string{oddly, "error loading config file"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := kube.Contexts(kube.Options{Kubeconfig: row.file})
			wantError(t, err, kube.Config, row.want...)
			if len(got) > 0 {
				t.Errorf("contexts %v beside the error", got)
			}
		})
	}
}

// The environment is the process's, so the tests below are not parallel.

func TestContextsMergesFilesOfKUBECONFIG(t *testing.T) {
	first, second := twoContexts(), twoContexts()
	first.CurrentContext = ""
	delete(first.Contexts, "west")
	second.Clusters["east"] = &api.Cluster{Server: "https://later.example.com"}
	second.CurrentContext = "west"
	files := []string{writeKubeconfig(t, first), filepath.Join(t.TempDir(), "nowhere"), writeKubeconfig(t, second)}
	t.Setenv("KUBECONFIG", strings.Join(files, string(os.PathListSeparator)))
	got, err := kube.Contexts(kube.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 || got[0].Name != "west" || !got[0].Current || got[1].Server != "https://east.example.com" {
		t.Errorf("contexts %+v, want west of the second file first, then east by the first file's word", got)
	}

	bad := writeFile(t, "{")
	t.Setenv("KUBECONFIG", files[0]+string(os.PathListSeparator)+bad)
	if _, err := kube.Contexts(kube.Options{}); !kube.Is(err, kube.Config) || !strings.Contains(err.Error(), bad) {
		t.Errorf("error %v, want one of kind Config that names %s", err, bad)
	}
}

func TestContextsWithoutKubeconfig(t *testing.T) {
	t.Setenv("KUBECONFIG", filepath.Join(t.TempDir(), "nowhere"))
	t.Setenv("KUBERNETES_SERVICE_HOST", "192.0.2.1")
	t.Setenv("KUBERNETES_SERVICE_PORT", "443")
	if got, err := kube.Contexts(kube.Options{}); err != nil || len(got) > 0 {
		t.Errorf("contexts %v, error %v; want neither", got, err)
	}
}
