package tbot

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gravitational/teleport/api/client/proto"
	"github.com/gravitational/teleport/api/types"
	"golang.org/x/crypto/ssh"
)

// recordedCerts is the answer of a real Teleport 16 to a join of bot "example" in cluster lab.example.com.
func recordedCerts(tb testing.TB) *proto.Certs {
	tb.Helper()
	content, err := os.ReadFile(filepath.Join("..", "teleporttest", "testdata", "recordings", "host-credentials-ok.json"))
	if err != nil {
		tb.Fatal(err)
	}
	var recording struct {
		Response *proto.Certs `json:"response"`
	}
	if err := json.Unmarshal(content, &recording); err != nil {
		tb.Fatal(err)
	}
	return recording.Response
}

func TestNewIdentityOfRealCertificates(t *testing.T) {
	t.Parallel()
	identity, err := newIdentity(Cluster{Name: "lab.example.com"}, nil, recordedCerts(t), viaHTTP)
	if err != nil {
		t.Fatal(err)
	}
	ends := time.Date(2026, time.November, 20, 13, 41, 17, 0, time.UTC)
	if identity.User != "bot-example" || identity.Bot() != "example" || !slices.Equal(identity.Roles, []string{"bot-example"}) || !identity.NotAfter.Equal(ends) {
		t.Errorf("%s with roles %v, until %v", identity.User, identity.Roles, identity.NotAfter)
	}
	if got := identity.String(); got != "bot-example of lab.example.com until 2026-11-20T13:41:17Z" {
		t.Errorf("it prints as %q", got)
	}
}

func TestNewIdentityRefuses(t *testing.T) {
	t.Parallel()
	plainKey := "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGcsyWXrLxAnQgyDlIbCEhqaNdNJGdNQDJZUQfZLGGjr\n"
	for want, change := range map[string]func(*proto.Certs){
		"no SSH certificate":                func(c *proto.Certs) { c.SSH = nil },
		"no TLS certificate":                func(c *proto.Certs) { c.TLS = nil },
		"no authority of the cluster":       func(c *proto.Certs) { c.TLSCACerts = nil },
		"the TLS certificate: it is no PEM": func(c *proto.Certs) { c.TLS = []byte("hello") },
		"the TLS certificate: x509": func(c *proto.Certs) {
			c.TLS = []byte("-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----\n")
		},
		"the SSH certificate: ssh: no key":       func(c *proto.Certs) { c.SSH = []byte("hello") },
		"the SSH certificate names no principal": func(c *proto.Certs) { c.SSH = []byte(plainKey) },
	} {
		certs := recordedCerts(t)
		change(certs)
		identity, err := newIdentity(Cluster{Name: "lab.example.com"}, nil, certs, viaHTTP)
		if identity != nil || err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, %v; want an error about %q", identity, err, want)
		}
	}
	certs := recordedCerts(t)
	certs.SSH = withoutPrincipal(t)
	if identity, err := newIdentity(Cluster{Name: "lab.example.com"}, nil, certs, viaHTTP); identity != nil || err == nil {
		t.Errorf("a certificate that no host would let in: %v, %v", identity, err)
	}
	for _, name := range []string{"", "other.example.com", "LAB.example.com", "lab.example.com."} {
		identity, err := newIdentity(Cluster{Name: name}, nil, recordedCerts(t), viaHTTP)
		if identity != nil || err == nil || !strings.Contains(err.Error(), fmt.Sprintf("%q", name)) {
			t.Errorf("cluster %q: %v, %v", name, identity, err)
		}
	}
}

// withoutPrincipal is a signed SSH certificate that names nobody.
func withoutPrincipal(t *testing.T) []byte {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	certificate := &ssh.Certificate{CertType: ssh.UserCert, Key: signer.PublicKey(), ValidBefore: ssh.CertTimeInfinity}
	if err := certificate.SignCert(rand.Reader, signer); err != nil {
		t.Fatal(err)
	}
	return ssh.MarshalAuthorizedKey(certificate)
}

func TestBotName(t *testing.T) {
	t.Parallel()
	for user, want := range map[string]string{"bot-example": "example", "bot-": "", "alice": "", "robot-x": "", "bot-bot-x": "bot-x"} {
		if got := (&Identity{User: user}).Bot(); got != want {
			t.Errorf("%s: bot %q, want %q", user, got, want)
		}
	}
}

// A leaf cluster's authority is trusted for the leaf's hosts and not for those of the root.
func TestKnownHostsOfLeafClusters(t *testing.T) {
	t.Parallel()
	authority := func(cluster string, keys ...string) types.CertAuthority {
		made := &types.CertAuthorityV2{
			Kind: types.KindCertAuthority, Version: types.V2, SubKind: string(types.HostCA), Metadata: types.Metadata{Name: cluster},
			Spec: types.CertAuthoritySpecV2{Type: types.HostCA, ClusterName: cluster},
		}
		for _, key := range keys {
			made.Spec.ActiveKeys.SSH = append(made.Spec.ActiveKeys.SSH, &types.SSHKeyPair{PublicKey: []byte(key + "\n")})
			made.Spec.ActiveKeys.TLS = append(made.Spec.ActiveKeys.TLS, &types.TLSKeyPair{Cert: []byte("certificate of " + key + "\n")})
		}
		return made
	}
	all := []types.CertAuthority{authority("root.example.com", "ssh-a AAAA", "ssh-b BBBB"), authority("leaf.example.com", "ssh-c CCCC")}
	for _, row := range []struct {
		besides []string
		want    string
	}{
		{nil, "@cert-authority root.example.com,*.root.example.com ssh-a AAAA type=host\n" +
			"@cert-authority root.example.com,*.root.example.com ssh-b BBBB type=host\n" +
			"@cert-authority leaf.example.com,*.leaf.example.com ssh-c CCCC type=host\n"},
		{[]string{"proxy.example.com"}, "@cert-authority proxy.example.com,root.example.com,*.root.example.com ssh-a AAAA type=host\n" +
			"@cert-authority proxy.example.com,root.example.com,*.root.example.com ssh-b BBBB type=host\n" +
			"@cert-authority proxy.example.com,leaf.example.com,*.leaf.example.com ssh-c CCCC type=host\n"},
	} {
		var got strings.Builder
		for _, line := range knownHosts(all, row.besides...) {
			got.Write(line)
		}
		if got.String() != row.want {
			t.Errorf("known hosts:\n got\n%s want\n%s", got.String(), row.want)
		}
	}
	if got, want := string(certificates(all)), "certificate of ssh-a AAAA\ncertificate of ssh-b BBBB\ncertificate of ssh-c CCCC\n"; got != want {
		t.Errorf("certificates:\n got  %q\n want %q", got, want)
	}
}

// Also inside of the package, where a key is at hand, no verb prints its private half.
func TestKeyPrintsNothing(t *testing.T) {
	t.Parallel()
	key, err := newKeyPair("balanced-v1")
	if err != nil {
		t.Fatal(err)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		for _, value := range []any{key, *key} {
			if got := fmt.Sprintf(verb, value); got != "[key]" {
				t.Errorf("%s of %T prints %.60q", verb, value, got)
			}
		}
	}
}
