package cmd_test

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/tbotctl/tbotctl/internal/teleporttest"
	"github.com/tbotctl/tbotctl/internal/testkit"
)

// initDocument is what a script reads of `init -o json`.
type initDocument struct {
	SchemaVersion int
	Setup         struct{ Bot, Token, Namespace, Deployment, OutputSecret, Image, Install string }
	Discovery     struct {
		Issuer string
		Public bool
	}
	JoinType  struct{ Chosen, Reason, SeenFrom string }
	Resources []initResource
	Proof     struct {
		Status, From, User, Via, Error string
		Outputs                        []struct{ Roles, Files []string }
		Notes                          []string
	}
	Checks []struct{ ID, Status, Observed string }
	Next   []string
	Error  string
}

type initResource struct {
	System, Context, Kind, Name, Action string
	Applied                             bool
}

func (o outcome) document(t *testing.T) initDocument {
	t.Helper()
	var document initDocument
	if err := json.Unmarshal([]byte(o.stdout), &document); err != nil {
		t.Fatalf("stdout is not one JSON document: %v\n%s", err, o.stdout)
	}
	return document
}

// TestInit is the main job: from two clusters to a tbot that runs and is proven.
func TestInit(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		flavour testkit.Flavour
		options teleporttest.Options
		join    string
		via     string
	}{
		"self-managed": {testkit.SelfManaged, teleporttest.Options{}, "static_jwks", "gRPC RegisterUsingToken"},
		"cloud-like":   {testkit.CloudLike, teleporttest.Options{}, "oidc", "gRPC RegisterUsingToken"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, row.flavour, row.options)
			said := b.play(t)
			got := b.run(t, b.initArgs("-o", "json")...)
			got.want(t, 0)
			document := got.document(t)
			if document.JoinType.Chosen != row.join || document.JoinType.Reason == "" || document.JoinType.SeenFrom == "" {
				t.Errorf("join type %+v, want %s with a reason and from where it was seen", document.JoinType, row.join)
			}
			if document.Discovery.Issuer != b.plane.Issuer() || document.Discovery.Public != (row.flavour == testkit.CloudLike) {
				t.Errorf("discovery %+v", document.Discovery)
			}
			if document.Proof.Status != "proven" || document.Proof.Via != row.via || document.Proof.User != "bot-"+document.Setup.Bot {
				t.Errorf("proof %+v, want proven via %s", document.Proof, row.via)
			}
			if len(document.Proof.Outputs) != 1 || !slices.Equal(document.Proof.Outputs[0].Roles, []string{"access"}) {
				t.Errorf("outputs %+v, want one with the role access", document.Proof.Outputs)
			}
			for _, check := range document.Checks {
				if check.Status != "pass" {
					t.Errorf("%s is %s: %s (the player said: %s)", check.ID, check.Status, check.Observed, said())
				}
			}
			for _, resource := range document.Resources {
				if resource.Action != "create" || !resource.Applied {
					t.Errorf("%s %s: action %s, applied %v", resource.Kind, resource.Name, resource.Action, resource.Applied)
				}
			}
			b.noProbePods(t)
			b.noSecrets(t, got)
		})
	}
}

// TestInitTwice holds that a second run over an unchanged setup finds all of it the same and writes none of it.
func TestInitTwice(t *testing.T) {
	t.Parallel()
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
	b.play(t)
	b.run(t, b.initArgs()...).want(t, 0)
	before := len(b.kubernetesWrites(t))
	b.teleport.Reset()
	again := b.run(t, b.initArgs("-o", "json")...)
	again.want(t, 0, "nothing changed, and it works")
	if document := again.document(t); document.Proof.Status != "evidence" {
		t.Errorf("proof %+v, want evidence", document.Proof)
	}
	for _, resource := range again.document(t).Resources {
		if resource.Action != "same" || resource.Applied {
			t.Errorf("%s %s: action %s, applied %v; want it left alone", resource.Kind, resource.Name, resource.Action, resource.Applied)
		}
	}
	if writes := b.kubernetesWrites(t); len(writes) != before {
		t.Errorf("the second run wrote to Kubernetes: %v", writes[before:])
	}
	for _, request := range b.teleport.Requests() {
		if request.Write {
			t.Errorf("the second run wrote to Teleport: %s", request.Method)
		}
	}
	// Proving anew is a flag away.
	b.run(t, b.initArgs("--prove", "always")...).want(t, 0, "using running pod")
}

// TestInitOnOldServer holds what a server before 17 can prove: the join, and static_jwks although the issuer is public.
func TestInitOnOldServer(t *testing.T) {
	t.Parallel()
	b := newBench(t, testkit.CloudLike, teleporttest.Options{Version: "16.4.0"})
	got := b.run(t, b.initArgs("--no-wait", "-o", "json")...)
	got.want(t, 0, "the join alone can be proven")
	document := got.document(t)
	if document.JoinType.Chosen != "static_jwks" || !strings.Contains(document.JoinType.Reason, "16.4.0") {
		t.Errorf("join type %+v, want static_jwks because of the version", document.JoinType)
	}
	if document.Proof.Via != "HTTP host/credentials" || len(document.Proof.Outputs) != 0 || len(document.Proof.Notes) != 1 {
		t.Errorf("proof %+v, want the join over HTTP alone with a note", document.Proof)
	}
}

func TestInitInCluster(t *testing.T) {
	t.Parallel()
	b := newBenchReviewed(t, testkit.SelfManaged)
	b.play(t)
	got := b.run(t, b.initArgs("--join-type", "in_cluster", "-o", "json")...)
	got.want(t, 0)
	if chosen := got.document(t).JoinType.Chosen; chosen != "in_cluster" {
		t.Errorf("join type %s, want in_cluster", chosen)
	}
	b.noProbePods(t)
}

func TestInitMakesTheNamespace(t *testing.T) {
	t.Parallel()
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
	b.namespace += "-new"
	b.run(t, b.initArgs("--no-wait")...).want(t, 3, "namespace "+b.namespace+" does not exist", "--create-namespace")
	b.play(t)
	b.run(t, b.initArgs("--create-namespace")...).want(t, 0, "Namespace "+b.namespace+": created")
}

// TestInitWithoutOutput needs no roles and makes no right to write Secrets.
func TestInitWithoutOutput(t *testing.T) {
	t.Parallel()
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
	got := b.run(t, b.initArgs("--access", "none", "--roles", "", "-o", "json")...)
	got.want(t, 0)
	for _, resource := range got.document(t).Resources {
		if resource.Kind == "Role" || resource.Kind == "RoleBinding" {
			t.Errorf("%s %s was made without an output", resource.Kind, resource.Name)
		}
	}
}

// TestAnswers holds that a saved run repeats itself, renders without a cluster, and stays with its clusters.
func TestAnswers(t *testing.T) {
	t.Parallel()
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
	b.play(t)
	saved := b.path("answers.yaml")
	b.run(t, b.initArgs("--save", saved)...).want(t, 0)
	b.noSecrets(t, outcome{stdout: b.read(t, saved)})

	first := runWith(t, noClusters(t), "", "render", "--from", saved)
	second := runWith(t, noClusters(t), b.read(t, saved), "render", "--from", "-")
	first.want(t, 0, "kind: Deployment", "kind: token")
	if first.stdout != second.stdout {
		t.Error("the same answers rendered to other bytes")
	}
	again := b.run(
		t, "init", "--non-interactive", "--yes", "--from", saved, "--kubeconfig", b.plane.KubeconfigFile(),
		"--identity", b.path("admin.identity"), "-o", "json",
	)
	again.want(t, 0)
	for _, resource := range again.document(t).Resources {
		if resource.Action != "same" {
			t.Errorf("%s %s: %s after a run from its own answers", resource.Kind, resource.Name, resource.Action)
		}
	}

	other := newBench(t, testkit.SelfManaged, teleporttest.Options{ClusterName: "other.example.com"})
	stray := other.run(
		t, "init", "--non-interactive", "--yes", "--from", saved, "--kubeconfig", other.plane.KubeconfigFile(),
		"--identity", other.path("admin.identity"), "--proxy", other.teleport.Addr(), "--proxy-ca", other.path("web-ca.pem"),
	)
	stray.want(t, 3, "the answers were made for Teleport cluster", "nothing was done")
}

func (b *bench) read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
