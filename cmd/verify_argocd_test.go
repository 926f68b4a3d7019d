package cmd_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/tbotctl/tbotctl/internal/teleporttest"
	"github.com/tbotctl/tbotctl/internal/testkit"
)

// For Argo CD each matched cluster is a Secret, and whether the pod could write it is asked as the pod: of one Secret at a time.
func TestVerifyArgoCD(t *testing.T) {
	t.Parallel()
	var clusters []teleporttest.KubeCluster
	for _, name := range []string{"alpha", "beta", "gamma"} {
		clusters = append(clusters, teleporttest.KubeCluster{Name: name, Labels: map[string]string{"env": "prod"}})
	}
	clusters = append(clusters, teleporttest.KubeCluster{Name: "delta", Labels: map[string]string{"env": "dev"}})
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{KubeClusters: clusters})
	b.teleport.AddRole(kubeRole([]string{"readers"}, nil))
	b.healthy(t, "--save", b.path("answers.yaml"), "--roles", "kube")
	config := b.tbotYAML(t, "  - type: kubernetes/argo-cd\n    selectors:\n      - labels: {env: prod}\n")
	args := b.verifyArgs("--config", config)

	b.leavesNothing(t, b.bot(t), func() {
		got := b.run(t, append(args, "-o", "json")...)
		got.want(t, 3) // the Role that init made is for another Secret
		b.noSecrets(t, got)
		output := verifiedOf(t, got).Proof.Outputs[0]
		if !slices.Equal(output.Clusters, []string{"alpha", "beta", "gamma"}) || len(output.Writes) != 3 {
			t.Errorf("the output is %+v", output)
		}
		if output.Cause == nil || output.Cause.ID != "P20" {
			t.Errorf("the cause is %+v", output.Cause)
		}
		for _, write := range output.Writes {
			if write.Status != "refused" || !strings.HasPrefix(write.Place, "Secret "+b.namespace+"/") || !strings.Contains(write.Why, "forbidden") {
				t.Errorf("write %+v", write)
			}
		}
	})
	table := b.run(t, args...)
	table.want(t, 3, "FAILED", "alpha, beta, gamma", "forbidden", "do: ")
	table.narrow(t)

	b.kubectl(t, "create", "role", "argo", "--resource=secrets", "--verb=get,update")
	b.kubectl(t, "create", "rolebinding", "argo", "--role=argo", "--serviceaccount="+b.namespace+":tbot")
	lacking := verifiedOf(t, b.run(t, append(args, "-o", "json")...))
	if cause := lacking.Proof.Outputs[0].Cause; cause == nil || cause.ID != "P20" || !strings.Contains(lacking.Proof.Outputs[0].Writes[0].Why, "cannot create") {
		t.Errorf("without create: %+v, %+v", cause, lacking.Proof.Outputs[0].Writes)
	}

	b.kubectl(t, "delete", "role", "argo")
	b.kubectl(t, "create", "role", "argo", "--resource=secrets", "--verb=get,create,update")
	b.leavesNothing(t, b.bot(t), func() {
		got := b.run(t, args...)
		got.want(t, 0, "PROVEN", "to 3 places")
		if n := strings.Count(got.flat(), "the pod could write Secret "+b.namespace+"/"); n != 3 {
			t.Errorf("%d places are told of", n)
		}
		got.narrow(t)
	})
}
