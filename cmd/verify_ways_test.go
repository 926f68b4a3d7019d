package cmd_test

import (
	"bytes"
	"context"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tbotctl/tbotctl/cmd"
	"github.com/tbotctl/tbotctl/internal/teleporttest"
	"github.com/tbotctl/tbotctl/internal/testkit"
	"github.com/tbotctl/tbotctl/internal/ui"
)

// The kubeconfigs that --write leaves are good for kubectl as they are, through the Teleport cluster.
func TestVerifyWriteKubeconfig(t *testing.T) {
	plane := testkit.Shared(t, testkit.SelfManaged)
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{KubeClusters: []teleporttest.KubeCluster{
		{Name: "alpha", Labels: map[string]string{"env": "prod"}, Upstream: plane.RESTConfig()},
	}})
	b.teleport.AddRole(kubeRole([]string{b.namespace + "-readers"}, nil))
	b.healthy(t, "--save", b.path("answers.yaml"), "--roles", "kube")
	b.kubectl(t, "create", "rolebinding", "readers", "--clusterrole=view", "--group="+b.namespace+"-readers")
	memory := "    destination: {type: memory}\n"
	config := b.tbotYAML(t, "  - type: kubernetes/v2\n    selectors:\n      - labels: {env: prod}\n"+memory+
		"  - type: kubernetes\n    kubernetes_cluster: alpha\n"+memory)
	dir := filepath.Join(b.dir, "try")
	got := b.run(t, b.verifyArgs("--config", config, "--write", dir, "--yes", "-o", "json")...)
	got.want(t, 0)
	b.noSecrets(t, got)
	if outputs := verifiedOf(t, got).Proof.Outputs; len(outputs) != 2 || len(outputs[0].KubernetesGroups) != 1 || outputs[0].Clusters[0] != "alpha" {
		t.Errorf("the outputs are %+v", outputs)
	}
	assets, err := testkit.AssetsDir(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, folder := range []string{"kubernetes-v2-1", "kubernetes-1"} {
		kubectl := exec.CommandContext(t.Context(), filepath.Join(assets, "kubectl"), "--kubeconfig", filepath.Join(dir, folder, "kubeconfig.yaml"),
			"--namespace", b.namespace, "get", "configmaps", "-o", "name")
		said, err := kubectl.CombinedOutput()
		if err != nil || !strings.Contains(string(said), "configmap/tbot-config") {
			t.Errorf("kubectl by %s: %v\n%s", folder, err, said)
		}
	}
}

// Behind a load balancer that ends TLS the join goes over HTTP and the outputs by the websocket upgrade; one for Argo CD is refused, as
// tbot refuses it.
func TestVerifyBehindLoadBalancer(t *testing.T) {
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{KubeClusters: enrolled()})
	b.healthy(t, "--save", b.path("answers.yaml"))
	behind := newBench(t, testkit.SelfManaged, teleporttest.Options{BehindL7LB: true, KubeClusters: enrolled()})
	behind.run(t, behind.initArgs("--no-wait", "--save", behind.path("answers.yaml"))...).want(t, 0)
	behind.run(t, behind.verifyArgs()...).want(t, 0, "HTTP", "identity-1")
	config := b.tbotYAML(t, "  - type: kubernetes/argo-cd\n    selectors:\n      - name: alpha\n")
	text := strings.NewReplacer(b.teleport.Addr(), behind.teleport.Addr(), b.bot(t), behind.bot(t)).Replace(b.read(t, config))
	behind.write(t, "argo.yaml", []byte(text))
	behind.run(t, behind.verifyArgs("--config", behind.path("argo.yaml"))...).want(t, 3, "P30", "load balancer")
}

// Ctrl-C in the middle leaves no pod and no bot instance, wherever it comes.
func TestVerifyInterrupted(t *testing.T) {
	for _, at := range []string{"RegisterUsingToken", "GenerateUserCerts"} {
		t.Run(at, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			b := newBench(t, testkit.SelfManaged, teleporttest.Options{Before: func(asked context.Context, r teleporttest.Request) error {
				if strings.HasSuffix(r.Method, at) {
					cancel()
					<-asked.Done()
					return asked.Err()
				}
				return nil
			}})
			b.run(t, b.initArgs("--no-wait", "--prove", "never", "--save", b.path("answers.yaml"))...).want(t, 0)
			var stdout, stderr bytes.Buffer
			factory := cmd.NewFactory(&ui.Streams{In: strings.NewReader(""), Out: &stdout, Err: &stderr, Width: 80}, func(string) (string, bool) { return "", false })
			if code := cmd.Main(ctx, factory, b.verifyArgs()); code != 130 {
				t.Errorf("exit code %d\n%s\n%s", code, stdout.String(), stderr.String())
			}
			b.noProbePods(t)
			if left := b.teleport.Instances(b.bot(t)); len(left) != 0 {
				t.Errorf("%d bot instances are left behind", len(left))
			}
		})
	}
}

// A private authority that the pod trusts for the proxy is trusted here too, without being named again.
func TestVerifyTrustsWhatThePodTrusts(t *testing.T) {
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
	b.healthy(t)
	b.run(t, "verify", "--non-interactive", "--kubeconfig", b.plane.KubeconfigFile(), "--context", b.plane.Flavour().String(), "--namespace", b.namespace).
		want(t, 0, "PROVEN")
	b.run(t, "doctor", "--non-interactive", "--kubeconfig", b.plane.KubeconfigFile(), "--context", b.plane.Flavour().String(), "--namespace", b.namespace).
		want(t, 0, "OK")
}
