package issuer

import (
	"strings"
	"testing"
)

func TestPlatformOf(t *testing.T) {
	t.Parallel()
	for issuer, want := range map[string][2]string{
		"https://oidc.eks.us-west-2.amazonaws.com/id/8EBD":                      {"iam", "EKS Pod Identity"},
		"https://container.googleapis.com/v1/projects/p/locations/l/clusters/c": {"gcp", "Workload Identity"},
		"https://eastus.oic.prod-aks.azure.com/0000/1111/":                      {"azure", "managed identity"},
	} {
		platform, known := PlatformOf(issuer)
		lines := platform.Lines()
		if !known || platform.JoinMethod != want[0] || !strings.Contains(platform.Needs, want[1]) || len(lines) != 2 {
			t.Errorf("%s: %+v, %q", issuer, platform, lines)
			continue
		}
		for i, part := range []string{platform.Name + ". ", platform.Docs} {
			if !strings.Contains(lines[i], part) {
				t.Errorf("%q does not say %q", lines[i], part)
			}
		}
		if anchor := "-" + platform.JoinMethod; !strings.HasSuffix(platform.Docs, anchor) {
			t.Errorf("%s: the reference is to %s", platform.JoinMethod, platform.Docs)
		}
	}
	for _, issuer := range []string{"", "https://kubernetes.default.svc.cluster.local", "https://oidc.eks.us-west-2.amazonaws.com.evil.example/id/8EBD"} {
		if platform, known := PlatformOf(issuer); known {
			t.Errorf("%s: %+v", issuer, platform)
		}
	}
}
