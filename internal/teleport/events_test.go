package teleport_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/gogo/protobuf/jsonpb"
	"github.com/google/go-cmp/cmp"
	headerv1 "github.com/gravitational/teleport/api/gen/proto/go/teleport/header/v1"
	machineidv1 "github.com/gravitational/teleport/api/gen/proto/go/teleport/machineid/v1"
	"github.com/gravitational/teleport/api/types"
	apievents "github.com/gravitational/teleport/api/types/events"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/tbotctl/tbotctl/internal/teleport"
	"github.com/tbotctl/tbotctl/internal/teleporttest"
)

// joined is an event as the Auth Service writes it (recordings/audit-bot-join.json); an empty reason is a join that was let in.
func joined(t *testing.T, at time.Time, bot, token, account, reason string) *apievents.BotJoin {
	t.Helper()
	event := &apievents.BotJoin{
		Metadata: apievents.Metadata{Type: "bot.join", Code: "TJ001I", Time: at, ClusterName: clusterName},
		BotName:  bot, TokenName: token, Method: "kubernetes",
	}
	event.Success, event.Error = reason == "", reason
	if reason != "" {
		event.Code = "TJ001E"
	}
	if account != "" {
		event.Attributes = &apievents.Struct{}
		text := fmt.Sprintf(`{"type":"static_jwks","username":%q}`, "system:serviceaccount:"+account)
		if err := jsonpb.UnmarshalString(text, &event.Attributes.Struct); err != nil {
			t.Fatal(err)
		}
	}
	return event
}

func TestJoins(t *testing.T) {
	t.Parallel()
	now := time.Now().UTC().Truncate(time.Second)
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	c := teleporttest.New(t, teleporttest.Options{})
	c.AddEvent(joined(t, ago(8*24*time.Hour), "robot", "door", "ops:tbot", ""))
	c.AddEvent(joined(t, ago(3*time.Hour), "robot", "door", "ops:tbot", ""))
	c.AddEvent(joined(t, ago(2*time.Hour), "robot", "other-door", "ops:tbot", ""))
	c.AddEvent(joined(t, ago(90*time.Minute), "robot", "", "", "a bot without a token"))
	c.AddEvent(joined(t, ago(80*time.Minute), "", "", "ops:tbot", "token expired or not found"))
	c.AddEvent(joined(t, ago(70*time.Minute), "", "", "ops:stranger", "token expired or not found"))
	// More than a page of somebody else's.
	for range 250 {
		c.AddEvent(joined(t, ago(time.Hour), "busy", "busy-door", "ops:busy", ""))
	}
	c.AddEvent(joined(t, now.Add(time.Minute), "robot", "door", "ops:other", "kubernetes token did not match any allow rules"))
	client := clientAs(t, c, "admin")

	of := teleport.JoinsOf{Token: "door", Bot: "robot", Account: "ops:tbot"}
	got, err := client.Joins(t.Context(), of, 10, now)
	if err != nil {
		t.Fatal(err)
	}
	want := []teleport.Join{
		{Time: now.Add(time.Minute), Bot: "robot", Token: "door", Method: "kubernetes", Error: "kubernetes token did not match any allow rules", Account: "ops:other"},
		{Time: ago(80 * time.Minute), Method: "kubernetes", Error: "token expired or not found", Account: "ops:tbot"},
		{Time: ago(90 * time.Minute), Bot: "robot", Method: "kubernetes", Error: "a bot without a token"},
		{Time: ago(3 * time.Hour), Success: true, Bot: "robot", Token: "door", Method: "kubernetes", Account: "ops:tbot"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("joins (-want +got):\n%s", diff)
	}
	if got, err := client.Joins(t.Context(), of, 2, now); err != nil || len(got) != 2 || got[1].Account != "ops:tbot" {
		t.Errorf("the newest two: %+v, %v", got, err)
	}
	if got, err := client.Joins(t.Context(), teleport.JoinsOf{Token: "nobody's"}, 10, now); err != nil || len(got) != 0 {
		t.Errorf("joins by a token that nobody used: %+v, %v", got, err)
	}
	// The preset role access may list events.
	c.AddRole(roleWith("nothing", nil, nil))
	c.AddUser("bare", "nothing")
	_, err = clientAs(t, c, "bare").Joins(t.Context(), of, 10, now)
	wantError(t, err, teleport.Denied, "reading the audit log", `action "list" on "event"`)
}

// TestJoinsIsBounded holds that a busy cluster is not read without an end.
func TestJoinsIsBounded(t *testing.T) {
	t.Parallel()
	now := time.Now()
	c := teleporttest.New(t, teleporttest.Options{})
	c.AddEvent(joined(t, now.Add(-2*time.Hour), "robot", "door", "ops:tbot", ""))
	for range 1100 {
		c.AddEvent(joined(t, now.Add(-time.Hour), "busy", "busy-door", "ops:busy", ""))
	}
	client := clientAs(t, c, "admin")
	c.Reset()
	got, err := client.Joins(t.Context(), teleport.JoinsOf{Token: "door"}, 10, now)
	if err != nil || len(got) != 0 {
		t.Errorf("%+v, %v; want none of the newest thousand", got, err)
	}
	if requests := len(c.Requests()); requests > 5 {
		t.Errorf("%d requests, want at most 5", requests)
	}
}

func instance(id, bot string, joins ...*machineidv1.BotInstanceStatusAuthentication) *machineidv1.BotInstance {
	made := &machineidv1.BotInstance{
		Kind: types.KindBotInstance, Version: types.V1, Metadata: &headerv1.Metadata{Name: id},
		Spec:   &machineidv1.BotInstanceSpec{BotName: bot, InstanceId: id},
		Status: &machineidv1.BotInstanceStatus{},
	}
	if len(joins) > 0 {
		made.Status.InitialAuthentication, made.Status.LatestAuthentications = joins[0], joins
	}
	return made
}

func authentication(at time.Time, token string) *machineidv1.BotInstanceStatusAuthentication {
	return &machineidv1.BotInstanceStatusAuthentication{AuthenticatedAt: timestamppb.New(at), JoinToken: token, JoinMethod: "kubernetes"}
}

func TestNewestInstance(t *testing.T) {
	t.Parallel()
	now := time.Now()
	c := teleporttest.New(t, teleporttest.Options{})
	c.PutInstance(instance("a", "robot", authentication(now.Add(-3*time.Hour), "door"), authentication(now.Add(-2*time.Hour), "door")))
	c.PutInstance(instance("b", "robot", authentication(now.Add(-time.Hour), "door")))
	c.PutInstance(instance("c", "robot", authentication(now, "other-door")))
	c.PutInstance(instance("d", "another", authentication(now, "door")))
	c.PutInstance(instance("e", "robot"))
	for i := range 450 {
		c.PutInstance(instance(fmt.Sprintf("many-%03d", i), "robot", authentication(now.Add(-4*time.Hour), "door")))
	}
	client := clientAs(t, c, "admin")
	for name, row := range map[string]struct{ bot, token, want string }{
		"the newest of the token":     {"robot", "door", "b"},
		"of another token":            {"robot", "other-door", "c"},
		"a token that nobody used":    {"robot", "nobody's", ""},
		"a bot that nobody joined as": {"ghost", "door", ""},
	} {
		got, err := client.NewestInstance(t.Context(), row.bot, row.token)
		if err != nil || got.GetSpec().GetInstanceId() != row.want {
			t.Errorf("%s: %v, %v; want %q", name, got, err, row.want)
		}
	}
	_, err := clientAs(t, c, "plain").NewestInstance(t.Context(), "robot", "door")
	wantError(t, err, teleport.Denied, "listing the instances of bot robot", `on "bot_instance"`)

	old := teleporttest.New(t, teleporttest.Options{Version: "16.0.0-dev"})
	_, err = clientAs(t, old, "admin").NewestInstance(t.Context(), "robot", "door")
	wantError(t, err, teleport.Unsupported, "listing the instances of bot robot")
}

func TestRolesNamed(t *testing.T) {
	t.Parallel()
	c := teleporttest.New(t, teleporttest.Options{})
	c.AddRole(roleWith("machines", nil, nil))
	got, err := clientAs(t, c, "admin").RolesNamed(t.Context(), []string{"machines", "not-there", "access"})
	if err != nil || len(got) != 2 || got[0].GetName() != "machines" || got[1].GetName() != "access" {
		t.Errorf("%v, %v; want machines and access", got, err)
	}
	_, err = clientAs(t, c, "plain").RolesNamed(t.Context(), []string{"machines"})
	wantError(t, err, teleport.Denied, "reading role machines")
}
