package issuer

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/tbotctl/tbotctl/internal/spec"
)

// answer is one HTTP answer of an API server.
type answer struct {
	status int
	body   []byte
	err    error
}

// apiServer answers by path, the last answer of a list again and again, and remembers the tokens that were asked for.
type apiServer struct {
	asUser    map[string][]answer
	asAccount map[string]answer
	token     spec.Secret
	mintErr   error
	minted    []string
	usedBy    []spec.Secret
}

func (a *apiServer) Raw(_ context.Context, path string) (int, []byte, error) {
	list, found := a.asUser[path]
	if !found {
		return http.StatusNotFound, nil, nil
	}
	if len(list) > 1 {
		a.asUser[path] = list[1:]
	}
	return list[0].status, list[0].body, list[0].err
}

func (a *apiServer) RawAs(_ context.Context, token spec.Secret, path string) (int, []byte, error) {
	a.usedBy = append(a.usedBy, token)
	got, found := a.asAccount[path]
	if !found {
		return http.StatusForbidden, nil, nil
	}
	return got.status, got.body, got.err
}

func (a *apiServer) MintToken(ctx context.Context, audience string) (spec.Secret, error) {
	a.minted = append(a.minted, audience)
	if err := ctx.Err(); err != nil {
		return spec.Secret{}, err
	}
	if audience == APIAudience && a.mintErr == nil {
		return spec.NewSecret("for the API server"), nil
	}
	return a.token, a.mintErr
}

func ok(body []byte) []answer { return []answer{{status: http.StatusOK, body: body}} }

func status(code int) []answer { return []answer{{status: code}} }

func TestReadCluster(t *testing.T) {
	t.Parallel()
	a, b := newKey(t, "a"), newKey(t, "b")
	document := discovery(t, testIssuer, "https://10.0.0.1:6443/openid/v1/jwks")
	denied := errors.New("serviceaccounts/token is forbidden")
	for name, test := range map[string]struct {
		api     apiServer
		want    Kind // of the error; empty means none
		issuer  string
		from    string
		keys    []string
		signing string
		note    string
		keysErr Kind
		mintErr bool
		minted  []string
	}{
		"sound": {
			api:    apiServer{asUser: map[string][]answer{discoveryPath: ok(document), keysPath: ok(keySet(t, a))}, token: mint("a", "ES256", testIssuer)},
			issuer: testIssuer, from: fromServer, keys: []string{"a"}, signing: "a", minted: []string{NobodysAudience},
		},
		"not enabled": {
			api: apiServer{token: mint("a", "ES256", "kubernetes/serviceaccount")}, want: NotEnabled,
			issuer: "kubernetes/serviceaccount", from: fromClaim, signing: "a", keysErr: NotEnabled,
		},
		"login expired":  {api: apiServer{asUser: map[string][]answer{discoveryPath: status(http.StatusUnauthorized)}}, want: LoginExpired},
		"unreachable":    {api: apiServer{asUser: map[string][]answer{discoveryPath: {{err: errors.New("connection refused")}}}}, want: Unreachable},
		"server error":   {api: apiServer{asUser: map[string][]answer{discoveryPath: status(http.StatusInternalServerError)}, mintErr: denied}, want: BadAnswer, keysErr: NotEnabled, mintErr: true},
		"gateway's page": {api: apiServer{asUser: map[string][]answer{discoveryPath: ok([]byte("<html>"))}, mintErr: denied}, want: BadAnswer, keysErr: NotEnabled, mintErr: true},
		"forbidden, a service account may": {
			api: apiServer{
				asUser:    map[string][]answer{discoveryPath: status(http.StatusForbidden), keysPath: status(http.StatusForbidden)},
				asAccount: map[string]answer{discoveryPath: ok(document)[0], keysPath: ok(keySet(t, a))[0]}, token: mint("a", "ES256", testIssuer),
			},
			issuer: testIssuer, from: fromServiceAccount, keys: []string{"a"}, signing: "a", minted: []string{APIAudience, NobodysAudience},
		},
		"forbidden, nobody may": {
			api:    apiServer{asUser: map[string][]answer{discoveryPath: status(http.StatusForbidden), keysPath: status(http.StatusForbidden)}, token: mint("a", "ES256", testIssuer)},
			issuer: testIssuer, from: fromClaim, signing: "a", keysErr: Forbidden, note: "may not be read", minted: []string{APIAudience, NobodysAudience},
		},
		"forbidden, no token either": {
			api:  apiServer{asUser: map[string][]answer{discoveryPath: status(http.StatusForbidden), keysPath: status(http.StatusForbidden)}, mintErr: denied},
			want: Forbidden, keysErr: Forbidden, mintErr: true, minted: []string{APIAudience, NobodysAudience},
		},
		"service account's token is refused": {
			api: apiServer{
				asUser:    map[string][]answer{discoveryPath: status(http.StatusForbidden), keysPath: ok(keySet(t, a))},
				asAccount: map[string]answer{discoveryPath: {status: http.StatusUnauthorized}}, token: mint("a", "ES256", testIssuer),
			},
			issuer: testIssuer, from: fromClaim, keys: []string{"a"}, signing: "a", note: "may not be read",
		},
		"no right to mint": {
			api:    apiServer{asUser: map[string][]answer{discoveryPath: ok(document), keysPath: ok(keySet(t, a))}, mintErr: denied},
			issuer: testIssuer, from: fromServer, keys: []string{"a"}, mintErr: true,
		},
		"minted nonsense": {
			api:    apiServer{asUser: map[string][]answer{discoveryPath: ok(document), keysPath: ok(keySet(t, a))}, token: spec.NewSecret("opaque")},
			issuer: testIssuer, from: fromServer, keys: []string{"a"}, mintErr: true,
		},
		"token names another issuer": {
			api:    apiServer{asUser: map[string][]answer{discoveryPath: ok(document), keysPath: ok(keySet(t, a))}, token: mint("a", "ES256", testIssuer+"/")},
			issuer: testIssuer + "/", from: fromClaim, keys: []string{"a"}, signing: "a", note: "the tokens' counts",
		},
		"a rotation rolls": {
			api:    apiServer{asUser: map[string][]answer{discoveryPath: ok(document), keysPath: {ok(keySet(t, a))[0], ok(keySet(t, a, b))[0]}}, token: mint("b", "ES256", testIssuer)},
			issuer: testIssuer, from: fromServer, keys: []string{"a", "b"}, signing: "b", note: "rotation",
		},
		"one read fails": {
			api:    apiServer{asUser: map[string][]answer{discoveryPath: ok(document), keysPath: {{err: errors.New("connection reset")}, ok(keySet(t, a))[0]}}, token: mint("a", "ES256", testIssuer)},
			issuer: testIssuer, from: fromServer, keys: []string{"a"}, signing: "a", note: "connection reset",
		},
		"keys are html": {
			api:    apiServer{asUser: map[string][]answer{discoveryPath: ok(document), keysPath: ok([]byte("<html>"))}, token: mint("a", "ES256", testIssuer)},
			issuer: testIssuer, from: fromServer, signing: "a", keysErr: BadAnswer,
		},
		"no keys": {
			api:    apiServer{asUser: map[string][]answer{discoveryPath: ok(document), keysPath: ok([]byte(`{"keys":[]}`))}, token: mint("a", "ES256", testIssuer)},
			issuer: testIssuer, from: fromServer, signing: "a", keysErr: NoKeys,
		},
		"some keys are of no use": {
			api:    apiServer{asUser: map[string][]answer{discoveryPath: ok(document), keysPath: ok(fmt.Appendf(nil, `{"keys":[{"kty":"XY","kid":"odd"},%s]}`, asJSON(t, a)))}, token: mint("a", "ES256", testIssuer)},
			issuer: testIssuer, from: fromServer, keys: []string{"a"}, signing: "a", note: `"odd"`,
		},
		"two servers contradict each other": {
			api:    apiServer{asUser: map[string][]answer{discoveryPath: ok(document), keysPath: {ok(keySet(t, a))[0], ok(keySet(t, newKey(t, "a")))[0]}}, token: mint("a", "ES256", testIssuer)},
			issuer: testIssuer, from: fromServer, signing: "a", keysErr: BadAnswer,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := ReadCluster(t.Context(), &test.api)
			if (err != nil) != (test.want != "") || (err != nil && !Is(err, test.want)) {
				t.Fatalf("error %v, want kind %q", err, test.want)
			}
			if c.Issuer != test.issuer || c.From != test.from || !slices.Equal(c.Keys.IDs(), test.keys) || c.SigningKeyID != test.signing {
				t.Errorf("issuer %q from %q, keys %v, signing %q", c.Issuer, c.From, c.Keys.IDs(), c.SigningKeyID)
			}
			if (c.KeysErr != nil) != (test.keysErr != "") || (c.KeysErr != nil && !Is(c.KeysErr, test.keysErr)) || (c.MintErr != nil) != test.mintErr {
				t.Errorf("keys error %v, mint error %v", c.KeysErr, c.MintErr)
			}
			if notes := strings.Join(c.Notes, "\n"); !strings.Contains(notes, test.note) || (test.note == "" && notes != "") || len(c.Notes) > 1 {
				t.Errorf("notes %q, want one with %q", notes, test.note)
			}
			if test.minted != nil && !slices.Equal(test.api.minted, test.minted) {
				t.Errorf("minted tokens for %q, want %q", test.api.minted, test.minted)
			}
			for _, token := range test.api.usedBy {
				if token.Reveal() != "for the API server" {
					t.Error("the API server was asked with a token of another audience")
				}
			}
		})
	}
}

func TestReadClusterStopsWhenCancelled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	api := &apiServer{asUser: map[string][]answer{discoveryPath: ok(discovery(t, testIssuer, testIssuer)), keysPath: ok(keySet(t, newKey(t, "a")))}}
	if _, err := ReadCluster(ctx, api); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
}

// The causes that internal/kube gives must be found by callers, which map them to exit codes.
func TestReadClusterKeepsTheCause(t *testing.T) {
	t.Parallel()
	cause := errors.New("getting credentials: exec plugin failed")
	_, err := ReadCluster(t.Context(), &apiServer{asUser: map[string][]answer{discoveryPath: {{err: cause}}}})
	if !errors.Is(err, cause) || !Is(err, Unreachable) {
		t.Fatalf("got %v", err)
	}
}
