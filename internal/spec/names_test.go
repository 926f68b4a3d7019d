package spec_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/tbotctl/tbotctl/internal/spec"
)

func TestNamesFollowTheBaseName(t *testing.T) {
	t.Parallel()
	setup := spec.Default()
	setup.Name, setup.Kubernetes.Namespace = "ci", "machines"
	want := spec.Names{
		Namespace: "machines", ServiceAccount: "ci", Role: "ci-output", RoleBinding: "ci-output", RoleNamespace: "machines",
		ConfigMap: "ci-config", Deployment: "ci", OutputSecret: "ci-output",
	}
	if diff := cmp.Diff(want, setup.Names()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	want.Bot, want.Token = "ci-1a2b3c4d", "ci-1a2b3c4d"
	if diff := cmp.Diff(want, setup.WithClusterID("1a2b3c4d").Names()); diff != "" {
		t.Errorf("with a cluster (-want +got):\n%s", diff)
	}
	if setup.Teleport.BotName != "" {
		t.Error("WithClusterID changes the Setup that it is called on")
	}
	setup.Access = spec.AccessNone
	if secret := setup.Names().OutputSecret; secret != "" {
		t.Errorf("access none has an output Secret %q", secret)
	}
}

func TestNamesGivenWin(t *testing.T) {
	t.Parallel()
	setup := everything().WithClusterID("1a2b3c4d")
	names := setup.Names()
	if names.Bot != "ci" || names.Token != "ci-token" || names.ServiceAccount != "ci-bot" || names.OutputSecret != "credentials" {
		t.Errorf("names = %+v", names)
	}
	if got := setup.ServiceAccountRef(); got != "machines:ci-bot" {
		t.Errorf("ServiceAccountRef = %q", got)
	}
	if got := setup.ServiceAccountUser(); got != "system:serviceaccount:machines:ci-bot" {
		t.Errorf("ServiceAccountUser = %q", got)
	}
}

// Whatever Validate lets through gives names that Kubernetes takes.
func TestNamesOfTheLongestNameAreValid(t *testing.T) {
	t.Parallel()
	setup := spec.Default()
	setup.Name = strings.Repeat("a", 45)
	if err := setup.Validate(); err != nil {
		t.Fatal(err)
	}
	names := setup.WithClusterID("1a2b3c4d").Names()
	for _, name := range []string{names.ServiceAccount, names.Role, names.RoleBinding, names.ConfigMap, names.Deployment, names.OutputSecret, names.Bot, names.Token} {
		if problems := validation.IsDNS1123Label(name); len(problems) > 0 {
			t.Errorf("%q: %v", name, problems)
		}
	}
}

func TestInstallIDNamesBothClusters(t *testing.T) {
	t.Parallel()
	setup := spec.Default()
	setup.Kubernetes.Namespace, setup.Teleport.ClusterName = "machines", "asked"
	if got := setup.InstallID(); got != "unidentified/asked/machines/tbot" {
		t.Errorf("before discovery: %q", got)
	}
	setup.Resolved = &spec.Resolved{ClusterName: "main", ClusterID: "1a2b3c4d"}
	if got := setup.InstallID(); got != "1a2b3c4d/main/machines/tbot" {
		t.Errorf("after discovery: %q", got)
	}
	setup.Resolved.ClusterID = ""
	if got := setup.InstallID(); got != "unidentified/main/machines/tbot" {
		t.Errorf("without a cluster identity: %q", got)
	}
}

func TestClusterIDKeepsItsPartsApart(t *testing.T) {
	t.Parallel()
	// SHA-256 of the text, computed with sha256sum.
	if got := spec.ClusterID("5f1c9f0e-0000-4000-8000-000000000001"); got != "f53d66a7" {
		t.Errorf("ClusterID = %q", got)
	}
	if spec.ClusterID("ab", "c") == spec.ClusterID("a", "bc") {
		t.Error("two clusters share an ID")
	}
}

func TestReadInstall(t *testing.T) {
	t.Parallel()
	setup := spec.Default()
	setup.Kubernetes.Namespace = "machines"
	setup.Resolved = &spec.Resolved{ClusterName: "main", ClusterID: "1a2b3c4d"}
	got, marked := spec.ReadInstall(setup.InstallID())
	if want := (spec.Install{ClusterID: "1a2b3c4d", ClusterName: "main", Namespace: "machines", Name: "tbot"}); got != want || !marked {
		t.Errorf("%+v, %v, want %+v", got, marked, want)
	}
	for _, mark := range []string{"", "somebody/else", "a/b/c/d/e"} {
		if got, marked := spec.ReadInstall(mark); marked {
			t.Errorf("%q is read as %+v", mark, got)
		}
	}
	if other := (spec.Install{ClusterID: "ffffffff", ClusterName: "other", Namespace: "machines", Name: "tbot"}); !got.SamePlace(other) {
		t.Error("an installation of other clusters is not seen to have the same place")
	}
}
