package cmd_test

import (
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/tools/clientcmd"

	"github.com/tbotctl/tbotctl/cmd"
	"github.com/tbotctl/tbotctl/internal/teleporttest"
	"github.com/tbotctl/tbotctl/internal/testkit"
	"github.com/tbotctl/tbotctl/internal/testkit/lab"
)

// TestExistingToken runs init where a join token of another name admits the service account already: it is offered and not doubled.
func TestExistingToken(t *testing.T) {
	t.Parallel()
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
	b.install(t, "--no-wait", "--token-name", "front-door", "--bot-name", "porter")
	before := len(b.kubernetesWrites(t))

	b.run(t, b.initArgs("--no-wait")...).want(t, 3, "join token front-door already admits service account "+b.namespace+"/tbot", "as bot porter",
		"nothing was applied", "--token-name front-door --bot-name porter\n", "--token-name tbot-")
	if after := len(b.kubernetesWrites(t)); after != before {
		t.Errorf("%d objects were written", after-before)
	}
	b.run(t, b.initArgs("--no-wait", "--token-name", "front-door", "--bot-name", "porter", "-o", "json")...).want(t, 0, `"action": "same"`)

	// Without the right to list tokens the look is left out, and nothing else changes.
	var verbs []verbOn
	for _, kind := range []string{"bot", "token"} {
		for _, verb := range []string{"read", "create", "update"} {
			verbs = append(verbs, verbOn{verb: verb, kind: kind})
		}
	}
	identity := b.teleportUser(t, "nan", verbs)
	got := b.run(t, b.initArgs("--no-wait", "--identity", identity, "--name", "second", "--service-account", "tbot")...)
	if strings.Contains(got.stderr, "front-door") || strings.Contains(got.stderr, "already admits") {
		t.Errorf("a token was offered that may not be listed:\n%s", got.stderr)
	}
}

// TestOtherPair runs init with a login to another Teleport cluster than the installation of that name was made with.
func TestOtherPair(t *testing.T) {
	t.Parallel()
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
	b.install(t, "--no-wait")

	staging := &bench{plane: b.plane, namespace: b.namespace, dir: t.TempDir(), teleport: teleporttest.New(t, lab.Teleport(b.plane, teleporttest.Options{ClusterName: "staging.example.com"}))}
	identity, err := staging.teleport.IdentityFile("admin", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	staging.write(t, "admin.identity", identity)
	staging.write(t, "web-ca.pem", staging.teleport.WebCAPEM())
	before := len(b.kubernetesWrites(t))
	staging.run(t, staging.initArgs("--no-wait")...).want(t, 3, "this installation belongs to another pair of clusters", "see that --context and --proxy", "nothing was applied")
	if after := len(b.kubernetesWrites(t)); after != before {
		t.Errorf("%d objects were written", after-before)
	}
	for _, request := range staging.teleport.Requests() {
		if request.Write {
			t.Errorf("the other Teleport cluster was written to: %s", request.Method)
		}
	}
}

// TestOneIdentityForAll compares what somebody made who may read kube-system with what somebody sees who may not: the names and marks
// are the recorded ones, by the objects and by the answers.
func TestOneIdentityForAll(t *testing.T) {
	t.Parallel()
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
	b.install(t, "--no-wait", "--save", b.path("answers.yaml"))
	kubeconfig := b.userWith(t, "narrow-"+b.namespace, leastRights())

	b.run(t, b.diffArgs("--kubeconfig", kubeconfig)...).want(t, 0)

	// Where nothing carries the mark, the answers tell.
	b.kubectl(t, "annotate", "serviceaccount", "tbot", "tbotctl.dev/install-")
	b.run(t, "diff", "--from", b.path("answers.yaml"), "--kubeconfig", kubeconfig, "--identity", b.path("admin.identity")).want(t, 3,
		"1 of 7 resources differ")
}

// TestContextNamesNothing runs init by a context of a name that would be seen anywhere.
func TestContextNamesNothing(t *testing.T) {
	t.Parallel()
	const name = "zebra-context"
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
	config, err := clientcmd.LoadFromFile(b.plane.KubeconfigFile())
	if err != nil {
		t.Fatal(err)
	}
	config.Contexts[name] = config.Contexts[config.CurrentContext]
	if err := clientcmd.WriteToFile(*config, b.path("kubeconfig")); err != nil {
		t.Fatal(err)
	}
	b.run(t, b.initArgs("--kubeconfig", b.path("kubeconfig"), "--context", name, "--out-dir", b.path("out"))...).want(t, 0, "--context "+name)
	for _, file := range []string{"rbac.yaml", "config.yaml", "deployment.yaml"} {
		if text := b.read(t, b.path("out/kubernetes/"+file)); strings.Contains(text, name) {
			t.Errorf("%s carries the context's name:\n%s", file, text)
		}
	}
	if text := b.read(t, b.path("out/teleport/resources.yaml")); strings.Contains(text, name) {
		t.Errorf("the Teleport side carries the context's name:\n%s", text)
	}
}

// TestNotByEnvironment gives by environment what a person has to type each time.
func TestNotByEnvironment(t *testing.T) {
	t.Parallel()
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
	everything := func(f *cmd.Factory) {
		f.Issuer = lab.Fetcher(b.plane)
		f.LookupEnv = func(name string) (string, bool) {
			switch name {
			case "TBOTCTL_YES", "TBOTCTL_INSECURE", "TBOTCTL_OVERWRITE", "TBOTCTL_TAKE_OVER", "TBOTCTL_FORCE_CONFLICTS", "TBOTCTL_PURGE_OUTPUTS":
				return "true", true
			}
			return "", false
		}
	}
	without := func(flags ...string) []string {
		var args []string
		all := b.initArgs()
		for i := 0; i < len(all); i++ {
			switch {
			case all[i] == "--yes" && flags[0] == "--yes":
			case all[i] == flags[0]:
				i++
			default:
				args = append(args, all[i])
			}
		}
		return args
	}
	runWith(t, everything, "", without("--yes")...).want(t, 2, "--yes")
	runWith(t, everything, "", without("--proxy-ca")...).want(t, 1, "certificate")

	b.kubectl(t, "create", "configmap", "tbot-config", "--from-literal=tbot.yaml=version: v2")
	runWith(t, everything, "", b.initArgs()...).want(t, 3, "not made by tbotctl", "--take-over")

	args := b.initArgs("--out-dir", b.path("out"), "--name", "apart")
	runWith(t, everything, "", args...).want(t, 0)
	b.write(t, "out/kubernetes/rbac.yaml", []byte("# mine\n"))
	runWith(t, everything, "", args...).want(t, 3, "--overwrite")
	b.nothingWritten(t)
}
