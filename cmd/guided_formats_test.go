package cmd_test

import (
	"path/filepath"
	"testing"

	"github.com/tbotctl/tbotctl/internal/prompt"
	"github.com/tbotctl/tbotctl/internal/teleporttest"
	"github.com/tbotctl/tbotctl/internal/testkit"
)

// TestGuidedFormats holds that a run with formats offers files and no more, and writes them in those.
func TestGuidedFormats(t *testing.T) {
	t.Parallel()
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
	dir := filepath.Join(t.TempDir(), "out")
	script := prompt.NewScript(t, b.answers(prompt.Answer("yes", "files"), prompt.Answer("out-dir", dir), prompt.Answer("yes", "finish"))...)
	got := b.guide(t, script, "--kube-format", "kustomize", "--teleport-format", "terraform")
	got.want(t, 0, "terraform -chdir="+dir+"/teleport apply", " apply --server-side -k "+dir+"/kubernetes",
		"--kube-format kustomize --teleport-format terraform")
	says(t, script, "--kube-format and --teleport-format are shapes of files, so this plan can be written to files and not applied from here")
	if found := tree(t, dir); found["kubernetes/kustomization.yaml"] == "" || found["teleport/main.tf"] == "" || found["teleport/resources.yaml"] != "" {
		t.Errorf("%d files are there, and not those of the formats", len(found))
	}
	b.nothingWritten(t)
}
