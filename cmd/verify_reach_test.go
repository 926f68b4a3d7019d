package cmd_test

import (
	"encoding/json"
	"testing"

	"github.com/tbotctl/tbotctl/internal/teleporttest"
	"github.com/tbotctl/tbotctl/internal/testkit"
)

// Of several tbots none is taken at random.
func TestVerifySeveralTbots(t *testing.T) {
	t.Parallel()
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
	b.run(t, b.initArgs("--no-wait")...).want(t, 0)
	b.run(t, b.initArgs("--no-wait", "--name", "other")...).want(t, 0)
	b.run(t, b.verifyArgs()...).want(t, 2, "there are 2 tbots", b.namespace+"/tbot", b.namespace+"/other", "--name")
	b.run(t, b.verifyArgs("--name", "other")...).want(t, 0, "PROVEN", b.namespace+"/other")
	b.run(t, b.verifyArgs("--name", "third")...).want(t, 3, "third")
	b.noProbePods(t)
}

// TestVerifyAlwaysAnswersInJSON holds that -o json is one document also where nothing came to light.
func TestVerifyAlwaysAnswersInJSON(t *testing.T) {
	t.Parallel()
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
	b.run(t, b.initArgs("--no-wait")...).want(t, 0)
	elsewhere := b.plane.Namespace(t)
	dead := b.plane.KubeconfigFor(t, "dead-"+b.namespace)
	for name, row := range map[string]struct {
		args   []string
		code   int
		status string
	}{
		"proven":           {nil, 0, "proven"},
		"no such context":  {[]string{"--context", "none"}, 2, "unknown"},
		"nobody said yes":  {[]string{"--runtime", "pod"}, 2, "unknown"},
		"no tbot":          {[]string{"--namespace", elsewhere}, 3, "failed"},
		"no right":         {[]string{"--kubeconfig", dead}, 3, "failed"},
		"no right to look": {[]string{"--kubeconfig", dead, "--evidence"}, 5, "unknown"},
		"no proxy there":   {[]string{"--proxy", "127.0.0.1:1"}, 1, "unknown"},
		"no tbot.yaml":     {[]string{"--config", b.path("web-ca.pem")}, 2, "unknown"},
	} {
		t.Run(name, func(t *testing.T) {
			got := b.run(t, append(b.verifyArgs("-o", "json"), row.args...)...)
			got.want(t, row.code)
			b.noSecrets(t, got)
			var document struct {
				SchemaVersion int
				Status, Error string
			}
			if err := json.Unmarshal([]byte(got.stdout), &document); err != nil {
				t.Fatalf("%v\n%s\n%s", err, got.stdout, got.stderr)
			}
			if document.Status != row.status || (document.Error == "") != (row.code == 0) || document.SchemaVersion == 0 {
				t.Errorf("the document says %+v, want status %s", document, row.status)
			}
		})
	}
	b.noProbePods(t)
}
