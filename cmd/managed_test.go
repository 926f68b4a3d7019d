package cmd_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/tbotctl/tbotctl/internal/prompt"
	"github.com/tbotctl/tbotctl/internal/teleporttest"
	"github.com/tbotctl/tbotctl/internal/testkit"
)

// TestFilesForGit holds that a change of what a tool keeps can be written to files, with the word that these are for its repository.
func TestFilesForGit(t *testing.T) {
	t.Parallel()
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
	repository := b.commit(t)
	repository.sync(t)
	got := b.unwritten(t, func() outcome {
		return b.run(t, b.filesArgs(repository.dir, "--overwrite", "--limits", "memory=1Gi")...)
	})
	got.want(t, 0, "replaced "+filepath.Join(repository.dir, "kubernetes/deployment.yaml"),
		"Deployment "+b.namespace+"/tbot is managed by Argo CD application shop: change it in the repository that Argo CD application shop applies, and leave it out of these commands")
	if !strings.Contains(b.read(t, filepath.Join(repository.dir, "kubernetes/deployment.yaml")), `"memory": "1Gi"`) {
		t.Error("the file does not hold the change")
	}
}

// TestMissingOfTheRest holds that init makes nothing by hand that is missing of what a tool keeps.
func TestMissingOfTheRest(t *testing.T) {
	t.Parallel()
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
	b.commit(t).sync(t)
	b.kubectl(t, "delete", "configmap", "tbot-config")
	got := b.unwritten(t, func() outcome { return b.run(t, b.initArgs("--no-wait")...) })
	got.want(t, 3, "ConfigMap "+b.namespace+"/tbot-config (not there yet; the others are managed by Argo CD application shop)")
	if !strings.HasPrefix(got.stdout, "apiVersion: v1\nkind: ConfigMap\n") || strings.Contains(got.stdout, "\n---\n") {
		t.Errorf("stdout is not the ConfigMap alone:\n%s", got.stdout)
	}
}

// TestGuidedLeavesToManagers holds that the wizard shows what a tool keeps, and offers files and nothing that writes.
func TestGuidedLeavesToManagers(t *testing.T) {
	t.Parallel()
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
	repository := b.commit(t)
	repository.sync(t)
	dir := b.path("changed")
	script := prompt.NewScript(t, prompt.Answer("yes", "files"), prompt.Answer("out-dir", dir), prompt.Answer("yes", "finish"))
	got := b.unwritten(t, func() outcome {
		return b.guide(t, script, "--from", repository.answers, "--service-account", "tbot", "--output-secret", "tbot-output", "--limits", "memory=1Gi")
	})
	got.want(t, 0, "4 files are in "+dir)
	says(t, script, "managed by Argo CD application shop", "can be written to files and not applied from here", "Write files")
	if strings.Contains(script.Shown(), "- Take over") || strings.Contains(script.Shown(), "- Apply") {
		t.Errorf("a page offers to write:\n%s", script.Shown())
	}
}

// TestDiffOfAnotherPair holds diff to the clusters of its answers, of which it looks up nothing but the names.
func TestDiffOfAnotherPair(t *testing.T) {
	t.Parallel()
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
	repository := b.commit(t)
	for name, row := range map[string]struct{ pattern, with, says string }{
		"Kubernetes": {`(?m)^  clusterID: .*$`, `  clusterID: "00000000"`, "the answers were made for Kubernetes cluster 00000000"},
		"Teleport":   {`(?m)^  clusterName: .*$`, "  clusterName: other.example.com", `the answers were made for Teleport cluster "other.example.com"`},
	} {
		changed := repository
		changed.answers = b.path(name)
		text := regexp.MustCompile(row.pattern).ReplaceAllString(b.read(t, repository.answers), row.with)
		if err := os.WriteFile(changed.answers, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		got := b.run(t, "diff", "--non-interactive", "--from", changed.answers, "--kubeconfig", b.plane.KubeconfigFile(), "--identity", b.path("admin.identity"))
		got.want(t, 3, row.says, "nothing was done")
	}
}

// TestDiffRefreshed holds that diff compares what the answers hold, and looks it up anew only when that is asked for.
func TestDiffRefreshed(t *testing.T) {
	t.Parallel()
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
	b.install(t)
	repository := b.commit(t)
	text := regexp.MustCompile(`tbot-distroless:[0-9.]+`).ReplaceAllString(b.read(t, repository.answers), "tbot-distroless:17.0.0")
	b.write(t, "answers.yaml", []byte(text))
	args := []string{"diff", "--non-interactive", "--from", repository.answers, "--kubeconfig", b.plane.KubeconfigFile(), "--identity", b.path("admin.identity")}
	b.run(t, args...).want(t, 3, "tbot-distroless:17.0.0", "1 of 7 resources differ")
	b.run(t, append(args, "--refresh")...).want(t, 0)
	b.run(t, append(args, "--join-type", "oidc")...).want(t, 2, "resolve again with --refresh")
}

// TestDiffByReading holds that a login that may only read compares what nobody but tbotctl keeps, and is told how.
func TestDiffByReading(t *testing.T) {
	t.Parallel()
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
	repository := b.commit(t)
	repository.pipeline(t)
	b.install(t)
	const said = "compared by reading alone"
	b.unwritten(t, func() outcome { return repository.review(t) }).want(t, 0, "  = Deployment "+b.namespace+"/tbot\n", said)
	repository.onlyRead(t)
	got := repository.review(t, "--limits", "memory=1Gi", "--output-secret", "keys", "-o", "json")
	got.want(t, 3, said, `"byReading": true`)
	for _, resource := range diffOf(t, got).Resources {
		changes := map[string]string{"Deployment": "template.metadata.annotations", "Role": "rules[0].resourceNames[0]", "ConfigMap": "data.tbot.yaml"}[resource.Kind]
		if (resource.Action == "update") != (changes != "") || changes != "" && !strings.Contains(resource.Changes[0].Path, changes) {
			t.Errorf("%+v, want a change of %q", resource, changes)
		}
	}
	// Who may write is answered by the server itself.
	if by := b.run(t, b.diffArgs()...); by.code != 0 || strings.Contains(by.stderr, said) {
		t.Errorf("exit code %d: %s", by.code, by.stderr)
	}
}
