package cmd_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gravitational/teleport/api/client"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tbotctl/tbotctl/internal/teleporttest"
	"github.com/tbotctl/tbotctl/internal/testkit"
)

// verifyArgs are the flags of a verify of the bench's namespace; later ones win.
func (b *bench) verifyArgs(more ...string) []string {
	return append([]string{
		"verify", "--non-interactive", "--kubeconfig", b.plane.KubeconfigFile(), "--context", b.plane.Flavour().String(),
		"--namespace", b.namespace, "--proxy-ca", b.path("web-ca.pem"), "--identity", b.path("admin.identity"), "--timeout", "60s",
	}, more...)
}

// verified is what a script reads of `verify -o json`.
type verified struct {
	Status, Runtime string
	Target          struct{ Deployment, Config, ServiceAccount, Proxy, ClusterName, ServerVersion string }
	Proof           struct {
		Status, From, User, Via, NotAfter, Error string
		Cause                                    *verifiedCause
		Outputs                                  []verifiedOutput
	}
	Pod *struct {
		Job, Pod, Node, Image string
		Steps                 []struct{ What, Status, Why string }
	}
	Instance *struct {
		ID      string
		Removed bool
		Why     string
	}
	Written   []struct{ Output, Folder, Until string }
	Checks    []lookedCheck
	NotTested []string
	Error     string
}

type verifiedCause struct{ ID, Cause, Observed, Expected, Fix string }

type verifiedOutput struct {
	Name, Type, Destination, User, NotAfter, NotExercised, Error string
	Roles, KubernetesGroups, Clusters, Files                     []string
	Cause                                                        *verifiedCause
	Writes                                                       []struct{ Place, Status, Why string }
}

func verifiedOf(t *testing.T, got outcome) verified {
	t.Helper()
	var document verified
	if err := json.Unmarshal([]byte(got.stdout), &document); err != nil {
		t.Fatalf("stdout is not one JSON document: %v\n%s\n%s", err, got.stdout, got.stderr)
	}
	return document
}

// tbotYAML writes a tbot.yaml like that of the bench's setup, with these outputs, and gives its path.
func (b *bench) tbotYAML(t *testing.T, outputs string) string {
	t.Helper()
	all, err := b.plane.Client().CoreV1().ConfigMaps(b.namespace).Get(t.Context(), "tbot-config", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	head, _, found := strings.Cut(all.Data["tbot.yaml"], "outputs:")
	if !found {
		t.Fatalf("the tbot.yaml has no outputs:\n%s", all.Data["tbot.yaml"])
	}
	b.write(t, "tbot.yaml", []byte(head+"outputs:\n"+outputs))
	return b.path("tbot.yaml")
}

// leavesNothing runs verify and fails the test where either cluster holds more or other things afterwards.
func (b *bench) leavesNothing(t *testing.T, bot string, verify func()) {
	t.Helper()
	before, instances := b.objects(t), len(b.teleport.Instances(bot))
	verify()
	if after := b.objects(t); !slices.Equal(before, after) {
		t.Errorf("the namespace held\n%s\nand holds\n%s", strings.Join(before, "\n"), strings.Join(after, "\n"))
	}
	if n := len(b.teleport.Instances(bot)); n != instances {
		t.Errorf("bot %s had %d instances and has %d", bot, instances, n)
	}
	b.noProbePods(t)
}

// objects are the namespace's Secrets, ConfigMaps, Deployments, Jobs and pods, with their versions where nothing but a person or tbot
// changes them.
func (b *bench) objects(t *testing.T) []string {
	t.Helper()
	var all []string
	secrets, err := b.plane.Client().CoreV1().Secrets(b.namespace).List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range secrets.Items {
		all = append(all, "Secret "+secret.Name+" "+secret.ResourceVersion)
	}
	maps, err := b.plane.Client().CoreV1().ConfigMaps(b.namespace).List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range maps.Items {
		all = append(all, "ConfigMap "+one.Name+" "+one.ResourceVersion)
	}
	jobs, err := b.plane.Client().BatchV1().Jobs(b.namespace).List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, job := range jobs.Items {
		all = append(all, "Job "+job.Name)
	}
	slices.Sort(all)
	return all
}

func TestVerify(t *testing.T) {
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
	b.healthy(t, "--save", b.path("answers.yaml"))
	bot := b.bot(t)
	b.leavesNothing(t, bot, func() {
		got := b.run(t, b.verifyArgs("-o", "json")...)
		got.want(t, 0)
		b.noSecrets(t, got)
		document := verifiedOf(t, got)
		if document.Status != "proven" || document.Runtime != "embedded" || document.Proof.User != "bot-"+bot {
			t.Errorf("the proof is %+v", document)
		}
		if document.Instance == nil || !document.Instance.Removed {
			t.Errorf("the bot instance: %+v", document.Instance)
		}
		if len(document.Proof.Outputs) != 1 {
			t.Fatalf("outputs: %+v", document.Proof.Outputs)
		}
		output := document.Proof.Outputs[0]
		if output.Name != "identity-1" || !slices.Equal(output.Roles, []string{"access"}) || !slices.Contains(output.Files, "identity") {
			t.Errorf("the output: %+v", output)
		}
		if len(output.Writes) != 1 || output.Writes[0].Status != "possible" || output.Writes[0].Place != "Secret "+b.namespace+"/tbot-output" {
			t.Errorf("its destination: %+v", output.Writes)
		}
		ends, err := time.Parse(time.RFC3339, output.NotAfter)
		if err != nil || time.Until(ends) > 10*time.Minute {
			t.Errorf("the certificate ends %s", output.NotAfter)
		}
		if len(document.NotTested) == 0 || !strings.Contains(document.NotTested[0], "egress") {
			t.Errorf("what was not tested: %q", document.NotTested)
		}
	})
}

func TestVerifyTable(t *testing.T) {
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
	b.healthy(t, "--save", b.path("answers.yaml"))
	got := b.run(t, b.verifyArgs()...)
	got.want(t, 0, "PROVEN", "identity-1 to Secret tbot-output", "the pod could write Secret "+b.namespace+"/tbot-output", "was removed", "Not tested from here")
	got.narrow(t)
}

// flat is the result with its lines joined.
func (o outcome) flat() string { return strings.Join(strings.Fields(o.stdout), " ") }

// narrow fails the test where a line of the result is wider than 80 columns. What is copied is never wrapped: the command after "do:",
// and a name that fits no line.
func (o outcome) narrow(t *testing.T) {
	t.Helper()
	for line := range strings.Lines(o.stdout) {
		line = strings.TrimRight(line, "\n")
		if len([]rune(line)) > 80 && !strings.HasPrefix(strings.TrimSpace(line), "do: ") && len(strings.Fields(line)) > 1 {
			t.Errorf("wider than 80 columns: %q", line)
		}
	}
}

// Without a Teleport login everything is proven all the same, and the instance that stays is named.
func TestVerifyWithoutLogin(t *testing.T) {
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
	b.healthy(t, "--save", b.path("answers.yaml"))
	got := b.run(t, b.verifyArgs("-o", "json", "--identity", b.path("none"))...)
	got.want(t, 0)
	document := verifiedOf(t, got)
	if document.Instance == nil || document.Instance.Removed || !strings.Contains(document.Instance.Why, "no Teleport login") {
		t.Errorf("the instance: %+v", document.Instance)
	}
}

// A tbot that is still to come is verified by the answers of init, as soon as its service account and its token are there.
func TestVerifyBeforeThePod(t *testing.T) {
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
	b.run(t, b.initArgs("--save", b.path("answers.yaml"), "--no-wait")...).want(t, 0)
	policy := metav1.DeletePropagationForeground
	if err := b.plane.Client().AppsV1().Deployments(b.namespace).Delete(t.Context(), "tbot", metav1.DeleteOptions{PropagationPolicy: &policy}); err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, "the Deployment is gone", func(ctx context.Context) error {
		left, err := b.plane.Client().AppsV1().Deployments(b.namespace).List(ctx, metav1.ListOptions{})
		if err == nil && len(left.Items) > 0 {
			err = errors.New("it is still there")
		}
		return err
	})
	b.run(t, b.verifyArgs()...).want(t, 3, "no tbot lives in namespace "+b.namespace)
	b.run(t, b.verifyArgs("--from", b.path("answers.yaml"))...).want(t, 0, "PROVEN", "the answers")
	b.noProbePods(t)
}

// What --write writes works for whoever has the folder, for ten minutes, and is theirs alone.
func TestVerifyWrite(t *testing.T) {
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
	b.healthy(t, "--save", b.path("answers.yaml"))
	dir := filepath.Join(b.dir, "try")
	b.run(t, b.verifyArgs("--write", dir)...).want(t, 2, "--yes")
	got := b.run(t, b.verifyArgs("--write", dir, "--yes")...)
	got.want(t, 0, "identity-1")
	b.noSecrets(t, got)
	credentials := client.LoadIdentityFile(filepath.Join(dir, "identity-1", "identity"))
	if expiry, ok := credentials.Expiry(); !ok || time.Until(expiry) > 10*time.Minute {
		t.Errorf("the identity file ends %v", expiry)
	}
	err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s may be read by others: %v", path, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	b.run(t, b.verifyArgs("--write", dir, "--yes")...).want(t, 2, "not empty")
}
