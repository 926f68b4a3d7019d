package proof

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/manifests"
)

// TestProbePodCarriesEachFlag: what a policy judges of the Deployment's pod by an answer, it judges of the probe pod too.
func TestProbePodCarriesEachFlag(t *testing.T) {
	t.Parallel()
	const patch = `{apiVersion: apps/v1, kind: Deployment, metadata: {name: tbot}, spec: {template: {metadata: {labels: {tier: gold}}, spec: {hostAliases: [{ip: 192.0.2.1}]}}}}`
	path := filepath.Join(t.TempDir(), "patch.yaml")
	if err := os.WriteFile(path, []byte(patch), 0o600); err != nil {
		t.Fatal(err)
	}
	for flag, row := range map[string]struct {
		value string
		// parts are in the pod's JSON with the flag, and not without; gone the other way round.
		parts, gone []string
	}{
		"labels":            {"team=shop", []string{`"team":"shop"`}, nil},
		"annotations":       {"example.com/contact=ann", []string{`"example.com/contact":"ann"`}, nil},
		"env":               {"HTTPS_PROXY=http://egress:3128", []string{`{"name":"HTTPS_PROXY","value":"http://egress:3128"}`}, nil},
		"requests":          {"cpu=75m,memory=64Mi", []string{`"requests":{"cpu":"75m","memory":"64Mi"}`}, []string{`"cpu":"50m"`}},
		"limits":            {"memory=256Mi", []string{`"limits":{"memory":"256Mi"}`}, []string{`"512Mi"`}},
		"node-selector":     {"disk=ssd", []string{`"nodeSelector":{"disk":"ssd"}`}, nil},
		"toleration":        {"spot:NoSchedule", []string{`{"key":"spot","operator":"Exists","effect":"NoSchedule"}`}, nil},
		"priority-class":    {"high", []string{`"priorityClassName":"high"`}, nil},
		"image-pull-secret": {"login", []string{`"imagePullSecrets":[{"name":"login"}]`}, nil},
		"telemetry":         {"true", []string{"TELEPORT_ANONYMOUS_TELEMETRY"}, nil},
		"registry":          {"registry.example.com/mirror", []string{`"image":"registry.example.com/mirror/tbot-distroless:18.2.0"`}, []string{"public.ecr.aws"}},
		"image":             {"registry.example.com/tbot:mine", []string{`"image":"registry.example.com/tbot:mine"`}, []string{"public.ecr.aws"}},
		"platform":          {"openshift", nil, []string{`"runAsUser"`, `"runAsGroup"`}},
		"patch":             {path, []string{`"tier":"gold"`, `"hostAliases":[{"ip":"192.0.2.1"}]`}, nil},
		"service-account":   {"ci-bot", []string{`"serviceAccountName":"ci-bot"`, `"kind":"ServiceAccount","name":"ci-bot"`}, nil},
	} {
		t.Run(flag, func(t *testing.T) {
			t.Parallel()
			with, without := probeJSON(t, flag, row.value), probeJSON(t, "", "")
			for _, part := range row.parts {
				if !strings.Contains(with, part) || strings.Contains(without, part) {
					t.Errorf("%s is not in the pod, or always:\n%s", part, with)
				}
			}
			for _, part := range row.gone {
				if strings.Contains(with, part) || !strings.Contains(without, part) {
					t.Errorf("%s is still in the pod, or never:\n%s", part, with)
				}
			}
		})
	}
}

// probeJSON is the probe pod of a setup with one answer given.
func probeJSON(t *testing.T, flag, value string) string {
	t.Helper()
	s := spec.Default()
	s.Kubernetes.Namespace, s.Teleport.Proxy, s.Teleport.Roles = "machines", "teleport.example.com:443", []string{"access"}
	for _, field := range spec.Fields() {
		if field.Flag == flag {
			if err := field.Set(&s, value); err != nil {
				t.Fatal(err)
			}
		}
	}
	s = s.WithClusterID("1a2b3c4d")
	s.Resolved = &spec.Resolved{
		ClusterName: "lab.example.com", ServerVersion: "18.2.0", Image: s.Workload.ImageFor("18.2.0", false),
		JoinType: spec.JoinOIDC, Issuer: "https://issuer.example.com", ClusterID: "1a2b3c4d",
	}
	set, err := manifests.Render(s)
	if err != nil {
		t.Fatal(err)
	}
	deployment, err := set.Deployment()
	if err != nil {
		t.Fatal(err)
	}
	pod, err := probePod(deployment, "uid", time.Unix(0, 0))
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(pod)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
