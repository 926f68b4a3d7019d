package review_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/tbotctl/tbotctl/internal/golden"
	"github.com/tbotctl/tbotctl/internal/review"
	"github.com/tbotctl/tbotctl/internal/rights"
	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/manifests"
)

// sampleJWKS holds one public key of P-256.
const sampleJWKS = `{"keys":[{"kty":"EC","use":"sig","alg":"ES256","kid":"2026-11","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"}]}`

// sample is a Setup as a finished discovery leaves it.
func sample(access spec.Access) spec.Setup {
	s := spec.Default()
	s.Access = access
	s.Kubernetes.Namespace = "machines"
	s.Teleport.Proxy = "teleport.example.com:443"
	s = s.WithClusterID("1a2b3c4d")
	s.Resolved = &spec.Resolved{
		ClusterName: "main.example.com", ServerVersion: "18.2.0", Image: "public.ecr.aws/gravitational/tbot-distroless:18.2.0", ClusterID: "1a2b3c4d",
		JoinType: spec.JoinStaticJWKS, JWKS: sampleJWKS, Reason: "oidc is no choice: the issuer is not on the internet",
	}
	return s
}

func pageOf(t *testing.T, s spec.Setup) review.Page {
	t.Helper()
	set, err := manifests.Render(s)
	if err != nil {
		t.Fatal(err)
	}
	return review.Page{
		Setup: s, Set: set, Render: "tbotctl render --from answers.yaml", Permissions: "tbotctl permissions init --from answers.yaml",
		Needs: rights.Init(s, rights.InitHow{Proves: true, Waits: true}),
	}
}

func written(t *testing.T, page review.Page) string {
	t.Helper()
	var text bytes.Buffer
	if err := review.Write(&text, page); err != nil {
		t.Fatal(err)
	}
	return text.String()
}

func TestPages(t *testing.T) {
	t.Parallel()
	identity := sample(spec.AccessIdentity)
	identity.Teleport.Roles = []string{"access"}
	identity.Workload.Telemetry = true
	identityPage := pageOf(t, identity)
	identityPage.Answers = [][2]string{{"namespace", "machines"}, {"telemetry", "true"}}
	identityPage.Live = &review.Live{Where: "context prod (https://10.0.0.1:6443)", Subjects: []review.Subject{
		{Name: "group devs", Powers: []string{"make pods there", "mint the account's tokens"}, By: []string{"RoleBinding edit"}},
		{Name: "service account ci/deployer", Powers: []string{"make pods there"}, By: []string{"ClusterRoleBinding deployers"}},
	}}

	reaching := sample(spec.AccessKubernetes)
	reaching.Reach = spec.Reach{Labels: []map[string]string{{"env": "prod", "team": "shop"}}, Groups: []string{"tbot-readers"}, Contexts: []string{"prod-eu"}}
	reaching.Resolved.JoinType, reaching.Resolved.JWKS, reaching.Resolved.Issuer = spec.JoinOIDC, "", "https://oidc.example.com/id/A"
	reaching.Resolved.Reason = "the issuer is on the internet"
	reachingPage := pageOf(t, reaching)
	reachingPage.Live = &review.Live{Where: "context prod (https://10.0.0.1:6443)", Err: errors.New("listing clusterrolebindings: forbidden")}

	argo := sample(spec.AccessArgoCD)
	argo.ArgoCD = spec.ArgoCD{Namespace: "argocd", Impersonation: true}
	argo.Reach = spec.Reach{Clusters: []string{"alpha"}, ClusterRole: "edit"}
	argo.Resolved.KubeClusters = []spec.ResolvedCluster{{Name: "alpha", Labels: map[string]string{"env": "prod"}}}

	agent := spec.DefaultFor(spec.WorkloadAgent)
	agent.Workload.Kind = spec.WorkloadAgent
	agent.Kubernetes.Namespace, agent.Teleport.Proxy = "teleport-agent", "teleport.example.com:443"
	agent.Agent = spec.Agent{Roles: []string{spec.RoleKube}, KubeName: "prod"}
	agent = agent.WithClusterID("1a2b3c4d")
	agent.Resolved = &spec.Resolved{
		ClusterName: "main.example.com", ServerVersion: "18.2.0", Image: "public.ecr.aws/gravitational/teleport-distroless:18.2.0", ClusterID: "1a2b3c4d",
		JoinType: spec.JoinInCluster, Reason: "asked for",
	}
	for name, page := range map[string]review.Page{
		"identity-static_jwks": identityPage, "kubernetes-oidc": reachingPage, "argocd-anyone": pageOf(t, argo), "agent-in_cluster": pageOf(t, agent),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := written(t, page)
			golden.Assert(t, name+".md", []byte(text))
			if again := written(t, page); again != text {
				t.Error("the same page gave other bytes")
			}
			digest, err := review.Digest(page.Set.Side(page.Setup.Side))
			if err != nil || !strings.Contains(text, digest) {
				t.Errorf("the page lacks the digest %s of its manifests (%v)", digest, err)
			}
		})
	}
}

// TestForeignTextIsNoMarkdown holds that what others may choose cannot write a line of the page, nor hide in one.
func TestForeignTextIsNoMarkdown(t *testing.T) {
	t.Parallel()
	s := sample(spec.AccessIdentity)
	s.Teleport.Roles = []string{"access"}
	s.Resolved.Reason = "fine`\n## Signed\n| Eve | today |\u202e"
	page := pageOf(t, s)
	page.Answers = [][2]string{{"annotations", "a=`` [x](javascript:1)\x1b[31m"}}
	page.Live = &review.Live{Where: "context `x`\n# y", Subjects: []review.Subject{{Name: "group `\n- nobody", Powers: []string{"make pods there"}, By: []string{"RoleBinding `a`"}}}}
	text := written(t, page)
	for _, line := range strings.Split(text, "\n") {
		if strings.HasPrefix(line, "| Eve") || line == "# y" || line == "- nobody" || strings.HasPrefix(line, "## Signed") && strings.Count(text, "\n## Signed\n") != 1 {
			t.Errorf("foreign text became the line %q", line)
		}
	}
	for _, hidden := range []string{"\u202e", "\x1b"} {
		if strings.Contains(text, hidden) {
			t.Errorf("the page holds %q", hidden)
		}
	}
	for _, whole := range []string{"``` a=`` [x](javascript:1) ```", "`` group ` - nobody ``"} {
		if !strings.Contains(strings.ReplaceAll(text, "\n  ", " "), whole) {
			t.Errorf("%q does not stand as code in:\n%s", whole, text)
		}
	}
}

// TestWhatIsLooseStandsOut holds the words for a pod to what stands in it, whatever else tbotctl would have rendered.
func TestWhatIsLooseStandsOut(t *testing.T) {
	t.Parallel()
	s := sample(spec.AccessIdentity)
	s.Teleport.Roles = []string{"access"}
	page := pageOf(t, s)
	if text := written(t, page); strings.Contains(text, "**Loose**") {
		t.Errorf("a plain pod is called loose:\n%s", text)
	}
	for i := range page.Set {
		if page.Set[i].Kind == "Deployment" {
			page.Set[i].YAML = bytes.ReplaceAll(page.Set[i].YAML, []byte("readOnlyRootFilesystem: true"), []byte("privileged: true"))
			page.Set[i].YAML = bytes.Replace(page.Set[i].YAML, []byte("      enableServiceLinks: false\n"), []byte("      hostNetwork: true\n      hostPID: true\n"), 1)
		}
	}
	text := strings.Join(strings.Fields(written(t, page)), " ")
	for _, part := range []string{"**Loose**: may write its root file system, is privileged.", "**Loose**: shares the node's network, processes."} {
		if !strings.Contains(text, part) {
			t.Errorf("the page lacks %q", part)
		}
	}
}
