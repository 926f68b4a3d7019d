package spec_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/tbotctl/tbotctl/internal/spec"
)

const (
	labelRule     = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character"
	subdomainRule = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character"
	keyRule       = "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character"
	valueRule     = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character"
	byteForByte   = "write it byte for byte as the `iss` of a service account token says"
	hostPort      = "write for example example.teleport.sh:443"
)

// Each row is one wrong answer and all that a user reads about it.
func TestValidateMessages(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		change func(*spec.Setup)
		want   string
	}{
		{func(s *spec.Setup) { s.Name = "My Bot" }, `--name: "My Bot" is no name that Kubernetes takes; ` + labelRule},
		{func(s *spec.Setup) { s.Name = "" }, `--name: "" is no name that Kubernetes takes; ` + labelRule},
		{func(s *spec.Setup) { s.Name = strings.Repeat("a", 46) }, `--name: "` + strings.Repeat("a", 46) + `" has 46 characters; use at most 45, names are built from it`},
		{func(s *spec.Setup) { s.Side = "left" }, `--side: "left" is not known; use one of both, kubernetes, teleport`},
		{func(s *spec.Setup) { s.Access = "desktop" }, `--access: "desktop" is not known; use one of identity, kubernetes, argocd, none`},

		{func(s *spec.Setup) { s.Kubernetes.Namespace = "a.b" }, `--namespace: "a.b" is no name that Kubernetes takes; must not contain dots`},
		{func(s *spec.Setup) { s.Kubernetes.Namespace = strings.Repeat("a", 64) }, `--namespace: "` + strings.Repeat("a", 64) + `" is no name that Kubernetes takes; must be no more than 63 characters`},
		{func(s *spec.Setup) { s.Kubernetes.ServiceAccount = "a_b" }, `--service-account: "a_b" is no name that Kubernetes takes; ` + subdomainRule},
		{func(s *spec.Setup) { s.Output.Secret = "A" }, `--output-secret: "A" is no name that Kubernetes takes; ` + subdomainRule},
		{func(s *spec.Setup) { s.Access, s.Output.Secret = spec.AccessNone, "a" }, "--output-secret: given, but --access none has no output; leave one of the two out"},

		{func(s *spec.Setup) { s.Teleport.Proxy = "example.com" }, `--proxy: "example.com" has no port; write example.com:443`},
		{func(s *spec.Setup) { s.Teleport.Proxy = "[::1]" }, `--proxy: "[::1]" has no port; write [::1]:443`},
		{func(s *spec.Setup) { s.Teleport.Proxy = "https://example.com" }, `--proxy: "https://example.com" starts with "https://"; write host:port alone, example.com:443`},
		{func(s *spec.Setup) { s.Teleport.Proxy = "https://example.com:8443/web" }, `--proxy: "https://example.com:8443/web" starts with "https://"; write host:port alone, example.com:8443`},
		{func(s *spec.Setup) { s.Teleport.Proxy = "tls://[::1]:443" }, `--proxy: "tls://[::1]:443" starts with "tls://"; write host:port alone, [::1]:443`},
		{func(s *spec.Setup) { s.Teleport.Proxy = "\x1b[31m://a b" }, `--proxy: "\x1b[31m://a b" starts with "\x1b[31m://"; write host:port alone, for example example.teleport.sh:443`},
		{func(s *spec.Setup) { s.Teleport.Proxy = "a:b:c" }, `--proxy: "a:b:c" is not host:port; ` + hostPort},
		{func(s *spec.Setup) { s.Teleport.Proxy = "example.com:0" }, `--proxy: "example.com:0" has port "0"; use a number from 1 to 65535`},
		{func(s *spec.Setup) { s.Teleport.Proxy = "example.com:65536" }, `--proxy: "example.com:65536" has port "65536"; use a number from 1 to 65535`},
		{func(s *spec.Setup) { s.Teleport.Proxy = "example.com:+443" }, `--proxy: "example.com:+443" has port "+443"; use a number from 1 to 65535`},
		{func(s *spec.Setup) { s.Teleport.Proxy = ":443" }, `--proxy: ":443" names no host; ` + hostPort},
		{func(s *spec.Setup) { s.Teleport.Proxy = "a b:443" }, `--proxy: "a b:443" names no host; ` + hostPort},
		{func(s *spec.Setup) { s.Teleport.ClusterName = "a b" }, "--cluster-name: \"a b\" is no cluster name; write it as `cluster_name` stands in https://PROXY/webapi/find"},
		{func(s *spec.Setup) { s.Teleport.ClusterName = "\xff" }, "--cluster-name: \"\\xff\" is no cluster name; write it as `cluster_name` stands in https://PROXY/webapi/find"},
		{func(s *spec.Setup) { s.Teleport.BotName = "a b" }, `--bot-name: "a b" is no usable name; use letters, digits and . _ @ + -, starting with a letter or digit, at most 100`},
		{func(s *spec.Setup) { s.Teleport.TokenName = "/etc/token" }, `--token-name: "/etc/token" is no usable name; use letters, digits and . _ @ + -, starting with a letter or digit, at most 100`},
		{func(s *spec.Setup) { s.Teleport.Roles = []string{"a", "b", "a"} }, `--roles: "a" stands twice; name each role once`},
		{func(s *spec.Setup) { s.Teleport.Roles = []string{"a b"} }, `--roles: "a b" is no role name; give role names separated by commas, without spaces`},
		{func(s *spec.Setup) { s.Teleport.Roles = []string{""} }, `--roles: "" is no role name; give role names separated by commas, without spaces`},

		{func(s *spec.Setup) { s.Join.Type = "ec2" }, `--join-type: "ec2" is not known; use one of auto, oidc, static_jwks, in_cluster`},
		{func(s *spec.Setup) { s.Join.Issuer = "http://example.com" }, `--issuer: "http://example.com" is "http", and Teleport refuses an issuer without TLS; an issuer starts with https://; without one use --join-type static_jwks`},
		{func(s *spec.Setup) { s.Join.Issuer = "example.com" }, `--issuer: "example.com" is no URL; ` + byteForByte},
		{func(s *spec.Setup) { s.Join.Issuer = "https://:443" }, `--issuer: "https://:443" is no URL; ` + byteForByte},
		{func(s *spec.Setup) { s.Join.Issuer = "https://a/?" }, `--issuer: "https://a/?" holds a query, a fragment or a user; ` + byteForByte},
		{func(s *spec.Setup) { s.Join.Issuer = "https://a/#b" }, `--issuer: "https://a/#b" holds a query, a fragment or a user; ` + byteForByte},
		{func(s *spec.Setup) { s.Join.Issuer = "https://u:p@a" }, `--issuer: "https://u:p@a" holds a query, a fragment or a user; ` + byteForByte},
		{func(s *spec.Setup) { s.Join.Issuer = "https://a/\xff" }, "--issuer: the issuer is not UTF-8 text"},
		{func(s *spec.Setup) { s.Join.Type, s.Join.JWKS = spec.JoinOIDC, "{}" }, "--jwks-file: given, but join type oidc reads the keys from the issuer; leave it out, or choose --join-type static_jwks"},
		{func(s *spec.Setup) { s.Join.JWKS = "\x00" }, "--jwks-file: the file holds a NUL character"},

		{func(s *spec.Setup) { s.Workload.Kind = "proxy" }, `--workload: "proxy" is not known; use one of tbot, agent`},
		{func(s *spec.Setup) { s.Workload.Image = "A b" }, `--image: "A b" is no image reference; write for example registry.example.com/teleport/tbot-distroless`},
		{func(s *spec.Setup) { s.Workload.Image, s.Workload.Registry = "tbot", "r" }, "--registry: given together with --image, which already names its registry; leave one of the two out"},
		{func(s *spec.Setup) { s.Workload.Registry = "https://r" }, `--registry: "https://r" is no registry path; write for example registry.example.com/mirror/gravitational`},
		{func(s *spec.Setup) { s.Workload.TbotVersion = "18" }, `--tbot-version: "18" is no release; write X.Y.Z, for example 18.2.0`},
		{func(s *spec.Setup) { s.Workload.TbotVersion = "19.0.0-dev" }, `--tbot-version: "19.0.0-dev" is no release; write X.Y.Z, for example 18.2.0`},
		{func(s *spec.Setup) { s.Workload.PullSecret = "_" }, `--image-pull-secret: "_" is no name that Kubernetes takes; ` + subdomainRule},
		{func(s *spec.Setup) { s.Workload.Platform = "okd" }, `--platform: "okd" is not known; use one of auto, kubernetes, openshift`},
		{func(s *spec.Setup) { s.Workload.Patch = "[]" }, "--patch: the document at line 1: it is no mapping; write strategic merge patches as kustomize takes them, one YAML document an object"},
		{func(s *spec.Setup) { s.Workload.Patch = "a\x00" }, "--patch: the file holds a NUL character"},
		{func(s *spec.Setup) { s.Workload.PriorityClass = "_" }, `--priority-class: "_" is no name that Kubernetes takes; ` + subdomainRule},
		{func(s *spec.Setup) { s.Workload.Labels = map[string]string{"a b": ""} }, `--labels: "a b" is no label key; ` + keyRule},
		{func(s *spec.Setup) { s.Workload.Labels = map[string]string{"a": "b c"} }, `--labels: "b c" is no value for label "a"; ` + valueRule},
		{func(s *spec.Setup) { s.Workload.Labels = map[string]string{spec.LabelInstance: "x"} }, `--labels: "app.kubernetes.io/instance" is tbotctl's own; choose another key`},
		{func(s *spec.Setup) { s.Workload.Labels = map[string]string{spec.MarkProbe: "x"} }, `--labels: "tbotctl.dev/probe" is tbotctl's own; choose another key`},
		{func(s *spec.Setup) { s.Workload.Annotations = map[string]string{"a b": ""} }, `--annotations: "a b" is no annotation key; ` + keyRule},
		{func(s *spec.Setup) { s.Workload.Annotations = map[string]string{spec.MarkChecksum: "x"} }, `--annotations: "tbotctl.dev/config-checksum" is tbotctl's own; choose another key`},
		{func(s *spec.Setup) { s.Workload.Annotations = map[string]string{"a": "\xff"} }, `--annotations: the value of "a" is not UTF-8 text`},
		{func(s *spec.Setup) { s.Workload.Env = map[string]string{"POD_NAMESPACE": "x"} }, `--env: "POD_NAMESPACE" is set by tbotctl; it follows from the other answers; leave it out`},
		{func(s *spec.Setup) { s.Workload.Env = map[string]string{"A": "a\x00b"} }, `--env: the value of "A" holds a NUL character`},
		{func(s *spec.Setup) { s.Workload.NodeSelector = map[string]string{"a": "-"} }, `--node-selector: "-" is no value for label "a"; ` + valueRule},
		{func(s *spec.Setup) { s.Workload.Requests = map[string]string{"cpu": "much"} }, `--requests: "cpu"="much" is no quantity above zero; write for example cpu=100m,memory=128Mi`},
		{func(s *spec.Setup) { s.Workload.Limits = map[string]string{"memory": "0"} }, `--limits: "memory"="0" is no quantity above zero; write for example cpu=100m,memory=128Mi`},
		{func(s *spec.Setup) { s.Workload.Limits = map[string]string{"gpu": "1"} }, `--limits: "gpu" is no resource name; write for example cpu=100m,memory=128Mi`},
		{func(s *spec.Setup) { s.Workload.Requests = map[string]string{"memory": "1Gi"} }, "--requests: memory=1Gi is above its limit of 512Mi; raise --limits or lower --requests"},
		{func(s *spec.Setup) { s.Workload.Tolerations = []spec.Toleration{{Key: "a b"}} }, `--toleration: "a b" is no toleration; write key, key=value or key=value:NoSchedule`},
		{func(s *spec.Setup) { s.Workload.Tolerations = []spec.Toleration{{Value: "a"}} }, `--toleration: "=a" is no toleration; write key, key=value or key=value:NoSchedule`},
		{func(s *spec.Setup) { s.Workload.Tolerations = []spec.Toleration{{Key: "a", Effect: "Never"}} }, `--toleration: "Never" is no taint effect; use NoSchedule, PreferNoSchedule or NoExecute`},
	} {
		setup := spec.Default()
		c.change(&setup)
		var invalid *spec.Invalid
		if err := setup.Validate(); !errors.As(err, &invalid) || err.Error() != c.want {
			t.Errorf("Validate says\n  %v\nwant\n  %s", err, c.want)
		}
	}
}

func TestValidateListsEverythingAtOnce(t *testing.T) {
	t.Parallel()
	setup := spec.Default()
	setup.Side, setup.Teleport.Proxy, setup.Workload.TbotVersion = "left", "example.com", "18"
	want := `3 answers are not usable:
  --proxy: "example.com" has no port; write example.com:443
  --side: "left" is not known; use one of both, kubernetes, teleport
  --tbot-version: "18" is no release; write X.Y.Z, for example 18.2.0`
	if err := setup.Validate(); err == nil || err.Error() != want {
		t.Errorf("Validate says\n%v\nwant\n%s", err, want)
	}
}

func TestValidateAcceptsWhatPeopleUse(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*spec.Setup){
		"defaults":           func(*spec.Setup) {},
		"longest name":       func(s *spec.Setup) { s.Name = strings.Repeat("a", 45) },
		"IPv6 proxy":         func(s *spec.Setup) { s.Teleport.Proxy = "[2001:db8::1]:443" },
		"upper-case host":    func(s *spec.Setup) { s.Teleport.Proxy = "Teleport.Example.COM:443" },
		"slash at the end":   func(s *spec.Setup) { s.Join.Issuer = "https://eastus.oic.prod-aks.azure.com/tenant/id/" },
		"private issuer":     func(s *spec.Setup) { s.Join.Issuer = "https://kubernetes.default.svc.cluster.local" },
		"registry with port": func(s *spec.Setup) { s.Workload.Registry = "registry.example.com:5000/mirror/" },
		"image with digest": func(s *spec.Setup) {
			s.Workload.Image = "registry.example.com:5000/tbot:18.2.0@sha256:" + strings.Repeat("0", 64)
		},
		"extended resource": func(s *spec.Setup) {
			s.Workload.Limits = map[string]string{"example.com/gpu": "1", "hugepages-2Mi": "2Mi"}
		},
		"no limits": func(s *spec.Setup) { s.Workload.Requests, s.Workload.Limits = nil, nil },
		"environment": func(s *spec.Setup) {
			s.Workload.Env = map[string]string{"HTTPS_PROXY": "http://p:3128", "EMPTY": "", "LINES": "a\nb"}
		},
		"tolerate everything": func(s *spec.Setup) { s.Workload.Tolerations = []spec.Toleration{{}} },
		"role names":          func(s *spec.Setup) { s.Teleport.Roles = []string{"access", "kube:read", "équipe"} },
	} {
		setup := spec.Default()
		change(&setup)
		if err := setup.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
