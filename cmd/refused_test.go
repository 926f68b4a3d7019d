package cmd_test

import (
	"errors"
	"net/http"
	"slices"
	"testing"
	"time"

	headerv1 "github.com/gravitational/teleport/api/gen/proto/go/teleport/header/v1"
	machineidv1 "github.com/gravitational/teleport/api/gen/proto/go/teleport/machineid/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tbotctl/tbotctl/internal/teleporttest"
	"github.com/tbotctl/tbotctl/internal/testkit"
)

type refusing struct{}

func (refusing) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, errors.New("no route to the issuer")
}

// TestRefusedJoinLeavesNoDeployment holds that a join that Teleport turns down ends the run with Teleport's words, exit code 3
// and nothing running: here Teleport cannot read an issuer that this machine can (field-notes P11).
func TestRefusedJoinLeavesNoDeployment(t *testing.T) {
	t.Parallel()
	b := newBench(t, testkit.CloudLike, teleporttest.Options{})
	b.teleport = teleporttest.New(t, teleporttest.Options{OIDCClient: &http.Client{Transport: refusing{}}})
	identity, err := b.teleport.IdentityFile("admin", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	b.write(t, "admin.identity", identity)
	b.write(t, "web-ca.pem", b.teleport.WebCAPEM())

	got := b.run(t, b.initArgs("-o", "json")...)
	got.want(t, 3, "Teleport refused the join: reviewing kubernetes token with oidc")
	document := got.document(t)
	if document.Proof.Status != "failed" || document.Proof.Error == "" {
		t.Errorf("proof %+v, want failed with the reason", document.Proof)
	}
	for _, resource := range document.Resources {
		late := resource.Kind == "Deployment" || resource.Kind == "ConfigMap"
		if resource.Applied == late {
			t.Errorf("%s %s: applied %v", resource.Kind, resource.Name, resource.Applied)
		}
	}
	_, err = b.plane.Client().AppsV1().Deployments(b.namespace).Get(t.Context(), "tbot", metav1.GetOptions{})
	if !apierrors.IsNotFound(err) {
		t.Errorf("a Deployment was made: %v", err)
	}
	b.noProbePods(t)
	b.noSecrets(t, got)
}

// TestRolloutNotReady holds that a pod that cannot start ends in its own reason.
func TestRolloutNotReady(t *testing.T) {
	t.Parallel()
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
	got := b.run(t, b.initArgs("--image", "registry.example.com/tbot:0.0.0-missing", "--timeout", "6s")...)
	got.want(t, 3, "the Deployment is not ready after", "ImagePull", "the same command goes on from here")
	b.noProbePods(t)
}

// TestForeignObjectsAreLeftAlone holds that what somebody else made is shown and not written.
func TestForeignObjectsAreLeftAlone(t *testing.T) {
	t.Parallel()
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
	_, stderr, err := b.plane.Kubectl(t.Context(), nil, "--namespace", b.namespace, "create", "configmap", "tbot-config", "--from-literal", "tbot.yaml=theirs")
	if err != nil {
		t.Fatal(stderr)
	}
	b.teleport.Reset()
	b.run(t, b.initArgs()...).want(t, 3, "ConfigMap "+b.namespace+"/tbot-config", "not made by tbotctl", "nothing was applied")
	b.nothingWritten(t)
	b.run(t, b.initArgs("--take-over", "--no-wait")...).want(t, 0, "taken over: not made by tbotctl")
	taken, err := b.plane.Client().CoreV1().ConfigMaps(b.namespace).Get(t.Context(), "tbot-config", metav1.GetOptions{})
	if err != nil || taken.Data["tbot.yaml"] == "theirs" || taken.Annotations["tbotctl.dev/install"] == "" {
		t.Errorf("the ConfigMap was not adopted: %v, %v", taken, err)
	}
}

// TestHeldFieldsAreNamed holds that a field which another manager took over is named with it, and won only when asked for.
func TestHeldFieldsAreNamed(t *testing.T) {
	t.Parallel()
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
	b.run(t, b.initArgs("--no-wait")...).want(t, 0)
	scale := `{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"tbot","namespace":"` + b.namespace + `"},"spec":{"replicas":3}}`
	if _, stderr, err := b.plane.Kubectl(t.Context(), reader(scale), "apply", "--server-side", "--force-conflicts", "--field-manager", "somebody", "-f", "-"); err != nil {
		t.Fatal(stderr)
	}
	b.run(t, b.initArgs("--no-wait")...).want(t, 3, "Deployment "+b.namespace+"/tbot", `conflict with "somebody"`, ".spec.replicas", "--force-conflicts")
	b.run(t, b.initArgs("--no-wait", "--force-conflicts")...).want(t, 0, "Deployment "+b.namespace+"/tbot: updated")
	won, err := b.plane.Client().AppsV1().Deployments(b.namespace).Get(t.Context(), "tbot", metav1.GetOptions{})
	if err != nil || *won.Spec.Replicas != 1 {
		t.Errorf("replicas were not won back: %v", err)
	}
}

// TestForeignBotAndToken holds the same for the Teleport side.
func TestForeignBotAndToken(t *testing.T) {
	t.Parallel()
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
	b.teleport.PutBot(&machineidv1.Bot{Kind: "bot", Version: "v1", Metadata: &headerv1.Metadata{Name: "theirs"}, Spec: &machineidv1.BotSpec{Roles: []string{"editor"}}})
	b.teleport.Reset()
	b.run(t, b.initArgs("--bot-name", "theirs")...).want(t, 3, "bot theirs", "not made by tbotctl", "editor -> access", "--take-over")
	b.nothingWritten(t)
	b.run(t, b.initArgs("--bot-name", "theirs", "--take-over", "--no-wait")...).want(t, 0, "bot theirs: updated")
	if bot, _ := b.teleport.Bot("theirs"); !slices.Equal(bot.GetSpec().GetRoles(), []string{"access"}) {
		t.Errorf("the bot was not adopted: %v", bot)
	}
}

// TestPolicyRefusesTheProbe holds that what an admission policy says of the pod is said before anything runs.
func TestPolicyRefusesTheProbe(t *testing.T) {
	t.Parallel()
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
	quota := `{"apiVersion":"v1","kind":"ResourceQuota","metadata":{"name":"no-pods","namespace":"` + b.namespace + `"},"spec":{"hard":{"pods":"0"}}}`
	if _, stderr, err := b.plane.Kubectl(t.Context(), reader(quota), "apply", "-f", "-"); err != nil {
		t.Fatal(stderr)
	}
	testkit.Eventually(t, "the quota to count", quotaCounts(b))
	b.run(t, b.initArgs()...).want(t, 3, "the cluster does not take a pod like the Deployment's", "no-pods")
}
