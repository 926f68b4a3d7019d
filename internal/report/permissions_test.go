package report_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/tbotctl/tbotctl/internal/golden"
	"github.com/tbotctl/tbotctl/internal/report"
	"github.com/tbotctl/tbotctl/internal/rights"
	"github.com/tbotctl/tbotctl/internal/spec"
)

func TestPermissionsForPeople(t *testing.T) {
	t.Parallel()
	reaching := spec.Default()
	reaching.Kubernetes.Namespace, reaching.Teleport.BotName, reaching.Access = "machines", "robot", spec.AccessKubernetes
	reaching.Reach = spec.Reach{Labels: []map[string]string{{"env": "prod"}}, Groups: []string{"readers"}, Contexts: []string{"prod-eu"}}
	made := spec.Default()
	made.Kubernetes.Namespace, made.Kubernetes.CreateNamespace = "machines", true
	for name, row := range map[string]struct {
		list   rights.List
		target bool
	}{
		"permissions-init":          {rights.Init(reaching, rights.InitHow{Proves: true, Waits: true}), false},
		"permissions-init-targets":  {rights.Init(reaching, rights.InitHow{Proves: true, Waits: true}), true},
		"permissions-new-namespace": {rights.Init(made, rights.InitHow{NewNamespace: true, Proves: true}), false},
		"permissions-verify-side":   {rights.Verify(made, true).Side(spec.SideTeleport), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var text bytes.Buffer
			if err := report.Permissions(&text, row.list, row.target, 80); err != nil {
				t.Fatal(err)
			}
			golden.Assert(t, name+".txt", text.Bytes())
			for _, line := range strings.Split(text.String(), "\n") {
				if len(line) > 90 {
					t.Errorf("too long: %q", line)
				}
			}
		})
	}
}
