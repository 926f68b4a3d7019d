package cmd_test

import (
	"strings"
	"testing"

	teleporttypes "github.com/gravitational/teleport/api/types"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// What faults do to a setup that lives.

func patching(changes ...string) func(*testing.T, *scene) {
	return func(t *testing.T, s *scene) {
		t.Helper()
		s.patch(t, changes...)
	}
}

// patch changes the Deployment by steps of a JSON patch.
func (s *scene) patch(t *testing.T, changes ...string) {
	t.Helper()
	patch := []byte("[" + strings.Join(changes, ",") + "]")
	if _, err := s.plane.Client().AppsV1().Deployments(s.namespace).Patch(t.Context(), "tbot", types.JSONPatchType, patch, metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
}

// token changes the join token as somebody else would.
func (s *scene) token(t *testing.T, change func(*teleporttypes.ProvisionTokenV2)) {
	t.Helper()
	held, found := s.teleport.Token(s.made.Setup.Token)
	v2, ok := held.(*teleporttypes.ProvisionTokenV2)
	if !found || !ok {
		t.Fatalf("there is no join token %q", s.made.Setup.Token)
	}
	change(v2)
	s.teleport.PutToken(v2)
}

// config puts one text of tbot.yaml in the place of another.
func (s *scene) config(t *testing.T, old, instead string) {
	t.Helper()
	maps := s.plane.Client().CoreV1().ConfigMaps(s.namespace)
	held, err := maps.Get(t.Context(), "tbot-config", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(held.Data["tbot.yaml"], old, instead, 1)
	if text == held.Data["tbot.yaml"] {
		t.Fatalf("tbot.yaml does not hold %q:\n%s", old, text)
	}
	held.Data["tbot.yaml"] = text
	if _, err := maps.Update(t.Context(), held, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
}

// create makes a Secret.
func (s *scene) create(t *testing.T, secret *corev1.Secret) {
	t.Helper()
	if _, err := s.plane.Client().CoreV1().Secrets(s.namespace).Create(t.Context(), secret, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}
