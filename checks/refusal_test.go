package checks_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/gravitational/teleport/api/types"

	"github.com/tbotctl/tbotctl/checks"
	"github.com/tbotctl/tbotctl/internal/issuer"
	"github.com/tbotctl/tbotctl/internal/spec"
)

const refusedIssuer = "https://issuer.example.com/lab"

func refusedKeys(t *testing.T, kid string) (issuer.Keys, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	keys := issuer.Keys{{Key: key.Public(), KeyID: kid, Algorithm: "ES256", Use: "sig"}}
	text, err := json.Marshal(jose.JSONWebKeySet{Keys: keys})
	if err != nil {
		t.Fatal(err)
	}
	return keys, string(text)
}

// refusedJoin is what is known where all is as tbotctl makes it; rows break one thing each.
func refusedJoin(t *testing.T) checks.Known {
	t.Helper()
	keys, jwks := refusedKeys(t, "key-now")
	s := spec.Default()
	s.Kubernetes.Context, s.Kubernetes.Namespace = "lab", "machines"
	s.Teleport.Proxy, s.Teleport.BotName, s.Teleport.TokenName = "teleport.example.com:443", "tbot-1", "tbot-1"
	s.Teleport.Roles = []string{"access"}
	s.Resolved = &spec.Resolved{ClusterName: "lab.example.com", ServerVersion: "18.2.0", ClusterID: "12345678"}
	token := &types.ProvisionTokenV2{
		Metadata: types.Metadata{Name: "tbot-1", Labels: map[string]string{spec.MarkInstall: s.InstallID()}},
		Spec: types.ProvisionTokenSpecV2{
			Roles: types.SystemRoles{types.RoleBot}, BotName: "tbot-1", JoinMethod: types.JoinMethodKubernetes,
			Kubernetes: &types.ProvisionTokenSpecV2Kubernetes{
				Type:       types.KubernetesJoinTypeStaticJWKS,
				StaticJWKS: &types.ProvisionTokenSpecV2Kubernetes_StaticJWKSConfig{JWKS: jwks},
				Allow:      []*types.ProvisionTokenSpecV2Kubernetes_Rule{{ServiceAccount: "machines:tbot"}},
			},
		},
	}
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	exists := true
	return checks.Known{
		Setup: s, ClusterName: "lab.example.com", ServerVersion: "18.2.0",
		Claims: issuer.Claims{
			Header: issuer.Header{KeyID: "key-now", Issuer: refusedIssuer}, Subject: "system:serviceaccount:machines:tbot",
			Audience: []string{"lab.example.com"}, IssuedAt: now, Expires: now.Add(10 * time.Minute), Pod: "probe",
		},
		Cluster: issuer.Cluster{Issuer: refusedIssuer, JWKSURI: refusedIssuer + "/keys", Keys: keys},
		Public:  issuer.PublicResult{Reachable: true, Issuer: refusedIssuer, JWKSURI: refusedIssuer + "/keys", Keys: keys},
		Token:   token, BotExists: &exists, Now: now,
	}
}

func oidcToken(k *checks.Known, name string) {
	k.Token.Spec.Kubernetes.Type, k.Token.Spec.Kubernetes.StaticJWKS = types.KubernetesJoinTypeOIDC, nil
	k.Token.Spec.Kubernetes.OIDC = &types.ProvisionTokenSpecV2Kubernetes_OIDCConfig{Issuer: name}
}

func notThere(k *checks.Known) { no := false; k.BotExists = &no }

func notPublic(k *checks.Known) { k.Public = issuer.PublicResult{Kind: issuer.FailureDNS} }

const (
	reviewingStatic = "reviewing kubernetes token with static_jwks\n\t"
	reviewingOIDC   = "reviewing kubernetes token with oidc\n\tvalidating OIDC token\n\t\t"
	reviewingHere   = "reviewing kubernetes token with in_cluster\n\t"
	discovery       = reviewingOIDC + "OpenID Provider Configuration Discovery has failed\n"
	instead         = "--join-type static_jwks"
)

// explained is a row: Teleport's text, what differs from a sound join, and parts of what a person is told.
type explained struct {
	text                                 string
	change                               func(*checks.Known)
	id, cause, observed, expected, fixed string
}

func (row explained) hold(t *testing.T, known checks.Known) {
	t.Helper()
	got := checks.JudgeRefusal(row.text, known)
	if got.ID != row.id {
		t.Errorf("cause %s, want %s", got.ID, row.id)
	}
	for what, pair := range map[string][2]string{
		"cause": {got.Cause, row.cause}, "observed": {got.Observed, row.observed}, "expected": {got.Expected, row.expected}, "fix": {got.Fix, row.fixed},
	} {
		if pair[0] == "" || !strings.Contains(pair[0], pair[1]) {
			t.Errorf("%s %q, want %q in it", what, pair[0], pair[1])
		}
	}
	if got.Observed == got.Expected {
		t.Errorf("observed and expected are both %q", got.Observed)
	}
	// The same words with nothing known: never a panic, never an empty line.
	if blind := checks.JudgeRefusal(row.text, checks.Known{Setup: spec.Default()}); blind.Cause == "" || blind.Observed == "" || blind.Fix == "" || (blind.ID != "" && blind.Expected == "") {
		t.Errorf("with nothing known: %+v", blind)
	}
	if strings.ContainsAny(got.Words, "\n\t") || !strings.HasPrefix(got.Words, strings.SplitN(row.text, "\n", 2)[0]) {
		t.Errorf("words %q are not Teleport's %q on one line", got.Words, row.text)
	}
}

func holdAll(t *testing.T, rows map[string]explained) {
	t.Helper()
	for name, row := range rows {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			known := refusedJoin(t)
			if row.change != nil {
				row.change(&known)
			}
			row.hold(t, known)
		})
	}
}

func TestRefusalOfTheJoinToken(t *testing.T) {
	t.Parallel()
	const notFound = `"" can not join the cluster with role "Bot", token expired or not found`
	holdAll(t, map[string]explained{
		"no such token": {
			notFound, func(k *checks.Known) { k.Token, k.TokenMissing = nil, true },
			"P06", "no join token of this name", `cluster "lab.example.com" has no join token "tbot-1"`, `a join token "tbot-1"`, "init again",
		},
		"ended": {
			notFound, func(k *checks.Known) { k.Token.SetExpiry(k.Now.Add(-time.Hour)) },
			"P06", "has ended", "ended at 2026-11-20T11:00:00Z", "2026-11-20T12:00:00Z", "without an end",
		},
		"not seen by this Auth Service": {notFound, nil, "P06", "valid now", `sees join token "tbot-1"`, "has not ended", "in a minute"},
		"token unreadable":              {notFound, func(k *checks.Known) { k.Token = nil }, "P06", "valid now", "not known", `"tbot-1"`, "tctl get token/tbot-1"},
		"not valid":                     {`"" can not join the cluster with role "Bot", the token is not valid`, nil, "P06", "", "tbot-1", "tbot-1", "init again"},
		"role": {
			`node "" [] can not join the cluster, the token does not allow "Bot" role`,
			func(k *checks.Known) { k.Token.Spec.Roles = types.SystemRoles{types.RoleApp} },
			"P18", "something else than a bot", `roles ["App"]`, `roles ["Bot"]`, "init again",
		},
		"role in newer words": {"can not join the cluster, the token does not allow role Bot", func(k *checks.Known) { k.Token = nil }, "P18", "", "does not allow the role Bot", "Bot", "init again"},
		"bot_name":            {`token with role "Bot" must set bot_name`, nil, "P18", "names no bot", "no bot_name", `"tbot-1"`, "tbot-1"},
		"method by its value": {
			"anything that method says", func(k *checks.Known) { k.Token.Spec.JoinMethod = types.JoinMethodGitHub },
			"P18", "another join method", `join_method "github"`, `join_method "kubernetes"`, "init again",
		},
		"method by the text": {
			"client requested join method kubernetes, provision token only supports method iam", func(k *checks.Known) { k.Token = nil },
			"P18", "another join method", "method iam", "kubernetes", "init again",
		},
		"somebody else's token": {
			"kubernetes token did not match any allow rules", func(k *checks.Known) { k.Token.Metadata.Labels = nil },
			"P07", "", "machines:tbot", "machines:tbot", "--token-name tbot-1-2",
		},
		"a tbot that was made by hand": {
			"kubernetes token did not match any allow rules", func(k *checks.Known) {
				k.Handmade, k.Token.Metadata.Labels, k.Token.Spec.Kubernetes.Allow[0].ServiceAccount = true, nil, "default:tbot"
			},
			"P07", "does not let", `allows "default:tbot"`, `"machines:tbot"`, "whoever administers Teleport sets the allow rule to machines:tbot: tctl edit token/tbot-1",
		},
		"a tbot that was made by hand, without its token": {
			notFound, func(k *checks.Known) { k.Handmade, k.Token, k.TokenMissing = true, nil, true },
			"P06", "no join token of this name", "has no join token", `a join token "tbot-1"`, "whoever administers Teleport makes it",
		},
		"type unknown to the server": {
			"unsupported kubernetes join method type (oidc)", func(k *checks.Known) { k.ServerVersion = "16.4.7"; oidcToken(k, refusedIssuer) },
			"P18", "does not know", "Teleport 16.4.7", "17.7.0", instead,
		},
		"type refused when the token is made": {
			"spec.kubernetes:\n\ttype: must be one of (azure, token), got \"oidc\"", func(k *checks.Known) { k.ServerVersion = "16.4.7"; k.Token = nil },
			"P18", "does not know", "Teleport 16.4.7", "18.1.5", instead,
		},
		"allow rule": {
			"kubernetes token did not match any allow rules", func(k *checks.Known) { k.Token.Spec.Kubernetes.Allow[0].ServiceAccount = "default:tbot" },
			"P07", "does not let", `allows "default:tbot"`, `"machines:tbot"`, "sets the allow rule to machines:tbot",
		},
		"allow rule with the prefix": {
			"kubernetes token did not match any allow rules", func(k *checks.Known) {
				k.Token.Spec.Kubernetes.Allow[0].ServiceAccount = "system:serviceaccount:machines:tbot"
			},
			"P07", "carries the prefix", `allows "system:serviceaccount:machines:tbot"`, `"machines:tbot"`, "init again",
		},
		"allow rule with a wildcard": {
			"kubernetes token did not match any allow rules", func(k *checks.Known) { k.Token.Spec.Kubernetes.Allow[0].ServiceAccount = "machines:*" },
			"P07", "no wildcard", `"machines:*"`, `"machines:tbot"`, "init again",
		},
		"allow rules unreadable": {"kubernetes token did not match any allow rules", func(k *checks.Known) { k.Token = nil }, "P07", "", "no allow rule", `"machines:tbot"`, "init again"},
	})
}

func TestRefusalOfTheBot(t *testing.T) {
	t.Parallel()
	holdAll(t, map[string]explained{
		"missing": {"access denied", notThere, "P17", "does not exist", `no bot "tbot-1"`, `a bot "tbot-1"`, "makes the bot"},
		"renamed": {
			"access denied", func(k *checks.Known) { notThere(k); k.Token.Spec.BotName = "example" },
			"P17", "another bot", `bot_name "example"`, `"tbot-1"`, "sets bot_name to tbot-1",
		},
		"locked, not said": {"access denied", func(k *checks.Known) { k.Lock = "5f1c" }, "P17", "locked", `lock "5f1c"`, "no lock", "tctl rm lock/5f1c"},
		"locked, said":     {`lock targeting User:"bot-tbot-1" is in force`, nil, "P17", "locked", "bot-tbot-1", `bot "tbot-1"`, "tctl get locks"},
		"a lock's name is no shell command": {
			`lock targeting User:"bot-tbot-1" is in force`, func(k *checks.Known) { k.Lock = "a; reboot" }, "P17", "locked", `"a; reboot"`, "no lock", "lock/'a; reboot'",
		},
		"unknown":                {"access denied", func(k *checks.Known) { k.BotExists = nil }, "P17", "does not say why", "not known", `"tbot-1"`, "tctl get bot/tbot-1"},
		"nothing to see":         {"receiving join result\n\taccess denied", nil, "P17", "does not say why", "exists", "let in", "bot.join"},
		"no roles for an output": {"at least one role request is required", nil, "P23", "no roles for its output", `bot "tbot-1" has no roles`, `the roles "access"`, "sets the bot's roles"},
		"the roles of an output": {`user "bot-tbot-1" has requested role impersonation for ["access"]`, nil, "P23", "joined", "impersonation", `"access"`, "sets the bot's roles"},
	})
}

func TestRefusalOfTheServiceAccountToken(t *testing.T) {
	t.Parallel()
	proxyAddress := func(k *checks.Known) { k.Claims.Audience = []string{"teleport.example.com:443"} }
	hour := func(k *checks.Known) { k.Claims.Expires = k.Claims.IssuedAt.Add(time.Hour) }
	noPod := func(k *checks.Known) { k.Claims.Pod = "" }
	holdAll(t, map[string]explained{
		"audience, static_jwks": {
			reviewingStatic + "validating jwt claims\n\t\tgo-jose/go-jose/jwt: validation failed, invalid audience claim (aud)", proxyAddress,
			"P01", "somebody else", `"teleport.example.com:443"`, `"lab.example.com"`, `"lab.example.com"`,
		},
		"audience, oidc": {
			reviewingOIDC + `verifying token: audience is not valid: Audience must contain client_id "lab.example.com"`, proxyAddress,
			"P01", "", `"teleport.example.com:443"`, `"lab.example.com"`, "audience",
		},
		"two audiences, oidc": {
			reviewingOIDC + "authorized party is not set. If Token is valid for multiple audiences, azp must not be empty",
			func(k *checks.Known) {
				k.Claims.Audience = []string{"lab.example.com", "https://kubernetes.default.svc"}
			},
			"P01", "", "kubernetes.default.svc", "alone", "audience",
		},
		"audience asked for by hand": {
			"invalid audience claim (aud)", func(k *checks.Known) { proxyAddress(k); k.Setup.Teleport.ClusterName = "teleport.example.com" },
			"P01", "", "443", "lab.example.com", "--cluster-name lab.example.com",
		},
		"another cluster behind the proxy": {"invalid audience claim (aud)", nil, "P01", "another name than its proxy tells", `"lab.example.com"`, "another one", "--proxy"},
		"claims unknown":                   {"invalid audience claim (aud)", func(k *checks.Known) { k.Claims = issuer.Claims{} }, "P01", "", "Teleport says", `"lab.example.com"`, "audience"},
		"no pod, static_jwks":              {reviewingStatic + "static_jwks joining requires the use of projected pod bound service account token", noPod, "P08", "not bound", "names no pod", "bound to a pod", "projected volume"},
		"no pod, oidc":                     {reviewingOIDC + "oidc joining requires the use of a projected pod bound service account token", noPod, "P08", "", "names no pod", "bound to a pod", "projected volume"},
		"no pod, in_cluster": {
			reviewingHere + "legacy SA tokens are not accepted as kubernetes version v1.36.3 supports bound tokens", noPod, "P08", "", "names no pod", "bound", "projected volume",
		},
		"too long, static_jwks": {reviewingStatic + "static_jwks joining requires the use of a service account token with a TTL of less than 30m0s", hour, "P09", "too long", "1h0m0s", "30m0s", "600"},
		"too long, oidc":        {reviewingOIDC + "oidc joining requires the use of a service account token with a TTL of less than 30m0s", hour, "P09", "", "1h0m0s", "30m0s", "600"},
		"no end":                {reviewingStatic + "static_jwks joining requires the use of a service account token with `exp`", func(k *checks.Known) { k.Claims.Expires = time.Time{} }, "P09", "", "does not say", "30m0s", "600"},
		"expired, static_jwks":  {reviewingStatic + "validating jwt claims\n\t\tgo-jose/go-jose/jwt: validation failed, token is expired (exp)", nil, "P37", "clocks differ", "12:10:00Z", "12:00:00Z", "timedatectl"},
		"too early":             {"go-jose/go-jose/jwt: validation failed, token not valid yet (nbf)", nil, "P37", "clocks differ", "12:00:00Z", "this machine", "timedatectl"},
		"from the future":       {"go-jose/go-jose/jwt: validation field, token issued in the future (iat)", nil, "P37", "", "12:00:00Z", "this machine", "timedatectl"},
		"expired, oidc":         {reviewingOIDC + "verifying token: token has expired", nil, "P37", "", "12:00:00Z", "this machine", "timedatectl"},
		"too early, oidc":       {reviewingOIDC + "verifying token: issuedAt of token is in the future: (iat: x, now with offset: y)", nil, "P37", "", "12:00:00Z", "this machine", "timedatectl"},
		"no JWT":                {reviewingStatic + "parsing jwt\n\t\tgo-jose/go-jose: compact JWS format must have three parts", nil, "P10", "no service account token", "three parts", "JWT", "KUBERNETES_TOKEN_PATH"},
		"nothing presented":     {"IDToken not provided for Kubernetes join request", nil, "P10", "", "IDToken", "JWT", "KUBERNETES_TOKEN_PATH"},
		"no service account":    {reviewingHere + "token user is not a service account: admin", nil, "P08", "", "admin", "machines:tbot", "projected"},
	})
}

// TestRecordedRefusals holds that no refusal that was ever recorded is left unexplained, whatever else is known.
func TestRecordedRefusals(t *testing.T) {
	t.Parallel()
	content, err := os.ReadFile(filepath.Join("..", "internal", "teleporttest", "testdata", "recordings", "host-credentials-errors.json"))
	if err != nil {
		t.Fatal(err)
	}
	var recording struct {
		Cases []struct {
			Cause string
			Body  struct{ Error struct{ Message string } }
		}
	}
	if err := json.Unmarshal(content, &recording); err != nil || len(recording.Cases) == 0 {
		t.Fatalf("%d recorded refusals, %v", len(recording.Cases), err)
	}
	for _, row := range recording.Cases {
		for name, known := range map[string]checks.Known{"all": refusedJoin(t), "nothing": {Setup: spec.Default()}} {
			got := checks.JudgeRefusal(row.Body.Error.Message, known)
			if got.ID == "" || got.Cause == "" || got.Observed == "" || got.Expected == "" || got.Fix == "" || got.Observed == got.Expected {
				t.Errorf("%s, %s known: %+v", row.Cause, name, got)
			}
		}
	}
}

// TestUnknownRefusal holds that words nobody knows are quoted whole and not guessed at.
func TestUnknownRefusal(t *testing.T) {
	t.Parallel()
	for text, words := range map[string]string{
		"a reason of a later release\n\twith a detail":       "a reason of a later release: with a detail",
		"access denied: impersonation is not allowed\n":      "access denied: impersonation is not allowed",
		"access denied to perform action \"read\" on \"ca\"": "access denied to perform action \"read\" on \"ca\"",
	} {
		got := checks.JudgeRefusal(text, refusedJoin(t))
		if got.ID != "" || got.Expected != "" || got.Words != words || !strings.HasSuffix(got.Observed, words) || !strings.Contains(got.Fix, "bot.join") {
			t.Errorf("%+v, want Teleport's words %q and no more", got, words)
		}
	}
}

// TestExplainRefusal holds that each look is made once and with the right names, and that one that fails is said.
func TestExplainRefusal(t *testing.T) {
	t.Parallel()
	sound := refusedJoin(t)
	token := sound.Token
	token.Spec.BotName = "example"
	base := sound
	base.Token, base.BotExists = nil, nil
	asked := map[string]int{}
	looks := checks.RefusalLooks{
		Token: func(_ context.Context, name string) (*types.ProvisionTokenV2, error) {
			asked["token "+name]++
			return token, nil
		},
		BotExists: func(_ context.Context, name string) (bool, error) {
			asked["bot "+name]++
			return false, nil
		},
		Lock: func(_ context.Context, bot, token string) (string, error) {
			asked["lock "+bot+" "+token]++
			return "", errors.New("no right to read locks")
		},
	}
	got := checks.ExplainRefusal(t.Context(), "access denied", base, looks)
	if got.ID != "P17" || !strings.Contains(got.Observed, `"example"`) || !strings.Contains(got.Expected, `"tbot-1"`) {
		t.Errorf("%+v", got)
	}
	for _, look := range []string{"token tbot-1", "bot example", "lock example tbot-1"} {
		if asked[look] != 1 || len(asked) != 3 {
			t.Errorf("looks %v, want one at %q", asked, look)
		}
	}
	if len(got.Unseen) != 1 || !strings.Contains(got.Unseen[0], "no right to read locks") {
		t.Errorf("unseen %q, want the locks", got.Unseen)
	}

	looks.Token = func(context.Context, string) (*types.ProvisionTokenV2, error) { return nil, nil }
	gone := checks.ExplainRefusal(t.Context(), "token expired or not found", base, looks)
	if gone.ID != "P06" || !strings.Contains(gone.Observed, "has no join token") {
		t.Errorf("%+v", gone)
	}
	blind := checks.ExplainRefusal(t.Context(), "token expired or not found", base, checks.RefusalLooks{})
	if blind.ID != "P06" || !strings.Contains(blind.Observed, "not known") || len(blind.Unseen) != 0 {
		t.Errorf("%+v", blind)
	}
}

// TestRefusalAsResult holds that a refusal is printed as the failed check of the join.
func TestRefusalAsResult(t *testing.T) {
	t.Parallel()
	cause := errors.New("Teleport refused the join")
	refusal := checks.JudgeRefusal("kubernetes token did not match any allow rules", refusedJoin(t))
	result := refusal.Result(cause)
	if result.Check.ID != checks.JoinProven || result.Finding.Status != checks.Fail || !errors.Is(result.Finding.Err, cause) {
		t.Errorf("%+v", result)
	}
	if result.Finding.Observed != refusal.Observed || result.Finding.Expected != refusal.Expected || result.Finding.Fix != refusal.Fix {
		t.Errorf("%+v, want the values of %+v", result.Finding, refusal)
	}
}
