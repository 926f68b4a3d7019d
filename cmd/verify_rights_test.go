package cmd_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/tbotctl/tbotctl/internal/teleporttest"
	"github.com/tbotctl/tbotctl/internal/testkit"
)

// verifyRights are all that verify needs in a namespace, written down by hand.
func verifyRights() []right {
	return slices.Concat(
		rightOn("apps", "deployments", "", "get", "list"), rightOn("", "configmaps", "", "get"), rightOn("", "pods", "", "list", "create", "delete"),
		rightOn("", "serviceaccounts", "", "get"), rightOn("", "serviceaccounts/token", "", "create"),
	)
}

// evidenceRights are all that verify --evidence needs there.
func evidenceRights() []right {
	return slices.Concat(
		rightOn("apps", "deployments", "", "get", "list"), rightOn("", "configmaps", "", "get"), rightOn("", "secrets", "", "get"), rightOn("", "pods", "", "list"),
	)
}

// TestVerifyRights holds that verify runs through with the least rights, and that the right to the pod's token is named where it lacks.
func TestVerifyRights(t *testing.T) {
	t.Parallel()
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
	b.healthy(t, "--save", b.path("answers.yaml"))
	for name, row := range map[string]struct {
		rights []right
		args   []string
		code   int
		says   []string
	}{
		"all":      {verifyRights(), nil, 0, []string{"PROVEN", "was removed"}},
		"evidence": {evidenceRights(), []string{"--evidence"}, 0, []string{"OK"}},
		"no token": {
			slices.DeleteFunc(verifyRights(), func(r right) bool { return strings.Contains(r.text, "token") }), nil, 3,
			[]string{"serviceaccounts/token", "create"},
		},
		"no configmaps": {
			slices.DeleteFunc(verifyRights(), func(r right) bool { return strings.Contains(r.text, "configmaps") }), nil, 3, []string{"configmaps"},
		},
		"no deployments": {
			slices.DeleteFunc(verifyRights(), func(r right) bool { return strings.Contains(r.text, "deployments") }), nil, 3, []string{"deployments"},
		},
		"no deployments, for evidence": {rightOn("", "pods", "", "list"), []string{"--evidence"}, 5, []string{"deployments"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			user := strings.NewReplacer(" ", "-", ",", "").Replace(name) + "-" + b.namespace
			args := append(b.verifyArgs("--kubeconfig", b.userWith(t, user, row.rights)), row.args...)
			got := b.run(t, args...)
			got.want(t, row.code, row.says...)
			got.narrow(t)
			verifiedOf(t, b.run(t, append(args, "-o", "json")...))
		})
	}
}
