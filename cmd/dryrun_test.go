package cmd_test

import (
	"encoding/json"
	"testing"

	"github.com/tbotctl/tbotctl/internal/teleporttest"
	"github.com/tbotctl/tbotctl/internal/testkit"
)

// TestDryRun stops where another run begins to write, before and after an installation, and without a yes.
func TestDryRun(t *testing.T) {
	t.Parallel()
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
	dry := func(more ...string) []string {
		var args []string
		for _, arg := range b.initArgs(more...) {
			if arg != "--yes" {
				args = append(args, arg)
			}
		}
		return args
	}
	b.run(t, dry("--dry-run", "client")...).want(t, 0, "+ Deployment "+b.namespace+"/tbot", "Nothing was written: --dry-run client ends with the plan")
	b.run(t, dry("--dry-run", "server")...).want(t, 0, "Deployment "+b.namespace+"/tbot: would be taken", "pod of Deployment "+b.namespace+"/tbot: would be taken", "Nothing was written")
	got := b.run(t, dry("--dry-run", "server", "-o", "json")...)
	got.want(t, 0)
	var document struct {
		DryRun    string
		Resources []struct {
			Action  string
			Applied bool
		}
		Proof struct{ Status string }
	}
	if err := json.Unmarshal([]byte(got.stdout), &document); err != nil {
		t.Fatal(err)
	}
	if document.DryRun != "server" || len(document.Resources) != 7 || document.Proof.Status != "none" {
		t.Errorf("document %+v", document)
	}
	for _, resource := range document.Resources {
		if resource.Action != "create" || resource.Applied {
			t.Errorf("resource %+v", resource)
		}
	}
	b.nothingWritten(t)

	b.install(t, "--no-wait")
	written := len(b.kubernetesWrites(t))
	b.run(t, dry("--dry-run", "server", "--labels", "team=platform")...).want(t, 0, "~ Deployment", "would be taken")
	if after := len(b.kubernetesWrites(t)); after != written {
		t.Errorf("%d objects were written", after-written)
	}
}

// TestDryRunTakesOver rehearses a write over what somebody else made and holds, which only a forced one can do.
func TestDryRunTakesOver(t *testing.T) {
	t.Parallel()
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
	b.kubectl(t, "create", "configmap", "tbot-config", "--from-literal=tbot.yaml=version: v2")
	b.run(t, b.initArgs("--dry-run", "server")...).want(t, 3, "not made by tbotctl")
	b.run(t, b.initArgs("--dry-run", "server", "--take-over")...).want(t, 0, "ConfigMap "+b.namespace+"/tbot-config: would be taken", "Nothing was written")
	b.nothingWritten(t)
}

// TestDryRunRefused meets a quota that leaves no room for a pod: the dry run says so, as init would before the Deployment.
func TestDryRunRefused(t *testing.T) {
	t.Parallel()
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
	b.kubectl(t, "create", "quota", "few", "--hard=pods=0")
	b.run(t, b.initArgs("--dry-run", "server")...).want(t, 3, "exceeded quota: few", "nothing was written")
	b.nothingWritten(t)
}

// TestDryRunOfANamespace says what cannot be tried before the namespace is there.
func TestDryRunOfANamespace(t *testing.T) {
	t.Parallel()
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
	missing := b.namespace + "-new"
	b.run(t, b.initArgs("--dry-run", "server", "--namespace", missing, "--create-namespace")...).want(t, 5, "Namespace "+missing+": would be taken", "nothing could be tried")
	b.run(t, b.initArgs("--dry-run", "tomorrow")...).want(t, 2, `--dry-run: "tomorrow" is not known`)
	b.run(t, b.initArgs("--dry-run", "client", "--out-dir", b.path("out"))...).want(t, 2, "--dry-run writes nothing")
	b.nothingWritten(t)
}
