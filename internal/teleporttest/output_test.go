package teleporttest_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gravitational/teleport/api/client"
	"github.com/gravitational/teleport/api/client/proto"
	"github.com/gravitational/teleport/api/types"
	"github.com/gravitational/trace"
	"golang.org/x/crypto/ssh"

	"github.com/tbotctl/tbotctl/internal/teleporttest"
)

// joined is a bot that has joined a cluster, with a client of its own.
type joined struct {
	cluster *teleporttest.Cluster
	keys    subjectKeys
	certs   *proto.Certs
	client  *client.Client
	issuer  issuer
}

func join(t *testing.T, o teleporttest.Options, roles ...string) joined {
	t.Helper()
	j := joined{cluster: teleporttest.New(t, o), keys: newSubjectKeys(t), issuer: newIssuer(t, "kid-1"), certs: &proto.Certs{}}
	j.cluster.AddRole(&types.RoleV6{
		Version:  types.V7,
		Metadata: types.Metadata{Name: "example-role"},
		Spec: types.RoleSpecV6{Allow: types.RoleConditions{
			KubernetesLabels: types.Labels{"env": []string{"lab"}},
			KubeGroups:       []string{"editor"},
		}},
	})
	j.cluster.PutBot(bot("example", roles...))
	j.cluster.PutToken(staticToken("example-bot", j.issuer.jwks(t)))
	status, body := joinOverHTTP(t, j.cluster, j.keys.request("example-bot", j.issuer.sign(t, goodClaims(nil))))
	if status != 200 {
		t.Fatalf("status %d: %s", status, body)
	}
	if err := json.Unmarshal(body, j.certs); err != nil {
		t.Fatal(err)
	}
	j.client = connect(t, j.cluster, botCredentials(t, j.keys, j.certs))
	return j
}

func (j joined) outputRequest(roles ...string) proto.UserCertsRequest {
	return proto.UserCertsRequest{
		Username: "bot-example", UseRoleRequests: true, RoleRequests: roles, RouteToCluster: clusterName,
		Expires: time.Now().Add(time.Hour), SSHPublicKey: j.keys.ssh, TLSPublicKey: j.keys.tls,
	}
}

// TestEighteenJoinCertificates: instance, generation and join attributes of newer servers (teleport-facts 2.8, 2.9).
func TestEighteenJoinCertificates(t *testing.T) {
	t.Parallel()
	j := join(t, teleporttest.Options{}, "example-role")
	instances := j.cluster.Instances("example")
	if len(instances) != 1 {
		t.Fatalf("%d instances, want 1", len(instances))
	}
	id := instances[0].GetSpec().GetInstanceId()
	cert := parseCertificate(t, j.certs.TLS)
	got := map[string]string{}
	for _, name := range cert.Subject.Names {
		got[name.Type.String()] = fmt.Sprint(name.Value)
	}
	if got["1.3.9999.2.18"] != "example" || got["1.3.9999.2.20"] != id || got["1.3.9999.1.14"] != "1" {
		t.Errorf("subject: %v, want bot example, instance %s, generation 1", got, id)
	}
	var attributes struct {
		Meta struct {
			JoinTokenName string `json:"joinTokenName"`
		} `json:"meta"`
		Kubernetes struct {
			Subject string `json:"subject"`
			Pod     struct {
				Name string `json:"name"`
			} `json:"pod"`
		} `json:"kubernetes"`
	}
	if err := json.Unmarshal([]byte(got["1.3.9999.2.21"]), &attributes); err != nil {
		t.Fatal(err)
	}
	if attributes.Meta.JoinTokenName != "example-bot" || attributes.Kubernetes.Subject != "system:serviceaccount:default:tbot" ||
		attributes.Kubernetes.Pod.Name != "probe" {
		t.Errorf("join attributes: %s", got["1.3.9999.2.21"])
	}
	sshCert := parseSSH(t, j.certs.SSH)
	if sshCert.Extensions["bot-instance-id@goteleport.com"] != id || sshCert.Extensions["generation"] != "1" {
		t.Errorf("SSH extensions: %v", sshCert.Extensions)
	}
	if got := cert.PublicKeyAlgorithm.String() + " by " + cert.SignatureAlgorithm.String(); got != "ECDSA by ECDSA-SHA256" {
		t.Errorf("balanced-v1 gave %s", got)
	}
	if got := sshCert.SignatureKey.Type(); got != ssh.KeyAlgoED25519 {
		t.Errorf("balanced-v1 signs SSH certificates with %s", got)
	}
}

func parseSSH(t *testing.T, line []byte) *ssh.Certificate {
	t.Helper()
	key, _, _, _, err := ssh.ParseAuthorizedKey(line)
	if err != nil {
		t.Fatal(err)
	}
	cert, ok := key.(*ssh.Certificate)
	if !ok {
		t.Fatalf("%T is no SSH certificate", key)
	}
	return cert
}

// TestKeysOfJoin: 16.x signs the SSH key twice, newer servers sign each key (teleport-facts 2.6).
func TestKeysOfJoin(t *testing.T) {
	t.Parallel()
	for version, wantSSHKey := range map[string]bool{recorded: true, "18.2.0": false} {
		issuer, keys := newIssuer(t, "kid-1"), newSubjectKeys(t)
		keys.tls = newSubjectKeys(t).tls
		c := teleporttest.New(t, teleporttest.Options{Version: version})
		c.PutBot(bot("example"))
		c.PutToken(staticToken("t", issuer.jwks(t)))
		status, body := joinOverHTTP(t, c, keys.request("t", issuer.sign(t, goodClaims(nil))))
		var certs proto.Certs
		if err := json.Unmarshal(body, &certs); err != nil || status != 200 {
			t.Fatalf("status %d, %v: %s", status, err, body)
		}
		if got := keys.key.PublicKey.Equal(parseCertificate(t, certs.TLS).PublicKey); got != wantSSHKey {
			t.Errorf("%s: the TLS certificate is for the SSH key: %v, want %v", version, got, wantSSHKey)
		}
	}
}

// TestTokenMethod: a token of method token asks for no proof, gives a renewable certificate and is used up (2.9).
func TestTokenMethod(t *testing.T) {
	t.Parallel()
	c := teleporttest.New(t, teleporttest.Options{})
	c.PutBot(bot("example"))
	c.PutToken(&types.ProvisionTokenV2{
		Metadata: types.Metadata{Name: "secret"},
		Spec: types.ProvisionTokenSpecV2{
			Roles: []types.SystemRole{types.RoleBot}, BotName: "example", JoinMethod: types.JoinMethodToken,
		},
	})
	keys := newSubjectKeys(t)
	status, body := joinOverHTTP(t, c, keys.request("secret", ""))
	var certs proto.Certs
	if err := json.Unmarshal(body, &certs); err != nil || status != 200 {
		t.Fatalf("status %d, %v: %s", status, err, body)
	}
	if _, ok := parseSSH(t, certs.SSH).Extensions["renewable"]; !ok {
		t.Error("the certificate is not renewable")
	}
	if got := joinAnswer(t, c, keys.request("secret", "")); got.status != 403 {
		t.Errorf("the second join: %+v, want the token to be gone", got)
	}
}

func TestExpiresOfJoin(t *testing.T) {
	t.Parallel()
	j := join(t, teleporttest.Options{})
	for asked, want := range map[time.Duration]time.Duration{5 * time.Minute: 5 * time.Minute, 48 * time.Hour: 24 * time.Hour} {
		req := j.keys.request("example-bot", j.issuer.sign(t, goodClaims(nil)))
		expires := time.Now().Add(asked)
		req.Expires = &expires
		certs, err := j.client.RegisterUsingToken(withTimeout(t), req)
		if err != nil {
			t.Fatal(err)
		}
		got := time.Until(parseCertificate(t, certs.TLS).NotAfter).Round(time.Minute)
		if got != want {
			t.Errorf("asked for %v, got %v, want %v (teleport-facts 2.9)", asked, got, want)
		}
	}
}

// TestOutputCertificate holds an output's certificate to recordings/tbot-kubernetes-output.md.
func TestOutputCertificate(t *testing.T) {
	t.Parallel()
	j := join(t, teleporttest.Options{KubeClusters: []teleporttest.KubeCluster{{Name: "lab", Labels: map[string]string{"env": "lab"}}}}, "example-role")
	req := j.outputRequest("example-role")
	req.KubernetesCluster = "lab"
	certs, err := j.client.GenerateUserCerts(withTimeout(t), req)
	if err != nil {
		t.Fatal(err)
	}
	cert := parseCertificate(t, certs.TLS)
	var names []string
	for _, name := range cert.Subject.Names {
		switch name.Type.String() {
		case "1.3.9999.2.20", "1.3.9999.2.21":
			continue // newer than the recording
		}
		names = append(names, fmt.Sprintf("%v=%v", name.Type, blank(fmt.Sprint(name.Value))))
	}
	want := []string{
		"2.5.4.7=-teleport-internal-join", "2.5.4.7=-teleport-nologin-UUID", "2.5.4.9=lab.example.com", "2.5.4.17=null",
		"2.5.4.10=example-role", "2.5.4.3=bot-example", "1.3.9999.1.2=editor", "1.3.9999.1.3=lab", "1.3.9999.1.7=lab.example.com",
		"1.3.9999.1.9=127.0.0.1", "1.3.9999.2.7=bot-example", "1.3.9999.2.9=true", "1.3.9999.2.18=example", "1.3.9999.1.15=none",
	}
	if !slices.Equal(names, want) {
		t.Errorf("subject\n got  %q\n want %q", names, want)
	}
	extensions := parseSSH(t, certs.SSH).Extensions
	if extensions["teleport-roles"] != `{"version":"v1","roles":["example-role"]}` || extensions["impersonator"] != "bot-example" {
		t.Errorf("SSH extensions: %v", extensions)
	}
	if _, ok := extensions["disallow-reissue"]; !ok {
		t.Errorf("SSH extensions lack disallow-reissue: %v", extensions)
	}
	if len(certs.TLSCACerts) != 1 || len(certs.SSHCACerts) != 1 {
		t.Errorf("%d TLS CAs and %d SSH CAs, want the user CA alone", len(certs.TLSCACerts), len(certs.SSHCACerts))
	}
	// The output's identity works, and may not mint another one.
	ca, err := j.client.GetClusterCACert(withTimeout(t))
	if err != nil {
		t.Fatal(err)
	}
	certs.TLSCACerts = append(certs.TLSCACerts, ca.TLSCA)
	output := connect(t, j.cluster, botCredentials(t, j.keys, certs))
	if _, err := output.Ping(withTimeout(t)); err != nil {
		t.Fatal(err)
	}
	_, err = output.GenerateUserCerts(withTimeout(t), req)
	if !trace.IsAccessDenied(err) || err.Error() != "access denied: identity is not allowed to reissue certificates" {
		t.Errorf("reissue with an output's identity: %v", err)
	}
}

// TestOutputRefusals: teleport-facts 6.2.
func TestOutputRefusals(t *testing.T) {
	t.Parallel()
	j := join(t, teleporttest.Options{}, "example-role", "no-such-role")
	unrouted := j.outputRequest("example-role")
	unrouted.KubernetesCluster = "nowhere"
	someoneElse := j.outputRequest("example-role")
	someoneElse.Username = "admin"
	for name, row := range map[string]struct {
		req  proto.UserCertsRequest
		kind func(error) bool
		want string
	}{
		"no roles":        {j.outputRequest(), trace.IsBadParameter, "at least one role request is required"},
		"not allowed":     {j.outputRequest("editor"), trace.IsAccessDenied, `user "bot-example" has requested role impersonation for ["editor"]`},
		"unknown role":    {j.outputRequest("no-such-role"), trace.IsNotFound, "role no-such-role is not found"},
		"unknown cluster": {unrouted, trace.IsBadParameter, `Kubernetes cluster "nowhere" is not registered in this Teleport cluster; you can list registered Kubernetes clusters using 'tsh kube ls'`},
		"someone else":    {someoneElse, trace.IsAccessDenied, "access denied: impersonation is not allowed"},
	} {
		_, err := j.client.GenerateUserCerts(withTimeout(t), row.req)
		if err == nil || !row.kind(err) || err.Error() != row.want {
			t.Errorf("%s: %v, want %q", name, err, row.want)
		}
	}
}

// TestSixteenOutputs: today's client can't get output certificates from 16.x (teleport-facts 4.7).
func TestSixteenOutputs(t *testing.T) {
	t.Parallel()
	j := join(t, teleporttest.Options{Version: recorded}, "example-role")
	if _, err := j.client.GenerateUserCerts(withTimeout(t), j.outputRequest("example-role")); err == nil || !strings.HasSuffix(err.Error(), "ssh: no key found") {
		t.Errorf("GenerateUserCerts: %v", err)
	}
	_, err := j.client.RegisterUsingToken(withTimeout(t), j.keys.request("example-bot", "x"))
	if !trace.IsNotImplemented(err) || err.Error() != "unknown method RegisterUsingToken for service proto.JoinService" {
		t.Errorf("RegisterUsingToken: %v", err)
	}
	if _, err := clientAs(t, j.cluster, "admin").GetAuthPreference(withTimeout(t)); !trace.IsNotImplemented(err) ||
		err.Error() != "unknown service teleport.clusterconfig.v1.ClusterConfigService" {
		t.Errorf("GetAuthPreference: %v", err)
	}
}

func TestBotOwnRole(t *testing.T) {
	t.Parallel()
	j := join(t, teleporttest.Options{}, "example-role")
	role, err := j.client.GetRole(withTimeout(t), "bot-example")
	if err != nil {
		t.Fatal(err)
	}
	if got := role.GetImpersonateConditions(types.Allow).Roles; !slices.Equal(got, []string{"example-role"}) {
		t.Errorf("impersonate.roles = %v", got)
	}
	if got := role.GetOptions().MaxSessionTTL.Duration(); got != 12*time.Hour {
		t.Errorf("max_session_ttl = %v, want 12h (teleport-facts 5.2)", got)
	}
	for _, kind := range []types.CertAuthType{types.HostCA, types.UserCA, types.DatabaseCA} {
		ca, err := j.client.GetCertAuthority(withTimeout(t), types.CertAuthID{Type: kind, DomainName: clusterName}, false)
		if err != nil {
			t.Fatalf("%s CA: %v", kind, err)
		}
		if len(ca.GetTrustedTLSKeyPairs()) != 1 || (len(ca.GetTrustedSSHKeyPairs()) == 1) != (kind != types.DatabaseCA) {
			t.Errorf("%s CA: %+v", kind, ca)
		}
	}
	if _, err := j.client.GetCertAuthority(withTimeout(t), types.CertAuthID{Type: types.HostCA, DomainName: clusterName}, true); !trace.IsAccessDenied(err) {
		t.Errorf("a CA with its key: %v, want access denied", err)
	}
}

func TestRefusedJoinIsAudited(t *testing.T) {
	t.Parallel()
	j := join(t, teleporttest.Options{})
	j.cluster.DeleteBot("example")
	status, body := joinOverHTTP(t, j.cluster, j.keys.request("example-bot", j.issuer.sign(t, goodClaims(nil))))
	if status != 403 || !strings.Contains(string(body), `"access denied"`) {
		t.Fatalf("status %d: %s", status, body)
	}
	joinOverHTTP(t, j.cluster, j.keys.request("example-bot", j.issuer.sign(t, goodClaims(map[string]any{"sub": "system:serviceaccount:default:other"}))))
	now := time.Now()
	events, _, err := clientAs(t, j.cluster, "admin").SearchUnstructuredEvents(withTimeout(t), now.Add(-time.Hour), now.Add(time.Minute), "default", []string{"bot.join"}, 10, types.EventOrderAscending, "")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range events {
		f := e.GetUnstructured().AsMap()
		got = append(got, fmt.Sprint(f["code"], " ", f["success"], " ", f["error"], " ", f["attributes"] != nil, " ", f["token_name"], " ", f["bot_name"]))
	}
	want := []string{
		"TJ001I true <nil> true example-bot example",
		"TJ001E false access denied true example-bot example",
		"TJ001E false kubernetes token did not match any allow rules true example-bot example",
	}
	if !slices.Equal(got, want) {
		t.Errorf("events\n got  %q\n want %q", got, want)
	}
}
