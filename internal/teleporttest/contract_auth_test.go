package teleporttest_test

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/gravitational/teleport/api/client"
	"github.com/gravitational/teleport/api/client/proto"
	machineidv1 "github.com/gravitational/teleport/api/gen/proto/go/teleport/machineid/v1"
	"github.com/gravitational/teleport/api/types"
	"github.com/gravitational/trace"
	"google.golang.org/protobuf/encoding/protojson"
	protov2 "google.golang.org/protobuf/proto"

	"github.com/tbotctl/tbotctl/internal/teleporttest"
)

// recordedCall is one row of recordings/auth-calls.json.
type recordedCall struct {
	As        string `json:"as"`
	Call      string `json:"call"`
	Case      string `json:"case"`
	TraceKind string `json:"trace_kind"`
	Reply     string `json:"reply"`
	Error     string `json:"error"`
}

// authCall makes a recorded call with the real client. A nil reply means that the recording has none.
type authCall func(context.Context, *client.Client) (reply any, err error)

// TestContractAuthCalls plays the whole recording in its order, which is also how it was taken: the calls of the user
// without rights come after the editor's and must change nothing.
func TestContractAuthCalls(t *testing.T) {
	t.Parallel()
	var recording struct {
		Calls []recordedCall `json:"calls"`
	}
	readRecording(t, "auth-calls.json", &recording)
	c := teleporttest.New(t, teleporttest.Options{Version: recorded})
	users := map[string]*client.Client{
		"user with role editor": clientAs(t, c, "admin"),
		"user with role access": clientAs(t, c, "plain"),
	}
	calls := authCalls()
	played := map[string]bool{}
	for _, row := range recording.Calls {
		name := strings.TrimSuffix(row.Call+": "+row.Case, ": ")
		call, ok := calls[name]
		if !ok {
			t.Errorf("the recorded call %q is not played", name)
			continue
		}
		played[name] = true
		reply, err := call(withTimeout(t), users[row.As])
		if got := traceKind(err); got != row.TraceKind {
			t.Errorf("%s as %s: trace kind %q, recorded %q (%v)", name, row.As, got, row.TraceKind, err)
			continue
		}
		if err != nil {
			if err.Error() != row.Error {
				t.Errorf("%s as %s:\n got      %q\n recorded %q", name, row.As, err.Error(), row.Error)
			}
			continue
		}
		if row.Reply == "" {
			continue
		}
		var want, got any
		if err := json.Unmarshal([]byte(row.Reply), &want); err != nil {
			t.Fatal(err)
		}
		encoded, err := json.Marshal(reply)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(encoded, &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s as %s (-recorded +got):\n%s", name, row.As, diff)
		}
	}
	for name := range calls {
		if !played[name] {
			t.Errorf("the call %q is not in the recording", name)
		}
	}
}

func authCalls() map[string]authCall {
	ok := func(err error) (any, error) { return nil, err }
	getBot := func(ctx context.Context, c *client.Client) (any, error) {
		return botReply(c.BotServiceClient().GetBot(ctx, &machineidv1.GetBotRequest{BotName: "nobody"}))
	}
	create := func(name string, roles ...string) authCall {
		return func(ctx context.Context, c *client.Client) (any, error) {
			return botReply(c.BotServiceClient().CreateBot(ctx, &machineidv1.CreateBotRequest{Bot: bot(name, roles...)}))
		}
	}
	role := func(version string) authCall {
		return func(ctx context.Context, c *client.Client) (any, error) {
			r, err := types.NewRoleWithVersion("r-"+version, version, types.RoleSpecV6{})
			if err != nil {
				return nil, err
			}
			_, err = c.UpsertRole(ctx, r)
			return nil, err
		}
	}
	token := func(change func(*types.ProvisionTokenV2)) authCall {
		return func(ctx context.Context, c *client.Client) (any, error) {
			tok := staticToken("t1", "# no JSON")
			change(tok)
			return ok(c.UpsertToken(ctx, tok))
		}
	}
	return map[string]authCall{
		"Ping": func(ctx context.Context, c *client.Client) (any, error) {
			p, err := c.Ping(ctx)
			return map[string]string{"cluster_name": p.ClusterName, "server_version": p.ServerVersion}, err
		},
		"BotService/GetBot: no such bot":            getBot,
		"BotService/CreateBot: role does not exist": create("one", "no-such-role"),
		"BotService/CreateBot: bot exists":          create("one", "access"),
		"BotService/CreateBot: empty name":          create(""),
		"BotService/UpsertBot: exists": func(ctx context.Context, c *client.Client) (any, error) {
			return botReply(c.BotServiceClient().UpsertBot(ctx, &machineidv1.UpsertBotRequest{Bot: bot("one", "access")}))
		},
		"BotService/DeleteBot: no such bot": func(ctx context.Context, c *client.Client) (any, error) {
			_, err := c.BotServiceClient().DeleteBot(ctx, &machineidv1.DeleteBotRequest{BotName: "nobody"})
			return nil, err
		},
		"GetToken: no such token": func(ctx context.Context, c *client.Client) (any, error) {
			_, err := c.GetToken(ctx, "nope")
			return nil, err
		},
		"UpsertToken: JWKS that is no JSON, wildcard service account": token(func(tok *types.ProvisionTokenV2) {
			tok.Spec.Kubernetes.Allow[0].ServiceAccount = "default:*"
		}),
		"UpsertToken: bot_name names no bot": token(func(tok *types.ProvisionTokenV2) { tok.Spec.BotName = "nobody" }),
		"DeleteToken: t1":                    func(ctx context.Context, c *client.Client) (any, error) { return ok(c.DeleteToken(ctx, "t1")) },
		"GetRole: no such role": func(ctx context.Context, c *client.Client) (any, error) {
			_, err := c.GetRole(ctx, "nope")
			return nil, err
		},
		"GetCurrentUserRoles": func(ctx context.Context, c *client.Client) (any, error) {
			roles, err := c.GetCurrentUserRoles(ctx)
			var out []string
			for _, r := range roles {
				out = append(out, r.GetName()+" "+r.GetVersion())
			}
			return out, err
		},
		"GetCurrentUser": func(ctx context.Context, c *client.Client) (any, error) {
			user, err := c.GetCurrentUser(ctx)
			if err != nil {
				return nil, err
			}
			return user.GetName(), nil
		},
		"UpsertRole: version v7": role(types.V7),
		"UpsertRole: version v8": role(types.V8),
		"BotInstanceService/ListBotInstances": func(ctx context.Context, c *client.Client) (any, error) {
			_, err := c.BotInstanceServiceClient().ListBotInstances(ctx, &machineidv1.ListBotInstancesRequest{})
			return nil, err
		},
		"SearchEvents: bot.join, last day": func(ctx context.Context, c *client.Client) (any, error) {
			now := time.Now()
			events, _, err := c.SearchEvents(ctx, now.Add(-24*time.Hour), now, "default", []string{"bot.join"}, 10, types.EventOrderDescending, "")
			return len(events), err
		},
		"ListResources kube_server: none registered": func(ctx context.Context, c *client.Client) (any, error) {
			servers, err := client.GetAllResources[types.KubeServer](ctx, c, &proto.ListResourcesRequest{
				ResourceType: types.KindKubeServer, Namespace: "default",
			})
			return len(servers), err
		},
	}
}

func botReply(b *machineidv1.Bot, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	encoded, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(protov2.Message(b))
	return json.RawMessage(encoded), err
}

func traceKind(err error) string {
	kinds := map[string]func(error) bool{
		"NotFound": trace.IsNotFound, "AlreadyExists": trace.IsAlreadyExists, "BadParameter": trace.IsBadParameter,
		"AccessDenied": trace.IsAccessDenied, "NotImplemented": trace.IsNotImplemented,
	}
	var found []string
	for name, is := range kinds {
		if err != nil && is(err) {
			found = append(found, name)
		}
	}
	if err != nil && len(found) == 0 {
		return "none"
	}
	slices.Sort(found)
	return strings.Join(found, " ")
}

func TestContractOIDCTypeUnsupported(t *testing.T) {
	t.Parallel()
	var recording struct {
		Error string `json:"grpc_error"`
	}
	readRecording(t, "token-type-oidc-unsupported.json", &recording)
	c := teleporttest.New(t, teleporttest.Options{Version: recorded})
	err := clientAs(t, c, "admin").UpsertToken(withTimeout(t), oidcToken("example-bot", "https://issuer.example.com"))
	if !trace.IsBadParameter(err) || err.Error() != recording.Error {
		t.Errorf("got      %v\nrecorded %s", err, recording.Error)
	}
}

func oidcToken(name, issuer string) *types.ProvisionTokenV2 {
	return kubernetesToken(name, func(t *types.ProvisionTokenV2) {
		t.Spec.Kubernetes.Type = types.KubernetesJoinTypeOIDC
		t.Spec.Kubernetes.OIDC = &types.ProvisionTokenSpecV2Kubernetes_OIDCConfig{Issuer: issuer}
	})
}

func TestContractAuditEvent(t *testing.T) {
	t.Parallel()
	var recording struct {
		Success map[string]any `json:"success"`
	}
	readRecording(t, "audit-bot-join.json", &recording)
	issuer := newIssuer(t, "kid-1")
	c := teleporttest.New(t, teleporttest.Options{Version: recorded})
	c.PutBot(bot("example", "access"))
	c.PutToken(staticToken("example-bot", issuer.jwks(t)))
	if status, body := joinOverHTTP(t, c, newSubjectKeys(t).request("example-bot", issuer.sign(t, goodClaims(nil)))); status != 200 {
		t.Fatalf("status %d: %s", status, body)
	}
	events := c.Events()
	if len(events) != 1 {
		t.Fatalf("%d events, want 1", len(events))
	}
	encoded, err := json.Marshal(events[0])
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(encoded, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(eventLeaves(recording.Success), eventLeaves(got)); diff != "" {
		t.Errorf("event (-recorded +got):\n%s", diff)
	}
}

// eventLeaves names what differs from one join to the next by its kind.
func eventLeaves(event map[string]any) []string {
	var out []string
	for _, leaf := range leaves(event) {
		path, _, _ := strings.Cut(leaf, " = ")
		switch path {
		case ".time", ".attributes.raw.exp", ".attributes.raw.iat", ".attributes.raw.nbf", ".attributes.raw.iss":
			leaf = path + " = CHANGES"
		}
		out = append(out, blank(leaf))
	}
	return out
}
