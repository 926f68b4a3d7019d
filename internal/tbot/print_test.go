package tbot_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tbotctl/tbotctl/internal/tbot"
	"github.com/tbotctl/tbotctl/internal/tbotconfig"
	"github.com/tbotctl/tbotctl/internal/teleporttest"
)

// Whatever of this package is printed, logged or marshalled by accident, neither the private key nor the service account token
// is in it: not as text, not as the numbers, the hexadecimal or the base64 that fmt and JSON make of bytes.
func TestNothingPrintsASecret(t *testing.T) {
	t.Parallel()
	l := newKubeLab(t, teleporttest.Options{})
	dir := filepath.Join(t.TempDir(), "out")
	run, store := l.runs(t, tbotconfig.NewIdentity(tbotconfig.Directory(dir)), argoCD(named("alpha")), kubernetes("beta", tbotconfig.Memory())), &secrets{}
	run.Destinations.Secrets = store
	result, err := run.Once(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	session, err := tbot.Open(t.Context(), result.Identity)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := session.Close(); err != nil {
			t.Error(err)
		}
	}()
	request := l.request(t)
	artifacts, secret := result.Outputs[0].Artifacts, result.Outputs[1].Secrets[0]
	var argo struct {
		TLS struct{ KeyData string } `json:"tlsClientConfig"`
	}
	if err := json.Unmarshal(store.put[0].Data["config"], &argo); err != nil {
		t.Fatal(err)
	}
	run.Destinations.Secrets = nil // holds what was written, as a Kubernetes cluster does
	// The last line of the key before its end; the bot's own key is nowhere on disk, so its PEM head stands for it.
	lines := strings.Split(strings.TrimSpace(string(readDirectory(t, dir)["key"])), "\n")
	never := map[string]string{
		"the head of a key": "-----BEGIN", "the output's key": lines[len(lines)-2], "Argo CD's key": argo.TLS.KeyData,
		"the run's token": run.IDToken.Reveal(), "the request's token": request.IDToken.Reveal(),
	}
	for name, value := range map[string]any{
		"Identity": *result.Identity, "*Identity": result.Identity, "Artifacts": *artifacts, "*Artifacts": artifacts,
		"JoinRequest": request, "*JoinRequest": &request, "Run": run, "*Run": &run, "Result": result, "*Result": &result,
		"OutputResult": result.Outputs[0], "of Argo CD": result.Outputs[1], "Secret": secret, "*Secret": &secret, "outputs": result.Outputs, "*Session": session, "list": []any{result.Identity, *artifacts, run},
		"map": map[string]*tbot.Identity{"a": result.Identity}, "wrapped": fmt.Errorf("about %v and %+v", result, run),
	} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "% x", "%d", "%o", "%b", "%c"} {
			mustNotShow(t, verb+" of "+name, fmt.Sprintf(verb, value), never)
		}
		if name == "*Session" {
			continue // holds an open client, which JSON does not take
		}
		encoded, err := json.Marshal(value)
		if err != nil {
			t.Errorf("JSON of %s: %v", name, err)
		}
		mustNotShow(t, "JSON of "+name, string(encoded), never)
	}
	if got, want := fmt.Sprintf("%+v", secret), "Secret machines/"+secret.Name; got != want {
		t.Errorf("a Secret prints as %q", got)
	}
	if got, want := fmt.Sprintf("%+v", result.Identity), "bot-example of "+clusterName+" until "; !strings.HasPrefix(got, want) {
		t.Errorf("an identity prints as %q", got)
	}
	if got := fmt.Sprint(artifacts); !strings.Contains(got, "known_hosts") || !strings.Contains(got, "bot-example") {
		t.Errorf("artifacts print as %q", got)
	}
}

func mustNotShow(t *testing.T, what, text string, never map[string]string) {
	t.Helper()
	for name, secret := range never {
		numbers := strings.Trim(fmt.Sprintf("%d", []byte(secret[:10])), "[]")
		for _, form := range []string{
			secret, numbers, strings.ReplaceAll(numbers, " ", ","), fmt.Sprintf("%x", secret), fmt.Sprintf("%X", secret), fmt.Sprintf("% x", secret),
			fmt.Sprintf("%#v", []byte(secret))[len("[]byte{"):40], base64.StdEncoding.EncodeToString([]byte(secret))[:12],
		} {
			if strings.Contains(text, form) {
				t.Errorf("%s shows %s as %.20s: %.200s", what, name, form, text)
			}
		}
	}
}
