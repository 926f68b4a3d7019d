package spec_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tbotctl/tbotctl/internal/golden"
	"github.com/tbotctl/tbotctl/internal/spec"
)

// everything is a Setup in which no field has its default.
func everything() spec.Setup {
	return spec.Setup{
		APIVersion: spec.APIVersion,
		Kind:       spec.Kind,
		Name:       "ci",
		Side:       spec.SideKubernetes,
		Kubernetes: spec.Kubernetes{Context: "prod", Namespace: "machines", CreateNamespace: true, ServiceAccount: "ci-bot"},
		Teleport: spec.Teleport{
			Proxy: "teleport.example.com:443", ProxyCA: "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n",
			ClusterName: "main", BotName: "ci", TokenName: "ci-token", Roles: []string{"access", "true"},
		},
		Join:   spec.Join{Type: spec.JoinStaticJWKS, Issuer: "https://issuer.example.com/", JWKS: `{"keys":[]}`, AcceptRotationRisk: true, AuthServiceAccount: "teleport:auth"},
		Access: spec.AccessKubernetes,
		Reach: spec.Reach{
			Clusters: []string{"prod-eu", "prod-us"}, Labels: []map[string]string{{"env": "dev", "team": "a"}, {"env": "test"}},
			Groups: []string{"readers", "oidc:dev"}, Users: []string{"jane@example.com"}, Namespace: "shop", ClusterRole: "edit", Contexts: []string{"prod-eu"},
		},
		ArgoCD: spec.ArgoCD{
			Namespace: "gitops", Project: "shop", Namespaces: []string{"shop", "web"}, ClusterResources: true, SecretLabels: map[string]string{"tier": "gold"},
			NameTemplate: "{{.KubeName}}", Impersonation: true, RBAC: spec.ArgoCDRBACNamespace,
		},
		Output: spec.Output{Secret: "credentials", Fragment: "debug: true\n"},
		Workload: spec.Workload{
			Kind: spec.WorkloadTbot, Image: "tbot", Registry: "r", PullSecret: "login", TbotVersion: "18.2.0", FIPS: true, Telemetry: true,
			Labels: map[string]string{"team": "a"}, Annotations: map[string]string{"note": "a: b # c"}, Env: map[string]string{"A": "x\ny\t"},
			Requests: map[string]string{"cpu": "1"}, Limits: map[string]string{"memory": "1e9"}, NodeSelector: map[string]string{"arch": "arm64"},
			Tolerations: []spec.Toleration{{Key: "a", Value: "b", Effect: "NoSchedule"}, {Key: "c"}}, PriorityClass: "high",
			Platform: spec.PlatformOpenShift, Patch: "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ci-config}\n",
		},
		Agent: spec.Agent{
			Roles: []string{"App", "Db", "Kube"}, Apps: []spec.AgentApp{{Name: "shop", URI: "http://shop.svc:80/?a=b"}, {Name: "wiki", URI: "https://wiki.svc"}},
			Databases: []spec.AgentDatabase{{Name: "orders", Protocol: "postgres", URI: "db.svc:5432"}}, KubeName: "prod", Labels: map[string]string{"env": "prod"}, Release: "edge",
		},
		Files: spec.Files{Kube: spec.KubeHelm, Teleport: spec.TeleportOperator, OperatorNamespace: "teleport"},
		Resolved: &spec.Resolved{
			ClusterName: "main", ServerVersion: "18.2.0", Image: "tbot:18.2.0", JoinType: spec.JoinStaticJWKS, Reason: "asked for",
			Issuer: "https://issuer.example.com/", JWKS: `{"keys":[{"kid":"a"}]}`, ClusterID: "1a2b3c4d",
			KubeClusters: []spec.ResolvedCluster{{Name: "prod-eu", Labels: map[string]string{"region": "eu"}}, {Name: "bare"}}, ArgoCDNamespace: "argocd",
			Platform: spec.PlatformOpenShift,
		},
	}
}

func TestSaveAndLoadAreInverse(t *testing.T) {
	t.Parallel()
	bare := everything()
	bare.Workload.Requests, bare.Workload.Limits = map[string]string{}, map[string]string{}
	for name, want := range map[string]spec.Setup{"everything": everything(), "default": spec.Default(), "no requests and limits": bare} {
		var file bytes.Buffer
		if err := spec.Save(&file, want); err != nil {
			t.Fatal(err)
		}
		text := file.String()
		got, err := spec.Load(&file)
		if err != nil {
			t.Fatalf("%s: %v\n%s", name, err, text)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-saved +loaded):\n%s", name, diff)
		}
	}
}

// The answers file is a format that people commit: a change of it has to be seen.
func TestAnswersFileGolden(t *testing.T) {
	t.Parallel()
	var file bytes.Buffer
	if err := spec.Save(&file, everything()); err != nil {
		t.Fatal(err)
	}
	golden.Assert(t, "answers.yaml", file.Bytes())
}

const header = "apiVersion: tbotctl.dev/v1\nkind: Setup\n"

func TestLoadFillsInDefaults(t *testing.T) {
	t.Parallel()
	got, err := spec.Load(strings.NewReader(header + "workload: {limits: {cpu: '1'}}\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := spec.Default()
	want.Workload.Limits = map[string]string{"cpu": "1"} // replaces the default, which would merge otherwise
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestLoadSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, want string }{
		"nothing":       {"", "the answers are empty"},
		"not YAML":      {"a: [", "the answers cannot be read: line 1: did not find expected node content"},
		"text":          {"hello", "the answers cannot be read: line 1: !!str `hello` is of the wrong kind"},
		"other file":    {"apiVersion: v1\nkind: Pod\nspec: {}\n", `the answers are apiVersion "v1", kind "Pod"; this tbotctl reads apiVersion tbotctl.dev/v1, kind Setup`},
		"later format":  {"apiVersion: tbotctl.dev/v2\nkind: Setup\nnew: 1\n", `the answers are apiVersion "tbotctl.dev/v2", kind "Setup"; this tbotctl reads apiVersion tbotctl.dev/v1, kind Setup`},
		"unknown key":   {header + "teleport:\n  proxie: a\n", "the answers cannot be read: line 4: key proxie is not known here"},
		"unknown keys":  {header + "a: 1\nb: 2\n", "the answers cannot be read: line 3: key a is not known here; line 4: key b is not known here"},
		"wrong kind":    {header + "kubernetes:\n  createNamespace: maybe\n", "the answers cannot be read: line 4: !!str `maybe` is of the wrong kind"},
		"escapes":       {header + "kubernetes:\n  createNamespace: \"\\e[31m\"\n", "the answers cannot be read: line 4: !!str `\ufffd[31m` is of the wrong kind"},
		"key twice":     {header + "name: a\nname: b\n", `the answers cannot be read: line 4: mapping key "name" already defined at line 3`},
		"two documents": {header + "---\n" + header, "the answers hold more than one YAML document"},
		"too large":     {strings.Repeat("#", 1<<20+1), "the answers are larger than 1 MiB"},
	} {
		if _, err := spec.Load(strings.NewReader(c.text)); err == nil || err.Error() != c.want {
			t.Errorf("%s: error = %v, want %s", name, err, c.want)
		}
	}
}

var errBroken = errors.New("broken")

type broken struct{}

func (broken) Read([]byte) (int, error)  { return 0, errBroken }
func (broken) Write([]byte) (int, error) { return 0, errBroken }

func TestLoadAndSaveReportBrokenStreams(t *testing.T) {
	t.Parallel()
	if _, err := spec.Load(broken{}); !errors.Is(err, errBroken) {
		t.Errorf("Load: %v", err)
	}
	if err := spec.Save(broken{}, spec.Default()); !errors.Is(err, errBroken) {
		t.Errorf("Save: %v", err)
	}
}
