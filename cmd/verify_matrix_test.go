package cmd_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/tbotctl/tbotctl/internal/teleporttest"
	"github.com/tbotctl/tbotctl/internal/testkit"
)

// enrolled are the Kubernetes clusters of the benches that are about them.
func enrolled() []teleporttest.KubeCluster {
	return []teleporttest.KubeCluster{
		{Name: "alpha", Labels: map[string]string{"env": "prod"}}, {Name: "beta", Labels: map[string]string{"env": "dev"}},
	}
}

// Each trouble of an output is told in Teleport's words and in ours, with what mends it, and exit code 3.
func TestVerifyMatrix(t *testing.T) {
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{KubeClusters: enrolled()})
	b.healthy(t, "--save", b.path("answers.yaml"))
	bot := b.bot(t)
	secret := "    destination:\n      type: kubernetes_secret\n      name: tbot-output\n"
	for name, row := range map[string]struct {
		outputs      string
		before       func(t *testing.T)
		id           string
		teleportSays string
		says         []string
	}{
		"a role that the bot has not": {
			outputs: "  - type: identity\n" + secret + "    roles: [editor]\n",
			id:      "P23", teleportSays: "has requested role impersonation for", says: []string{"editor"},
		},
		"a cluster that Teleport does not know": {
			outputs: "  - type: kubernetes\n    kubernetes_cluster: gamma\n    disable_exec_plugin: true\n" + secret,
			id:      "P23", teleportSays: `"gamma"`, says: []string{"kube_server"},
		},
		"labels that match nothing": {
			outputs: "  - type: kubernetes/v2\n    selectors:\n      - labels: {env: staging}\n    disable_exec_plugin: true\n" + secret,
			id:      "P27", says: []string{"no cluster"},
		},
		"a Secret that the pod may not write": {
			outputs: "  - type: identity\n    destination:\n      type: kubernetes_secret\n      name: elsewhere\n",
			id:      "P20", teleportSays: "forbidden", says: []string{"Role"},
		},
		"a bot without roles": {
			outputs: "  - type: identity\n" + secret,
			before: func(t *testing.T) {
				t.Helper()
				stored, _ := b.teleport.Bot(bot)
				roles := stored.GetSpec().GetRoles()
				stored.Spec.Roles = nil
				b.teleport.PutBot(stored)
				t.Cleanup(func() { stored.Spec.Roles = roles; b.teleport.PutBot(stored) })
			},
			id: "P23", teleportSays: "at least one role request is required", says: []string{"--set-roles"},
		},
		"a role that is not there": {
			outputs: "  - type: identity\n" + secret,
			before: func(t *testing.T) {
				t.Helper()
				stored, _ := b.teleport.Bot(bot)
				roles := stored.GetSpec().GetRoles()
				stored.Spec.Roles = []string{"ghost"}
				b.teleport.PutBot(stored)
				t.Cleanup(func() { stored.Spec.Roles = roles; b.teleport.PutBot(stored) })
			},
			id: "P23", teleportSays: "ghost", says: []string{"no role"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if row.before != nil {
				row.before(t)
			}
			got := b.run(t, b.verifyArgs("-o", "json", "--config", b.tbotYAML(t, row.outputs))...)
			got.want(t, 3)
			b.noSecrets(t, got)
			document := verifiedOf(t, got)
			if document.Status != "failed" || document.Proof.User != "bot-"+bot || len(document.Proof.Outputs) != 1 {
				t.Fatalf("status %s, outputs %+v", document.Status, document.Proof.Outputs)
			}
			output := document.Proof.Outputs[0]
			if output.Cause == nil || output.Cause.ID != row.id || output.Cause.Fix == "" {
				t.Fatalf("the cause is %+v, want %s", output.Cause, row.id)
			}
			said := output.Error
			for _, write := range output.Writes {
				said += write.Why
			}
			if !strings.Contains(said, row.teleportSays) {
				t.Errorf("the servers' words are %q, want %q in them", said, row.teleportSays)
			}
			all := strings.Join([]string{output.Cause.Cause, output.Cause.Observed, output.Cause.Expected, output.Cause.Fix}, "\n")
			for _, part := range row.says {
				if !strings.Contains(all, part) {
					t.Errorf("the explanation does not say %q:\n%s", part, all)
				}
			}
		})
	}
	b.noProbePods(t)
}

// An output that the server or the pod's tbot is too old for is not called proven because a newer tbot can make it.
func TestVerifyOutputTooNew(t *testing.T) {
	for name, row := range map[string]struct{ version, image, outputs, says, fix string }{
		"the image":     {"18.2.0", "17.2.6", "  - type: kubernetes/v2\n    selectors:\n      - name: alpha\n", "17.2.7", "tbot=public.ecr.aws/gravitational/tbot-distroless:18.2.0"},
		"selectors":     {"17.2.6", "", "  - type: kubernetes/v2\n    selectors:\n      - name: alpha\n", "17.2.7", "type kubernetes"},
		"Argo CD":       {"18.1.6", "", "  - type: kubernetes/argo-cd\n    selectors:\n      - name: alpha\n", "18.1.7", "take the output out"},
		"one that fits": {"17.2.7", "", "  - type: kubernetes/v2\n    selectors:\n      - name: alpha\n", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, testkit.SelfManaged, teleporttest.Options{Version: row.version, KubeClusters: enrolled()})
			b.healthy(t, "--save", b.path("answers.yaml"))
			if row.image != "" {
				b.kubectl(t, "set", "image", "deployment/tbot", "tbot=public.ecr.aws/gravitational/tbot-distroless:"+row.image)
			}
			outputs := row.outputs
			if strings.Contains(outputs, "kubernetes/v2") {
				outputs += "    destination: {type: memory}\n"
			}
			got := b.run(t, b.verifyArgs("-o", "json", "--config", b.tbotYAML(t, outputs))...)
			output := verifiedOf(t, got).Proof.Outputs[0]
			if row.says == "" {
				if got.want(t, 0); output.Cause != nil {
					t.Errorf("a cause where there is no trouble: %+v", output.Cause)
				}
				return
			}
			got.want(t, 3)
			if output.Cause == nil || output.Cause.ID != "P33" || !strings.Contains(output.Cause.Expected, row.says) || !strings.Contains(output.Cause.Fix, row.fix) {
				t.Errorf("the cause is %+v, want P33 that names %s", output.Cause, row.says)
			}
		})
	}
}

// One output that fails hides nothing of the others.
func TestVerifySeveralOutputs(t *testing.T) {
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{KubeClusters: enrolled()})
	b.healthy(t, "--save", b.path("answers.yaml"))
	memory := "    destination: {type: memory}\n"
	config := b.tbotYAML(t, "  - type: identity\n"+memory+"    roles: [editor]\n"+
		"  - type: application\n    app_name: dumper\n"+memory+
		"  - type: kubernetes/v2\n    selectors:\n      - name: alpha\n"+memory)
	got := b.run(t, b.verifyArgs("-o", "json", "--config", config)...)
	got.want(t, 3)
	document := verifiedOf(t, got)
	if len(document.Proof.Outputs) != 3 {
		t.Fatalf("outputs: %+v", document.Proof.Outputs)
	}
	for i, want := range []func(verifiedOutput) bool{
		func(o verifiedOutput) bool { return o.Error != "" && o.Cause != nil },
		func(o verifiedOutput) bool { return o.NotExercised != "" && o.Error == "" },
		func(o verifiedOutput) bool {
			return o.Error == "" && o.Cause == nil && slices.Equal(o.Clusters, []string{"alpha"}) && slices.Contains(o.Files, "kubeconfig.yaml")
		},
	} {
		if !want(document.Proof.Outputs[i]) {
			t.Errorf("output %d: %+v", i+1, document.Proof.Outputs[i])
		}
	}
}

func TestVerifyUsage(t *testing.T) {
	for _, args := range [][]string{
		{"--runtime", "docker"},
		{"--lint"},
		{"--lint", "--config", "x", "--evidence"},
		{"--for-server", "18.0.0"},
		{"--lint", "--config", "x", "--for-server", "new"},
		{"--evidence", "--write", "x"},
		{"--max-age", "1h"},
		{"--evidence", "--max-age", "0s"},
		{"--write", "x", "--runtime", "pod"},
		{"--lint", "--config", "/does/not/exist"},
	} {
		got := runWith(t, noClusters(t), "", append([]string{"verify", "--non-interactive", "--context", "c"}, args...)...)
		if got.code != 2 {
			t.Errorf("verify %v: exit code %d\n%s", args, got.code, got.stderr)
		}
	}
}
