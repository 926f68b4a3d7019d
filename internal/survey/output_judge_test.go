package survey

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"math/big"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// certificate makes one with its key, as PEM.
func certificate(t *testing.T) (certificate, key string) {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "bot-ci"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, public, private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}))
}

func TestCertificateOf(t *testing.T) {
	t.Parallel()
	cert, key := certificate(t)
	b64 := func(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }
	kubeconfig := fmt.Sprintf("users:\n- name: lab\n  user: {client-certificate-data: %q, client-key-data: %q}\n", b64(cert), b64(key))
	for name, row := range map[string]struct {
		data    map[string]string
		problem string
	}{
		"identity output":     {map[string]string{"tlscert": cert, "identity": "nonsense", "key": key}, ""},
		"identity file alone": {map[string]string{"identity": key + "ssh-ed25519-cert-v01@openssh.com AAAA\n" + cert + "@cert-authority\n"}, ""},
		"Argo CD":             {map[string]string{"config": fmt.Sprintf(`{"tlsClientConfig":{"certData":%q,"keyData":%q}}`, b64(cert), b64(key)), "name": "prod"}, ""},
		"kubeconfig":          {map[string]string{"kubeconfig.yaml": kubeconfig}, ""},
		"a broken one first":  {map[string]string{"tlscert": "nonsense", "identity": key + cert}, ""},
		"nothing":             {map[string]string{}, "there is no certificate in it"},
		"only begun":          {map[string]string{".write-test": ""}, "there is no certificate in it"},
		"no PEM":              {map[string]string{"tlscert": key[:20]}, "tlscert holds no certificate"},
		"a key alone":         {map[string]string{"identity": key}, "identity holds no certificate"},
		"no certificate":      {map[string]string{"tlscert": "-----BEGIN CERTIFICATE-----\nYWJj\n-----END CERTIFICATE-----\n"}, "the certificate in tlscert cannot be read"},
		"Argo CD, broken":     {map[string]string{"config": key}, "config holds no certificate"},
		"an exec plugin":      {map[string]string{"kubeconfig.yaml": "users: [{user: {exec: {command: tbot}}}]"}, "kubeconfig.yaml holds no certificate"},
		"kubeconfig, broken":  {map[string]string{"kubeconfig.yaml": "users: [{user: {client-certificate-data: '!'}}]"}, "kubeconfig.yaml holds no certificate"},
	} {
		data := map[string][]byte{}
		for k, v := range row.data {
			data[k] = []byte(v)
		}
		got, problem := certificateOf(data)
		if problem != row.problem || (got == nil) != (row.problem != "") || got != nil && got.Subject.CommonName != "bot-ci" {
			t.Errorf("%s: %v, %q; want problem %q", name, got, problem, row.problem)
		}
	}
}

func TestUses(t *testing.T) {
	t.Parallel()
	named := corev1.LocalObjectReference{Name: "out"}
	for name, row := range map[string]struct {
		pod  corev1.PodSpec
		want bool
	}{
		"a volume":    {corev1.PodSpec{Volumes: []corev1.Volume{{VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "out"}}}}}, true},
		"projected":   {corev1.PodSpec{Volumes: []corev1.Volume{{VolumeSource: corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{Sources: []corev1.VolumeProjection{{Secret: &corev1.SecretProjection{LocalObjectReference: named}}}}}}}}, true},
		"environment": {corev1.PodSpec{Containers: []corev1.Container{{EnvFrom: []corev1.EnvFromSource{{SecretRef: &corev1.SecretEnvSource{LocalObjectReference: named}}}}}}, true},
		"a variable":  {corev1.PodSpec{InitContainers: []corev1.Container{{Env: []corev1.EnvVar{{Name: "A", ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{LocalObjectReference: named}}}}}}}, true},
		"another":     {corev1.PodSpec{Volumes: []corev1.Volume{{VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "other"}}}}}, false},
	} {
		if got := uses(&row.pod, "out"); got != row.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
