package tbot

import (
	"crypto/x509"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/gravitational/teleport/api/client/proto"
	"github.com/gravitational/teleport/api/utils/sshutils"
)

// FuzzHTTPVerdict: whatever a server answers, it is an error on one line for Teleport's words, and a refusal only for one of
// Teleport's statuses with a message in its form.
func FuzzHTTPVerdict(f *testing.F) {
	for status, body := range map[int]string{
		403: `{"error": {"message": "\"\" can not join the cluster with role \"Bot\", token expired or not found"}}`,
		500: `{"error": {"message": "reviewing kubernetes token with static_jwks\n\tvalidating jwt claims\n\t\taudience"}}`,
		400: `{"error": {"message": "\n"}}`,
		404: `{"error": "not found"}`,
		502: "<html></html>",
		501: `{"error": {"message": "a:\n\tb"}, "message": "c", "traces": [{}]}`,
		429: `{"error": {"message": 7}}`,
		302: "",
		200: "null",
	} {
		f.Add(status, []byte(body))
	}
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		err := httpVerdict(status, body)
		if err == nil {
			t.Fatal("no error")
		}
		var refused *Refused
		if !errors.As(err, &refused) {
			return
		}
		switch status {
		case 400, 403, 404, 409, 412, 500, 501:
		default:
			t.Errorf("HTTP %d is a refusal: %v", status, err)
		}
		var sent struct {
			Error struct{ Message string } `json:"error"`
		}
		if err := json.Unmarshal(body, &sent); err != nil || sent.Error.Message == "" {
			t.Errorf("a refusal without a message: %q", body)
		}
		if strings.Contains(refused.Message, "\n") || refused.Via != viaHTTP {
			t.Errorf("refused via %q with %q", refused.Via, refused.Message)
		}
	})
}

// FuzzNewIdentity: whatever comes for certificates, what is made of it names the cluster that was asked, and can be told without
// its key and written down.
func FuzzNewIdentity(f *testing.F) {
	recorded := recordedCerts(f)
	f.Add(recorded.SSH, recorded.TLS, recorded.TLSCACerts[0], "lab.example.com")
	f.Add(recorded.SSH, recorded.TLS, []byte("x"), "other.example.com")
	f.Add(recorded.TLS, recorded.SSH, recorded.SSH, "")
	f.Add([]byte("ssh-rsa-cert-v01@openssh.com AAAA"), []byte("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n"), []byte{}, "a")
	f.Add(append([]byte("no-pty "), recorded.SSH...), append(recorded.TLS, recorded.TLS...), []byte{0}, "lab.example.com")
	f.Add([]byte{}, []byte{}, []byte{}, "")
	key := &keyPair{private: []byte("-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n")}
	f.Fuzz(func(t *testing.T, ssh, tls, authority []byte, cluster string) {
		certs := &proto.Certs{SSH: ssh, TLS: tls, TLSCACerts: [][]byte{authority}}
		identity, err := newIdentity(Cluster{Name: cluster}, key, certs, viaGRPC)
		if err != nil {
			if identity != nil {
				t.Error("an identity beside an error")
			}
			return
		}
		certificate, err := parseCertificate(tls)
		if err != nil || certificate.Issuer.Organization[0] != cluster || certificate.Subject.CommonName != identity.User {
			t.Errorf("%v of a certificate that says %v, %v", identity, certificate, err)
		}
		if strings.Contains(identity.String(), "c2VjcmV0") {
			t.Errorf("it prints its key: %q", identity)
		}
		if _, err := identity.file(nil); err != nil {
			t.Error(err)
		}
	})
}

// FuzzParseCertificate: the one block that is read is the one that is kept.
func FuzzParseCertificate(f *testing.F) {
	recorded := recordedCerts(f)
	f.Add(recorded.TLS)
	f.Add(recorded.TLSCACerts[0])
	f.Add([]byte("-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----"))
	f.Add([]byte(http.MethodGet))
	f.Fuzz(func(t *testing.T, text []byte) {
		certificate, err := parseCertificate(text)
		if (certificate == nil) != (err != nil) {
			t.Fatalf("%v beside %v", certificate, err)
		}
		if err == nil {
			if _, err := x509.ParseCertificate(certificate.Raw); err != nil {
				t.Error(err)
			}
		}
	})
}

// FuzzCheckSSH: what passes is a certificate with a principal to Teleport's own reader too.
func FuzzCheckSSH(f *testing.F) {
	recorded := recordedCerts(f)
	f.Add(recorded.SSH)
	f.Add(recorded.SSHCACerts[0])
	f.Add(append([]byte("# a comment\nno-pty "), recorded.SSH...))
	f.Add([]byte("ecdsa-sha2-nistp256-cert-v01@openssh.com AAAA"))
	f.Fuzz(func(t *testing.T, line []byte) {
		if checkSSH(line) != nil {
			return
		}
		if certificate, err := sshutils.ParseCertificate(line); err != nil || len(certificate.ValidPrincipals) == 0 {
			t.Errorf("taken for a certificate: %q, %v", line, err)
		}
	})
}
