package teleport_test

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	headerv1 "github.com/gravitational/teleport/api/gen/proto/go/teleport/header/v1"
	machineidv1 "github.com/gravitational/teleport/api/gen/proto/go/teleport/machineid/v1"
	"github.com/gravitational/teleport/api/types"

	"github.com/tbotctl/tbotctl/internal/teleport"
	"github.com/tbotctl/tbotctl/internal/teleporttest"
)

func bot(name string, roles ...string) *machineidv1.Bot {
	return &machineidv1.Bot{
		Kind: types.KindBot, Version: types.V1,
		Metadata: &headerv1.Metadata{Name: name},
		Spec:     &machineidv1.BotSpec{Roles: roles},
	}
}

// token admits service account default:tbot as bot "example"; change may spoil it.
func token(name string, change func(*types.ProvisionTokenV2)) *types.ProvisionTokenV2 {
	made := &types.ProvisionTokenV2{
		Kind: types.KindToken, Version: types.V2,
		Metadata: types.Metadata{Name: name},
		Spec: types.ProvisionTokenSpecV2{
			Roles:      []types.SystemRole{types.RoleBot},
			BotName:    "example",
			JoinMethod: types.JoinMethodKubernetes,
			Kubernetes: &types.ProvisionTokenSpecV2Kubernetes{
				Type:       types.KubernetesJoinTypeStaticJWKS,
				Allow:      []*types.ProvisionTokenSpecV2Kubernetes_Rule{{ServiceAccount: "default:tbot"}},
				StaticJWKS: &types.ProvisionTokenSpecV2Kubernetes_StaticJWKSConfig{JWKS: `{"keys":[]}`},
			},
		},
	}
	if change != nil {
		change(made)
	}
	return made
}

func TestBots(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"18.2.0", "16.4.7"} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			c := teleporttest.New(t, teleporttest.Options{Version: version})
			client := clientAs(t, c, "admin")
			if got, err := client.Bot(t.Context(), "example"); got != nil || err != nil {
				t.Fatalf("a bot that does not exist: %v, %v", got, err)
			}
			if err := client.CreateBot(t.Context(), bot("example", "access")); err != nil {
				t.Fatal(err)
			}
			wantBot(t, client, "example", "access")
			err := client.CreateBot(t.Context(), bot("example", "editor"))
			wantError(t, err, teleport.Exists, "making bot example: creating bot user: user \"bot-example\" already registered")
			wantBot(t, client, "example", "access")
			if err := client.UpsertBot(t.Context(), bot("example", "access", "auditor")); err != nil {
				t.Fatal(err)
			}
			wantBot(t, client, "example", "access", "auditor")
			if err := client.UpsertBot(t.Context(), bot("fresh")); err != nil {
				t.Fatal(err)
			}
			wantBot(t, client, "fresh")
			wantError(t, client.CreateBot(t.Context(), bot("")), teleport.Invalid, "making bot : validating bot: metadata.name: must be non-empty")
			wantError(t, client.UpsertBot(t.Context(), bot("x", "")), teleport.Invalid, "spec.roles")
		})
	}
}

func wantBot(t *testing.T, client *teleport.Client, name string, roles ...string) {
	t.Helper()
	got, err := client.Bot(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	if got.GetMetadata().GetName() != name || !slices.Equal(got.GetSpec().GetRoles(), roles) {
		t.Errorf("bot %q with roles %v, want %q with %v", got.GetMetadata().GetName(), got.GetSpec().GetRoles(), name, roles)
	}
}

func TestTokens(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"18.2.0", "16.4.7"} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			c := teleporttest.New(t, teleporttest.Options{Version: version})
			client := clientAs(t, c, "admin")
			if got, err := client.Token(t.Context(), "example-token"); got != nil || err != nil {
				t.Fatalf("a token that does not exist: %v, %v", got, err)
			}
			if err := client.CreateToken(t.Context(), token("example-token", nil)); err != nil {
				t.Fatal(err)
			}
			wantToken(t, client, "example-token", "default:tbot")
			wantError(t, client.CreateToken(t.Context(), token("example-token", nil)), teleport.Exists, "making token example-token")
			err := client.UpsertToken(t.Context(), token("example-token", func(made *types.ProvisionTokenV2) {
				made.Spec.Kubernetes.Allow[0].ServiceAccount = "other:tbot"
			}))
			if err != nil {
				t.Fatal(err)
			}
			wantToken(t, client, "example-token", "other:tbot")
			if err := client.UpsertToken(t.Context(), token("fresh", nil)); err != nil {
				t.Fatal(err)
			}
			wantToken(t, client, "fresh", "default:tbot")
		})
	}
}

func wantToken(t *testing.T, client *teleport.Client, name, serviceAccount string) {
	t.Helper()
	got, err := client.Token(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	want := token(name, func(made *types.ProvisionTokenV2) { made.Spec.Kubernetes.Allow[0].ServiceAccount = serviceAccount })
	gotJSON, err := json.Marshal(got.Spec)
	if err != nil {
		t.Fatal(err)
	}
	wantJSON, err := json.Marshal(want.Spec)
	if err != nil {
		t.Fatal(err)
	}
	if got.GetName() != name || string(gotJSON) != string(wantJSON) {
		t.Errorf("token %q:\n got  %s\n want %s", got.GetName(), gotJSON, wantJSON)
	}
}

// The texts are those of teleport-facts 3.6; each line of them is on one line here.
func TestBadTokens(t *testing.T) {
	t.Parallel()
	client := clientAs(t, teleporttest.New(t, teleporttest.Options{}), "admin")
	for want, change := range map[string]func(*types.ProvisionTokenV2){
		"provisioning token is missing roles":                                  func(made *types.ProvisionTokenV2) { made.Spec.Roles = nil },
		`token with role "Bot" must set bot_name`:                              func(made *types.ProvisionTokenV2) { made.Spec.BotName = "" },
		"bad: spec.kubernetes: allow: at least one rule must be set":           func(made *types.ProvisionTokenV2) { made.Spec.Kubernetes.Allow = nil },
		`static_jwks.jwks: must be set when type is "static_jwks"`:             func(made *types.ProvisionTokenV2) { made.Spec.Kubernetes.StaticJWKS.JWKS = "" },
		`type: must be one of (in_cluster, static_jwks, oidc), got "kerberos"`: func(made *types.ProvisionTokenV2) { made.Spec.Kubernetes.Type = "kerberos" },
		`should be in format "namespace:service_account", got "tbot" instead`: func(made *types.ProvisionTokenV2) {
			made.Spec.Kubernetes.Allow[0].ServiceAccount = "tbot"
		},
	} {
		wantError(t, client.UpsertToken(t.Context(), token("bad", change)), teleport.Invalid, "updating token bad", want)
		wantError(t, client.CreateToken(t.Context(), token("bad", change)), teleport.Invalid, "making token bad", want)
	}
	if got, err := client.Token(t.Context(), "bad"); got != nil || err != nil {
		t.Errorf("the refused token is there: %v, %v", got, err)
	}
}

func TestOIDCTokenOnServerThatIsOlder(t *testing.T) {
	t.Parallel()
	oidc := func(made *types.ProvisionTokenV2) {
		made.Spec.Kubernetes.Type = types.KubernetesJoinTypeOIDC
		made.Spec.Kubernetes.StaticJWKS = nil
		made.Spec.Kubernetes.OIDC = &types.ProvisionTokenSpecV2Kubernetes_OIDCConfig{Issuer: "https://issuer.example.com"}
	}
	old := clientAs(t, teleporttest.New(t, teleporttest.Options{Version: "16.4.7"}), "admin")
	wantError(t, old.CreateToken(t.Context(), token("a", oidc)), teleport.Invalid, `got "oidc"`)
	young := clientAs(t, teleporttest.New(t, teleporttest.Options{}), "admin")
	if err := young.CreateToken(t.Context(), token("a", oidc)); err != nil {
		t.Error(err)
	}
}

func TestRoleExists(t *testing.T) {
	t.Parallel()
	client := clientAs(t, teleporttest.New(t, teleporttest.Options{}), "admin")
	for name, want := range map[string]bool{"access": true, "editor": true, "nobody-made-this": false} {
		if got, err := client.RoleExists(t.Context(), name); got != want || err != nil {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}

// calls are all that an administrator's client does, each with what it needs to find a target for it.
func calls(client *teleport.Client) map[string]func(context.Context) error {
	return map[string]func(context.Context) error{
		"reading bot example": func(ctx context.Context) error { _, err := client.Bot(ctx, "example"); return err },
		"making bot fresh":    func(ctx context.Context) error { return client.CreateBot(ctx, bot("fresh")) },
		"updating bot fresh":  func(ctx context.Context) error { return client.UpsertBot(ctx, bot("fresh")) },
		"reading token t":     func(ctx context.Context) error { _, err := client.Token(ctx, "t"); return err },
		"making token u":      func(ctx context.Context) error { return client.CreateToken(ctx, token("u", nil)) },
		"updating token u":    func(ctx context.Context) error { return client.UpsertToken(ctx, token("u", nil)) },
		"reading role editor": func(ctx context.Context) error { _, err := client.RoleExists(ctx, "editor"); return err },
	}
}

func TestDenied(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"18.2.0", "16.4.7"} {
		c := teleporttest.New(t, teleporttest.Options{Version: version})
		for name, call := range calls(clientAs(t, c, "plain")) {
			wantError(t, call(t.Context()), teleport.Denied, name, "access denied to perform action")
		}
		if _, made := c.Bot("fresh"); made {
			t.Errorf("%s: a user without the right made a bot", version)
		}
	}
}

func TestAdminMFA(t *testing.T) {
	t.Parallel()
	for _, noChallenge := range []bool{false, true} {
		c := teleporttest.New(t, teleporttest.Options{AdminMFA: true, NoChallenge: noChallenge})
		c.PutBot(bot("example"))
		c.PutToken(token("t", nil))
		for name, call := range calls(clientAs(t, c, "admin")) {
			err := call(t.Context())
			if name == "reading bot example" || name == "reading role editor" {
				if err != nil {
					t.Errorf("%s needs no touch: %v", name, err)
				}
				continue
			}
			wantError(t, err, teleport.MFARequired, name, "admin-level API request requires MFA verification")
		}
	}
}

// A server that is slow or falls silent in the middle of things is told from one that says no.
func TestCallWithoutAnswer(t *testing.T) {
	t.Parallel()
	c := teleporttest.New(t, teleporttest.Options{Before: func(_ context.Context, r teleporttest.Request) error {
		if strings.HasSuffix(r.Method, "/Ping") || r.Protocol == "http" {
			return nil
		}
		<-t.Context().Done()
		return t.Context().Err()
	}})
	client := clientAs(t, c, "admin")
	for name, call := range calls(client) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			defer cancel()
			started := time.Now()
			wantError(t, call(ctx), teleport.Unreachable, name)
			soon(t, started)
			ctx, cancel = context.WithCancel(t.Context())
			cancel()
			if err := call(ctx); !teleport.Is(err, teleport.Other) {
				t.Errorf("cancelled: %v, want an error that blames nobody", err)
			}
		})
	}
}
