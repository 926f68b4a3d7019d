package tbot_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gravitational/teleport/api/types"

	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/internal/tbot"
	"github.com/tbotctl/tbotctl/internal/teleporttest"
)

// attempt is one refused join, made for real: a join token, of which nil means the good one, and a service account token.
type attempt struct {
	change  func(*types.ProvisionTokenV2)
	name    string
	idToken spec.Secret
}

// attempts are the causes of recordings/host-credentials-errors.json.
func attempts(t *testing.T, by issuer) map[string]attempt {
	t.Helper()
	return map[string]attempt{
		"token audience is not the cluster name":                   {idToken: by.sign(t, map[string]any{"aud": []string{"proxy.example.com:443"}})},
		"token is not bound to a pod":                              {idToken: by.sign(t, map[string]any{"kubernetes.io": map[string]any{"namespace": "default"}})},
		"token lifetime over 30 minutes":                           {idToken: by.sign(t, map[string]any{"exp": time.Now().Add(31 * time.Minute).Unix()})},
		"join token name does not exist":                           {name: "no-such-token", idToken: by.sign(t, nil)},
		"id_token is not a JWT":                                    {idToken: spec.NewSecret("not-a-jwt")},
		"service account matches no allow rule":                    {idToken: by.sign(t, map[string]any{"sub": "system:serviceaccount:other:tbot"})},
		"static JWKS does not hold the signing key (keys rotated)": {idToken: newIssuer(t, "kid-2").sign(t, nil)},
		"in_cluster token, Auth Service runs outside this cluster": {
			change: func(token *types.ProvisionTokenV2) {
				token.Spec.Kubernetes.Type, token.Spec.Kubernetes.StaticJWKS = types.KubernetesJoinTypeInCluster, nil
			},
			idToken: by.sign(t, nil),
		},
		"token's bot_name names no bot": {
			change:  func(token *types.ProvisionTokenV2) { token.Spec.BotName = "nobody" },
			idToken: by.sign(t, nil),
		},
	}
}

// Every recorded refusal arrives as such and in Teleport's words, over both protocols and from servers of both ages. The words of
// 16.x are the recorded ones; those of 18.x differ where its JOSE library does.
func TestRefusals(t *testing.T) {
	t.Parallel()
	content, err := os.ReadFile(filepath.Join("..", "teleporttest", "testdata", "recordings", "host-credentials-errors.json"))
	if err != nil {
		t.Fatal(err)
	}
	var recording struct {
		Cases []struct {
			Cause string `json:"cause"`
			Body  struct {
				Error struct {
					Message string `json:"message"`
				} `json:"error"`
			} `json:"body"`
		} `json:"cases"`
	}
	if err := json.Unmarshal(content, &recording); err != nil {
		t.Fatal(err)
	}
	newWords := map[string]string{
		"static JWKS does not hold the signing key (keys rotated)": "reviewing kubernetes token with static_jwks: validating jwt signature: " +
			"go-jose/go-jose: JWK with matching kid not found in JWK Set",
	}
	for server, row := range map[string]struct {
		options teleporttest.Options
		via     string
		words   map[string]string
	}{
		"16.x":                        {teleporttest.Options{Version: "16.4.7"}, "HTTP host/credentials", nil},
		"18.x":                        {teleporttest.Options{}, "gRPC RegisterUsingToken", newWords},
		"18.x behind a load balancer": {teleporttest.Options{BehindL7LB: true}, "HTTP host/credentials", newWords},
	} {
		t.Run(server, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, row.options, "access")
			tries := attempts(t, l.issuer)
			if len(tries) != len(recording.Cases) {
				t.Fatalf("%d recorded refusals, %d attempts", len(recording.Cases), len(tries))
			}
			for _, recorded := range recording.Cases {
				try, known := tries[recorded.Cause]
				if !known {
					t.Errorf("no attempt for %q", recorded.Cause)
					continue
				}
				want := strings.ReplaceAll(strings.ReplaceAll(recorded.Body.Error.Message, "\t", ""), "\n", ": ")
				if words, differ := row.words[recorded.Cause]; differ {
					want = words
				}
				wantRefused(t, l, try, row.via, want)
			}
		})
	}
}

func wantRefused(t *testing.T, l lab, try attempt, via, want string) {
	t.Helper()
	token := staticToken(t, l.issuer)
	if try.change != nil {
		try.change(token)
	}
	l.PutToken(token)
	request := l.request(t)
	request.IDToken = try.idToken
	if try.name != "" {
		request.Token = try.name
	}
	identity, err := tbot.Join(t.Context(), request)
	var refused *tbot.Refused
	if identity != nil || !errors.As(err, &refused) {
		t.Errorf("joined as %v, %v; want %q", identity, err, want)
		return
	}
	if refused.Message != want || refused.Via != via {
		t.Errorf("refused via %q:\n got  %q\n want %q", refused.Via, refused.Message, want)
	}
	if err.Error() != "Teleport refused the join: "+want {
		t.Errorf("the error says %q", err)
	}
	if try.idToken.Reveal() != "not-a-jwt" {
		saysNothingSecret(t, "error", err.Error(), try.idToken)
	}
}

func TestRefusedForALock(t *testing.T) {
	t.Parallel()
	l := newLab(t, teleporttest.Options{})
	l.Lock("example")
	_, err := tbot.Join(t.Context(), l.request(t))
	var refused *tbot.Refused
	if !errors.As(err, &refused) || !strings.Contains(refused.Message, "lock") {
		t.Errorf("a locked bot: %v", err)
	}
}

// The audience of the token is one cluster's name, so that a token for a look-alike is of no use; and what a look-alike would
// issue is not taken for the cluster's.
func TestWrongClusterName(t *testing.T) {
	t.Parallel()
	for _, o := range []teleporttest.Options{{}, {BehindL7LB: true}, {Version: "16.4.7"}} {
		l := newLab(t, o)
		request := l.request(t)
		request.Cluster.Name = "other.example.com"
		identity, err := tbot.Join(t.Context(), request)
		var refused *tbot.Refused
		if identity != nil || err == nil || errors.As(err, &refused) {
			t.Fatalf("joined as %v, %v", identity, err)
		}
		for _, part := range []string{clusterName, "other.example.com"} {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%q is not in the error: %v", part, err)
			}
		}
	}
}
