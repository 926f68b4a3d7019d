package tbotconfig_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tbotctl/tbotctl/internal/golden"
	"github.com/tbotctl/tbotctl/internal/tbotconfig"
)

func common(kind, name string) tbotconfig.Common {
	return tbotconfig.Common{Type: kind, Name: name, CredentialTTL: 30 * time.Minute, RenewalInterval: 10 * time.Minute}
}

func named(kind, name string) tbotconfig.Common { return tbotconfig.Common{Type: kind, Name: name} }

// types has every type of output, and every key of each.
func types() tbotconfig.Config {
	number, off := 7, false
	attestors := tbotconfig.Attestors{
		Kubernetes: tbotconfig.KubernetesAttestor{Enabled: true, Kubelet: tbotconfig.Kubelet{SecurePort: 10250, TokenPath: "/token", CAPath: "/ca.crt", SkipVerify: true, Anonymous: true}},
		Podman:     tbotconfig.SocketAttestor{Enabled: true, Addr: "unix:///run/podman/podman.sock"},
		Docker:     tbotconfig.SocketAttestor{Enabled: true},
		Systemd:    tbotconfig.SystemdAttestor{Enabled: true},
		Sigstore: tbotconfig.SigstoreAttestor{
			Enabled: true, AdditionalRegistries: []tbotconfig.Registry{{Host: "ghcr.io"}}, CredentialsPath: "/docker.json", AllowedPrivateNetworkPrefixes: []string{"10.0.0.0/8"},
		},
		Unix: tbotconfig.UnixAttestor{BinaryHashMaxSizeBytes: -1},
	}
	directory := tbotconfig.Destination{Type: "directory", Path: "/out", Symlinks: "secure", ACLs: "required", Readers: []tbotconfig.Reader{{User: "123"}, {Group: "web"}}}
	elsewhere := tbotconfig.Destination{Type: "kubernetes_secret", Name: "a", Namespace: "web", KubeconfigPath: "/kube", KubeconfigContext: "prod", Labels: map[string]string{"team": "web"}}
	byLabels := tbotconfig.WorkloadSelector{Labels: map[string][]string{"team": {"web", "db"}}}
	v2 := tbotconfig.NewKubernetesV2(tbotconfig.Secret("v2"), tbotconfig.Selector{Name: "prod", DefaultNamespace: "web"}, tbotconfig.Selector{Labels: map[string]string{"env": "test"}})
	v2.ContextNameTemplate, v2.RelayServer = "{{.KubeName}}", "relay.example.com"
	identity := common("identity", "id")
	identity.Roles = []string{"access"}
	return tbotconfig.Config{
		Version: "v2",
		Onboarding: tbotconfig.Onboarding{
			Token: "ci", JoinMethod: "bound_keypair", CAPath: "/ca.pem",
			Azure:        tbotconfig.OnboardingAzure{ClientID: "id"},
			Terraform:    tbotconfig.OnboardingTerraform{AudienceTag: "tag"},
			GitLab:       tbotconfig.OnboardingGitLab{TokenEnvVarName: "JWT"},
			BoundKeypair: tbotconfig.OnboardingBoundKeypair{RegistrationSecret: tbotconfig.Hide("s3cret"), StaticPrivateKeyPath: "/key"},
			GenericOIDC:  tbotconfig.OnboardingGenericOIDC{Command: []string{"print-token"}, Timeout: time.Minute},
			Kubernetes:   tbotconfig.OnboardingKubernetes{TokenPath: "/token"},
		},
		JoinURI: tbotconfig.Hide("tbot+proxy+token://s3cret@teleport.example.com:443"),
		Storage: tbotconfig.Memory(),
		Leeway:  time.Minute,
		Outputs: []tbotconfig.Output{
			&tbotconfig.Identity{Common: identity, Destination: directory, Cluster: "leaf", SSHConfig: "off", AllowReissue: true, DelegationSessionID: "d"},
			tbotconfig.NewKubernetes("prod", elsewhere),
			&tbotconfig.Kubernetes{Common: named("kubernetes", "k"), KubernetesCluster: "prod", Destination: tbotconfig.Memory(), DelegationSessionID: "d"},
			v2,
			&tbotconfig.ArgoCD{
				Common: common("kubernetes/argo-cd", ""), Selectors: []tbotconfig.Selector{{Labels: map[string]string{"*": "*"}}}, SecretNamespace: "argocd", SecretNamePrefix: "clusters",
				SecretLabels: map[string]string{"team": "web"}, SecretAnnotations: map[string]string{"note": "two\nlines\n"}, Project: "edge",
				Namespaces: []string{"web"}, ClusterResources: true, ClusterNameTemplate: "{{.ClusterName}}",
			},
			&tbotconfig.Application{Common: named("application", ""), Destination: tbotconfig.Memory(), AppName: "grafana", SpecificTLSNaming: true, DelegationSessionID: "d"},
			&tbotconfig.ApplicationTunnel{Common: common("application-tunnel", ""), Listen: "tcp://127.0.0.1:1", AppName: "grafana", DelegationSessionID: "d"},
			&tbotconfig.ApplicationProxy{
				Common: named("application-proxy", ""), Listen: "unix:///sock", DelegationSessionID: "d",
				CredentialLifetime: tbotconfig.Lifetime{CredentialTTL: time.Hour, RenewalInterval: time.Minute},
			},
			&tbotconfig.Database{Common: named("database", ""), Destination: directory, Service: "pg", Database: "web", Username: "app", Format: "cockroach"},
			&tbotconfig.DatabaseTunnel{Common: named("database-tunnel", ""), Listen: "tcp://127.0.0.1:2", Service: "pg", Database: "web", Username: "app"},
			&tbotconfig.SSHHost{Common: named("ssh_host", ""), Destination: directory, Principals: []string{"host"}, CAType: "openssh"},
			&tbotconfig.SSHMultiplexer{
				Common: named("ssh-multiplexer", ""), Destination: directory, EnableResumption: &off, ProxyTemplatesPath: "/t.yaml", ProxyCommand: []string{"fdpass-teleport"}, RelayServer: "relay",
			},
			&tbotconfig.WorkloadX509{
				Common: named("workload-identity-x509", ""), Destination: directory, Selector: tbotconfig.WorkloadSelector{Name: "w"}, IncludeFederatedTrustBundles: true, TrustDomains: []string{"app_client"},
			},
			&tbotconfig.WorkloadJWT{Common: named("workload-identity-jwt", ""), Destination: directory, Selector: byLabels, Audiences: []string{"a"}},
			&tbotconfig.WorkloadAPI{Common: named("workload-identity-api", ""), Listen: "unix:///api", Attestors: attestors, Selector: byLabels, TrustDomains: []string{"app_client"}},
			&tbotconfig.WorkloadAWS{
				Common: named("workload-identity-aws-roles-anywhere", ""), Destination: directory, Selector: byLabels,
				RoleARN: "arn:aws:iam::1:role/a", ProfileARN: "arn:aws:rolesanywhere:eu-west-1:1:profile/a", TrustAnchorARN: "arn:aws:rolesanywhere:eu-west-1:1:trust-anchor/a", Region: "eu-west-1",
				SessionDuration: 12 * time.Hour, SessionRenewalInterval: 2 * time.Hour, CredentialProfileName: "p", ArtifactName: "f", OverwriteCredentialFile: true,
			},
			&tbotconfig.SPIFFESVID{
				Common: named("spiffe-svid", ""), Destination: directory, IncludeFederatedTrustBundles: true, JWTs: []tbotconfig.JWTFile{{FileName: "jwt", Audience: "a"}},
				SVID: tbotconfig.SVID{Path: "/a", Hint: "h", SANs: tbotconfig.SVIDSANs{DNS: []string{"a.example.com"}, IP: []string{"10.0.0.1"}}},
			},
			&tbotconfig.SPIFFEWorkloadAPI{
				Common: named("spiffe-workload-api", ""), Listen: "unix:///old", JWTSVIDTTL: time.Minute,
				Attestors: tbotconfig.Attestors{Kubernetes: tbotconfig.KubernetesAttestor{Enabled: true, Kubelet: tbotconfig.Kubelet{ReadOnlyPort: 10255}}},
				SVIDs: []tbotconfig.RuledSVID{{SVID: tbotconfig.SVID{Path: "/b"}, Rules: []tbotconfig.SVIDRule{
					{Unix: tbotconfig.UnixRule{PID: &number, UID: &number, GID: &number}},
					{Kubernetes: tbotconfig.KubernetesRule{Namespace: "web", ServiceAccount: "app", PodName: "app-0"}},
				}}},
			},
			&tbotconfig.ClientCredential{Common: named("unstable_client_credential", ""), DelegationSessionID: "d"},
			&tbotconfig.Example{Common: named("example", ""), Message: "hello"},
		},
	}
}

func TestEveryTypeIsWrittenAndRead(t *testing.T) {
	t.Parallel()
	want := types()
	text, err := tbotconfig.Encode(want)
	if err != nil {
		t.Fatal(err)
	}
	golden.Assert(t, "types.yaml", text)
	got, err := tbotconfig.Decode(text)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("read: %+v", got)
	}
	inspected, err := tbotconfig.Inspect(text)
	if err != nil || !reflect.DeepEqual(inspected, want) {
		t.Errorf("inspected: %+v, %v", inspected, err)
	}
	var there []string
	for _, output := range want.Outputs {
		there = append(there, output.Shared().Type)
	}
	slices.Sort(there)
	if there = slices.Compact(there); !slices.Equal(there, tbotconfig.Types()) {
		t.Errorf("the file has the types %q, tbot %q", there, tbotconfig.Types())
	}
}

// A key that no test writes could be misspelt for ever.
func TestTheFilesOfTheTestsHaveEveryKey(t *testing.T) {
	t.Parallel()
	var all strings.Builder
	for _, config := range []tbotconfig.Config{everything(), types()} {
		text, err := tbotconfig.Encode(config)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(text)
	}
	seen := map[reflect.Type]bool{}
	var check func(reflect.Type)
	check = func(of reflect.Type) {
		for of.Kind() == reflect.Pointer || of.Kind() == reflect.Slice {
			of = of.Elem()
		}
		if of.Kind() != reflect.Struct || seen[of] || of == reflect.TypeFor[tbotconfig.Hidden]() {
			return
		}
		seen[of] = true
		for field := range of.Fields() {
			key, options, _ := strings.Cut(field.Tag.Get("yaml"), ",")
			unwritten := key == "-" || key == "insecure" || key == "auth_server" || key == "env" || key == "registration_secret_path" // each beside what the files have
			if options != "inline" && !unwritten && !strings.Contains(all.String(), key+":") {
				t.Errorf("%s.%s: key %q is in no file", of.Name(), field.Name, key)
			}
			check(field.Type)
		}
	}
	check(reflect.TypeFor[tbotconfig.Config]())
	for _, output := range types().Outputs {
		check(reflect.TypeOf(output))
	}
}

// A secret of the file is in the file alone.
func TestSecretsArePrintedNowhere(t *testing.T) {
	t.Parallel()
	config := types()
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		if text := fmt.Sprintf(verb, config); strings.Contains(text, "s3cret") {
			t.Errorf("%s prints the secret: %s", verb, text)
		}
	}
	text, err := tbotconfig.Encode(config)
	if err != nil || strings.Count(string(text), "s3cret") != 2 {
		t.Errorf("the file: %v\n%s", err, text)
	}
	_, err = tbotconfig.Decode([]byte("version: v2\njoin_uri: [s3cret]\nonboarding: {bound_keypair: {registration_secret: \"s3cret\\e\"}}\n"))
	if err == nil || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("error = %v", err)
	}
}

func TestEachTypeIsJudged(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"type: kubernetes, destination: {type: memory}":                                                                                                       "services[0]: kubernetes_cluster is missing",
		"type: kubernetes, kubernetes_cluster: a, roles: [b], delegation_session_id: c, destination: {type: memory}":                                          "services[0].delegation_session_id: it does not go with roles",
		"type: kubernetes/v2, destination: {type: memory}":                                                                                                    "services[0].selectors: at least one is needed",
		"type: kubernetes/v2, destination: {type: memory}, selectors: [{name: a}, {}]":                                                                        "services[0].selectors[1]: give a name or labels",
		"type: kubernetes/v2, destination: {type: memory}, selectors: [{name: a, labels: {b: c}}]":                                                            "services[0].selectors[0]: give a name or labels, not both",
		"type: kubernetes/v2, destination: {type: memory}, selectors: [{name: a}], roles: [b]":                                                                "services[0].roles: type kubernetes/v2 has no roles of its own",
		"type: kubernetes/v2, destination: {type: memory}, selectors: [{name: a}], context_name_template: '{{.Kube}}'":                                        `services[0].context_name_template: "{{.Kube}}" is no template`,
		"type: kubernetes/v2, destination: {type: memory}, selectors: [{name: a}], context_name_template: '{{'":                                               "services[0].context_name_template:",
		"type: kubernetes/argo-cd, selectors: [{name: a}], cluster_resources: true":                                                                           "services[0].cluster_resources: it goes only with namespaces",
		"type: kubernetes/argo-cd, selectors: [{name: a}], namespaces: [web, A]":                                                                              `services[0].namespaces[1]: "A" is no name of a namespace`,
		"type: kubernetes/argo-cd, selectors: [{name: a}], secret_name_prefix: A":                                                                             `services[0].secret_name_prefix: "A" holds more than`,
		"type: kubernetes/argo-cd, selectors: [{name: a}], cluster_name_template: '{{'":                                                                       "services[0].cluster_name_template:",
		"type: kubernetes/argo-cd, selectors: [{name: a}], destination: {type: memory}":                                                                       "services[0]: key destination is not known here",
		"type: application, destination: {type: memory}":                                                                                                      "services[0]: app_name is missing",
		"type: application-tunnel, app_name: a":                                                                                                               "services[0]: listen is missing",
		"type: application-tunnel, listen: 'tcp://a b:%'":                                                                                                     "services[0].listen:",
		"type: application-proxy, listen: a, credential_ttl: 1h, renewal_interval: 1m":                                                                        "services[0]: type application-proxy has neither credential_ttl nor renewal_interval",
		"type: database, destination: {type: memory}":                                                                                                         "services[0]: service is missing",
		"type: database, destination: {type: memory}, service: a, format: csv":                                                                                `services[0].format: "csv" is not known; use one of mongo, cockroach, tls`,
		"type: database, destination: {type: kubernetes_secret, name: a}, service: a, format: cockroach":                                                      "services[0].format: cockroach writes into a folder",
		"type: database-tunnel, listen: a, service: a, database: a":                                                                                           "services[0]: username is missing",
		"type: database-tunnel, listen: a, service: a, username: a":                                                                                           "services[0]: database is missing",
		"type: ssh_host, destination: {type: memory}":                                                                                                         "services[0]: principals is missing",
		"type: ssh_host, destination: {type: memory}, principals: [a], ca_type: host":                                                                         `services[0].ca_type: "host" is not known`,
		"type: ssh-multiplexer, destination: {type: memory}":                                                                                                  "services[0].destination: its sockets need a directory, not a memory",
		"type: workload-identity-x509, destination: {type: memory}":                                                                                           "services[0].selector: give a name or labels",
		"type: workload-identity-x509, destination: {type: memory}, selector: {labels: {a: []}}":                                                              "services[0].selector.labels.a: give at least one value",
		"type: workload-identity-x509, destination: {type: memory}, selector: {name: a}, trust_domains: [b]":                                                  `services[0].trust_domains[0]: "b" is not known; use app_client`,
		"type: workload-identity-jwt, destination: {type: memory}, selector: {name: a}":                                                                       "services[0]: audiences is missing",
		"type: workload-identity-api, selector: {name: a}":                                                                                                    "services[0]: listen is missing",
		"type: workload-identity-api, listen: a, selector: {name: a}, attestors: {podman: {enabled: true}}":                                                   "services[0].attestors.podman: addr is missing",
		"type: workload-identity-api, listen: a, selector: {name: a}, attestors: {kubernetes: {enabled: true, kubelet: {read_only_port: 1, secure_port: 2}}}": "services[0].attestors.kubernetes.kubelet: read_only_port and secure_port are both given",
		"type: workload-identity-aws-roles-anywhere, destination: {type: memory}, selector: {name: a}":                                                        "services[0]: role_arn is missing",
		"type: workload-identity-aws-roles-anywhere, destination: {type: memory}, selector: {name: a}, role_arn: a":                                           `services[0].role_arn: "a" is no ARN`,
		"type: workload-identity-aws-roles-anywhere, destination: {type: memory}, selector: {name: a}, session_duration: 13h":                                 "services[0].session_duration: 13h0m0s is more than AWS gives",
		"type: workload-identity-aws-roles-anywhere, destination: {type: memory}, selector: {name: a}, session_duration: 1h":                                  "services[0]: ",
		"type: spiffe-svid, destination: {type: memory}":                                                                                                      "services[0].svid: path is missing",
		"type: spiffe-svid, destination: {type: memory}, svid: {path: a, sans: {ip: [x]}}":                                                                    `services[0].svid.path: "a" does not begin with a slash`,
		"type: spiffe-svid, destination: {type: memory}, svid: {path: /a, sans: {ip: [x]}}":                                                                   `services[0].svid.sans.ip[0]: "x" is no IP address`,
		"type: spiffe-svid, destination: {type: memory}, svid: {path: /a}, jwts: [{file_name: a}]":                                                            "services[0].jwts[0]: audience is missing",
		"type: spiffe-workload-api, listen: a":                                                                                                                "services[0]: svids is missing",
		"type: spiffe-workload-api, listen: a, svids: [{hint: a}]":                                                                                            "services[0].svids[0]: path is missing",
		"type: example": "services[0]: message is missing",
		"type: identity, destination: {type: memory}, credential_ttl: -1m, renewal_interval: -2m": "services[0]: credential_ttl and renewal_interval are durations above zero",
	} {
		_, err := tbotconfig.Decode([]byte(head + "services:\n  - {" + text + "}\n"))
		if err == nil || !strings.Contains(err.Error(), "line 4: "+want) {
			t.Errorf("%s: error = %v, want %q in it", text, err, want)
		}
	}
}

func TestNamesAreThoseOfTbot(t *testing.T) {
	t.Parallel()
	config := tbotconfig.Config{Outputs: []tbotconfig.Output{
		tbotconfig.NewKubernetesV2(tbotconfig.Memory()), tbotconfig.NewIdentity(tbotconfig.Memory()),
		&tbotconfig.KubernetesV2{Common: named("kubernetes/v2", "mine")}, tbotconfig.NewKubernetesV2(tbotconfig.Memory()), &tbotconfig.SSHHost{Common: named("ssh_host", "")},
	}}
	for i, want := range []string{"kubernetes-v2-1", "identity-1", "mine", "kubernetes-v2-3", "ssh_host-1", ""} {
		if got := config.NameOf(i); got != want {
			t.Errorf("NameOf(%d) = %q, want %q", i, got, want)
		}
	}
	if got := config.NameOf(-1); got != "" {
		t.Errorf("NameOf(-1) = %q", got)
	}
}

func TestDestinationOf(t *testing.T) {
	t.Parallel()
	held := map[string]bool{}
	for _, output := range types().Outputs {
		to, has := tbotconfig.DestinationOf(output)
		field := reflect.ValueOf(output).Elem().FieldByName("Destination")
		if has != field.IsValid() || has && !reflect.DeepEqual(field.Interface(), to) {
			t.Errorf("%s: %+v, %t", output.Shared().Type, to, has)
		}
		held[output.Shared().Type] = has
	}
	if held["kubernetes/argo-cd"] || !held["identity"] {
		t.Errorf("held: %v", held)
	}
	if _, has := tbotconfig.DestinationOf(&tbotconfig.Foreign{}); has {
		t.Error("an unknown output without a destination has one")
	}
	if to, has := tbotconfig.DestinationOf(&tbotconfig.Foreign{Destination: tbotconfig.Memory()}); !has || to.Type != "memory" {
		t.Errorf("an unknown output: %+v, %t", to, has)
	}
}
