package teleporttest_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gravitational/teleport/api/types"

	"github.com/tbotctl/tbotctl/internal/teleporttest"
)

// oidcServer is a public-looking issuer: discovery document and keys over HTTPS.
type oidcServer struct {
	*httptest.Server

	issuer string // what the document says; the server's URL by default
}

func newOIDCServer(t *testing.T, keys issuer) *oidcServer {
	t.Helper()
	s := &oidcServer{}
	jwks := keys.jwks(t)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(map[string]string{"issuer": s.issuer, "jwks_uri": s.URL + "/keys"})
	})
	mux.HandleFunc("GET /keys", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(jwks)) })
	s.Server = httptest.NewTLSServer(mux)
	t.Cleanup(s.Close)
	s.issuer = s.URL
	return s
}

// refusal is the expected answer to a join.
type refusal struct {
	status  int
	message string
}

func joinAnswer(t *testing.T, c *teleporttest.Cluster, req *types.RegisterUsingTokenRequest) refusal {
	t.Helper()
	status, body := joinOverHTTP(t, c, req)
	var answer struct {
		Error struct {
			Message string `json:"message"`
		} `json:"error"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	return refusal{status, answer.Error.Message}
}

// TestEighteen holds what is not recorded to the source that the row's name carries.
func TestEighteen(t *testing.T) {
	t.Parallel()
	made := time.Now()
	keys, other := newIssuer(t, "kid-1"), newIssuer(t, "kid-2")
	server := newOIDCServer(t, keys)
	const oidc = "reviewing kubernetes token with oidc\n\tvalidating OIDC token"
	claims := func(with map[string]any) string {
		all := map[string]any{"iss": server.URL}
		for k, v := range with {
			all[k] = v
		}
		return keys.sign(t, goodClaims(all))
	}
	rows := map[string]struct {
		token   *types.ProvisionTokenV2
		idToken string
		issuer  string // in the discovery document
		want    refusal
	}{
		"oidc_accepted(facts_3.3)": {
			token: oidcToken("t", server.URL), idToken: claims(nil), want: refusal{status: 200},
		},
		"oidc_wrong_issuer(facts_3.3)": {
			token: oidcToken("t", server.URL), idToken: claims(map[string]any{"iss": server.URL + "/"}),
			want: refusal{500, oidc + "\n\t\tverifying token\n\t\t\tissuer does not match: Expected: " + server.URL + ", got: " + server.URL + "/"},
		},
		"oidc_document_of_another_issuer(facts_3.3)": {
			token: oidcToken("t", server.URL), idToken: claims(nil), issuer: server.URL + "/",
			want: refusal{500, oidc + "\n\t\tissuer does not match"},
		},
		"oidc_audience(facts_3.3)": {
			token: oidcToken("t", server.URL), idToken: claims(map[string]any{"aud": "other"}),
			want: refusal{500, oidc + "\n\t\tverifying token\n\t\t\taudience is not valid: Audience must contain client_id \"lab.example.com\""},
		},
		"oidc_two_audiences(zitadel_oidc_CheckAuthorizedParty)": {
			token: oidcToken("t", server.URL), idToken: claims(map[string]any{"aud": []string{clusterName, "other"}}),
			want: refusal{500, oidc + "\n\t\tverifying token\n\t\t\tauthorized party is not set. If Token is valid for multiple audiences, azp must not be empty"},
		},
		"oidc_expired(zitadel_oidc_CheckExpiration)": {
			token: oidcToken("t", server.URL), idToken: claims(map[string]any{"exp": time.Now().Unix()}),
			want: refusal{500, oidc + "\n\t\tverifying token\n\t\t\ttoken has expired"},
		},
		"oidc_unknown_key(zitadel_oidc_FindMatchingKey)": {
			token: oidcToken("t", server.URL), idToken: other.sign(t, goodClaims(map[string]any{"iss": server.URL})),
			want: refusal{500, oidc + "\n\t\tverifying token\n\t\t\tinvalid signature (unable to validate signature: no possible keys matches)"},
		},
		"oidc_wrong_key_same_kid(zitadel_oidc_remoteKeySet)": {
			token: oidcToken("t", server.URL), idToken: newIssuer(t, "kid-1").sign(t, goodClaims(map[string]any{"iss": server.URL})),
			want: refusal{500, oidc + "\n\t\tverifying token\n\t\t\tinvalid signature (signature verification failed: go-jose/go-jose: error in cryptographic primitive)"},
		},
		"oidc_pod(facts_3.3)": {
			token: oidcToken("t", server.URL), idToken: claims(map[string]any{"kubernetes.io": nil}),
			want: refusal{400, "reviewing kubernetes token with oidc\n\toidc joining requires the use of a projected pod bound service account token"},
		},
		"oidc_lifetime(facts_3.3)": {
			token: oidcToken("t", server.URL), idToken: claims(map[string]any{"exp": time.Now().Add(31 * time.Minute).Unix()}),
			want: refusal{400, "reviewing kubernetes token with oidc\n\toidc joining requires the use of a service account token with a TTL of less than 30m0s"},
		},
		"oidc_allow(facts_3.5)": {
			token: oidcToken("t", server.URL), idToken: claims(map[string]any{"sub": "system:serviceaccount:default:other"}),
			want: refusal{403, "kubernetes token did not match any allow rules"},
		},
		"static_unknown_kid(go-jose_v4.1.8_ErrJWKSKidNotFound)": {
			token: staticToken("t", keys.jwks(t)), idToken: other.sign(t, goodClaims(nil)),
			want: refusal{500, "reviewing kubernetes token with static_jwks\n\tvalidating jwt signature\n\t\tgo-jose/go-jose: JWK with matching kid not found in JWK Set"},
		},
		"static_jwks_no_json(facts_3.2)": {
			token: staticToken("t", "# keys"), idToken: keys.sign(t, goodClaims(nil)),
			want: refusal{500, "reviewing kubernetes token with static_jwks\n\tparsing provided jwks\n\t\tinvalid character '#' looking for beginning of value"},
		},
		"static_wrong_key_same_kid(facts_3.2)": {
			token: staticToken("t", newIssuer(t, "kid-1").jwks(t)), idToken: keys.sign(t, goodClaims(nil)),
			want: refusal{500, "reviewing kubernetes token with static_jwks\n\tvalidating jwt signature\n\t\tgo-jose/go-jose: error in cryptographic primitive"},
		},
		"static_without_exp(facts_3.2)": {
			token: staticToken("t", keys.jwks(t)), idToken: claims(map[string]any{"exp": nil}),
			want: refusal{400, "reviewing kubernetes token with static_jwks\n\tstatic_jwks joining requires the use of a service account token with `exp`"},
		},
		"static_without_iat(facts_3.2)": {
			token: staticToken("t", keys.jwks(t)), idToken: claims(map[string]any{"iat": nil}),
			want: refusal{400, "reviewing kubernetes token with static_jwks\n\tstatic_jwks joining requires the use of a service account token with `iat`"},
		},
		"static_leeway_ten_seconds(facts_3.2)": {
			token: staticToken("t", keys.jwks(t)), idToken: claims(map[string]any{"exp": made.Add(-5 * time.Second).Unix()}),
			want: refusal{status: 200},
		},
		"static_beyond_leeway(facts_3.2)": {
			token: staticToken("t", keys.jwks(t)), idToken: claims(map[string]any{"exp": made.Add(-15 * time.Second).Unix()}),
			want: refusal{500, "reviewing kubernetes token with static_jwks\n\tvalidating jwt claims\n\t\tgo-jose/go-jose/jwt: validation failed, token is expired (exp)"},
		},
		"static_issuer_not_checked(facts_3.2)": {
			token: staticToken("t", keys.jwks(t)), idToken: claims(map[string]any{"iss": "https://anything.example"}),
			want: refusal{status: 200},
		},
		"no_id_token(facts_3.1)": {
			token: staticToken("t", keys.jwks(t)),
			want:  refusal{400, "IDToken not provided for Kubernetes join request"},
		},
		"role_not_allowed(facts_3.1)": {
			token: kubernetesToken("t", func(tok *types.ProvisionTokenV2) {
				tok.Spec.Roles, tok.Spec.BotName = []types.SystemRole{types.RoleKube}, ""
			}),
			idToken: claims(nil),
			want:    refusal{400, `node "" [] can not join the cluster, the token does not allow "Bot" role`},
		},
		"wrong_endpoint(facts_3.1)": {
			token:   kubernetesToken("t", func(tok *types.ProvisionTokenV2) { tok.Spec.JoinMethod = types.JoinMethodIAM }),
			idToken: claims(nil),
			want: refusal{403, "this token is only valid for the iam join method but the node has connected to the wrong endpoint, " +
				"make sure your node is configured to use the iam join method"},
		},
		"expired_token_before_proof(facts_3.1)": {
			token: func() *types.ProvisionTokenV2 {
				tok := staticToken("t", "# no keys")
				past := time.Now().Add(-time.Hour)
				tok.Metadata.Expires = &past
				return tok
			}(),
			idToken: "no jwt",
			want:    refusal{403, `"" can not join the cluster with role "Bot", token expired or not found`},
		},
	}
	for name, row := range rows {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			web := server
			if row.issuer != "" {
				web = newOIDCServer(t, keys)
				web.issuer = row.issuer
				row.token.Spec.Kubernetes.OIDC.Issuer = web.URL
				row.want.message = strings.ReplaceAll(row.want.message, server.URL, web.URL)
			}
			options := teleporttest.Options{OIDCClient: web.Client()}
			if strings.HasPrefix(name, "static_") {
				// Seconds count there, and a busy machine may take some before it gets here.
				options.Now = func() time.Time { return made }
			}
			c := teleporttest.New(t, options)
			c.PutBot(bot("example", "access"))
			c.PutToken(row.token)
			if got := joinAnswer(t, c, newSubjectKeys(t).request("t", row.idToken)); got != row.want {
				t.Errorf("\n got  %d %q\n want %d %q", got.status, got.message, row.want.status, row.want.message)
			}
		})
	}
}

// TestSixteenProofFirst: an expired token of 16.x reports its proof's error first (teleport-facts 3.1).
func TestSixteenProofFirst(t *testing.T) {
	t.Parallel()
	keys := newIssuer(t, "kid-1")
	c := teleporttest.New(t, teleporttest.Options{Version: recorded})
	c.PutBot(bot("example", "access"))
	token := staticToken("t", keys.jwks(t))
	past := time.Now().Add(-time.Hour)
	token.Metadata.Expires = &past
	c.PutToken(token)
	bad := joinAnswer(t, c, newSubjectKeys(t).request("t", "no-jwt"))
	if bad.status != 500 || !strings.Contains(bad.message, "parsing jwt") {
		t.Errorf("bad proof: %+v", bad)
	}
	good := joinAnswer(t, c, newSubjectKeys(t).request("t", keys.sign(t, goodClaims(nil))))
	if good.status != 403 || !strings.HasSuffix(good.message, "token expired or not found") {
		t.Errorf("good proof: %+v", good)
	}
}

func TestInCluster(t *testing.T) {
	t.Parallel()
	good := teleporttest.Review{
		Authenticated: true,
		Username:      "system:serviceaccount:default:tbot",
		Groups:        []string{"system:serviceaccounts", "system:serviceaccounts:default"},
		Extra:         map[string][]string{"authentication.kubernetes.io/pod-name": {"probe"}},
		ServerVersion: "v1.36.3",
	}
	const reviewing = "reviewing kubernetes token with in_cluster\n\t"
	rows := map[string]struct {
		change func(*teleporttest.Review)
		err    error
		want   refusal
	}{
		"accepted(facts_3.4)": {want: refusal{status: 200}},
		"review_fails(facts_3.4)": {
			err:  errors.New("tokenreviews.authentication.k8s.io is forbidden"),
			want: refusal{500, reviewing + "error during the Kubernetes TokenReview\n\t\ttokenreviews.authentication.k8s.io is forbidden"},
		},
		"not_authenticated(facts_3.4)": {
			change: func(r *teleporttest.Review) { r.Authenticated, r.Error = false, "[invalid bearer token]" },
			want:   refusal{403, reviewing + "kubernetes failed to validate token: [invalid bearer token]"},
		},
		"no_service_account(facts_3.4)": {
			change: func(r *teleporttest.Review) { r.Username = "kubernetes-admin" },
			want:   refusal{400, reviewing + "token user is not a service account: kubernetes-admin"},
		},
		"malformed_name(facts_3.4)": {
			change: func(r *teleporttest.Review) { r.Username = "system:serviceaccount:a:b:c" },
			want:   refusal{400, reviewing + "token user has malformed service account name: system:serviceaccount:a:b:c"},
		},
		"group(facts_3.4)": {
			change: func(r *teleporttest.Review) { r.Groups = nil },
			want: refusal{400, reviewing + "token user 'system:serviceaccount:default:tbot' does not belong to the " +
				"'system:serviceaccounts' group"},
		},
		"legacy_token(facts_3.4)": {
			change: func(r *teleporttest.Review) { r.Extra = nil },
			want:   refusal{400, reviewing + "legacy SA tokens are not accepted as kubernetes version v1.36.3 supports bound tokens"},
		},
		"legacy_token_on_an_old_cluster(facts_3.4)": {
			change: func(r *teleporttest.Review) { r.Extra, r.ServerVersion = nil, "v1.21.9" },
			want:   refusal{status: 200},
		},
	}
	for name, row := range rows {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := teleporttest.New(t, teleporttest.Options{
				ReviewAudiences: []string{"https://kubernetes.default.svc"},
				ReviewToken: func(_ context.Context, token string, audiences []string) (teleporttest.Review, error) {
					if token != "the-token" || fmt.Sprint(audiences) != "[lab.example.com https://kubernetes.default.svc]" {
						return teleporttest.Review{}, fmt.Errorf("reviewed %q for %v", token, audiences)
					}
					review := good
					if row.change != nil {
						row.change(&review)
					}
					return review, row.err
				},
			})
			c.PutBot(bot("example", "access"))
			c.PutToken(kubernetesToken("t", nil))
			if got := joinAnswer(t, c, newSubjectKeys(t).request("t", "the-token")); got != row.want {
				t.Errorf("\n got  %d %q\n want %d %q", got.status, got.message, row.want.status, row.want.message)
			}
		})
	}
}

// TestSixteenReviewsWithoutAudiences: before 17.0.3 the API server's own audience is the one that counts (3.4).
func TestSixteenReviewsWithoutAudiences(t *testing.T) {
	t.Parallel()
	c := teleporttest.New(t, teleporttest.Options{
		Version:         recorded,
		ReviewAudiences: []string{"https://kubernetes.default.svc"},
		ReviewToken: func(_ context.Context, _ string, audiences []string) (teleporttest.Review, error) {
			return teleporttest.Review{}, fmt.Errorf("%d audiences", len(audiences))
		},
	})
	c.PutToken(kubernetesToken("t", nil))
	got := joinAnswer(t, c, newSubjectKeys(t).request("t", "the-token"))
	if !strings.HasSuffix(got.message, "0 audiences") {
		t.Errorf("answer: %+v", got)
	}
}
