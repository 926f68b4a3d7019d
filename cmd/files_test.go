package cmd_test

import (
	"encoding/json"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tbotctl/tbotctl/internal/teleporttest"
	"github.com/tbotctl/tbotctl/internal/testkit"
)

// filesArgs are the flags of an init that writes files; nobody has to say yes to that.
func (b *bench) filesArgs(dir string, more ...string) []string {
	args := b.initArgs(append([]string{"--out-dir", dir}, more...)...)
	return slices.Delete(args, slices.Index(args, "--yes"), slices.Index(args, "--yes")+1)
}

// filesDocument is what a script reads of `init --out-dir DIR -o json`.
type filesDocument struct {
	Files []struct{ Path, Action string }
	Next  []string
	Error string
}

func filesOf(t *testing.T, got outcome) filesDocument {
	t.Helper()
	var document filesDocument
	if err := json.Unmarshal([]byte(got.stdout), &document); err != nil {
		t.Fatalf("stdout is not one JSON document: %v\n%s", err, got.stdout)
	}
	return document
}

// ourFiles are those of an init with an output, in the order in which they are named.
func ourFiles() []string {
	return []string{"kubernetes/rbac.yaml", "kubernetes/config.yaml", "kubernetes/deployment.yaml", "teleport/resources.yaml"}
}

// argv is what a shell makes of a command that somebody pastes.
func argv(t *testing.T, command string) []string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "/bin/sh", "-c", "printf '%s\\n' "+command).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
}

// paste carries out the commands of a run: kubectl's by kubectl, tctl's in the test cluster.
func (b *bench) paste(t *testing.T, commands []string) {
	t.Helper()
	if len(commands) != 2 {
		t.Fatalf("there are %d commands: %q", len(commands), commands)
	}
	tctl, kubectl := argv(t, commands[0]), argv(t, commands[1])
	if !slices.Equal(tctl[:3], []string{"tctl", "create", "-f"}) || len(tctl) != 4 {
		t.Fatalf("the first command is %q", tctl)
	}
	if err := b.make([]byte(b.read(t, tctl[3]))); err != nil {
		t.Fatal(err)
	}
	if kubectl[0] != "kubectl" {
		t.Fatalf("the second command is %q", kubectl)
	}
	if _, stderr, err := b.plane.Kubectl(t.Context(), nil, kubectl[1:]...); err != nil {
		t.Fatal(stderr)
	}
}

// TestFiles writes files to a folder that takes quoting, carries out the commands that init names, and holds that init then finds
// nothing to change and that it works.
func TestFiles(t *testing.T) {
	t.Parallel()
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
	b.teleport.Reset()
	dir, saved := b.path("it's  for $HOME"), b.path("answers.yaml")
	got := b.run(t, b.filesArgs(dir, "-o", "json", "--save", saved)...)
	got.want(t, 0, "nothing was applied. These commands do:")
	b.nothingWritten(t)
	b.noSecrets(t, got)
	document := filesOf(t, got)
	var paths []string
	for _, file := range document.Files {
		if file.Action != "created" {
			t.Errorf("%s is %s", file.Path, file.Action)
		}
		paths = append(paths, strings.TrimPrefix(file.Path, dir+"/"))
	}
	if !slices.Equal(paths, ourFiles()) || len(files(t, dir)) != len(ourFiles()) {
		t.Errorf("files %q, want %q", paths, ourFiles())
	}
	// They are what render prints, whatever side.
	for side, order := range map[string][]string{"kubernetes": ourFiles()[:3], "teleport": ourFiles()[3:]} {
		var stream []string
		for _, path := range order {
			stream = append(stream, b.read(t, filepath.Join(dir, path)))
		}
		rendered := runWith(t, noClusters(t), "", "render", "--from", saved, "--side", side)
		if rendered.stdout != strings.Join(stream, "---\n") {
			t.Errorf("the files for %s differ from what render prints:\n%s\n%s", side, stream, rendered.stdout)
		}
	}
	for _, command := range document.Next {
		if !strings.Contains(got.stderr, "\n  "+command+"\n") {
			t.Errorf("stderr does not hold the line %q:\n%s", command, got.stderr)
		}
	}
	b.paste(t, document.Next)
	again := b.run(t, b.initArgs("-o", "json", "--no-wait")...)
	again.want(t, 0)
	for _, resource := range again.document(t).Resources {
		if resource.Action != "same" {
			t.Errorf("%s %s: %s", resource.Kind, resource.Name, resource.Action)
		}
	}
	if proof := again.document(t).Proof; proof.Status != "proven" {
		t.Errorf("proof %+v", proof)
	}
}

// TestFilesWithANamespace holds that the files bring a namespace that is not there, first.
func TestFilesWithANamespace(t *testing.T) {
	t.Parallel()
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
	b.namespace += "-new"
	got := b.run(t, b.filesArgs(b.path("out"), "-o", "json", "--create-namespace")...)
	got.want(t, 0)
	document := filesOf(t, got)
	if len(document.Files) != 5 || !strings.HasSuffix(document.Files[0].Path, "kubernetes/namespace.yaml") {
		t.Errorf("files %v", document.Files)
	}
	b.paste(t, document.Next)
	if _, err := b.plane.Client().AppsV1().Deployments(b.namespace).Get(t.Context(), "tbot", metav1.GetOptions{}); err != nil {
		t.Error(err)
	}
}

// TestFilesAgain holds what becomes of files that are there: the same is left alone, a difference stops all of it and is replaced
// only by --overwrite, and what is not ours stays.
func TestFilesAgain(t *testing.T) {
	t.Parallel()
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
	dir := b.path("out")
	b.run(t, b.filesArgs(dir)...).want(t, 0, "created  "+dir+"/kubernetes/rbac.yaml")
	b.write(t, "out/NOTES", []byte("mine\n"))
	b.run(t, b.filesArgs(dir)...).want(t, 0, "same     "+dir+"/kubernetes/rbac.yaml", dir+"/kubernetes/rbac.yaml held the same already", "4 files are in "+dir)

	b.write(t, "out/teleport/resources.yaml", []byte("# mine\n"))
	before := files(t, dir)
	got := b.run(t, b.filesArgs(dir, "--tbot-version", "18.1.0")...)
	got.want(t, 3, dir+"/kubernetes/deployment.yaml, "+dir+"/teleport/resources.yaml: there already, with another content", "nothing was written; --overwrite")
	for name, content := range files(t, dir) {
		if before[name] != content {
			t.Errorf("%s was written", name)
		}
	}
	b.run(t, b.filesArgs(dir, "--tbot-version", "18.1.0", "--overwrite")...).want(t, 0,
		"same     "+dir+"/kubernetes/config.yaml", "replaced "+dir+"/kubernetes/deployment.yaml", "replaced "+dir+"/teleport/resources.yaml")
	after := files(t, dir)
	if len(after) != 5 || after["NOTES"] != "mine\n" || !strings.Contains(after["deployment.yaml"], ":18.1.0") || !strings.Contains(after["resources.yaml"], "kind: bot") {
		t.Errorf("the folder holds %q", after)
	}
	b.nothingWritten(t)
}

// TestFilesWithoutALogin holds that files need no Teleport login, and that what needs one is skipped and said.
func TestFilesWithoutALogin(t *testing.T) {
	t.Parallel()
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
	dir := b.path("out")
	got := b.loggedOut(t, t.TempDir(), "--out-dir", dir)
	got.want(t, 0, "files can be written without one: ", "the files for teleport are not compared with what is there")
	for id, want := range map[string]string{"TBC304": "skip", "TBC305": "skip", "TBC601": "skip", "TBC602": "skip", "TBC101": "pass"} {
		if finding := got.finding(t, id); finding.Status != want {
			t.Errorf("%s: %+v, want %s", id, finding, want)
		}
	}
	if found := files(t, dir); len(found) != len(ourFiles()) {
		t.Errorf("the folder holds %q", found)
	}
	for _, resource := range got.document(t).Resources {
		if (resource.Action == "unseen") != (resource.System == "teleport") || resource.Action == "same" {
			t.Errorf("%s %s: %s", resource.Kind, resource.Name, resource.Action)
		}
	}
	b.nothingWritten(t)
	b.paste(t, filesOf(t, got).Next)
	b.run(t, b.initArgs("--no-wait")...).want(t, 0, "proven as")
}

// TestFilesNeedNoRights holds that files need no right to write, and only a look as far as it is allowed.
func TestFilesNeedNoRights(t *testing.T) {
	t.Parallel()
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
	user := b.namespace + "-onlooker"
	// As in many a cluster: anybody may see the namespace and make a token of its default account.
	kubeconfig := b.userWith(t, user, slices.Concat(
		rightOn("", "namespaces", "", "get"), rightOn("", "serviceaccounts/token", "", "create"), rightToRead("/.well-known/openid-configuration"), rightToRead("/openid/v1/jwks")))
	identity := b.teleportUser(t, "onlooker", nil)
	got := b.run(t, b.filesArgs(b.path("out"), "--kubeconfig", kubeconfig, "--identity", identity)...)
	got.want(t, 0, "the files for kubernetes are not compared", "the files for teleport are not compared")
	b.nothingWritten(t)
}

// TestFilesOverOthers holds that files that would overwrite what somebody else made are not written, unless asked for; fields that
// another manager holds are said.
func TestFilesOverOthers(t *testing.T) {
	t.Parallel()
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
	dir := b.path("out")
	b.kubectl(t, "create", "configmap", "tbot-config", "--from-literal", "tbot.yaml=theirs")
	b.run(t, b.filesArgs(dir)...).want(t, 3, "ConfigMap "+b.namespace+"/tbot-config", "not made by tbotctl", "--take-over")
	if found, err := filepath.Glob(dir + "*"); err != nil || len(found) > 0 {
		t.Errorf("left %v, %v", found, err)
	}
	b.run(t, b.filesArgs(dir, "--take-over")...).want(t, 0)

	b.run(t, b.initArgs("--take-over", "--no-wait", "--prove", "never")...).want(t, 0)
	scale := `{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"tbot","namespace":"` + b.namespace + `"},"spec":{"replicas":3}}`
	if _, stderr, err := b.plane.Kubectl(t.Context(), reader(scale), "apply", "--server-side", "--force-conflicts", "--field-manager", "somebody", "-f", "-"); err != nil {
		t.Fatal(stderr)
	}
	b.run(t, b.filesArgs(dir)...).want(t, 0, `conflict with "somebody"`, "needs --force-conflicts")
}
