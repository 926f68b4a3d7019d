package cmd_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/tbotctl/tbotctl/internal/teleporttest"
	"github.com/tbotctl/tbotctl/internal/testkit"
)

// unpacked are the files of a bundle by their names.
func unpacked(t *testing.T, file string) map[string]string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for archive := tar.NewReader(plain); ; {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(archive)
		if err != nil {
			t.Fatal(err)
		}
		all[strings.TrimPrefix(header.Name, "tbotctl-doctor/")] = string(content)
	}
}

// TestDoctorBundle packs what was seen of a setup whose pod, log, configuration and Deployment give away all the secrets there are, and
// searches every file of the archive for each of them.
func TestDoctorBundle(t *testing.T) {
	t.Parallel()
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
	b.healthy(t)
	secrets := b.leak(t)
	got := b.run(t, b.lookArgs("--bundle", b.path("seen.tgz"), "--prove", "-o", "json")...)
	lookedOf(t, got)
	info, err := os.Stat(b.path("seen.tgz"))
	if err != nil {
		t.Fatalf("%v\n%s", err, got.stderr)
	}
	if info.Mode() != 0o600 {
		t.Errorf("the bundle's mode is %v", info.Mode())
	}
	all := unpacked(t, b.path("seen.tgz"))
	own := b.namespace + "/tbot/"
	for _, name := range []string{
		"result.json", "result.txt", own + "deployment.json", own + "tbot.yaml", own + "pods.json", own + "roles.json", own + "outputs/" + b.namespace + "-tbot-output.json",
		own + "teleport/token.json", own + "teleport/bot.json", own + "teleport/joins.json",
	} {
		if all[name] == "" {
			t.Errorf("the bundle has no %s", name)
		}
	}
	logged := false
	for name, content := range all {
		logged = logged || strings.HasPrefix(name, own+"logs/") && strings.Contains(content, "Fetched new bot identity") && strings.Contains(content, "[redacted]")
		for what, secret := range secrets {
			if strings.Contains(content, secret) {
				t.Errorf("%s holds %s", name, what)
			}
			if strings.Contains(strings.ReplaceAll(content, "\n", ""), base64.StdEncoding.EncodeToString([]byte(secret))) {
				t.Errorf("%s holds %s in base64", name, what)
			}
		}
	}
	if !logged || !strings.Contains(all[own+"deployment.json"], "[redacted]") {
		t.Error("the secrets did not come as far as the bundle")
	}
	b.noSecrets(t, got)

	// What is there stays, and says so before anything is looked at.
	before := b.read(t, b.path("seen.tgz"))
	b.run(t, b.lookArgs("--bundle", b.path("seen.tgz"))...).want(t, 2, "--bundle", "is there already")
	if b.read(t, b.path("seen.tgz")) != before {
		t.Error("the bundle was written over")
	}
	b.run(t, b.lookArgs("--bundle", b.path("nowhere/seen.tgz"))...).want(t, 2, "--bundle", "there is no folder")
}

// leak puts the secrets of the fixture where doctor looks, and gives them by what they are.
func (b *bench) leak(t *testing.T) map[string]string {
	t.Helper()
	client := b.plane.Client()
	granted, err := client.CoreV1().ServiceAccounts(b.namespace).CreateToken(t.Context(), "tbot", &authenticationv1.TokenRequest{
		Spec: authenticationv1.TokenRequestSpec{Audiences: []string{"lab.example.com"}},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	output, err := client.CoreV1().Secrets(b.namespace).Get(t.Context(), "tbot-output", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	jwt := granted.Status.Token
	secrets := map[string]string{"the service account's token": jwt, "the token's signature": jwt[strings.LastIndex(jwt, ".")+1:], "the value of a variable": "Tr0ub4dor-and-3"}
	kubeconfig := b.read(t, b.plane.KubeconfigFile())
	for what, text := range map[string]string{"the output's key": string(output.Data["key"]), "the identity's key": b.read(t, b.path("admin.identity"))} {
		block, _ := pem.Decode([]byte(text))
		if block == nil || !strings.Contains(block.Type, "PRIVATE KEY") {
			t.Fatalf("%s is no key", what)
		}
		// A line of its encoding.
		secrets[what] = base64.StdEncoding.EncodeToString(block.Bytes)[:60]
	}
	for line := range strings.Lines(kubeconfig) {
		if key, value, found := strings.Cut(strings.TrimSpace(line), ": "); found && (key == "client-key-data" || key == "token") {
			secrets["the kubeconfig's "+key] = value
		}
	}
	if len(secrets) < 6 {
		t.Fatalf("the kubeconfig has no credentials:\n%s", kubeconfig)
	}

	// The last applied configuration of a Secret, of a careless administrator; the variable of a Deployment; and the log of a tbot.
	secret := `{"metadata":{"annotations":{"` + corev1.LastAppliedConfigAnnotation + `":"{\"kind\":\"Secret\",\"data\":{\"key\":\"` + base64.StdEncoding.EncodeToString(output.Data["key"]) + `\"}}"}}}`
	if _, err := client.CoreV1().Secrets(b.namespace).Patch(t.Context(), "tbot-output", types.MergePatchType, []byte(secret), metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	deployment := `{"metadata":{"annotations":{"note":"` + jwt + `"}},"spec":{"template":{"spec":{"containers":[{"name":"tbot","env":[{"name":"DB_PASSWORD","value":"` + secrets["the value of a variable"] + `"}]}]}}}}`
	if _, err := client.AppsV1().Deployments(b.namespace).Patch(t.Context(), "tbot", types.StrategicMergePatchType, []byte(deployment), metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, "the pod of the changed Deployment", func(ctx context.Context) error {
		pods, err := client.CoreV1().Pods(b.namespace).List(ctx, metav1.ListOptions{FieldSelector: "status.phase=Running"})
		if err != nil {
			return err
		}
		for _, pod := range pods.Items {
			if pod.DeletionTimestamp == nil && strings.Contains(pod.Spec.Containers[0].String(), "DB_PASSWORD") {
				return nil
			}
		}
		return errors.New("it does not run yet")
	})
	lines := []string{"INFO [TBOT] Fetched new bot identity", "DEBU presenting " + jwt, "DEBU Authorization: Bearer " + jwt}
	lines = append(lines, strings.Split(strings.TrimSpace(string(output.Data["key"])), "\n")...)
	lines = append(lines, strings.Split(strings.TrimSpace(b.read(t, b.path("admin.identity"))), "\n")...)
	lines = append(lines, strings.Split(strings.TrimSpace(kubeconfig), "\n")...)
	b.says(t, append(lines, "DB_PASSWORD="+secrets["the value of a variable"])...)
	return secrets
}
