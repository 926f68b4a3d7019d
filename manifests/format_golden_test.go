package manifests_test

import (
	"bytes"
	"testing"

	"github.com/tbotctl/tbotctl/internal/golden"
	"github.com/tbotctl/tbotctl/internal/spec"
)

// formatted are setups whose files in each format stand in testdata/formats.
func formatted() map[string]spec.Setup {
	withRole := reaching("18.4.1")
	withRole.Reach.Groups, withRole.Reach.Users = []string{"tbot-readers"}, []string{"${who}"}
	everything := full()
	everything.Workload.PriorityClass = "" // which the chart has no value for
	everything.Teleport.TokenName = "ci-prod"
	old := sample(spec.JoinInCluster, spec.AccessIdentity)
	old.Resolved.ServerVersion, old.Resolved.Image = "17.4.3", "public.ecr.aws/gravitational/tbot-distroless:17.4.3"
	return map[string]spec.Setup{
		"oidc-identity":    sample(spec.JoinOIDC, spec.AccessIdentity),
		"static_jwks-none": sample(spec.JoinStaticJWKS, spec.AccessNone),
		"in_cluster-17":    old,
		"oidc-all-answers": everything,
		"kubernetes-18":    withRole,
		"argocd-18":        forArgoCD("18.2.0"),
		"agent-18-oidc":    agent(spec.JoinOIDC, "18.2.0", "App"),
	}
}

// inFormat is a setup whose files are of these shapes.
func inFormat(s spec.Setup, kube spec.KubeFormat, teleport spec.TeleportFormat) spec.Setup {
	s.Files = spec.Files{Kube: kube, Teleport: teleport}
	if teleport == spec.TeleportOperator {
		s.Files.OperatorNamespace = "teleport"
	}
	return s
}

// TestFormatGolden holds every format to its golden files: those of one format in one file, each below its path.
func TestFormatGolden(t *testing.T) {
	t.Parallel()
	for name, setup := range formatted() {
		for _, format := range []struct {
			kube     spec.KubeFormat
			teleport spec.TeleportFormat
		}{
			{spec.KubeManifests, spec.TeleportYAML}, {spec.KubeKustomize, spec.TeleportOperator}, {spec.KubeHelm, spec.TeleportTerraform},
		} {
			setup := inFormat(setup, format.kube, format.teleport)
			files, err := render(t, setup).Format(setup)
			if err != nil {
				t.Fatalf("%s as %s and %s: %v", name, format.kube, format.teleport, err)
			}
			var page bytes.Buffer
			for _, file := range files {
				page.WriteString("##### " + file.Path + "\n" + string(file.Data))
			}
			golden.Assert(t, "formats/"+name+"-"+string(format.kube)+"-"+string(format.teleport)+".txt", page.Bytes())
		}
	}
}
