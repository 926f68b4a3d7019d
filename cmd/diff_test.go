package cmd_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/tbotctl/tbotctl/internal/teleporttest"
	"github.com/tbotctl/tbotctl/internal/testkit"
)

// diffDocument is what a script reads of `diff -o json`.
type diffDocument struct {
	SchemaVersion int
	Setup         struct{ Bot, Token, Install string }
	JoinType      struct{ Chosen string }
	Differs       bool
	Resources     []struct {
		System, Kind, Name, Action string
		Reason, Manager, Manifest  string
		Applied                    bool
		Changes                    []struct{ Path, Live, Wanted string }
	}
	Error string
}

func diffOf(t *testing.T, got outcome) diffDocument {
	t.Helper()
	var document diffDocument
	if err := json.Unmarshal([]byte(got.stdout), &document); err != nil {
		t.Fatalf("stdout is not one JSON document: %v\n%s", err, got.stdout)
	}
	return document
}

// diffArgs are init's flags as diff takes them.
func (b *bench) diffArgs(more ...string) []string {
	args := []string{"diff"}
	for _, arg := range b.initArgs(more...)[1:] {
		if arg != "--yes" {
			args = append(args, arg)
		}
	}
	return args
}

// TestDiff follows a setup from nothing over init to a change by another hand; diff sees each and writes nothing.
func TestDiff(t *testing.T) {
	t.Parallel()
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{})

	before := b.run(t, b.diffArgs("-o", "json")...)
	before.want(t, 3, "7 of 7 resources differ")
	document := diffOf(t, before)
	if document.SchemaVersion != 1 || !document.Differs || len(document.Resources) != 7 || document.JoinType.Chosen != "static_jwks" || document.Error != "" {
		t.Errorf("document %+v", document)
	}
	for _, resource := range document.Resources {
		if resource.Action != "create" || resource.Applied {
			t.Errorf("%s %s: %s, applied %v", resource.Kind, resource.Name, resource.Action, resource.Applied)
		}
	}
	b.nothingWritten(t)

	b.run(t, b.initArgs("--no-wait", "--prove", "never")...).want(t, 0)
	writes := len(b.kubernetesWrites(t))
	b.teleport.Reset()
	same := b.run(t, b.diffArgs()...)
	same.want(t, 0, "  = Deployment "+b.namespace+"/tbot\n", "  = bot "+document.Setup.Bot+"\n")
	if got := diffOf(t, b.run(t, b.diffArgs("-o", "json")...)); got.Differs {
		t.Errorf("document %+v, want no difference", got)
	}

	changed := b.run(t, b.diffArgs("--roles", "access,auditor", "--limits", "memory=1Gi")...)
	changed.want(t, 3, "2 of 7 resources differ", "  ~ bot "+document.Setup.Bot, "spec.roles[1]: (none) -> auditor", "memory: 512Mi -> 1Gi")
	if !strings.Contains(changed.stdout, "spec.roles[1]") {
		t.Errorf("the differences are not on stdout:\n%s", changed.stdout)
	}
	if now := b.kubernetesWrites(t); len(now) != writes {
		t.Errorf("diff wrote to Kubernetes: %v", now[writes:])
	}
	for _, request := range b.teleport.Requests() {
		if request.Write {
			t.Errorf("diff wrote to Teleport: %s", request.Method)
		}
	}
}

func TestDiffShowsWhatOthersMade(t *testing.T) {
	t.Parallel()
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
	b.kubectl(t, "create", "configmap", "tbot-config", "--from-literal", "tbot.yaml=theirs")
	got := b.run(t, b.diffArgs()...)
	got.want(t, 3, "  ! ConfigMap "+b.namespace+"/tbot-config: not made by tbotctl")
	b.noSecrets(t, got)
}

func TestDiffThatCannotLook(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		more []string
		code int
		want string
	}{
		"proxy unreachable": {[]string{"--proxy", closedPort(t)}, 1, "cannot be reached"},
		"no Teleport login": {[]string{"--identity", "/nowhere/identity"}, 4, "does not exist"},
		"bad name":          {[]string{"--name", "a b"}, 2, `"a b"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
			b.run(t, b.diffArgs(row.more...)...).want(t, row.code, row.want)
		})
	}
}

// kubectl changes something by another hand than ours.
func (b *bench) kubectl(t *testing.T, args ...string) {
	t.Helper()
	if _, stderr, err := b.plane.Kubectl(t.Context(), nil, append([]string{"--namespace", b.namespace}, args...)...); err != nil {
		t.Fatalf("kubectl %s: %v\n%s", strings.Join(args, " "), err, stderr)
	}
}
