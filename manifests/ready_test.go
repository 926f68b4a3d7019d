package manifests_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/manifests"
)

func TestRenderSaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*spec.Setup)
		want   string
	}{
		"names":             {func(s *spec.Setup) { s.Teleport.BotName, s.Teleport.TokenName = "", "" }, "missing --bot-name, --token-name"},
		"place and proxy":   {func(s *spec.Setup) { s.Kubernetes.Namespace, s.Teleport.Proxy = "", "" }, "missing --namespace, --proxy"},
		"nothing looked up": {func(s *spec.Setup) { s.Resolved = nil }, "have to be resolved first"},
		"no issuer":         {func(s *spec.Setup) { s.Resolved.Issuer = "" }, "have to be resolved first"},
		"join type auto":    {func(s *spec.Setup) { s.Resolved.JoinType = spec.JoinAuto }, "have to be resolved first"},
		"other cluster":     {func(s *spec.Setup) { s.Teleport.ClusterName = "other" }, `--cluster-name says "other", the resolved block says "main.example.com"; resolve again with --refresh`},
		"other issuer":      {func(s *spec.Setup) { s.Join.Issuer = sampleIssuer + "/" }, "--issuer says"},
		"other join type":   {func(s *spec.Setup) { s.Join.Type = spec.JoinInCluster }, `--join-type says "in_cluster", the resolved block says "oidc"`},
		"other version":     {func(s *spec.Setup) { s.Workload.TbotVersion = "18.1.0" }, "does not follow from --image"},
		"other registry":    {func(s *spec.Setup) { s.Workload.Registry = "registry.example.com" }, "does not follow from --image"},
		"other image":       {func(s *spec.Setup) { s.Workload.Image = "registry.example.com/tbot:1" }, "does not follow from --image"},
		"fips image":        {func(s *spec.Setup) { s.Workload.FIPS = true }, "does not follow from --image"},
	} {
		setup := sample(spec.JoinOIDC, spec.AccessIdentity)
		c.change(&setup)
		_, err := manifests.Render(setup)
		if !errors.Is(err, manifests.ErrNotReady) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error = %v, want %q in it", name, err, c.want)
		}
	}
}

func TestRenderTakesImagesThatFollowFromTheAnswers(t *testing.T) {
	t.Parallel()
	digest := "registry.example.com:5000/tbot@sha256:" + strings.Repeat("0", 64)
	for image, answers := range map[string]spec.Workload{
		"public.ecr.aws/gravitational/tbot-distroless:18.2.0":      {TbotVersion: "18.2.0"},
		"public.ecr.aws/gravitational/tbot-fips-distroless:18.2.0": {}, // the server is a FIPS build
		"registry.example.com:5000/tbot:18.2.0":                    {Image: "registry.example.com:5000/tbot"},
		digest:                                                     {Image: digest, TbotVersion: "18.2.0"},
	} {
		setup := sample(spec.JoinOIDC, spec.AccessIdentity)
		setup.Resolved.Image = image
		setup.Workload.Image, setup.Workload.TbotVersion = answers.Image, answers.TbotVersion
		set := render(t, setup)
		podSpec, _ := pod(t, set)
		if got := podSpec.Containers[0].Image; got != image {
			t.Errorf("image = %s, want %s", got, image)
		}
		if fips := strings.Contains(image, "fips"); config(t, set).FIPS != fips {
			t.Errorf("image %s: fips in tbot.yaml = %v", image, !fips)
		}
	}
}

// A resolved block comes from a file that people edit: it passes the rules of the answers.
func TestRenderRefusesABadResolvedBlock(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]func(*spec.Resolved){
		"--issuer":       func(r *spec.Resolved) { r.Issuer = "http://issuer.example.com" },
		"--cluster-name": func(r *spec.Resolved) { r.ClusterName = "a b" },
		"--image":        func(r *spec.Resolved) { r.Image = "tbot: latest" },
		"--join-type":    func(r *spec.Resolved) { r.JoinType = "ec2" },
	} {
		setup := sample(spec.JoinOIDC, spec.AccessIdentity)
		change(setup.Resolved)
		if _, err := manifests.Render(setup); err == nil || want != "--join-type" && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error = %v", want, err)
		}
	}
	invalid := sample(spec.JoinOIDC, spec.AccessIdentity)
	invalid.Name = "Not A Name"
	var fields *spec.Invalid
	if _, err := manifests.Render(invalid); !errors.As(err, &fields) {
		t.Errorf("error = %v, want *spec.Invalid", err)
	}
}
