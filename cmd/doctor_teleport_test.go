package cmd

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	headerv1 "github.com/gravitational/teleport/api/gen/proto/go/teleport/header/v1"
	machineidv1 "github.com/gravitational/teleport/api/gen/proto/go/teleport/machineid/v1"
	"github.com/gravitational/teleport/api/types"
	apievents "github.com/gravitational/teleport/api/types/events"
	"google.golang.org/protobuf/types/known/timestamppb"
	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tbotctl/tbotctl/checks"
	"github.com/tbotctl/tbotctl/internal/issuer"
	"github.com/tbotctl/tbotctl/internal/kube"
	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/internal/tbotconfig"
	"github.com/tbotctl/tbotctl/internal/teleport"
	"github.com/tbotctl/tbotctl/internal/teleporttest"
)

// nowhere is a kubeconfig of an API server that nobody asks.
const nowhere = `{apiVersion: v1, kind: Config, current-context: x, clusters: [{name: x, cluster: {server: "https://127.0.0.1:1"}}], contexts: [{name: x, context: {cluster: x, user: x}}], users: [{name: x, user: {}}]}`

// liveOf gives the facts that a user of the test cluster has of a tbot whose tbot.yaml names a join token.
func liveOf(t *testing.T, cluster *teleporttest.Cluster, user, token string) *checks.Live {
	t.Helper()
	dir := t.TempDir()
	identity, err := cluster.IdentityFile(user, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{"identity": string(identity), "kubeconfig": nowhere} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	k, err := kube.Connect(kube.Options{Kubeconfig: filepath.Join(dir, "kubeconfig")})
	if err != nil {
		t.Fatal(err)
	}
	target := teleport.Target{Proxy: cluster.Addr(), CAs: cluster.WebCAs()}
	c := newClusters(spec.Default(), k, target, teleport.Login{IdentityFile: filepath.Join(dir, "identity")}, &issuer.Fetcher{}, time.Now)
	t.Cleanup(func() {
		if err := c.close(); err != nil {
			t.Errorf("closing: %v", err)
		}
	})
	deployment := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: "machines", Name: "tbot"}}
	deployment.Spec.Template.Spec.ServiceAccountName = "tbot"
	live := &checks.Live{Workload: checks.Workload{
		Deployment: deployment, Config: tbotconfig.Config{ProxyServer: cluster.Addr(), Onboarding: tbotconfig.Onboarding{Token: token}},
	}}
	c.liveTeleport(live)
	c.liveEntry(live)
	return live
}

func joinToken(name, bot, account string) *types.ProvisionTokenV2 {
	return &types.ProvisionTokenV2{
		Kind: types.KindToken, Version: types.V2, Metadata: types.Metadata{Name: name},
		Spec: types.ProvisionTokenSpecV2{
			Roles: types.SystemRoles{types.RoleBot}, BotName: bot, JoinMethod: types.JoinMethodKubernetes,
			Kubernetes: &types.ProvisionTokenSpecV2Kubernetes{
				Type: types.KubernetesJoinTypeInCluster, Allow: []*types.ProvisionTokenSpecV2Kubernetes_Rule{{ServiceAccount: account}},
			},
		},
	}
}

func seeded(t *testing.T, options teleporttest.Options) *teleporttest.Cluster {
	t.Helper()
	cluster := teleporttest.New(t, options)
	cluster.PutBot(&machineidv1.Bot{
		Kind: types.KindBot, Version: types.V1, Metadata: &headerv1.Metadata{Name: "robot"}, Spec: &machineidv1.BotSpec{Roles: []string{"access", "gone"}},
	})
	cluster.PutToken(joinToken("door", "robot", "machines:tbot"))
	cluster.PutToken(joinToken("other", "robot", "machines:other"))
	cluster.PutToken(joinToken("dooor", "robot", "machines:other"))
	joined := func(ago time.Duration, reason string) {
		event := &apievents.BotJoin{
			Metadata: apievents.Metadata{Type: "bot.join", Time: time.Now().Add(-ago)}, BotName: "robot", TokenName: "door", Method: "kubernetes",
		}
		event.Success, event.Error = reason == "", reason
		cluster.AddEvent(event)
	}
	joined(2*time.Hour, "")
	joined(time.Hour, "kubernetes token did not match any allow rules")
	cluster.PutInstance(&machineidv1.BotInstance{
		Kind: types.KindBotInstance, Version: types.V1, Metadata: &headerv1.Metadata{Name: "i-1"},
		Spec: &machineidv1.BotInstanceSpec{BotName: "robot", InstanceId: "i-1"},
		Status: &machineidv1.BotInstanceStatus{InitialAuthentication: &machineidv1.BotInstanceStatusAuthentication{
			AuthenticatedAt: timestamppb.Now(), JoinToken: "door",
		}},
	})
	return cluster
}

func TestLiveTeleport(t *testing.T) {
	t.Parallel()
	cluster := seeded(t, teleporttest.Options{PublicName: "public.example.com"})
	live := liveOf(t, cluster, "admin", "door")
	ctx := t.Context()
	if token, err := live.Token(ctx); err != nil || token.GetName() != "door" {
		t.Errorf("token %v, %v", token, err)
	}
	if bot, err := live.Bot(ctx); err != nil || bot.GetMetadata().GetName() != "robot" {
		t.Errorf("bot %v, %v", bot, err)
	}
	if roles, err := live.BotRoles(ctx); err != nil || len(roles) != 1 || roles[0].GetName() != "access" {
		t.Errorf("roles %v, %v; want those that exist", roles, err)
	}
	if joins, err := live.Joins(ctx); err != nil || len(joins) != 2 || joins[0].Success || joins[0].Error == "" || !joins[1].Success {
		t.Errorf("joins %+v, %v; want two, the newest first", joins, err)
	}
	if instance, err := live.Instance(ctx); err != nil || instance.GetSpec().GetInstanceId() != "i-1" {
		t.Errorf("instance %v, %v", instance, err)
	}
	if entry, err := live.Entry(ctx); err != nil || entry.LoadBalancer || !strings.HasPrefix(entry.PublicAddr, "public.example.com:") {
		t.Errorf("entry %+v, %v", entry, err)
	}
	if touch, err := live.TouchWanted(ctx); err != nil || touch {
		t.Errorf("touch %v, %v", touch, err)
	}
	if lock, err := live.Lock(ctx); err != nil || lock != "" {
		t.Errorf("lock %q, %v", lock, err)
	}
	lock := cluster.Lock("robot")
	if got, err := liveOf(t, cluster, "admin", "door").Lock(ctx); err != nil || got != lock {
		t.Errorf("lock %q, %v; want %q", got, err, lock)
	}
}

func TestLiveTokenNames(t *testing.T) {
	t.Parallel()
	cluster := seeded(t, teleporttest.Options{})
	for named, want := range map[string][]string{
		// One that admits the service account, whatever its name.
		"bot-kubernetes": {"door"},
		"dor":            {"door"},
	} {
		live := liveOf(t, cluster, "admin", named)
		if token, err := live.Token(t.Context()); err != nil || token != nil {
			t.Errorf("%s: %v, %v; want that there is none", named, token, err)
		}
		if names, err := live.TokenNames(t.Context()); err != nil || !slices.Equal(names, want) {
			t.Errorf("%s: names %v, %v; want %v", named, names, err, want)
		}
	}
	// Where none admits it, those that are spelled almost so.
	cluster.PutToken(joinToken("door", "robot", "elsewhere:tbot"))
	if names, err := liveOf(t, cluster, "admin", "Doors").TokenNames(t.Context()); err != nil || !slices.Equal(names, []string{"dooor", "door"}) {
		t.Errorf("names %v, %v", names, err)
	}
	if names, err := liveOf(t, cluster, "admin", "bot-kubernetes").TokenNames(t.Context()); err != nil || len(names) > 0 {
		t.Errorf("names %v, %v; want none", names, err)
	}
}

// TestLiveTeleportThatMayNotBeSeen holds that a right that is missing is an error, and never taken for something that is not there.
func TestLiveTeleportThatMayNotBeSeen(t *testing.T) {
	t.Parallel()
	cluster := seeded(t, teleporttest.Options{})
	cluster.AddRole(&types.RoleV6{Metadata: types.Metadata{Name: "nothing"}})
	cluster.AddUser("bare", "nothing")
	live := liveOf(t, cluster, "bare", "door")
	for name, look := range map[string]func(context.Context) error{
		"token":    errOf(live.Token),
		"names":    errOf(live.TokenNames),
		"bot":      errOf(live.Bot),
		"roles":    errOf(live.BotRoles),
		"lock":     errOf(live.Lock),
		"joins":    errOf(live.Joins),
		"instance": errOf(live.Instance),
	} {
		if err := look(t.Context()); !teleport.Is(err, teleport.Denied) {
			t.Errorf("%s: %v, want that it is denied", name, err)
		}
	}
	touchy := seeded(t, teleporttest.Options{AdminMFA: true})
	live = liveOf(t, touchy, "admin", "door")
	if _, err := live.Token(t.Context()); !teleport.Is(err, teleport.MFARequired) {
		t.Errorf("token: %v, want that a touch is wanted", err)
	}
	if touch, err := live.TouchWanted(t.Context()); err != nil || !touch {
		t.Errorf("touch %v, %v", touch, err)
	}
	// The audit log is read by the token's name, for which no touch is wanted.
	if joins, err := live.Joins(t.Context()); err != nil || len(joins) != 2 {
		t.Errorf("joins %v, %v", joins, err)
	}
}

// TestLiveTeleportOfOldServers: no instances there, and no event of a refused join.
func TestLiveTeleportOfOldServers(t *testing.T) {
	t.Parallel()
	cluster := teleporttest.New(t, teleporttest.Options{Version: "16.0.0-dev"})
	cluster.PutToken(joinToken("door", "robot", "machines:tbot"))
	live := liveOf(t, cluster, "admin", "door")
	if instance, err := live.Instance(t.Context()); instance != nil || err != nil {
		t.Errorf("instance %v, %v; want none", instance, err)
	}
	if bot, err := live.Bot(t.Context()); bot != nil || err != nil {
		t.Errorf("bot %v, %v; want that there is none", bot, err)
	}
	if names, err := live.TokenNames(t.Context()); err != nil || len(names) > 0 {
		t.Errorf("names %v, %v", names, err)
	}
}

func TestLiveTeleportWithoutATokenName(t *testing.T) {
	t.Parallel()
	cluster := seeded(t, teleporttest.Options{})
	for named, want := range map[string]string{"": "names no join token", "/run/token": `the file "/run/token"`} {
		live := liveOf(t, cluster, "admin", named)
		for _, look := range []func(context.Context) error{errOf(live.Token), errOf(live.TokenNames), errOf(live.Bot), errOf(live.Lock), errOf(live.Joins), errOf(live.Instance)} {
			if err := look(t.Context()); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%q: %v, want %q in it", named, err, want)
			}
		}
	}
}

func errOf[T any](look func(context.Context) (T, error)) func(context.Context) error {
	return func(ctx context.Context) error { _, err := look(ctx); return err }
}
