package issuer

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tbotctl/tbotctl/internal/spec"
)

func jwtOf(header, body string) spec.Secret {
	encode := base64.RawURLEncoding.EncodeToString
	return spec.NewSecret(encode([]byte(header)) + "." + encode([]byte(body)) + ".c2lnbmF0dXJl")
}

func TestTokenClaims(t *testing.T) {
	t.Parallel()
	const header = `{"alg":"RS256","kid":"k1"}`
	at := time.Unix(1_700_000_000, 0).UTC()
	for name, row := range map[string]struct {
		token    spec.Secret
		want     Claims
		lifetime time.Duration
	}{
		"a projected token": {
			token: jwtOf(header, `{"iss":"https://i.example.com/","sub":"system:serviceaccount:machines:tbot","aud":["lab.example.com"],
				"iat":1700000000,"nbf":1700000000,"exp":1700000600,"kubernetes.io":{"namespace":"machines","pod":{"name":"probe","uid":"u"}}}`),
			want: Claims{
				Header:  Header{KeyID: "k1", Algorithm: "RS256", Issuer: "https://i.example.com/"},
				Subject: "system:serviceaccount:machines:tbot", Audience: []string{"lab.example.com"},
				IssuedAt: at, NotBefore: at, Expires: at.Add(10 * time.Minute), Pod: "probe",
			},
			lifetime: 10 * time.Minute,
		},
		"one audience as a string, a fraction of a second, no pod and no end": {
			token: jwtOf(header, `{"iss":"i","aud":"a","iat":1700000000.5}`),
			want:  Claims{Header: Header{KeyID: "k1", Algorithm: "RS256", Issuer: "i"}, Audience: []string{"a"}, IssuedAt: at},
		},
		"nothing": {token: jwtOf(`{}`, `{}`), want: Claims{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := TokenClaims(row.token)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(row.want, got); diff != "" {
				t.Errorf("claims differ (-want +got):\n%s", diff)
			}
			if got.Lifetime() != row.lifetime || got.Known() != (name != "nothing") {
				t.Errorf("lifetime %s, known %v", got.Lifetime(), got.Known())
			}
		})
	}
}

func TestTokenClaimsOfNoToken(t *testing.T) {
	t.Parallel()
	for name, token := range map[string]spec.Secret{
		"two parts": spec.NewSecret("eyJ.eyJ"), "no base64": spec.NewSecret("se cret.se cret.x"), "an audience of numbers": jwtOf(`{}`, `{"aud":[7]}`),
		"a time in words": jwtOf(`{}`, `{"iat":"soon"}`), "huge": spec.NewSecret(strings.Repeat("a", maxToken) + ".b.c"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := TokenClaims(token)
			if !Is(err, BadToken) {
				t.Fatalf("error %v, want BadToken", err)
			}
			for _, part := range strings.Split(token.Reveal(), ".") {
				if len(part) > 2 && strings.Contains(err.Error(), part) {
					t.Errorf("the error holds a part of the token: %v", err)
				}
			}
		})
	}
}
