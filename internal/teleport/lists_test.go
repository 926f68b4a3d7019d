package teleport_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/gravitational/teleport/api/types"

	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/internal/teleport"
	"github.com/tbotctl/tbotctl/internal/teleporttest"
)

func TestListOfRoles(t *testing.T) {
	t.Parallel()
	c := teleporttest.New(t, teleporttest.Options{})
	described := roleWith("machines", nil, nil)
	described.Metadata.Description = "what machines may"
	c.AddRole(described)
	c.PutBot(bot("ci", "access"))
	// More than a page of any server.
	for i := range 450 {
		c.AddRole(roleWith(fmt.Sprintf("many-%03d", i), nil, nil))
	}
	got, err := clientAs(t, c, "admin").Roles(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var few []teleport.Role
	many := 0
	for i, role := range got {
		if i > 0 && got[i-1].Name >= role.Name {
			t.Errorf("%s comes after %s", role.Name, got[i-1].Name)
		}
		if strings.HasPrefix(role.Name, "many-") {
			many++
			continue
		}
		few = append(few, role)
	}
	want := []teleport.Role{
		{Name: "access", Description: "Access cluster resources"},
		{Name: "auditor", Description: "Review cluster events and replay sessions"},
		{Name: "editor", Description: "Edit cluster configuration"},
		{Name: "machines", Description: "what machines may"},
	}
	if diff := cmp.Diff(want, few); diff != "" || many != 450 {
		t.Errorf("%d of 450 roles, and (-want +got):\n%s", many, diff)
	}
}

func TestListOfTokens(t *testing.T) {
	t.Parallel()
	const secretName = "hunter2-very-secret"
	ends := time.Now().Add(time.Hour).UTC().Truncate(time.Second)
	for _, version := range []string{"18.2.0", "16.4.7"} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			c := teleporttest.New(t, teleporttest.Options{Version: version})
			ours := token("b-ours", nil)
			ours.Metadata.Labels = map[string]string{spec.MarkInstall: "tbot/machines"}
			oidc := token("a-oidc", nil)
			oidc.Spec.Kubernetes.Type = types.KubernetesJoinTypeOIDC
			oidc.Spec.BotName, oidc.Spec.Kubernetes.StaticJWKS = "robot", nil
			oidc.Spec.Kubernetes.OIDC = &types.ProvisionTokenSpecV2Kubernetes_OIDCConfig{Issuer: "https://issuer.example.com/"}
			oidc.Spec.Kubernetes.Allow = append(oidc.Spec.Kubernetes.Allow, &types.ProvisionTokenSpecV2Kubernetes_Rule{ServiceAccount: "ops:other"})
			agent := token("c-agent", nil)
			agent.Spec.Roles, agent.Spec.BotName = types.SystemRoles{types.RoleKube}, ""
			agent.Spec.Kubernetes.Type, agent.Spec.Kubernetes.StaticJWKS = types.KubernetesJoinTypeUnspecified, nil
			agent.SetExpiry(ends)
			secret, err := types.NewProvisionToken(secretName, types.SystemRoles{types.RoleNode}, time.Time{})
			if err != nil {
				t.Fatal(err)
			}
			for _, one := range []types.ProvisionToken{ours, oidc, agent, secret} {
				c.PutToken(one)
			}
			got, err := clientAs(t, c, "admin").Tokens(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			allow := ours.Spec.Kubernetes.Allow[0].ServiceAccount
			want := []teleport.JoinToken{
				{Name: "a-oidc", Bot: "robot", Type: "oidc", Allow: []string{allow, "ops:other"}, Issuer: "https://issuer.example.com/"},
				{Name: "b-ours", Bot: "example", Type: "static_jwks", Allow: []string{allow}, JWKS: ours.Spec.Kubernetes.StaticJWKS.JWKS, Install: "tbot/machines"},
				{Name: "c-agent", Type: "in_cluster", Allow: []string{allow}, Expires: ends},
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("tokens (-want +got):\n%s", diff)
			}
			if strings.Contains(fmt.Sprintf("%+v", got), secretName) {
				t.Error("the name of a secret token was kept")
			}
			namespace, account, _ := strings.Cut(allow, ":")
			if !got[0].Admits("ops", "other") || got[1].Admits("ops", "other") || !got[1].Admits(namespace, account) || got[1].Admits(namespace, account+"x") {
				t.Errorf("the tokens admit others than they allow: %+v", got)
			}
		})
	}
}

// TestTokensByPages holds that none is lost between two pages.
func TestListOfTokensByPages(t *testing.T) {
	t.Parallel()
	c := teleporttest.New(t, teleporttest.Options{})
	for i := range 450 {
		c.PutToken(token(fmt.Sprintf("token-%03d", i), nil))
	}
	got, err := clientAs(t, c, "admin").Tokens(t.Context())
	if err != nil || len(got) != 450 || got[449].Name != "token-449" {
		t.Errorf("%d tokens, %v; want 450", len(got), err)
	}
}

// TestListsThatMayNotBeRead holds that no list is taken for empty that could not be read.
func TestListsThatMayNotBeRead(t *testing.T) {
	t.Parallel()
	roles := func(ctx context.Context, client *teleport.Client) (int, error) {
		got, err := client.Roles(ctx)
		return len(got), err
	}
	tokens := func(ctx context.Context, client *teleport.Client) (int, error) {
		got, err := client.Tokens(ctx)
		return len(got), err
	}
	bots := func(ctx context.Context, client *teleport.Client) (int, error) {
		got, err := client.Bots(ctx)
		return len(got), err
	}
	for name, row := range map[string]struct {
		options teleporttest.Options
		user    string
		list    func(context.Context, *teleport.Client) (int, error)
		kind    teleport.Kind
		want    []string
	}{
		"roles without the right":  {teleporttest.Options{}, "plain", roles, teleport.Denied, []string{"listing roles", `action "list" on "role"`, `action "read" on "role"`}},
		"tokens without the right": {teleporttest.Options{}, "plain", tokens, teleport.Denied, []string{"listing join tokens", `action "list" on "token"`, `action "read" on "token"`}},
		"bots without the right":   {teleporttest.Options{}, "plain", bots, teleport.Denied, []string{"listing bots", `action "list" on "bot"`}},
		"roles of an old server":   {teleporttest.Options{Version: "16.0.0-dev"}, "admin", roles, teleport.Unsupported, []string{"listing roles", "ListRoles"}},
		"tokens without a touch":   {teleporttest.Options{AdminMFA: true}, "admin", tokens, teleport.MFARequired, []string{"listing join tokens", "MFA"}},
		"tokens of an old server without a touch": {
			teleporttest.Options{Version: "16.0.0-dev", AdminMFA: true}, "admin", tokens, teleport.MFARequired, []string{"listing join tokens", "MFA"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := teleporttest.New(t, row.options)
			c.PutBot(bot("ci"))
			c.PutToken(token("door", nil))
			count, err := row.list(t.Context(), clientAs(t, c, row.user))
			wantError(t, err, row.kind, row.want...)
			if count > 0 {
				t.Errorf("%d beside the error", count)
			}
		})
	}
	// Neither roles nor bots take a touch.
	touchy := teleporttest.New(t, teleporttest.Options{AdminMFA: true})
	touchy.PutBot(bot("ci", "access"))
	client := clientAs(t, touchy, "admin")
	if count, err := roles(t.Context(), client); err != nil || count == 0 {
		t.Errorf("%d roles, %v", count, err)
	}
	if count, err := bots(t.Context(), client); err != nil || count != 1 {
		t.Errorf("%d bots, %v; want one", count, err)
	}
}
