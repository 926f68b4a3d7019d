package tbotconfig_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/tbotctl/tbotctl/internal/golden"
	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/internal/tbotconfig"
)

func everything() tbotconfig.Config {
	return tbotconfig.Config{
		Version:         tbotconfig.Version,
		Onboarding:      tbotconfig.Onboarding{Token: "ci", JoinMethod: "kubernetes", CAPins: []string{"sha256:00"}},
		Storage:         tbotconfig.Destination{Type: "directory", Path: "/var/lib/tbot", Symlinks: "secure", ACLs: "off"},
		ProxyServer:     "teleport.example.com:443",
		CredentialTTL:   30 * time.Minute,
		RenewalInterval: 10 * time.Minute,
		DiagAddr:        "0.0.0.0:3001",
		Oneshot:         true,
		Debug:           true,
		FIPS:            true,
		Outputs: []tbotconfig.Output{
			tbotconfig.NewIdentity(tbotconfig.Secret("credentials")),
			&tbotconfig.Identity{
				Common:       tbotconfig.Common{Type: "identity", Name: "leaf", CredentialTTL: 5 * time.Minute, RenewalInterval: time.Minute, Roles: []string{"access"}},
				Destination:  tbotconfig.Destination{Type: "kubernetes_secret", Name: "leaf", Namespace: "apps", Labels: map[string]string{"b": "2", "a": "1"}},
				Cluster:      "leaf.example.com",
				SSHConfig:    tbotconfig.SSHConfigOff,
				AllowReissue: true,
			},
			tbotconfig.NewIdentity(tbotconfig.Memory()),
		},
	}
}

func TestEncodeAndDecodeAreInverse(t *testing.T) {
	t.Parallel()
	want := everything()
	text, err := tbotconfig.Encode(want)
	if err != nil {
		t.Fatal(err)
	}
	golden.Assert(t, "everything.yaml", text)
	got, err := tbotconfig.Decode(text)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	for range 10 {
		if again, err := tbotconfig.Encode(want); err != nil || string(again) != string(text) {
			t.Fatalf("the second encoding differs: %v\n%s", err, again)
		}
	}
}

func TestEncodeWritesAnEmptyListOfOutputs(t *testing.T) {
	t.Parallel()
	text, err := tbotconfig.Encode(tbotconfig.Config{Version: "v2", ProxyServer: "teleport.example.com:443"})
	if err != nil {
		t.Fatal(err)
	}
	if want := "version: v2\nproxy_server: teleport.example.com:443\noutputs: []\n"; string(text) != want {
		t.Errorf("got %q, want %q", text, want)
	}
	if _, err := tbotconfig.Encode(tbotconfig.Config{Version: "v2"}); err == nil {
		t.Error("an invalid configuration is written")
	}
}

const head = "version: v2\nproxy_server: teleport.example.com:443\n"

// Both keys are one list, and are written as they were read. Names count services first, as tbot does.
func TestDecodeReadsBothKeysOfOutputs(t *testing.T) {
	t.Parallel()
	read, err := tbotconfig.Decode([]byte(head + `certificate_ttl: 2h
outputs:
  - {type: identity, ssh_config: off, destination: {type: directory, path: /a}}
services:
  - type: identity
    name: second
    destination: {type: memory}
`))
	if err != nil {
		t.Fatal(err)
	}
	if read.CredentialTTL != 2*time.Hour {
		t.Errorf("credential_ttl = %s", read.CredentialTTL)
	}
	want := []tbotconfig.Output{
		&tbotconfig.Identity{Common: tbotconfig.Common{Type: "identity"}, SSHConfig: "off", Destination: tbotconfig.Directory("/a")},
		&tbotconfig.Identity{Common: tbotconfig.Common{Type: "identity", Name: "second"}, Destination: tbotconfig.Memory()},
	}
	if !reflect.DeepEqual(read.Outputs, want) {
		t.Errorf("outputs = %+v", read.Outputs)
	}
	if got := []string{read.NameOf(0), read.NameOf(1)}; !reflect.DeepEqual(got, []string{"identity-2", "second"}) {
		t.Errorf("names = %q", got)
	}
	text, err := tbotconfig.Encode(read)
	if err != nil || !strings.Contains(string(text), "services:\n  - type: identity\n    name: second\n") {
		t.Errorf("written: %v\n%s", err, text)
	}
	read.Outputs = nil
	if text, err := tbotconfig.Encode(read); err != nil || !strings.Contains(string(text), "outputs: []\n") || strings.Contains(string(text), "services") {
		t.Errorf("without outputs: %v\n%s", err, text)
	}
}

func TestDecodeSaysWhatIsWrongAndWhere(t *testing.T) {
	t.Parallel()
	output := func(rest string) string { return head + "outputs:\n  - type: identity\n" + rest }
	for name, c := range map[string]struct{ text, want string }{
		"nothing":              {"", "tbot.yaml is empty"},
		"comment alone":        {"# nothing\n", "tbot.yaml is empty"},
		"null":                 {"---\n~\n", "tbot.yaml is empty"},
		"two documents":        {head + "---\n" + head, "more than one YAML document"},
		"not YAML":             {"version: [", "cannot be read: line 1"},
		"not a mapping":        {"- a\n", "cannot be read: line 1: it is a list, not a mapping of keys"},
		"unknown key":          {head + "debugg: true\n", "line 3: key debugg is not known here"},
		"unknown nested key":   {head + "onboarding:\n  tokn: a\n", "line 4: onboarding: key tokn is not known here"},
		"harmful key":          {head + "\"\\e[31m\": 1\n", `line 3: key "\x1b[31m" is not known here`},
		"key twice":            {head + "version: v2\n", "line 3: key version is given twice, first at line 1"},
		"a list for a key":     {head + "? [a]\n: b\n", "line 3: a list is not a key"},
		"version 1":            {strings.Replace(head, "v2", "v1", 1), `line 1: version: it is "v1", not v2`},
		"no address":           {"version: v2\n", "neither proxy_server nor auth_server is given"},
		"two addresses":        {head + "auth_server: a:3025\n", "both given"},
		"two lifetimes":        {head + "credential_ttl: 1h\ncertificate_ttl: 1h\n", "line 4: certificate_ttl: it is the older name of credential_ttl, which is given too"},
		"not a duration":       {head + "credential_ttl: soon\n", `line 3: credential_ttl: "soon" is not a duration such as 20m`},
		"not a truth":          {head + "oneshot: 3\n", `line 3: oneshot: "3" is not true or false`},
		"not a number":         {head + "services: [{type: workload-identity-api, listen: a, selector: {name: a}, attestors: {unix: {binary_hash_max_size_bytes: much}}}]\n", `binary_hash_max_size_bytes: "much" is not a whole number`},
		"not a text":           {head + "diag_addr: [1]\n", "line 3: diag_addr: a list is not a text"},
		"not a text in a map":  {output("    destination: {type: kubernetes_secret, name: a, labels: {a/b: [1]}}\n"), "line 5: outputs[0].destination.labels.a/b: a list is not a text"},
		"not a list":           {head + "outputs: {}\n", "line 3: outputs: a mapping of keys is not a list"},
		"negative":             {head + "renewal_interval: -1m\n", "durations above zero"},
		"insecure with pin":    {head + "insecure: true\nonboarding: {ca_pins: [a]}\n", "line 3: insecure: it stands beside ca_path or ca_pins"},
		"pin and path":         {head + "onboarding: {ca_path: /a, ca_pins: [a]}\n", "line 3: onboarding: ca_path and ca_pins are both given"},
		"join method":          {head + "onboarding:\n  join_method: kubernets\n", `line 4: onboarding.join_method: "kubernets" is not known; use one of azure`},
		"two secrets":          {head + "onboarding: {bound_keypair: {registration_secret: a, registration_secret_path: /a}}\n", "onboarding.bound_keypair: registration_secret and registration_secret_path are both given"},
		"two sources":          {head + "onboarding: {generic_oidc: {env: A, command: [b]}}\n", "onboarding.generic_oidc: env and command are both given"},
		"storage":              {head + "storage: {type: s3}\n", `line 3: storage.type: "s3" is not known; use memory, directory or kubernetes_secret`},
		"storage of no type":   {head + "storage: {path: /a}\n", "line 3: storage: it has no type"},
		"unknown output":       {head + "outputs:\n  - destination: {type: memory}\n    type: kuberntes\n", `line 5: outputs[0].type: "kuberntes" is not known; known are: application, application-proxy,`},
		"unknown service":      {head + "services:\n  - type: exmple\n", `line 4: services[0].type: "exmple" is not known`},
		"output without type":  {head + "outputs:\n  - destination: {type: memory}\n", "line 4: outputs[0]: it has no type"},
		"type of a wrong kind": {head + "outputs:\n  - type: [identity]\n", "line 4: outputs[0].type: a list is not a text"},
		"empty output":         {head + "outputs:\n  - {}\n", "line 4: outputs[0]: it is empty"},
		"null output":          {head + "outputs:\n  -\n", "outputs[0]: it is empty"},
		"scalar output":        {head + "outputs:\n  - identity\n", `line 4: outputs[0]: "identity" is not a mapping of keys`},
		"key of an output":     {output("    destnation: {type: memory}\n"), "line 5: outputs[0]: key destnation is not known here"},
		"key of destination":   {output("    destination:\n      type: memory\n      pth: /a\n"), "line 7: outputs[0].destination: key pth is not known here"},
		"no destination":       {output(""), "line 4: outputs[0].destination: it is missing"},
		"foreign field":        {output("    destination: {type: memory, path: /a}\n"), "line 5: outputs[0].destination.path: it belongs to a directory, not to memory"},
		"no path":              {output("    destination: {type: directory}\n"), "a directory needs a path"},
		"symlinks":             {output("    destination: {type: directory, path: /a, symlinks: maybe}\n"), `destination.symlinks: "maybe" is not known; use one of try-secure, secure, insecure`},
		"readers":              {output("    destination: {type: directory, path: /a, readers: [{user: a}, {user: a, group: b}]}\n"), "destination.readers[1]: give a user or a group"},
		"no secret":            {output("    destination: {type: kubernetes_secret}\n"), "a kubernetes_secret needs a name"},
		"bad secret":           {output("    destination: {type: kubernetes_secret, name: A_B}\n"), `destination.name: "A_B" is no name that Kubernetes takes`},
		"ssh_config":           {output("    ssh_config: maybe\n    destination: {type: memory}\n"), `line 5: outputs[0].ssh_config: "maybe" is neither on nor off`},
		"reserved name":        {output("    name: heartbeat\n    destination: {type: memory}\n"), `line 5: outputs[0].name: "heartbeat" is tbot's own`},
		"bad name":             {output("    name: My Output\n    destination: {type: memory}\n"), `outputs[0].name: "My Output" holds more than lower-case letters`},
		"name twice": {
			output("    name: a\n    destination: {type: memory}\n  - type: identity\n    name: a\n    destination: {type: memory}\n"),
			`line 8: outputs[1].name: the name "a" is taken`,
		},
		"name of a number": {
			output("    name: identity-2\n    destination: {type: memory}\n  - type: identity\n    destination: {type: memory}\n"),
			`line 7: outputs[1]: the name "identity-2" is taken`,
		},
		"an alias into itself":     {head + "outputs: &a [*a]\n", "outputs[0]: its aliases lead too far"},
		"a merge of nothing":       {head + "<<: 3\n", `line 3: "3" is nothing to merge`},
		"a line that begins blank": {head + "diag_addr: \"\\n a\"\n", "holds what cannot be written back"},
	} {
		_, err := tbotconfig.Decode([]byte(c.text))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error = %v, want %q in it", name, err, c.want)
		} else if strings.Contains(err.Error(), "tbotconfig.") || strings.Contains(err.Error(), "yaml.Node") {
			t.Errorf("%s: the error names a Go type: %v", name, err)
		}
	}
}

func TestDecodeCollectsEverything(t *testing.T) {
	t.Parallel()
	_, err := tbotconfig.Decode([]byte("version: v3\ndebugg: 1\noutputs:\n  - {type: identity, ssh_config: [on]}\nservices:\n  - {type: kubernetes/v2, selectors: [{name: a, labels: {b: c}}], destination: {type: memory}}\n"))
	var invalid *tbotconfig.Invalid
	if !errors.As(err, &invalid) {
		t.Fatalf("error = %v", err)
	}
	want := []tbotconfig.Problem{
		{Text: "neither proxy_server nor auth_server is given"},
		{Line: 1, Path: "version", Text: `it is "v3", not v2`},
		{Line: 2, Text: "key debugg is not known here"},
		{Line: 4, Path: "outputs[0].ssh_config", Text: "a list is not a text"},
		{Line: 4, Path: "outputs[0].destination", Text: "it is missing"},
		{Line: 6, Path: "services[0].selectors[0]", Text: "give a name or labels, not both"},
	}
	if !reflect.DeepEqual(invalid.Problems, want) {
		t.Errorf("problems = %+v", invalid.Problems)
	}
	if got := want[5].String(); got != "line 6: services[0].selectors[0]: give a name or labels, not both" {
		t.Errorf("String = %q", got)
	}
}

// What was never a file has no lines.
func TestValidateNamesOutputsByTheirPlace(t *testing.T) {
	t.Parallel()
	err := tbotconfig.Config{Version: "v2", ProxyServer: "a:443", Outputs: []tbotconfig.Output{tbotconfig.NewArgoCD(), tbotconfig.NewIdentity(tbotconfig.Memory())}}.Validate()
	if want := "tbot.yaml is not usable: outputs[0].selectors: at least one is needed, with a name or labels"; err == nil || err.Error() != want {
		t.Errorf("error = %v, want %s", err, want)
	}
}

func TestLifetimeFollowsTheNearestAnswer(t *testing.T) {
	t.Parallel()
	silent := tbotconfig.NewIdentity(tbotconfig.Memory())
	own := tbotconfig.NewIdentity(tbotconfig.Memory())
	own.CredentialTTL = time.Minute
	for _, c := range []struct {
		config tbotconfig.Config
		output tbotconfig.Output
		want   time.Duration
	}{
		{tbotconfig.Config{}, nil, time.Hour},
		{tbotconfig.Config{}, silent, time.Hour},
		{tbotconfig.Config{CredentialTTL: 2 * time.Hour}, nil, 2 * time.Hour},
		{tbotconfig.Config{CredentialTTL: 2 * time.Hour}, silent, 2 * time.Hour},
		{tbotconfig.Config{CredentialTTL: 2 * time.Hour}, own, time.Minute},
	} {
		if got := c.config.Lifetime(c.output); got != c.want {
			t.Errorf("Lifetime = %s, want %s", got, c.want)
		}
	}
}

func TestForFollowsTheSetup(t *testing.T) {
	t.Parallel()
	setup := spec.Default()
	setup.Kubernetes.Namespace = "machines"
	setup.Teleport.Proxy = "teleport.example.com:443"
	setup = setup.WithClusterID("1a2b3c4d")
	want := tbotconfig.Config{
		Version:     "v2",
		Onboarding:  tbotconfig.Onboarding{Token: "tbot-1a2b3c4d", JoinMethod: "kubernetes"},
		Storage:     tbotconfig.Memory(),
		ProxyServer: "teleport.example.com:443",
		Outputs:     []tbotconfig.Output{tbotconfig.NewIdentity(tbotconfig.Secret("tbot-output"))},
	}
	if got := tbotconfig.For(setup); !reflect.DeepEqual(got, want) || got.Validate() != nil {
		t.Errorf("For = %+v, %v; want %+v", got, got.Validate(), want)
	}
	setup.Access = spec.AccessNone
	if got := tbotconfig.For(setup); len(got.Outputs) != 0 || got.Validate() != nil {
		t.Errorf("access none: %+v, %v", got, got.Validate())
	}
	setup.Workload.FIPS = true
	if !tbotconfig.For(setup).FIPS {
		t.Error("--fips does not reach tbot.yaml")
	}
}
