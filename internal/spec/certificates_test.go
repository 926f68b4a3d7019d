package spec_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"strings"
	"testing"

	"github.com/tbotctl/tbotctl/internal/spec"
)

func TestProxyCAHoldsCertificatesAlone(t *testing.T) {
	t.Parallel()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certificate := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	privateKey := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}))
	const fix = "; give a file with the PEM certificates of the authority that signed the proxy's certificate"
	for text, want := range map[string]string{
		certificate: "",
		"# our authority\n" + certificate + certificate: "",
		"MIIB":                   "--proxy-ca: the file holds no PEM certificate" + fix,
		certificate + privateKey: `--proxy-ca: the file holds a block "PRIVATE KEY", which is no certificate` + fix,
		"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n": "--proxy-ca: certificate 1 of the file cannot be read: x509: malformed certificate" + fix,
		"\xff" + certificate: "--proxy-ca: the file is not UTF-8 text",
	} {
		setup := spec.Default()
		setup.Teleport.ProxyCA = text
		err := setup.Validate()
		if want == "" && err != nil || want != "" && (err == nil || err.Error() != want) {
			t.Errorf("%q: error = %v, want %q", text, err, want)
		}
		if err != nil && strings.Contains(err.Error(), strings.Split(privateKey, "\n")[1]) {
			t.Error("the error shows the private key")
		}
	}
}
