package wizard_test

import (
	"slices"
	"testing"

	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/wizard"
)

func TestMissing(t *testing.T) {
	t.Parallel()
	full := spec.Default()
	full.Kubernetes.Context, full.Kubernetes.Namespace = "prod", "machines"
	full.Teleport.Proxy, full.Teleport.Roles = "example.teleport.sh:443", []string{"access"}
	noOutput := full
	noOutput.Access, noOutput.Teleport.Roles = spec.AccessNone, nil
	kubernetes := full
	kubernetes.Access, kubernetes.Teleport.Roles = spec.AccessKubernetes, nil
	reaching := func(change func(*spec.Setup)) spec.Setup {
		setup := kubernetes
		change(&setup)
		return setup
	}
	named := func(s *spec.Setup) { s.Reach.Clusters = []string{"prod"} }
	static := full
	static.Join.Type = spec.JoinStaticJWKS
	pinned := static
	pinned.Workload.Image = "registry.example.com/tbot:18.2.0"

	for name, row := range map[string]struct {
		setup spec.Setup
		at    wizard.Situation
		want  []string
	}{
		"nothing given, no terminal":           {spec.Default(), wizard.Situation{}, []string{"context", "proxy", "namespace", "roles"}},
		"nothing given, in a pod":              {spec.Default(), wizard.Situation{InPod: true}, []string{"proxy", "namespace", "roles"}},
		"nothing given, on a terminal":         {spec.Default(), wizard.Situation{Terminal: true}, []string{"proxy", "namespace", "roles"}},
		"all given":                            {full, wizard.Situation{}, nil},
		"no output needs no roles":             {noOutput, wizard.Situation{}, nil},
		"clusters, and who the bot is in them": {kubernetes, wizard.Situation{}, []string{"kube-cluster", "kube-groups"}},
		"clusters by labels, roles that grant it": {reaching(func(s *spec.Setup) {
			s.Reach.Labels, s.Teleport.Roles = []map[string]string{{"env": "prod"}}, []string{"access"}
		}), wizard.Situation{}, nil},
		"clusters by name, as groups": {reaching(func(s *spec.Setup) { named(s); s.Reach.Groups = []string{"readers"} }), wizard.Situation{}, nil},
		"clusters by name, as users":  {reaching(func(s *spec.Setup) { named(s); s.Reach.Users = []string{"jane"} }), wizard.Situation{}, nil},
		"as a group, but where":       {reaching(func(s *spec.Setup) { s.Reach.Groups = []string{"readers"} }), wizard.Situation{}, []string{"kube-cluster"}},
		"clusters, but as whom":       {reaching(named), wizard.Situation{Terminal: true}, []string{"kube-groups"}},
		"offline, type left open":     {full, wizard.Situation{Offline: true}, []string{"cluster-name", "join-type", "bot-name", "token-name", "tbot-version"}},
		"offline, static keys":        {static, wizard.Situation{Offline: true}, []string{"cluster-name", "bot-name", "token-name", "tbot-version", "jwks-file"}},
		"offline, image with a tag":   {pinned, wizard.Situation{Offline: true}, []string{"cluster-name", "bot-name", "token-name", "jwks-file"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, question := range wizard.Missing(row.setup, row.at) {
				got = append(got, question.Flag)
			}
			if !slices.Equal(got, row.want) {
				t.Errorf("missing %v, want %v", got, row.want)
			}
		})
	}
}
