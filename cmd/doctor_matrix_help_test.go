package cmd_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	headerv1 "github.com/gravitational/teleport/api/gen/proto/go/teleport/header/v1"
	teleporttypes "github.com/gravitational/teleport/api/types"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/internal/tbotconfig"
	"github.com/tbotctl/tbotctl/internal/testkit"
)

func fixed[T any](value T) func(context.Context) (T, error) {
	return func(context.Context) (T, error) { return value, nil }
}

func inspected(text string) (tbotconfig.Config, error) { return tbotconfig.Inspect([]byte(text)) }

func headerNamed(name string) *headerv1.Metadata { return &headerv1.Metadata{Name: name} }

// outputs gives the setup other outputs, as if it had been made with them.
func (s *scene) outputs(t *testing.T, block string) {
	t.Helper()
	s.laid(t, func(text string) string { return text[:strings.Index(text, "outputs:")] + block })
}

// laid changes tbot.yaml as if it had been made so: the Deployment carries the checksum of the new one.
func (s *scene) laid(t *testing.T, change func(string) string) {
	t.Helper()
	maps := s.plane.Client().CoreV1().ConfigMaps(s.namespace)
	held, err := maps.Get(t.Context(), "tbot-config", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	held.Data["tbot.yaml"] = change(held.Data["tbot.yaml"])
	if _, err := maps.Update(t.Context(), held, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(held.Data)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(data)
	s.patch(t, `{"op":"replace","path":"/spec/template/metadata/annotations/`+strings.ReplaceAll(spec.MarkChecksum, "/", "~1")+`","value":"`+hex.EncodeToString(sum[:])+`"}`)
}

// forArgo gives the setup an output into Argo CD and the rights for it.
func (s *scene) forArgo(t *testing.T, block string) {
	t.Helper()
	s.outputs(t, block)
	s.argoCDIn(t, s.namespace)
	s.kubectl(t, "create", "role", "argo", "--verb=get,create,update", "--resource=secrets")
	s.kubectl(t, "create", "rolebinding", "argo", "--role=argo", "--serviceaccount="+s.namespace+":tbot")
}

// argoName is the Secret of a cluster (teleport-facts 6.5).
func argoName(cluster string) string {
	sum := sha256.Sum256([]byte("lab.example.com" + cluster))
	return "teleport.argocd-cluster." + hex.EncodeToString(sum[:8])
}

// argoSecret writes the Secret of a cluster as tbot does, with more labels.
func (s *scene) argoSecret(t *testing.T, cluster string, updated time.Time, labels ...string) {
	t.Helper()
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{
		Name: argoName(cluster), Labels: map[string]string{"argocd.argoproj.io/secret-type": "cluster"},
		Annotations: map[string]string{"teleport.dev/updated": updated.UTC().Format(time.RFC3339), "teleport.dev/kubernetes-cluster-name": cluster},
	}}
	for pair := range slices.Chunk(labels, 2) {
		secret.Labels[pair[0]] = pair[1]
	}
	s.create(t, secret)
}

// botRoles gives the bot these roles alone.
func (s *scene) botRoles(t *testing.T, roles ...string) {
	t.Helper()
	bot, there := s.teleport.Bot(s.made.Setup.Bot)
	if !there {
		t.Fatalf("there is no bot %q", s.made.Setup.Bot)
	}
	bot.Spec.Roles = roles
	s.teleport.PutBot(bot)
}

func kubeRole(groups, users []string) *teleporttypes.RoleV6 {
	return &teleporttypes.RoleV6{
		Kind: teleporttypes.KindRole, Version: teleporttypes.V7, Metadata: teleporttypes.Metadata{Name: "kube"},
		Spec: teleporttypes.RoleSpecV6{Allow: teleporttypes.RoleConditions{
			KubernetesLabels: teleporttypes.Labels{"*": {"*"}}, KubeGroups: groups, KubeUsers: users,
			KubernetesResources: []teleporttypes.KubernetesResource{{Kind: "*", Namespace: "*", Name: "*", Verbs: []string{"*"}}},
		}},
	}
}

// kubeRole makes the bot's one role.
func (s *scene) kubeRole(t *testing.T, groups, users []string) {
	t.Helper()
	s.teleport.AddRole(kubeRole(groups, users))
	s.botRoles(t, "kube")
}

// running waits until the pod has run for a second, which is what Kubernetes can tell apart.
func (s *scene) running(t *testing.T) {
	t.Helper()
	testkit.Eventually(t, "the pod to run", func(ctx context.Context) error {
		pods, err := s.plane.Client().CoreV1().Pods(s.namespace).List(ctx, metav1.ListOptions{})
		if err != nil {
			return err
		}
		for i := range pods.Items {
			for _, status := range pods.Items[i].Status.ContainerStatuses {
				if began := status.State.Running; began != nil && time.Since(began.StartedAt.Time) > 2*time.Second {
					return nil
				}
			}
		}
		return errors.New("it has not begun")
	})
}

// apply makes an object in the bench's namespace.
func (b *bench) apply(t *testing.T, manifests string) {
	t.Helper()
	if _, stderr, err := b.plane.Kubectl(t.Context(), strings.NewReader(manifests), "--namespace", b.namespace, "apply", "--filename", "-"); err != nil {
		t.Fatal(stderr)
	}
}

// grantAsSaid makes the role that a finding gives as YAML, and logs the user in anew with it.
func (s *scene) grantAsSaid(t *testing.T, user, fix string) {
	t.Helper()
	_, rest, told := strings.Cut(fix, "echo '")
	text, _, ended := strings.Cut(rest, "' | tctl create")
	role := new(teleporttypes.RoleV6)
	if err := yaml.Unmarshal([]byte(text), role); err != nil || !told || !ended {
		t.Fatalf("the fix %s gives no role: %v", fix, err)
	}
	s.teleport.AddRole(role)
	s.teleport.AddUser(user, "access", role.GetName())
	s.identity(t, user)
}
