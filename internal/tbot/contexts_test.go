package tbot_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/tbotctl/tbotctl/internal/tbotconfig"
	"github.com/tbotctl/tbotctl/internal/teleporttest"
)

// The contexts of a result are those of the file, a cluster whose context another one took has none, and the text of the file comes
// out by Reveal alone.
func TestContexts(t *testing.T) {
	t.Parallel()
	l := newKubeLab(t, teleporttest.Options{})
	same := kubernetesV2(tbotconfig.Secret("out"), named("beta"), named("alpha"))
	same.ContextNameTemplate = "same"
	inNamespace := named("alpha")
	inNamespace.DefaultNamespace = "apps"
	for name, row := range map[string]struct {
		output     tbotconfig.Output
		contexts   map[string]string
		namespaces map[string]string
	}{
		"one cluster":  {kubernetes("alpha", tbotconfig.Secret("out")), map[string]string{"alpha": "lab.example.com-alpha"}, nil},
		"two clusters": {kubernetesV2(tbotconfig.Secret("out"), inNamespace, named("beta")), map[string]string{"alpha": "lab.example.com-alpha", "beta": "lab.example.com-beta"}, map[string]string{"alpha": "apps"}},
		"one name":     {same, map[string]string{"alpha": "same"}, nil},
	} {
		got, _ := l.one(t, row.output)
		if got.Err != nil {
			t.Fatalf("%s: %v", name, got.Err)
		}
		if !maps.Equal(got.Contexts, row.contexts) || !maps.Equal(got.Namespaces, row.namespaces) || got.TLSEnded {
			t.Errorf("%s: contexts %v, namespaces %v", name, got.Contexts, got.Namespaces)
		}
		text := got.Artifacts.Kubeconfig()
		config := loadKubeconfig(t, []byte(text.Reveal()))
		for cluster, context := range got.Contexts {
			if config.Contexts[context] == nil {
				t.Errorf("%s: the file has no context %q for %s", name, context, cluster)
			}
		}
		for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
			if printed := fmt.Sprintf(verb, text) + fmt.Sprintf(verb, got); strings.Contains(printed, "client-key-data") || strings.Contains(printed, "PRIVATE") {
				t.Errorf("%s prints the file by %s", name, verb)
			}
		}
	}
	identity, _ := l.one(t, &tbotconfig.Identity{Common: tbotconfig.Common{Type: tbotconfig.TypeIdentity}, Destination: tbotconfig.Secret("out")})
	if !identity.Artifacts.Kubeconfig().Empty() {
		t.Error("an identity output has a kubeconfig")
	}
}
