package cmd_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tbotctl/tbotctl/internal/golden"
)

// badYAML has one mistake of each kind: a key and a type that tbot does not know, and an older name. Its second output is right: since
// 16.0.4 tbot leaves the exec plugin out by itself where nothing could call it (teleport-facts 6.3).
const badYAML = `version: v2
proxy_server: teleport.example.com:443
onboarding:
  join_method: kubernetes
  token: tbot
certificate_ttl: 2h
outputs:
  - type: identity
    rolez: [access]
    destination: {type: memory}
  - type: kubernetes
    kubernetes_cluster: prod
    destination: {type: kubernetes_secret, name: out}
  - type: kubernetes/v3
    destination: {type: memory}
`

const goodYAML = `version: v2
proxy_server: teleport.example.com:443
onboarding: {join_method: kubernetes, token: tbot}
outputs:
  - type: kubernetes/v2
    selectors: [{name: prod}]
    disable_exec_plugin: true
    destination: {type: kubernetes_secret, name: out}
`

// Lint asks no cluster. What is wrong stands with its line and path, in both forms, and stdin is a file like any other.
func TestVerifyLint(t *testing.T) {
	t.Parallel()
	lint := func(stdin string, code int, args ...string) outcome {
		got := runWith(t, noClusters(t), stdin, append([]string{"verify", "--lint", "--config", "-"}, args...)...)
		got.want(t, code)
		return got
	}
	golden.Assert(t, "lint.txt", []byte(lint(badYAML, 3).stdout))
	golden.Assert(t, "lint.json", []byte(lint(badYAML, 3, "-o", "json").stdout))
	lint(goodYAML, 0).want(t, 0, "tbot takes this file")
	lint(goodYAML, 0, "--for-server", "18.2.0").want(t, 0, "tbot 18.2.0 takes this file")
	// An output that came with 17 is too new for 16 (teleport-facts 6.1).
	lint(goodYAML, 3, "--for-server", "16.4.0").want(t, 3, "-:5", "kubernetes/v2")
	older := strings.ReplaceAll(goodYAML, "kubernetes/v2\n    selectors: [{name: prod}]\n    disable_exec_plugin: true", "kubernetes\n    kubernetes_cluster: prod")
	lint(older, 0, "--for-server", "16.0.4")
	lint(older, 3, "--for-server", "16.0.3").want(t, 3, "-:7", "disable_exec_plugin")

	path := filepath.Join(t.TempDir(), "tbot.yaml")
	if err := os.WriteFile(path, []byte("version: v2\n\tx"), 0o600); err != nil {
		t.Fatal(err)
	}
	got := runWith(t, noClusters(t), "", "verify", "--lint", "--config", path, "-o", "json")
	got.want(t, 3)
	var document struct {
		File, Status string
		Problems     []struct{ Text string }
	}
	if err := json.Unmarshal([]byte(got.stdout), &document); err != nil || document.File != path || document.Status != "fail" || len(document.Problems) == 0 {
		t.Errorf("the document is %+v, error %v", document, err)
	}
}
