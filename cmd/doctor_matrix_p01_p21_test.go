package cmd_test

import (
	"context"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	teleporttypes "github.com/gravitational/teleport/api/types"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/tbotctl/tbotctl/checks"
	"github.com/tbotctl/tbotctl/internal/issuer"
	"github.com/tbotctl/tbotctl/internal/teleporttest"
	"github.com/tbotctl/tbotctl/internal/testkit"
	"github.com/tbotctl/tbotctl/internal/testkit/lab"
)

// Where the Deployment of tbotctl has what the faults are about.
const (
	projectedToken = "/spec/template/spec/volumes/1/projected/sources/0/serviceAccountToken"
	namespaceEnv   = "/spec/template/spec/containers/0/env/0"
	tokenPathEnv   = "/spec/template/spec/containers/0/env/1"
)

// faultsTo21 are the failures of tokens, issuers and rights.
func faultsTo21() []fault {
	static := []string{"--join-type", "static_jwks"}
	return []fault{
		{
			problem: "P01", want: checks.TokenAudience, says: []string{`"lab.example.com:443"`, "with a port"}, unplayed: true, refused: true,
			breaks: patching(`{"op":"replace","path":"` + projectedToken + `/audience","value":"lab.example.com:443"}`),
		},
		{
			problem: "P02", want: checks.TokenFits, says: []string{"P02", "in_cluster", `"lab.example.com"`}, unplayed: true, refused: true, reviewed: true,
			options: teleporttest.Options{Version: "16.4.7"}, init: []string{"--join-type", "in_cluster"},
			breaks: patching(`{"op":"add","path":"` + projectedToken + `/audience","value":"lab.example.com"}`),
		},
		{
			problem: "P03", want: checks.TokenSigner, says: []string{"holds", "the API server publishes"}, unplayed: true, refused: true,
			breaks: func(t *testing.T, s *scene) {
				t.Helper()
				others := published(t, testkit.Shared(t, testkit.CloudLike))
				s.token(t, func(token *teleporttypes.ProvisionTokenV2) { token.Spec.Kubernetes.StaticJWKS.JWKS = others })
			},
		},
		{
			problem: "P04", want: checks.TokenRotates, warns: true, says: []string{"EKS rotates its keys on its own"},
			judged: rotating,
		},
		{
			problem: "P05", want: checks.TokenKeys, says: []string{"comment"}, unplayed: true, refused: true,
			breaks: func(t *testing.T, s *scene) {
				t.Helper()
				s.token(t, func(token *teleporttypes.ProvisionTokenV2) {
					token.Spec.Kubernetes.StaticJWKS.JWKS = "# Place the data here\n" + token.Spec.Kubernetes.StaticJWKS.JWKS
				})
			},
		},
		{
			problem: "P06", want: checks.TokenExists, says: []string{`"bot-kubernetes"`}, unplayed: true, refused: true,
			breaks: func(t *testing.T, s *scene) {
				t.Helper()
				s.config(t, s.made.Setup.Token, "bot-kubernetes")
			},
		},
		{
			problem: "P07", want: checks.TokenAdmits, says: []string{`"default:tbot"`}, unplayed: true, refused: true,
			breaks: func(t *testing.T, s *scene) {
				t.Helper()
				s.token(t, func(token *teleporttypes.ProvisionTokenV2) {
					token.Spec.Kubernetes.Allow[0].ServiceAccount = "default:tbot"
				})
			},
		},
		{
			problem: "P08", want: checks.TokenPath, says: []string{"Secret tbot-token", "bound to no pod"}, unplayed: true,
			log: []string{"ERROR: static_jwks joining requires the use of projected pod bound service account token"},
			breaks: func(t *testing.T, s *scene) {
				t.Helper()
				s.create(t, &corev1.Secret{
					ObjectMeta: metav1.ObjectMeta{Name: "tbot-token", Annotations: map[string]string{corev1.ServiceAccountNameKey: "tbot"}},
					Type:       corev1.SecretTypeServiceAccountToken,
				})
				s.patch(t, `{"op":"replace","path":"/spec/template/spec/volumes/1","value":{"name":"join-token","secret":{"secretName":"tbot-token"}}}`,
					`{"op":"replace","path":"`+tokenPathEnv+`/value","value":"/var/run/secrets/tokens/token"}`)
			},
		},
		{
			problem: "P09", want: checks.TokenLifetime, says: []string{"3600"}, unplayed: true, refused: true,
			breaks: patching(`{"op":"replace","path":"` + projectedToken + `/expirationSeconds","value":3600}`),
		},
		{
			problem: "P10", sounds: "P01", want: checks.TokenPath, says: []string{"no KUBERNETES_TOKEN_PATH", "/var/run/secrets/kubernetes.io/serviceaccount/token"}, unplayed: true,
			log:    []string{"ERROR: reviewing kubernetes token with static_jwks: validating jwt claims: go-jose/go-jose/jwt: validation failed, invalid audience claim (aud)"},
			breaks: patching(`{"op":"remove","path":"` + tokenPathEnv + `"}`),
		},
		{
			problem: "P11", want: checks.IssuerReadable, says: []string{"P11", "DNS"}, flavour: testkit.CloudLike, unplayed: true, refused: true,
			breaks: func(_ *testing.T, s *scene) {
				s.issuer = lab.Nobody()
				s.auth.Store(&http.Transport{DialContext: nowhere})
			},
		},
		{
			problem: "P12", want: checks.IssuerReadable, says: []string{"P12", "authority"}, flavour: testkit.CloudLike, unplayed: true, refused: true,
			breaks: func(t *testing.T, s *scene) {
				t.Helper()
				server := s.plane.NewIssuerServer(t)
				s.issuer = lab.FetcherAt(server.Host(), server.Addr(), x509.NewCertPool())
				transport := server.Transport()
				transport.TLSClientConfig.RootCAs = nil
				s.auth.Store(transport)
			},
		},
		{
			problem: "P13", want: checks.IssuerReadable, says: []string{"P13", "401"}, flavour: testkit.CloudLike, unplayed: true, refused: true,
			breaks: func(t *testing.T, s *scene) {
				t.Helper()
				server := s.plane.NewIssuerServer(t)
				server.SetHandlerHook(answering(http.StatusUnauthorized, "Unauthorized"))
				s.issuer = lab.FetcherOf(server)
				s.auth.Store(server.Transport())
			},
		},
		{
			problem: "P14", want: checks.DiscoveryAllowed, warns: true, says: []string{"HTTP 403, which does not mean"}, unplayed: true, fix: byHand,
			breaks: func(t *testing.T, s *scene) {
				t.Helper()
				s.args = []string{"--kubeconfig", s.withoutDiscovery(t)}
			},
			mends: func(t *testing.T, s *scene, fix string) {
				t.Helper()
				_, line, told := strings.Cut(fix, "a cluster administrator grants it with: ")
				if !told || !strings.HasSuffix(line, " --user USER") {
					t.Fatalf("the fix %s", fix)
				}
				t.Cleanup(func() {
					err := s.plane.Client().RbacV1().ClusterRoleBindings().Delete(context.WithoutCancel(t.Context()), "tbotctl-doctor", metav1.DeleteOptions{})
					if err != nil {
						t.Error(err)
					}
				})
				s.shell(t, strings.TrimSuffix(line, "USER")+s.namespace)
			},
		},
		{
			problem: "P15", want: checks.IssuerReadable, says: []string{"P15", "10.20.30.40"}, flavour: testkit.CloudLike, unplayed: true,
			breaks: func(_ *testing.T, s *scene) { s.issuer = &issuer.Fetcher{Resolver: inside{}} },
		},
		{
			problem: "P16", want: checks.TokenIssuer, says: []string{"a slash at the end"}, flavour: testkit.CloudLike, unplayed: true, refused: true,
			breaks: func(t *testing.T, s *scene) {
				t.Helper()
				s.token(t, func(token *teleporttypes.ProvisionTokenV2) { token.Spec.Kubernetes.OIDC.Issuer += "/" })
			},
		},
		{
			problem: "P17", want: checks.BotExists, says: []string{"no such bot"}, unplayed: true, refused: true, fix: byInit,
			breaks: func(_ *testing.T, s *scene) { s.teleport.DeleteBot(s.made.Setup.Bot) },
		},
		{
			problem: "P18", want: checks.TokenForBot, says: []string{`"App"`}, unplayed: true, refused: true, init: static, fix: byHand,
			breaks: func(t *testing.T, s *scene) {
				t.Helper()
				s.token(t, func(token *teleporttypes.ProvisionTokenV2) {
					token.Spec.Roles, token.Spec.BotName = teleporttypes.SystemRoles{teleporttypes.RoleApp}, ""
				})
			},
			mends: func(t *testing.T, s *scene, fix string) {
				t.Helper()
				line, _, told := strings.Cut(fix, ", with the bot's name in the place of BOT")
				if !told {
					t.Fatalf("the fix %s", fix)
				}
				s.shell(t, strings.Replace(line, `"bot_name":"BOT"`, `"bot_name":"`+s.made.Setup.Bot+`"`, 1))
			},
		},
		{
			problem: "P19", want: checks.NamespaceKnown, says: []string{"no POD_NAMESPACE"}, unplayed: true,
			log:    []string{"ERROR: unable to detect namespace from POD_NAMESPACE environment variable"},
			breaks: patching(`{"op":"remove","path":"` + namespaceEnv + `"}`),
		},
		{
			problem: "P20", want: checks.MayWriteOutputs, says: []string{"may not get, patch, create", "tbot-output"}, unplayed: true, refused: true,
			breaks: func(t *testing.T, s *scene) {
				t.Helper()
				if err := s.plane.Client().RbacV1().RoleBindings(s.namespace).Delete(t.Context(), "tbot-output", metav1.DeleteOptions{}); err != nil {
					t.Fatal(err)
				}
			},
		},
		{
			problem: "P21", want: checks.MayDoNoMore, warns: true, says: []string{"every Secret"}, unplayed: true,
			breaks: func(t *testing.T, s *scene) {
				t.Helper()
				wide := `[{"op":"replace","path":"/rules","value":[{"apiGroups":[""],"resources":["secrets"],"verbs":["*"]}]}]`
				if _, err := s.plane.Client().RbacV1().Roles(s.namespace).Patch(t.Context(), "tbot-output", types.JSONPatchType, []byte(wide), metav1.PatchOptions{}); err != nil {
					t.Fatal(err)
				}
			},
		},
	}
}

// withoutDiscovery is the kubeconfig of a user named like the namespace who may do everything with every object, and read no
// discovery document.
func (s *scene) withoutDiscovery(t *testing.T) string {
	t.Helper()
	roles, meta := s.plane.Client().RbacV1(), metav1.ObjectMeta{Name: s.namespace}
	_, err := roles.ClusterRoles().Create(t.Context(), &rbacv1.ClusterRole{
		ObjectMeta: meta, Rules: []rbacv1.PolicyRule{{APIGroups: []string{"*"}, Resources: []string{"*"}, Verbs: []string{"*"}}},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = roles.ClusterRoleBindings().Create(t.Context(), &rbacv1.ClusterRoleBinding{
		ObjectMeta: meta, Subjects: []rbacv1.Subject{{Kind: rbacv1.UserKind, APIGroup: rbacv1.GroupName, Name: s.namespace}},
		RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: s.namespace},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx := context.WithoutCancel(t.Context())
		err := errors.Join(roles.ClusterRoleBindings().Delete(ctx, s.namespace, metav1.DeleteOptions{}), roles.ClusterRoles().Delete(ctx, s.namespace, metav1.DeleteOptions{}))
		if err != nil {
			t.Error(err)
		}
	})
	return s.plane.KubeconfigFor(t, s.namespace)
}

// inside resolves every name to an address of a private network (RFC 1918).
type inside struct{}

// LookupNetIP implements issuer.Resolver.
func (inside) LookupNetIP(context.Context, string, string) ([]netip.Addr, error) {
	return []netip.Addr{netip.MustParseAddr("10.20.30.40")}, nil
}

// nowhere is a network on which no name is known.
func nowhere(_ context.Context, _, address string) (net.Conn, error) {
	return nil, &net.DNSError{Err: "no such host", Name: address, IsNotFound: true}
}
