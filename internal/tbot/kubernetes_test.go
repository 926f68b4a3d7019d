package tbot_test

import (
	"errors"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/gravitational/teleport/api/identityfile"
	"github.com/gravitational/teleport/api/types"

	"github.com/tbotctl/tbotctl/internal/golden"
	"github.com/tbotctl/tbotctl/internal/tbot"
	"github.com/tbotctl/tbotctl/internal/tbotconfig"
	"github.com/tbotctl/tbotctl/internal/teleporttest"
)

// The kubernetes output of a Secret: one certificate for one cluster, in the kubeconfig itself.
func TestKubernetes(t *testing.T) {
	t.Parallel()
	for name, suite := range map[string]types.SignatureAlgorithmSuite{
		"legacy":   types.SignatureAlgorithmSuite_SIGNATURE_ALGORITHM_SUITE_LEGACY,
		"balanced": types.SignatureAlgorithmSuite_SIGNATURE_ALGORITHM_SUITE_BALANCED_V1,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newKubeLab(t, teleporttest.Options{Suite: suite})
			output, store := l.one(t, kubernetes("alpha", tbotconfig.Secret("out")))
			if output.Err != nil {
				t.Fatal(output.Err)
			}
			if got := output.Artifacts.Names(); !slices.Equal(got, kubeNames()) || !slices.Equal(slices.Sorted(maps.Keys(store.data)), got) {
				t.Errorf("artifacts %v, want %v", got, kubeNames())
			}
			if !slices.Equal(output.Clusters, []string{"alpha"}) || output.Name != "kubernetes-1" || output.Type != "kubernetes" {
				t.Errorf("output %s of type %s reaches %v", output.Name, output.Type, output.Clusters)
			}
			got := output.Identity
			if !slices.Equal(got.KubernetesGroups, []string{"auditors", "viewers"}) || !slices.Equal(got.KubernetesUsers, []string{"robot"}) || !slices.Equal(got.Roles, []string{"viewer"}) {
				t.Errorf("roles %v, groups %v, users %v", got.Roles, got.KubernetesGroups, got.KubernetesUsers)
			}
			config := loadKubeconfig(t, store.data["kubeconfig.yaml"])
			const all = clusterName + "-alpha"
			entry, user := config.Clusters[all], config.AuthInfos[all]
			if entry == nil || user == nil || config.CurrentContext != all || config.Contexts[all].AuthInfo != all || config.Contexts[all].Cluster != all {
				t.Fatalf("names of the kubeconfig: %v", config)
			}
			if entry.Server != "https://"+l.Addr() || entry.TLSServerName != "kube-teleport-proxy-alpn.localhost" {
				t.Errorf("server %s as %s", entry.Server, entry.TLSServerName)
			}
			checkTrust(t, entry.CertificateAuthorityData, store.data["teleport-host-ca.crt"])
			certificate := checkLogin(t, user.ClientCertificateData, user.ClientKeyData, store.data["tlscert"])
			if subject(certificate, "1.3.9999.1.3") != "alpha" || subject(certificate, "1.3.9999.2.7") != "bot-example" || subject(certificate, "1.3.9999.2.9") != "true" {
				t.Errorf("the certificate is for cluster %q, of impersonator %q", subject(certificate, "1.3.9999.1.3"), subject(certificate, "1.3.9999.2.7"))
			}
			if _, err := identityfile.FromString(string(store.data["identity"])); err != nil {
				t.Errorf("identity: %v", err)
			}
			// Two certificates: the first one finds the cluster with the rights of the output, the second one is for it (teleport-facts 6.3).
			want := []string{"GetRole", "GenerateUserCerts", "GetClusterCACert", "ListResources", "GetRole", "GenerateUserCerts", "GetClusterCACert"}
			if calls := l.methods(); !isSubsequence(want, calls) || count(calls, "GenerateUserCerts") != 2 {
				t.Errorf("calls %v, want %v", calls, want)
			}
		})
	}
}

func isSubsequence(want, all []string) bool {
	for _, one := range all {
		if len(want) > 0 && want[0] == one {
			want = want[1:]
		}
	}
	return len(want) == 0
}

func count(all []string, one string) (n int) {
	for _, value := range all {
		if value == one {
			n++
		}
	}
	return n
}

// masked hides what differs each time: key material and the port.
func masked(text []byte) []byte {
	text = regexp.MustCompile(`(-data: )\S+`).ReplaceAll(text, []byte("${1}(base64)"))
	text = regexp.MustCompile(`localhost:\d+`).ReplaceAll(text, []byte("localhost:3080"))
	return regexp.MustCompile(`--destination-dir=\S+/out`).ReplaceAll(text, []byte("--destination-dir=/opt/machine-id"))
}

// The kubeconfigs as they lie on disk. The one with the exec plugin is what real tbot wrote, of the recording, with another port and
// another cluster's name.
func TestKubeconfigShapes(t *testing.T) {
	t.Parallel()
	l := newKubeLab(t, teleporttest.Options{})
	for name, change := range map[string]func(dir string) tbotconfig.Output{
		"v1-exec": func(dir string) tbotconfig.Output { return kubernetes("alpha", tbotconfig.Directory(dir)) },
		"v1-embedded": func(dir string) tbotconfig.Output {
			output := kubernetes("alpha", tbotconfig.Directory(dir))
			output.DisableExecPlugin = true
			return output
		},
		"v2-exec": func(dir string) tbotconfig.Output {
			first := named("beta")
			first.DefaultNamespace = "apps"
			return kubernetesV2(tbotconfig.Directory(dir), first, named("alpha"))
		},
		"v2-embedded": func(dir string) tbotconfig.Output {
			output := kubernetesV2(tbotconfig.Directory(dir), labelled("tier", "1"))
			output.DisableExecPlugin = true
			output.ContextNameTemplate = "kube/{{.KubeName}}@{{.ClusterName}}"
			return output
		},
		"v2-empty": func(dir string) tbotconfig.Output {
			return kubernetesV2(tbotconfig.Directory(dir), labelled("tier", "none of them"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "out")
			result, err := l.runs(t, change(dir)).Once(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			files := readDirectory(t, dir)
			if got := result.Outputs[0].Artifacts.Names(); !slices.Equal(slices.Sorted(maps.Keys(files)), got) {
				t.Errorf("written %v, said %v", slices.Sorted(maps.Keys(files)), got)
			}
			loadKubeconfig(t, files["kubeconfig.yaml"])
			golden.Assert(t, "kubeconfig-"+name+".yaml", masked(files["kubeconfig.yaml"]))
		})
	}
}

// A kubernetes/v2 output has one certificate for all clusters that its selectors match, each in its place.
func TestKubernetesV2(t *testing.T) {
	t.Parallel()
	l := newKubeLab(t, teleporttest.Options{})
	inNamespace := func(selector tbotconfig.Selector, namespace string) tbotconfig.Selector {
		selector.DefaultNamespace = namespace
		return selector
	}
	for name, row := range map[string]struct {
		selectors  []tbotconfig.Selector
		clusters   []string
		current    string
		namespaces map[string]string
	}{
		"by name":               {selectors: []tbotconfig.Selector{named("beta")}, clusters: []string{"beta"}, current: "beta"},
		"by the discovered one": {selectors: []tbotconfig.Selector{named("gamma")}, clusters: []string{"eks-gamma-1234"}, current: "eks-gamma-1234"},
		"by label":              {selectors: []tbotconfig.Selector{labelled("tier", "2")}, clusters: []string{"beta"}, current: "beta"},
		"all that the role reaches, and no more": {
			selectors: []tbotconfig.Selector{labelled("env", "lab")}, clusters: []string{"alpha", "beta", "eks-gamma-1234", "eks-twin-1", "eks-twin-2"}, current: "alpha",
		},
		"several, one of them twice": {
			selectors:  []tbotconfig.Selector{inNamespace(named("beta"), "apps"), inNamespace(labelled("tier", "2"), "later"), named("alpha")},
			clusters:   []string{"alpha", "beta"},
			current:    "beta",
			namespaces: map[string]string{"beta": "later"},
		},
		"none": {selectors: []tbotconfig.Selector{labelled("env", "prod")}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			output, store := l.one(t, kubernetesV2(tbotconfig.Secret("out"), row.selectors...))
			if output.Err != nil {
				t.Fatal(output.Err)
			}
			if !slices.Equal(output.Clusters, row.clusters) || !slices.Equal(output.Artifacts.Names(), kubeV2Names()) {
				t.Errorf("reaches %v by %v, want %v", output.Clusters, output.Artifacts.Names(), row.clusters)
			}
			config := loadKubeconfig(t, store.data["kubeconfig.yaml"])
			if want := row.current; want != "" && config.CurrentContext != clusterName+"-"+want || want == "" && config.CurrentContext != "" {
				t.Errorf("current context %q", config.CurrentContext)
			}
			if len(config.Contexts) != len(row.clusters) || len(config.AuthInfos) != 1 || config.AuthInfos[clusterName] == nil {
				t.Errorf("contexts %v of users %v", slices.Sorted(maps.Keys(config.Contexts)), slices.Sorted(maps.Keys(config.AuthInfos)))
			}
			for _, cluster := range row.clusters {
				full := clusterName + "-" + cluster
				if config.Contexts[full].Namespace != row.namespaces[cluster] || config.Contexts[full].AuthInfo != clusterName {
					t.Errorf("context %s: %+v", full, config.Contexts[full])
				}
				checkTrust(t, config.Clusters[full].CertificateAuthorityData, store.data["teleport-host-ca.crt"])
			}
			certificate := checkLogin(t, config.AuthInfos[clusterName].ClientCertificateData, config.AuthInfos[clusterName].ClientKeyData, store.data["tlscert"])
			if routed := subject(certificate, "1.3.9999.1.3"); routed != "" {
				t.Errorf("the certificate is for cluster %q alone", routed)
			}
		})
	}
	l.Reset()
	if output, _ := l.one(t, kubernetesV2(tbotconfig.Memory(), named("alpha"))); output.Err != nil || count(l.methods(), "GenerateUserCerts") != 1 {
		t.Errorf("%v after %v, want one certificate", output.Err, l.methods())
	}
}

// What Teleport and tbot say where clusters are not there, in their words (teleport-facts 6.2 and 6.3).
func TestKubernetesRefusals(t *testing.T) {
	t.Parallel()
	l := newKubeLab(t, teleporttest.Options{})
	template := kubernetesV2(tbotconfig.Memory(), named("alpha"))
	template.ContextNameTemplate = "{{.Nothing}}"
	broken := argoCD(named("alpha"))
	broken.ClusterNameTemplate = "{{"
	for name, row := range map[string]struct {
		output tbotconfig.Output
		want   string
		absent string
	}{
		"unknown":            {kubernetes("nobody", tbotconfig.Memory()), `kubernetes cluster "nobody" not found`, "nobody"},
		"out of reach":       {kubernetes("secret", tbotconfig.Memory()), `kubernetes cluster "secret" not found`, "secret"},
		"unknown, v2":        {kubernetesV2(tbotconfig.Memory(), named("alpha"), named("nobody")), `unable to fetch cluster "nobody" by name: kubernetes cluster "nobody" not found`, "nobody"},
		"unknown, Argo CD":   {argoCD(named("secret")), `unable to fetch cluster "secret" by name: kubernetes cluster "secret" not found`, "secret"},
		"of two clusters":    {kubernetes("twin", tbotconfig.Memory()), `kubernetes cluster "twin" is the discovered name of several: eks-twin-1, eks-twin-2; give the whole name of one`, ""},
		"a quoted name":      {kubernetes(`al"pha`, tbotconfig.Memory()), `kubernetes cluster "al\"pha" not found`, `al"pha`},
		"a template's field": {template, `the template "{{.Nothing}}": template: name:1:2`, ""},
		"a broken template":  {broken, `the template "{{": template: name:1`, ""},
		"none named":         {kubernetes("", tbotconfig.Memory()), "kubernetes_cluster must not be empty", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			output, _ := l.one(t, row.output)
			if output.Err == nil || !strings.HasPrefix(output.Err.Error(), row.want) || output.Artifacts != nil || len(output.Secrets) > 0 {
				t.Errorf("error %v beside %v, want %q", output.Err, output.Artifacts, row.want)
			}
			var missing *tbot.NotFound
			if found := errors.As(output.Err, &missing); found != (row.absent != "") || found && missing.Cluster != row.absent {
				t.Errorf("absent is %+v, want %q", missing, row.absent)
			}
		})
	}
}

// The rules for roles hold for every type of output, and a server of 16 makes none of them.
func TestRolesOfKubernetesOutputs(t *testing.T) {
	t.Parallel()
	every := func() map[string]tbotconfig.Output {
		return map[string]tbotconfig.Output{
			"kubernetes":         kubernetes("alpha", tbotconfig.Memory()),
			"kubernetes/v2":      kubernetesV2(tbotconfig.Memory(), named("alpha")),
			"kubernetes/argo-cd": argoCD(named("alpha")),
		}
	}
	without, old := newKubeLab(t, teleporttest.Options{}), newKubeLab(t, teleporttest.Options{Version: "16.4.7"})
	without.PutBot(bot("example"))
	l := newKubeLab(t, teleporttest.Options{})
	for name := range every() {
		output := every()[name]
		if got, _ := without.one(t, output); got.Err == nil || got.Err.Error() != "Teleport refused certificates of the roles []: at least one role request is required" {
			t.Errorf("%s without roles: %v", name, got.Err)
		}
		if got, _ := old.one(t, output); !errors.Is(got.Err, tbot.ErrTooOld) {
			t.Errorf("%s of 16: %v", name, got.Err)
		}
		output.Shared().Roles = []string{"editor"}
		if got, _ := l.one(t, output); got.Err == nil || !strings.HasSuffix(got.Err.Error(), `user "bot-example" has requested role impersonation for ["editor"]`) {
			t.Errorf("%s with a role that the bot lacks: %v", name, got.Err)
		}
	}
}

// Each type of output comes out of each release that is spoken to.
func TestEveryOutputOfEveryRelease(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"17.0.0-dev", "17.7.3", "18.2.0", "19.1.0"} {
		l := newKubeLab(t, teleporttest.Options{Version: version})
		run := l.runs(t, tbotconfig.NewIdentity(tbotconfig.Memory()), kubernetes("alpha", tbotconfig.Memory()),
			kubernetesV2(tbotconfig.Memory(), named("alpha")), argoCD(named("alpha")))
		run.Destinations.Secrets = &secrets{}
		result, err := run.Once(t.Context())
		if err != nil {
			t.Errorf("%s: %v", version, err)
			continue
		}
		for _, output := range result.Outputs {
			if output.Identity == nil || (output.Artifacts == nil) == (len(output.Secrets) == 0) || len(output.Notes) > 0 {
				t.Errorf("%s: %v", version, output)
			}
		}
	}
}

// An output of a type that only the pod makes is told, and is no error.
func TestNotExercised(t *testing.T) {
	t.Parallel()
	l := newKubeLab(t, teleporttest.Options{})
	config, err := tbotconfig.Inspect([]byte("version: v2\nproxy_server: a:443\nonboarding: {join_method: kubernetes, token: " + tokenName + "}\n" +
		"outputs:\n- {type: application, app_name: grafana, destination: {type: memory}}\n- {type: identity, destination: {type: memory}}\n"))
	if err != nil {
		t.Fatal(err)
	}
	run := l.run(t)
	run.Config = config
	result, err := run.Once(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var told []string
	for _, output := range result.Outputs {
		told = append(told, output.Name+": "+output.NotExercised)
	}
	want := []string{"application-1: outputs of type application are checked by their text alone; only the pod makes them", "identity-1: "}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Errorf("outputs (-want +got):\n%s", diff)
	}
	if result.Outputs[0].Artifacts != nil || result.Outputs[0].Identity != nil {
		t.Errorf("made all the same: %v", result.Outputs[0])
	}
}
