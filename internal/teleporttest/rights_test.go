package teleporttest_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gravitational/teleport/api/client"
	"github.com/gravitational/teleport/api/client/proto"
	machineidv1 "github.com/gravitational/teleport/api/gen/proto/go/teleport/machineid/v1"
	"github.com/gravitational/teleport/api/mfa"
	"github.com/gravitational/teleport/api/types"
	"github.com/gravitational/trace"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/tbotctl/tbotctl/internal/teleporttest"
)

// TestCustomRole: the verbs of the rules decide, one by one.
func TestCustomRole(t *testing.T) {
	t.Parallel()
	c := teleporttest.New(t, teleporttest.Options{})
	c.AddRole(&types.RoleV6{
		Metadata: types.Metadata{Name: "half"},
		Spec: types.RoleSpecV6{
			Allow: types.RoleConditions{Rules: []types.Rule{
				types.NewRule(types.KindToken, []string{types.VerbCreate}),
				types.NewRule(types.KindBot, []string{types.Wildcard}),
			}},
			Deny: types.RoleConditions{Rules: []types.Rule{types.NewRule(types.KindBot, []string{types.VerbDelete})}},
		},
	})
	c.AddUser("half", "half")
	clt := clientAs(t, c, "half")
	ctx := withTimeout(t)
	if err := clt.CreateToken(ctx, staticToken("t", "x")); err != nil {
		t.Errorf("create with the right to create: %v", err)
	}
	if err := clt.UpsertToken(ctx, staticToken("t", "x")); err == nil || err.Error() != `access denied to perform action "update" on "token"` {
		t.Errorf("upsert without the right to update: %v", err)
	}
	if _, err := clt.BotServiceClient().CreateBot(ctx, &machineidv1.CreateBotRequest{Bot: bot("b")}); err != nil {
		t.Errorf("wildcard verb: %v", err)
	}
	if _, err := clt.BotServiceClient().DeleteBot(ctx, &machineidv1.DeleteBotRequest{BotName: "b"}); err == nil || err.Error() != `access denied to perform action "delete" on "bot"` {
		t.Errorf("a denied verb: %v", err)
	}
	if _, ok := c.Bot("b"); !ok {
		t.Error("the refused delete deleted")
	}
}

// TestTokenChecks: creation refuses what CheckAndSetDefaults refuses (teleport-facts 3.6).
func TestTokenChecks(t *testing.T) {
	t.Parallel()
	c := teleporttest.New(t, teleporttest.Options{})
	clt := clientAs(t, c, "admin")
	ctx := withTimeout(t)
	err := clt.UpsertToken(ctx, oidcToken("t", "http://issuer.example.com"))
	if !trace.IsBadParameter(err) || err.Error() != "spec.kubernetes:\n\toidc.issuer: must be https:// unless insecure_allow_http_issuer is set" {
		t.Errorf("http issuer: %v", err)
	}
	if err := clt.UpsertToken(ctx, oidcToken("t", "https://issuer.example.com")); err != nil {
		t.Error(err)
	}
	if err := clt.CreateToken(ctx, oidcToken("t", "https://issuer.example.com")); !trace.IsAlreadyExists(err) {
		t.Errorf("create over a token: %v", err)
	}
	held, err := clt.GetToken(ctx, "t")
	if err != nil || held.GetRevision() == "" {
		t.Fatalf("GetToken: %v, revision %q", err, held.GetRevision())
	}
	tokens, next, err := clt.ListProvisionTokens(ctx, 10, "", nil, "example")
	if err != nil || len(tokens) != 1 || next != "" {
		t.Errorf("ListProvisionTokens: %v %q %v", tokens, next, err)
	}
	if tokens, _, err := clt.ListProvisionTokens(ctx, 10, "", types.SystemRoles{types.RoleKube}, ""); err != nil || len(tokens) != 0 {
		t.Errorf("ListProvisionTokens for Kube: %v %v", tokens, err)
	}
	if err := clt.DeleteToken(ctx, "t"); err != nil {
		t.Error(err)
	}
	if _, ok := c.Token("t"); ok {
		t.Error("the token is still there")
	}
}

// TestOIDCTypeGates: the type came to 17 and 18 by backport (field-notes 0.5).
func TestOIDCTypeGates(t *testing.T) {
	t.Parallel()
	for version, want := range map[string]bool{
		"16.5.18": false, "17.6.9": false, "17.7.0": true, "18.0.2": false, "18.1.4": false, "18.1.5": true, "18.2.0": true, "19.0.0-dev": true,
	} {
		c := teleporttest.New(t, teleporttest.Options{Version: version})
		err := clientAs(t, c, "admin").UpsertToken(withTimeout(t), oidcToken("t", "https://issuer.example.com"))
		if (err == nil) != want {
			t.Errorf("%s: %v, want accepted %v", version, err, want)
		}
	}
}

func TestAdminMFA(t *testing.T) {
	t.Parallel()
	t.Run("challenge", func(t *testing.T) { adminMFA(t, false) })
	t.Run("no challenge", func(t *testing.T) { adminMFA(t, true) })
}

func adminMFA(t *testing.T, noChallenge bool) {
	t.Helper()
	c := teleporttest.New(t, teleporttest.Options{AdminMFA: true, NoChallenge: noChallenge})
	c.PutToken(staticToken("t", "x"))
	clt := clientAs(t, c, "admin")
	ctx := withTimeout(t)
	for name, call := range map[string]func(context.Context) error{
		"UpsertToken": func(ctx context.Context) error { return clt.UpsertToken(ctx, staticToken("t", "y")) },
		"GetToken":    func(ctx context.Context) error { _, err := clt.GetToken(ctx, "t"); return err },
		"CreateBot": func(ctx context.Context) error {
			_, err := clt.BotServiceClient().CreateBot(ctx, &machineidv1.CreateBotRequest{Bot: bot("b")})
			return err
		},
		"UpsertRole": func(ctx context.Context) error {
			_, err := clt.UpsertRole(ctx, &types.RoleV6{Version: types.V7, Metadata: types.Metadata{Name: "r"}})
			return err
		},
	} {
		err := call(ctx)
		if !errors.Is(err, &mfa.ErrAdminActionMFARequired) {
			t.Errorf("%s: %v, want the MFA error", name, err)
		}
		// The client asks for a challenge, and says so if there is none (teleport-facts 5.4).
		want := mfa.ErrAdminActionMFARequired.Message
		if noChallenge {
			want += ", method CreateAuthenticateChallenge not implemented"
		}
		if err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %q", name, err, want)
		}
		answered := mfa.ContextWithMFAResponse(ctx, &proto.MFAAuthenticateResponse{
			Response: &proto.MFAAuthenticateResponse_TOTP{TOTP: &proto.TOTPResponse{Code: "123456"}},
		})
		if err := call(answered); err != nil {
			t.Errorf("%s with a response: %v", name, err)
		}
	}
	if _, err := clt.GetRole(ctx, "editor"); err != nil {
		t.Errorf("a read needs no MFA: %v", err)
	}
	preference, err := clt.GetAuthPreference(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if !preference.IsAdminActionMFAEnforced() {
		t.Error("the auth preference does not say that MFA is enforced")
	}
	// A refusal for want of rights comes first, and is not the MFA error.
	_, err = clientAs(t, c, "plain").GetToken(ctx, "t")
	if !trace.IsAccessDenied(err) || errors.Is(err, &mfa.ErrAdminActionMFARequired) {
		t.Errorf("GetToken without rights: %v", err)
	}
}

func TestAuthPreferenceWithoutMFA(t *testing.T) {
	t.Parallel()
	preference, err := clientAs(t, teleporttest.New(t, teleporttest.Options{}), "plain").GetAuthPreference(withTimeout(t))
	if err != nil {
		t.Fatal(err)
	}
	if preference.IsAdminActionMFAEnforced() {
		t.Error("MFA is enforced without being asked for")
	}
	if got := preference.GetSignatureAlgorithmSuite(); got != types.SignatureAlgorithmSuite_SIGNATURE_ALGORITHM_SUITE_BALANCED_V1 {
		t.Errorf("suite %v", got)
	}
}

func TestLockedBot(t *testing.T) {
	t.Parallel()
	j := join(t, teleporttest.Options{})
	lock := j.cluster.Lock("example")
	request := func() refusal {
		return joinAnswer(t, j.cluster, j.keys.request("example-bot", j.issuer.sign(t, goodClaims(nil))))
	}
	want := refusal{403, `lock targeting User:"bot-example"  is in force`}
	if got := request(); got.status != want.status || strings.Join(strings.Fields(got.message), " ") != strings.Join(strings.Fields(want.message), " ") {
		t.Errorf("join of a locked bot: %+v", got)
	}
	if _, err := j.client.Ping(withTimeout(t)); !trace.IsAccessDenied(err) {
		t.Errorf("Ping of a locked bot: %v", err)
	}
	admin := clientAs(t, j.cluster, "admin")
	locks, err := admin.GetLocks(withTimeout(t), true, types.LockTarget{User: "bot-example"})
	if err != nil || len(locks) != 1 || locks[0].GetName() != lock {
		t.Errorf("GetLocks: %v %v", locks, err)
	}
	if locks, err := admin.GetLocks(withTimeout(t), true, types.LockTarget{User: "bot-other"}); err != nil || len(locks) != 0 {
		t.Errorf("GetLocks of another bot: %v %v", locks, err)
	}
	if err := admin.DeleteLock(withTimeout(t), lock); err != nil {
		t.Fatal(err)
	}
	if got := request(); got.status != 200 {
		t.Errorf("join after the lock: %+v", got)
	}
}

func TestUpdateBot(t *testing.T) {
	t.Parallel()
	c := teleporttest.New(t, teleporttest.Options{})
	c.PutBot(bot("example", "access"))
	bots := clientAs(t, c, "admin").BotServiceClient()
	update := func(b *machineidv1.Bot, paths ...string) error {
		_, err := bots.UpdateBot(withTimeout(t), &machineidv1.UpdateBotRequest{Bot: b, UpdateMask: &fieldmaskpb.FieldMask{Paths: paths}})
		return err
	}
	if err := update(bot("example", "editor", "access"), "spec.roles"); err != nil {
		t.Fatal(err)
	}
	held, ok := c.Bot("example")
	if !ok || !slices.Equal(held.GetSpec().GetRoles(), []string{"editor", "access"}) {
		t.Errorf("bot: %v", held)
	}
	if got := held.GetSpec().GetMaxSessionTtl().AsDuration(); got != 12*time.Hour {
		t.Errorf("max_session_ttl %v, want 12h", got)
	}
	if err := update(bot("example"), "spec.nonsense"); err == nil || err.Error() != `update_mask: unsupported path "spec.nonsense"` {
		t.Errorf("unknown path: %v", err)
	}
	if err := update(bot("nobody"), "spec.roles"); !trace.IsNotFound(err) {
		t.Errorf("unknown bot: %v", err)
	}
	list, err := bots.ListBots(withTimeout(t), &machineidv1.ListBotsRequest{})
	if err != nil || len(list.GetBots()) != 1 {
		t.Errorf("ListBots: %v %v", list, err)
	}
	if _, err := bots.DeleteBot(withTimeout(t), &machineidv1.DeleteBotRequest{BotName: "example"}); err != nil {
		t.Error(err)
	}
	if _, ok := c.Bot("example"); ok {
		t.Error("the bot is still there")
	}
}

func TestBotInstances(t *testing.T) {
	t.Parallel()
	j := join(t, teleporttest.Options{})
	_, err := j.client.BotInstanceServiceClient().SubmitHeartbeat(withTimeout(t), &machineidv1.SubmitHeartbeatRequest{
		Heartbeat: &machineidv1.BotInstanceStatusHeartbeat{IsStartup: true, Version: "18.2.0"},
	})
	if err != nil {
		t.Fatal(err)
	}
	instances := clientAs(t, j.cluster, "admin").BotInstanceServiceClient()
	list, err := instances.ListBotInstances(withTimeout(t), &machineidv1.ListBotInstancesRequest{FilterBotName: "example"})
	if err != nil || len(list.GetBotInstances()) != 1 {
		t.Fatalf("ListBotInstances: %v %v", list, err)
	}
	one := list.GetBotInstances()[0]
	if one.GetStatus().GetInitialHeartbeat().GetVersion() != "18.2.0" {
		t.Errorf("heartbeat: %v", one.GetStatus())
	}
	id := one.GetSpec().GetInstanceId()
	if _, err := instances.GetBotInstance(withTimeout(t), &machineidv1.GetBotInstanceRequest{BotName: "other", InstanceId: id}); !trace.IsNotFound(err) {
		t.Errorf("an instance of another bot: %v", err)
	}
	if _, err := instances.DeleteBotInstance(withTimeout(t), &machineidv1.DeleteBotInstanceRequest{BotName: "example", InstanceId: id}); err != nil {
		t.Fatal(err)
	}
	if got := j.cluster.Instances("example"); len(got) != 0 {
		t.Errorf("instances after deletion: %v", got)
	}
}

func TestKubernetesClusters(t *testing.T) {
	t.Parallel()
	c := teleporttest.New(t, teleporttest.Options{KubeClusters: []teleporttest.KubeCluster{
		{Name: "lab", Labels: map[string]string{"env": "lab"}},
		{Name: "prod", Labels: map[string]string{"env": "prod", "teleport.internal/discovered-name": "eks-prod"}},
	}})
	c.AddRole(&types.RoleV6{
		Version: types.V7, Metadata: types.Metadata{Name: "lab-only"},
		Spec: types.RoleSpecV6{Allow: types.RoleConditions{KubernetesLabels: types.Labels{"env": []string{"l*"}}}},
	})
	c.AddUser("lab", "lab-only")
	list := func(user, predicate string, labels map[string]string) string {
		servers, err := client.GetAllResources[types.KubeServer](withTimeout(t), clientAs(t, c, user), &proto.ListResourcesRequest{
			ResourceType: types.KindKubeServer, Namespace: "default", PredicateExpression: predicate, Labels: labels,
		})
		if err != nil {
			return err.Error()
		}
		var names []string
		for _, s := range servers {
			names = append(names, s.GetCluster().GetName())
		}
		return fmt.Sprint(names)
	}
	for _, row := range []struct {
		user, predicate string
		labels          map[string]string
		want            string
	}{
		{user: "plain", want: "[lab prod]"},
		{user: "lab", want: "[lab]"},
		{user: "admin", labels: map[string]string{"env": "prod"}, want: "[prod]"},
		{user: "admin", predicate: `name == "lab"`, want: "[lab]"},
		{user: "admin", predicate: `name == "eks-prod" || labels["teleport.internal/discovered-name"] == "eks-prod"`, want: "[prod]"},
		{user: "admin", predicate: `name == "lab" && labels["env"] == "prod"`, want: "[]"},
	} {
		if got := list(row.user, row.predicate, row.labels); got != row.want {
			t.Errorf("%s, %q, %v: %s, want %s", row.user, row.predicate, row.labels, got, row.want)
		}
	}
	if got := list("admin", "search(\"x\")", nil); !strings.Contains(got, "failed to parse predicate expression") {
		t.Errorf("an unknown predicate: %s", got)
	}
}

func TestRequestsAndBefore(t *testing.T) {
	t.Parallel()
	var failing atomic.Bool
	c := teleporttest.New(t, teleporttest.Options{Before: func(_ context.Context, r teleporttest.Request) error {
		if failing.Load() && (r.Method == "/proto.AuthService/UpsertTokenV2" || r.Method == "GET /webapi/find") {
			return trace.LimitExceeded("too many requests")
		}
		return nil
	}})
	admin := clientAs(t, c, "admin")
	get(t, c, "/webapi/find")
	if _, err := admin.Ping(withTimeout(t)); err != nil {
		t.Fatal(err)
	}
	failing.Store(true)
	if err := admin.UpsertToken(withTimeout(t), staticToken("t", "x")); !trace.IsLimitExceeded(err) {
		t.Errorf("UpsertToken: %v, want the hook's error", err)
	}
	if status, _, _ := get(t, c, "/webapi/find"); status != 429 {
		t.Errorf("find: status %d, want 429", status)
	}
	if _, ok := c.Token("t"); ok {
		t.Error("a request that the hook refused was served")
	}
	joinOverHTTP(t, c, newSubjectKeys(t).request("none", ""))
	var got []string
	for _, r := range c.Requests() {
		got = append(got, fmt.Sprintf("%s %s %q write %v mints %v", r.Protocol, r.Method, r.User, r.Write, r.Mints))
	}
	want := []string{
		`http GET /webapi/find "" write false mints false`,
		`grpc /proto.AuthService/Ping "admin" write false mints false`,
		`grpc /proto.AuthService/UpsertTokenV2 "admin" write true mints false`,
		`http GET /webapi/find "" write false mints false`,
		`http POST /v1/webapi/host/credentials "" write true mints true`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("requests\n got  %q\n want %q", got, want)
	}
	c.Reset()
	if got := c.Requests(); len(got) != 0 {
		t.Errorf("requests after Reset: %v", got)
	}
}
