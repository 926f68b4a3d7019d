package cmd_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tbotctl/tbotctl/internal/teleporttest"
	"github.com/tbotctl/tbotctl/internal/testkit"
)

// TestRenderFilesSaysWhatAppliesThem holds the commands of each format to the files that were written.
func TestRenderFilesSaysWhatAppliesThem(t *testing.T) {
	t.Parallel()
	answers := resolvedAnswers(t)
	for name, want := range map[string][]string{
		"plain": {
			"tctl create -f OUT/teleport/resources.yaml",
			"kubectl --context prod apply --server-side -f OUT/kubernetes/namespace.yaml -f OUT/kubernetes/rbac.yaml -f OUT/kubernetes/config.yaml -f OUT/kubernetes/deployment.yaml",
			"kubectl --context CLUSTER apply --server-side -k OUT/targets",
		},
		"kustomize and operator": {
			"kubectl --context OPERATOR-CLUSTER apply --server-side -f OUT/teleport/operator.yaml",
			"kubectl --context prod apply --server-side -k OUT/kubernetes",
			"kubectl --context CLUSTER apply --server-side -k OUT/targets",
			"operator: The mark of the installation does not reach Teleport",
		},
		"helm and terraform": {
			`eval "$(tctl terraform env)"`, "terraform -chdir=OUT/teleport init", "terraform -chdir=OUT/teleport apply",
			"kubectl --context prod apply --server-side -f OUT/kubernetes/namespace.yaml -f OUT/kubernetes/rbac.yaml",
			"helm upgrade --install tbot tbot --repo https://charts.releases.teleport.dev --version 18.4.2 --kube-context prod --namespace machines --values OUT/kubernetes/values.yaml",
			"kubectl --context CLUSTER apply --server-side -k OUT/targets",
			"helm: What the chart makes weaker than tbotctl's manifests",
		},
	} {
		out := filepath.Join(t.TempDir(), "out")
		got := runWith(t, noClusters(t), "", slices.Concat([]string{"render", "--from", answers, "--out-dir", out}, formatArgs()[name])...)
		got.want(t, 0, "created  "+out+"/")
		at := 0
		for _, line := range want {
			line = "\n  " + strings.ReplaceAll(line, "OUT", out)
			i := strings.Index(got.stderr[at:], line)
			if i < 0 {
				t.Fatalf("%s: stderr does not say, behind the others, %q:\n%s", name, line, got.stderr)
			}
			at += i
		}
	}
}

// TestRenderFilesKeepsWhatIsThere holds that render's files are as careful as init's.
func TestRenderFilesKeepsWhatIsThere(t *testing.T) {
	t.Parallel()
	answers, out := resolvedAnswers(t), filepath.Join(t.TempDir(), "out")
	args := []string{"render", "--from", answers, "--out-dir", out}
	runWith(t, noClusters(t), "", args...).want(t, 0)
	runWith(t, noClusters(t), "", args...).want(t, 0, "same     "+out)
	other := append(args, "--labels", "team=shop")
	before := tree(t, out)
	runWith(t, noClusters(t), "", other...).want(t, 3, "there already, with another content", "--overwrite replaces files that differ")
	for path, text := range tree(t, out) {
		if before[path] != text {
			t.Errorf("%s was changed", path)
		}
	}
	runWith(t, noClusters(t), "", append(other, "--overwrite")...).want(t, 0, "replaced "+out)
	one := filepath.Join(t.TempDir(), "one")
	runWith(t, noClusters(t), "", "render", "--from", answers, "--out-dir", one, "--side", "teleport").want(t, 0)
	if found := tree(t, one); len(found) != 1 || found["teleport/resources.yaml"] == "" {
		t.Errorf("--side teleport writes %v", found)
	}
}

// TestFormatsAreRefusedWhereTheyCannotBe holds the usage errors.
func TestFormatsAreRefusedWhereTheyCannotBe(t *testing.T) {
	t.Parallel()
	answers, dir := resolvedAnswers(t), t.TempDir()
	for _, row := range []struct {
		args []string
		want string
	}{
		{[]string{"render", "--kube-format", "kustomize"}, "--out-dir DIR writes all of them"},
		{[]string{"render", "--kube-format", "helm"}, "--values prints the values alone"},
		{[]string{"render", "--teleport-format", "terraform"}, "--side teleport prints it alone"},
		{[]string{"render", "--teleport-format", "operator"}, "--operator-namespace: missing with --teleport-format operator"},
		{[]string{"render", "--operator-namespace", "teleport"}, "--operator-namespace: given, but only"},
		{[]string{"render", "--teleport-format", "tctl"}, "--teleport-format: \"tctl\" is not known"},
		{[]string{"render", "--overwrite"}, "--overwrite goes with --out-dir"},
		{[]string{"render", "--out-dir", ""}, "--out-dir: no folder is named"},
		{[]string{"render", "--out-dir", dir + "/a/b"}, "--out-dir: "},
		{[]string{"render", "--out-dir", dir, "--values", "--kube-format", "helm"}, "--values prints the values alone"},
		{[]string{"render", "--values"}, "--values goes with --workload agent or --kube-format helm"},
		{[]string{"render", "--out-dir", dir, "--kube-format", "helm", "--priority-class", "high"}, "--priority-class: given with --kube-format helm"},
		{[]string{"init", "--kube-format", "helm", "--non-interactive", "--yes"}, "go with --out-dir: what init applies is in none"},
	} {
		got := runWith(t, noClusters(t), "", append(row.args, "--from", answers)...)
		got.want(t, 2, row.want)
		if got.stdout != "" {
			t.Errorf("%v prints %s", row.args, got.stdout)
		}
	}
	if found := tree(t, dir); len(found) > 0 {
		t.Errorf("files were written all the same: %v", found)
	}
	for _, command := range []string{"diff", "verify", "delete", "doctor"} {
		runWith(t, noClusters(t), "", command, "--kube-format", "helm").want(t, 2, "unknown flag: --kube-format")
	}
}

// TestValuesAlone holds that Helm can be given the values by a pipe, and that they are those of the file.
func TestValuesAlone(t *testing.T) {
	t.Parallel()
	answers, out := resolvedAnswers(t), filepath.Join(t.TempDir(), "out")
	args := []string{"render", "--from", answers, "--kube-format", "helm"}
	runWith(t, noClusters(t), "", append(args, "--out-dir", out)...).want(t, 0)
	for _, side := range []string{"both", "kubernetes"} {
		got := runWith(t, noClusters(t), "", append(args, "--values", "--side", side)...)
		if got.want(t, 0); got.stdout != tree(t, out)["kubernetes/values.yaml"] {
			t.Errorf("--side %s prints other values than are in the file:\n%s", side, got.stdout)
		}
	}
}

// TestInitWritesFormats holds that init writes the same files as render from the answers that it saves, and that kubectl takes the folder.
func TestInitWritesFormats(t *testing.T) {
	t.Parallel()
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
	saved := b.path("answers.yaml")
	for name, formats := range formatArgs() {
		dir, again := b.path("init "+name), b.path("render "+name)
		b.run(t, b.filesArgs(dir, append(formats, "--save", saved)...)...).want(t, 0, "nothing was applied")
		// The formats are answers, so the file has them.
		runWith(t, noClusters(t), "", "render", "--from", saved, "--out-dir", again).want(t, 0)
		first, second := tree(t, dir), tree(t, again)
		for path, text := range first {
			if second[path] != text {
				t.Errorf("%s: %s differs between init and render", name, path)
			}
		}
		if len(first) != len(second) || len(first) < 3 {
			t.Errorf("%s: init wrote %d files, render %d", name, len(first), len(second))
		}
		if first["kubernetes/kustomization.yaml"] == "" {
			continue
		}
		if _, stderr, err := b.plane.Kubectl(t.Context(), nil, "apply", "--server-side", "--dry-run=server", "-k", filepath.Join(dir, "kubernetes")); err != nil {
			t.Errorf("kubectl does not take the kustomization: %s", stderr)
		}
	}
	b.nothingWritten(t)
}
