package teleporttest_test

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/gravitational/teleport/api/types"
	"golang.org/x/crypto/ssh"

	"github.com/tbotctl/tbotctl/internal/teleporttest"
)

// recorded is the version that testdata/recordings was taken from.
const recorded = "16.0.0-dev"

func readRecording(t *testing.T, name string, into any) {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("testdata", "recordings", name))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(content, into); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

// attempt is one join of the refusal table, made for real: a token in the cluster and a signed JWT.
type attempt struct {
	token   *types.ProvisionTokenV2
	name    string // of the token that the client names
	idToken string
}

func TestContractRefusals(t *testing.T) {
	t.Parallel()
	issuer, rotated := newIssuer(t, "kid-1"), newIssuer(t, "kid-2")
	valid := func() string { return issuer.sign(t, goodClaims(nil)) }
	attempts := map[string]attempt{
		"token audience is not the cluster name": {
			token:   staticToken("example-bot", issuer.jwks(t)),
			idToken: issuer.sign(t, goodClaims(map[string]any{"aud": []string{"proxy.example.com:443"}})),
		},
		"token is not bound to a pod": {
			token:   staticToken("example-bot", issuer.jwks(t)),
			idToken: issuer.sign(t, goodClaims(map[string]any{"kubernetes.io": map[string]any{"namespace": "default"}})),
		},
		"token lifetime over 30 minutes": {
			token:   staticToken("example-bot", issuer.jwks(t)),
			idToken: issuer.sign(t, goodClaims(map[string]any{"exp": time.Now().Add(31 * time.Minute).Unix()})),
		},
		"join token name does not exist": {name: "no-such-token", idToken: valid()},
		"id_token is not a JWT": {
			token:   staticToken("example-bot", issuer.jwks(t)),
			idToken: "not-a-jwt",
		},
		"service account matches no allow rule": {
			token:   staticToken("example-bot", issuer.jwks(t)),
			idToken: issuer.sign(t, goodClaims(map[string]any{"sub": "system:serviceaccount:other:tbot"})),
		},
		"static JWKS does not hold the signing key (keys rotated)": {
			token:   staticToken("example-bot", issuer.jwks(t)),
			idToken: rotated.sign(t, goodClaims(nil)),
		},
		"in_cluster token, Auth Service runs outside this cluster": {
			token:   kubernetesToken("example-bot", nil),
			idToken: valid(),
		},
		"token's bot_name names no bot": {
			token: kubernetesToken("example-bot", func(tok *types.ProvisionTokenV2) {
				tok.Spec.BotName = "nobody"
				tok.Spec.Kubernetes = staticToken("", issuer.jwks(t)).Spec.Kubernetes
			}),
			idToken: valid(),
		},
	}
	var recording struct {
		Cases []struct {
			Cause  string `json:"cause"`
			Status int    `json:"status"`
			Body   any    `json:"body"`
		} `json:"cases"`
	}
	readRecording(t, "host-credentials-errors.json", &recording)
	if len(recording.Cases) != len(attempts) {
		t.Fatalf("%d recorded refusals, %d attempts", len(recording.Cases), len(attempts))
	}
	for _, row := range recording.Cases {
		t.Run(row.Cause, func(t *testing.T) {
			t.Parallel()
			try, ok := attempts[row.Cause]
			if !ok {
				t.Fatalf("no attempt for the recorded cause")
			}
			c := teleporttest.New(t, teleporttest.Options{Version: recorded})
			c.PutBot(bot("example", "access"))
			if try.token != nil {
				c.PutToken(try.token)
				try.name = try.token.GetName()
			}
			status, body := joinOverHTTP(t, c, newSubjectKeys(t).request(try.name, try.idToken))
			if status != row.Status {
				t.Errorf("status %d, recorded %d", status, row.Status)
			}
			var got any
			if err := json.Unmarshal(body, &got); err != nil {
				t.Fatalf("%v: %s", err, body)
			}
			if diff := cmp.Diff(row.Body, got); diff != "" {
				t.Errorf("body (-recorded +got):\n%s", diff)
			}
			if events := c.Events(); len(events) != 0 {
				t.Errorf("%d audit events, recorded none for a refusal", len(events))
			}
		})
	}
}

// acceptedJoin is a join response as JSON gives it: base64 texts.
type acceptedJoin struct {
	SSH        []byte   `json:"ssh"`
	TLS        []byte   `json:"tls"`
	TLSCACerts [][]byte `json:"tls_ca_certs"`
	SSHCACerts [][]byte `json:"ssh_ca_certs"`
}

func TestContractAcceptedJoin(t *testing.T) {
	t.Parallel()
	var recording struct {
		Request  json.RawMessage `json:"request"`
		Status   int             `json:"status"`
		Response json.RawMessage `json:"response"`
	}
	readRecording(t, "host-credentials-ok.json", &recording)

	issuer := newIssuer(t, "kid-1")
	c := teleporttest.New(t, teleporttest.Options{Version: recorded})
	c.PutBot(bot("example", "example-role"))
	c.PutToken(staticToken("example-bot", issuer.jwks(t)))

	// The recorded request itself, with a token that is good today.
	var request map[string]any
	if err := json.Unmarshal(recording.Request, &request); err != nil {
		t.Fatal(err)
	}
	request["id_token"] = issuer.sign(t, goodClaims(nil))
	encoded, err := json.Marshal(request)
	if err != nil {
		t.Fatal(err)
	}
	status, body, _ := do(t, c, "POST", "/v1/webapi/host/credentials", encoded)
	if status != recording.Status {
		t.Fatalf("status %d: %s", status, body)
	}
	if diff := cmp.Diff(shape(t, recording.Response), shape(t, body)); diff != "" {
		t.Errorf("shape of the JSON (-recorded +got):\n%s", diff)
	}
	var want, got acceptedJoin
	for into, from := range map[*acceptedJoin][]byte{&want: recording.Response, &got: body} {
		if err := json.Unmarshal(from, into); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(describeJoin(t, want), describeJoin(t, got)); diff != "" {
		t.Errorf("certificates (-recorded +got):\n%s", diff)
	}
	// Both certificates are for the key that the request carries.
	key := parseCertificate(t, got.TLS).PublicKey
	if !parseCertificate(t, want.TLS).PublicKey.(*rsa.PublicKey).Equal(key) {
		t.Error("the TLS certificate is not for the key of the request")
	}
}

// shape replaces every text by its PEM type or its first word, and keeps the structure.
func shape(t *testing.T, raw []byte) any {
	t.Helper()
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatalf("%v: %s", err, raw)
	}
	var walk func(any) any
	walk = func(v any) any {
		switch v := v.(type) {
		case map[string]any:
			for k := range v {
				v[k] = walk(v[k])
			}
			return v
		case []any:
			for i := range v {
				v[i] = walk(v[i])
			}
			return v
		case string:
			decoded, err := base64.StdEncoding.DecodeString(v)
			if err != nil {
				return "text"
			}
			if block, rest := pem.Decode(decoded); block != nil {
				return fmt.Sprintf("PEM %s, %d bytes after", block.Type, len(rest))
			}
			word, _, _ := strings.Cut(string(decoded), " ")
			return word
		}
		return v
	}
	return walk(v)
}

// describeJoin renders what must be the same in two joins, with random and time-dependent parts named by their kind.
func describeJoin(t *testing.T, join acceptedJoin) []string {
	t.Helper()
	cert := parseCertificate(t, join.TLS)
	var out []string
	add := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	for _, name := range cert.Subject.Names {
		add("subject %v = %v", name.Type, blank(fmt.Sprint(name.Value)))
	}
	order := make([]string, 0, len(cert.Subject.Names))
	for _, name := range cert.Subject.Names {
		order = append(order, name.Type.String())
	}
	add("subject order %v", order)
	for _, name := range cert.Issuer.Names {
		add("issuer %v = %v", name.Type, blank(fmt.Sprint(name.Value)))
	}
	for _, e := range cert.Extensions {
		add("extension %v critical %v", e.Id, e.Critical)
	}
	add("key usage %v %v, CA %v, serial over 8 bytes %v", cert.KeyUsage, cert.ExtKeyUsage, cert.IsCA, len(cert.SerialNumber.Bytes()) > 8)
	add("names %v %v, signature %v, valid %v", cert.DNSNames, cert.IPAddresses, cert.SignatureAlgorithm, cert.NotAfter.Sub(cert.NotBefore))
	for i, ca := range join.TLSCACerts {
		parsed := parseCertificate(t, ca)
		add("TLS CA %d: O %v CN %v, CA %v, usage %v, signs %v", i, parsed.Subject.Organization, parsed.Subject.CommonName,
			parsed.IsCA, parsed.KeyUsage, cert.CheckSignatureFrom(parsed) == nil)
	}
	key, _, _, rest, err := ssh.ParseAuthorizedKey(join.SSH)
	if err != nil {
		t.Fatal(err)
	}
	sshCert, ok := key.(*ssh.Certificate)
	if !ok {
		t.Fatalf("the SSH certificate is a %T", key)
	}
	add("SSH %v type %d key ID %q serial %d, %d bytes after", sshCert.Type(), sshCert.CertType, sshCert.KeyId, sshCert.Serial, len(rest))
	add("SSH valid %d s, signature %s", sshCert.ValidBefore-sshCert.ValidAfter, sshCert.Signature.Format)
	for _, p := range sshCert.ValidPrincipals {
		add("SSH principal %s", blank(p))
	}
	for name, value := range sshCert.Extensions {
		add("SSH extension %s = %s", name, value)
	}
	add("SSH critical options %d", len(sshCert.CriticalOptions))
	for i, ca := range join.SSHCACerts {
		parsed, _, _, _, err := ssh.ParseAuthorizedKey(ca)
		if err != nil {
			t.Fatal(err)
		}
		add("SSH CA %d: %s, signs %v", i, parsed.Type(), bytes.Equal(parsed.Marshal(), sshCert.SignatureKey.Marshal()))
	}
	slices.Sort(out)
	return out
}

var (
	uuidText   = regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`)
	longNumber = regexp.MustCompile(`^[0-9]{20,}$`)
)

func blank(s string) string {
	return longNumber.ReplaceAllString(uuidText.ReplaceAllString(s, "UUID"), "NUMBER")
}

func parseCertificate(t *testing.T, certPEM []byte) *x509.Certificate {
	t.Helper()
	block, _ := pem.Decode(certPEM)
	if block == nil {
		t.Fatalf("no PEM: %q", certPEM)
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}
