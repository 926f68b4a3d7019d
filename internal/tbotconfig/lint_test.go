package tbotconfig_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/tbotctl/tbotctl/internal/tbotconfig"
)

func lint(text, version string) []string {
	_, problems := tbotconfig.Lint([]byte(text), version)
	found := make([]string, 0, len(problems))
	for _, problem := range problems {
		line := problem.String()
		if problem.Warning {
			line = "warning: " + line
		}
		found = append(found, line)
	}
	return found
}

const (
	joins    = "version: v2\nproxy_server: teleport.example.com:443\nonboarding: {token: t, join_method: kubernetes}\n"
	toMemory = "destination: {type: memory}"
)

func TestLintWarnsOfWhatTbotTakes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text string
		want []string
	}{
		"nothing":           {joins + "outputs: [{type: identity, " + toMemory + "}]\n", nil},
		"the older name":    {joins + "certificate_ttl: 2h\n", []string{"warning: line 4: certificate_ttl: it is deprecated; credential_ttl has been its name since 17.2.8"}},
		"shorter":           {joins + "credential_ttl: 10m\n", []string{"warning: line 4: credential_ttl: certificates last 10m0s, which is shorter than the renewal interval, 20m0s"}},
		"renewed too late":  {joins + "renewal_interval: 2h\n", []string{"warning: line 4: renewal_interval: certificates last 1h0m0s, which is shorter than the renewal interval, 2h0m0s"}},
		"shorter, once":     {joins + "credential_ttl: 10m\noneshot: true\n", nil},
		"longer":            {joins + "credential_ttl: 25h\n", []string{"warning: line 4: credential_ttl: 25h0m0s is more than most releases of Teleport give, which is 24h0m0s"}},
		"older and shorter": {joins + "certificate_ttl: 10m\n", []string{"warning: line 4: certificate_ttl: it is deprecated; credential_ttl has been its name since 17.2.8", "warning: line 4: credential_ttl: certificates last 10m0s, which is shorter than the renewal interval, 20m0s"}},
		"a proxy":           {strings.Replace(joins, "proxy_server", "auth_server", 1), []string{`warning: line 2: auth_server: "teleport.example.com:443" looks like the address of a proxy, which belongs into proxy_server; tbot 19 refuses it here`}},
		"no proxy":          {strings.Replace(joins, "proxy_server: teleport.example.com:443", "auth_server: auth.example.com:3025", 1), nil},
		"no port":           {strings.Replace(joins, "proxy_server: teleport.example.com:443", "auth_server: auth.example.com", 1), nil},
		"roles":             {joins + "outputs: [{type: identity, roles: [a], " + toMemory + "}]\n", []string{"warning: line 4: outputs[0].roles: tbot 19 no longer takes roles on an output"}},
		"spiffe":            {joins + "services: [{type: spiffe-svid, svid: {path: /a}, " + toMemory + "}]\n", []string{"warning: line 4: services[0]: spiffe-svid is deprecated; tbot 19 has only the workload-identity types"}},
		"once and for ever": {joins + "oneshot: true\nservices: [{type: application-proxy, listen: 'tcp://127.0.0.1:1'}]\n", []string{"warning: line 5: services[0]: type application-proxy does not run with oneshot"}},
		"one Secret": {
			joins + "outputs:\n  - {type: identity, destination: {type: kubernetes_secret, name: a}}\n  - {type: kubernetes, kubernetes_cluster: b, destination: {type: kubernetes_secret, name: a}}\n  - {type: identity, destination: {type: kubernetes_secret, name: a, namespace: web}}\n",
			[]string{`warning: line 6: outputs[1].destination: Secret "a" is that of outputs[0].destination too; they overwrite each other`},
		},
		"the storage's": {
			joins + "outputs: [{type: identity, destination: {type: directory, path: /var/lib/teleport/bot}}]\n",
			[]string{`warning: line 4: outputs[0].destination: directory "/var/lib/teleport/bot" is that of storage too; they overwrite each other`},
		},
		"not YAML":       {"a: [", []string{"line 1: tbot.yaml cannot be read: did not find expected node content"}},
		"nothing at all": {"", []string{"tbot.yaml is empty"}},
		"a list":         {"\n- a\n", []string{"line 2: tbot.yaml cannot be read: it is a list, not a mapping of keys"}},
	} {
		if got := lint(c.text, ""); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestLintHoldsLifetimesOfOutputsToTbotsCheck(t *testing.T) {
	t.Parallel()
	for rest, want := range map[string][]string{
		", credential_ttl: 1h":                       {"line 5: outputs[0]: credential_ttl and renewal_interval go together; give both or neither"},
		", renewal_interval: 1h":                     {"line 5: outputs[0]: credential_ttl and renewal_interval go together; give both or neither"},
		", credential_ttl: 1m, renewal_interval: 2m": {"line 5: outputs[0]: credential_ttl 1m0s is shorter than renewal_interval 2m0s"},
		", credential_ttl: 2m, renewal_interval: 1m": nil,
	} {
		text := joins + "outputs:\n  - {type: identity, " + toMemory + rest + "}\n"
		if got := lint(text, ""); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", rest, got, want)
		}
		if _, err := tbotconfig.Decode([]byte(text)); err != nil {
			t.Errorf("%s: Decode says %v, which older releases do not", rest, err)
		}
	}
	if got := lint(joins+"oneshot: true\noutputs: [{type: identity, "+toMemory+", credential_ttl: 1m, renewal_interval: 2m}]\n", ""); len(got) > 0 {
		t.Errorf("with oneshot: %q", got)
	}
	proxy := joins + "services: [{type: application-proxy, listen: a, credential_lifetime: {credential_ttl: 1h}}]\n"
	if got := lint(proxy, ""); len(got) != 1 || !strings.HasPrefix(got[0], "line 4: services[0].credential_lifetime: credential_ttl and renewal_interval go together") {
		t.Errorf("a proxy: %q", got)
	}
}

// What Decode refuses is an error of Lint, and only that.
func TestLintSaysWhatDecodeSays(t *testing.T) {
	t.Parallel()
	text := joins + "debugg: true\ncertificate_ttl: 2h\nservices: [{type: exmple}]\n"
	config, problems := tbotconfig.Lint([]byte(text), "18.5.0")
	var errors []string
	for _, problem := range problems {
		if !problem.Warning {
			errors = append(errors, problem.String())
		}
	}
	_, err := tbotconfig.Decode([]byte(text))
	if want := "tbot.yaml is not usable: " + strings.Join(errors, "; "); err == nil || err.Error() != want {
		t.Errorf("Decode says %v, Lint %s", err, want)
	}
	if len(config.Outputs) != 1 || config.Onboarding.Token != "t" {
		t.Errorf("read: %+v", config)
	}
}

func TestLintHoldsAFileAgainstARelease(t *testing.T) {
	t.Parallel()
	identity := func(rest string) string { return joins + "outputs:\n  - {type: identity, " + toMemory + rest + "}\n" }
	v2 := func(rest string) string {
		return joins + "outputs:\n  - {type: kubernetes/v2, selectors: [{name: a}], " + toMemory + rest + "}\n"
	}
	argo := joins + "services:\n  - {type: kubernetes/argo-cd, selectors: [{name: a}]}\n"
	for name, c := range map[string]struct {
		text, version, want string // an empty want is no problem at all
	}{
		"all is known":                  {identity(""), "16.4.0", ""},
		"no release":                    {identity(""), "18", `the release "18" cannot be read; give X.Y.Z`},
		"a release with a v":            {identity(""), "v18.2.0", ""},
		"proxy_server in 13":            {identity(""), "13.4.0", "line 2: proxy_server: tbot 13.4.0 does not know proxy_server, which takes about 14.3.8, 15.1.5, 16.0.0 and newer; use auth_server"},
		"proxy_server in 16.0.0-dev":    {identity(""), "16.0.0-dev", "warning: line 2: proxy_server: proxy_server came with a tbot of about 14.3.8, 15.1.5, 16.0.0 and newer, and tbot 16.0.0-dev may not know it; use auth_server"},
		"credential_ttl in 16":          {joins + "credential_ttl: 1h\n", "16.5.0", "line 4: credential_ttl: tbot 16.5.0 does not know credential_ttl, which takes 17.2.8 and newer; use certificate_ttl"},
		"credential_ttl in 17.2.8":      {joins + "credential_ttl: 1h\n", "17.2.8", ""},
		"token_path in 18.5":            {strings.Replace(joins, "kubernetes}", "kubernetes, kubernetes: {token_path: /t}}", 1), "18.5.0", "warning: line 3: onboarding.kubernetes: onboarding.kubernetes came with a tbot of about 18.7.3 and newer, and tbot 18.5.0 may not know it; use the variable KUBERNETES_TOKEN_PATH"},
		"name in 17.5.3":                {identity(", name: a"), "17.5.3", "line 5: outputs[0].name: tbot 17.5.3 does not know name, which takes 17.5.4, 18.0.2 and newer"},
		"name in 17.5.4":                {identity(", name: a"), "17.5.4", ""},
		"name in 18.0.1":                {identity(", name: a"), "18.0.1", "line 5: outputs[0].name: tbot 18.0.1 does not know name"},
		"name in 19":                    {identity(", name: a"), "19.0.0", ""},
		"namespace in 18.1.6":           {strings.Replace(identity(""), "memory", "kubernetes_secret, name: a, namespace: b", 1), "18.1.6", "line 5: outputs[0].destination.namespace: tbot 18.1.6 does not know destination.namespace, which takes 17.7.3, 18.1.7 and newer; use POD_NAMESPACE"},
		"the storage's namespace":       {joins + "storage: {type: kubernetes_secret, name: a, namespace: b}\n", "18.1.6", "line 4: storage.namespace: tbot 18.1.6 does not know storage.namespace, which takes"},
		"roles in 18":                   {identity(", roles: [a]"), "18.2.0", "warning: line 5: outputs[0].roles: tbot 19 no longer takes roles on an output"},
		"roles in 19":                   {identity(", roles: [a]"), "19.0.0-dev", "line 5: outputs[0].roles: tbot 19.0.0-dev no longer knows roles, which went with 19.0.0; use a bot of its own for each set of roles"},
		"a proxy as auth_server in 19":  {strings.Replace(joins, "proxy_server", "auth_server", 1), "19.0.0", "line 2: auth_server: tbot 19.0.0 no longer takes the address of a proxy"},
		"allow_reissue in 17.2.7":       {identity(", allow_reissue: true"), "17.2.7", "line 5: outputs[0].allow_reissue: tbot 17.2.7 does not know allow_reissue, which takes 17.2.8 and newer"},
		"kubernetes/v2 in 17.2.6":       {v2(""), "17.2.6", "line 5: outputs[0]: tbot 17.2.6 does not know type kubernetes/v2, which takes 17.2.7 and newer; use kubernetes"},
		"kubernetes/v2 in 16":           {v2(""), "16.5.0", "line 5: outputs[0]: tbot 16.5.0 does not know type kubernetes/v2"},
		"kubernetes/v2 in 18":           {v2(""), "18.0.0", ""},
		"a template in 18.2.3":          {v2(", context_name_template: a"), "18.2.3", "line 5: outputs[0].context_name_template: tbot 18.2.3 does not know context_name_template, which takes 17.7.8, 18.2.4 and newer"},
		"a relay in 18.4":               {v2(", relay_server: a"), "18.4.2", "line 5: outputs[0].relay_server: tbot 18.4.2 does not know relay_server, which takes 18.5.0 and newer"},
		"a namespace of a selector":     {strings.Replace(v2(""), "name: a", "name: a, default_namespace: b", 1), "18.1.9", "line 5: outputs[0].selectors[0].default_namespace: tbot 18.1.9 does not know selectors.default_namespace, which takes 17.7.4, 18.2.0 and newer"},
		"argo-cd in 17.7.3":             {argo, "17.7.3", "line 5: services[0]: tbot 17.7.3 does not know type kubernetes/argo-cd, which takes 17.7.4, 18.1.7 and newer"},
		"argo-cd in 17.7.4":             {argo, "17.7.4", ""},
		"argo-cd in 18.1.6":             {argo, "18.1.6", "line 5: services[0]: tbot 18.1.6 does not know"},
		"argo-cd in 18.1.7":             {argo, "18.1.7", ""},
		"services in 15":                {strings.Replace(identity(""), "outputs", "services", 1), "15.4.0", "line 5: services[0]: tbot 15.4.0 does not know type identity under services, which takes about 16.1.0, 17.0.0 and newer; use outputs"},
		"services in 17":                {strings.Replace(identity(""), "outputs", "services", 1), "17.0.0", ""},
		"spiffe in 19":                  {joins + "services: [{type: spiffe-svid, svid: {path: /a}, " + toMemory + "}]\n", "19.1.0", "line 4: services[0]: tbot 19.1.0 no longer knows type spiffe-svid, which went with 19.0.0; use workload-identity-x509"},
		"application-proxy in 18.2.2":   {joins + "services: [{type: application-proxy, listen: a}]\n", "18.2.2", "line 4: services[0]: tbot 18.2.2 does not know type application-proxy, which takes 17.7.7, 18.2.3 and newer; use application-tunnel"},
		"the exec plugin before 16.0.4": {strings.Replace(identity(""), "identity, "+toMemory, "kubernetes, kubernetes_cluster: a, destination: {type: kubernetes_secret, name: a}", 1), "16.0.3", "line 5: outputs[0].destination: tbot 16.0.3 writes a kubeconfig that calls tbot into a directory alone"},
		"the exec plugin since 16.0.4":  {strings.Replace(identity(""), "identity, "+toMemory, "kubernetes, kubernetes_cluster: a, destination: {type: kubernetes_secret, name: a}", 1), "16.0.4", ""},
	} {
		switch got := lint(c.text, c.version); {
		case c.want == "" && len(got) > 0:
			t.Errorf("%s: %q, want none", name, got)
		case c.want != "" && !slices.ContainsFunc(got, func(line string) bool { return strings.HasPrefix(line, c.want) }):
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestKnownTo(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		kind, version string
		known         bool
		releases      string
	}{
		{"identity", "14.0.0", true, ""},
		{"kubernetes/argo-cd", "18.1.6", false, "17.7.4, 18.1.7 and newer"},
		{"kubernetes/argo-cd", "17.7.4", true, ""},
		{"spiffe-svid", "19.0.0", false, "before 19.0.0"},
		{"spiffe-svid", "15.0.0", true, ""}, // too close to say
		{"spiffe-svid", "14.0.0", false, "about 15.1.0 and newer"},
		{"nonsense", "18.0.0", false, "no release"},
		{"identity", "latest", false, "no release"},
	} {
		if known, releases := tbotconfig.KnownTo(c.kind, c.version); known != c.known || releases != c.releases {
			t.Errorf("%s in %s: %t, %q", c.kind, c.version, known, releases)
		}
	}
}
