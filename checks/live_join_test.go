package checks

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp/cmpopts"
	machineidv1 "github.com/gravitational/teleport/api/gen/proto/go/teleport/machineid/v1"
	"google.golang.org/protobuf/types/known/timestamppb"
)

func TestJudgeLastJoin(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	w := joining(t, labYAML)
	event := func(ago time.Duration, account, reason string) JoinEvent {
		return JoinEvent{Time: now.Add(-ago), Success: reason == "", Bot: "robot", Token: "door", Error: reason, ServiceAccount: account}
	}
	known := soundSide(t).facts()
	join := func(events ...JoinEvent) Finding {
		return judgeLastJoin(w, events, known.Live.known(t.Context(), known), now)
	}
	const norule = "kubernetes token did not match any allow rules"
	check(t, map[string]judged{
		"just now": {join(event(5*time.Minute, "machines/tbot", "")), Finding{Status: Pass, Observed: `joined as "robot" at 2026-11-20T11:55:00Z`}},
		"too long ago": {join(event(3*time.Hour, "machines/tbot", "")), Finding{
			Status: Warn, Observed: `joined as "robot" at 2026-11-20T09:00:00Z, 3h0m0s ago`, Expected: "a join every 20m0s",
			Fix: "kubectl --namespace machines logs deployment/tbot --container tbot",
		}},
		"none": {join(), Finding{Status: Skip, Observed: "the audit log holds no join by this join token or bot"}},
		"of others": {join(event(time.Minute, "ops/stranger", norule)), Finding{
			Status: Skip, Observed: "the audit log holds no join of service account machines:tbot, and 1 of others by the same join token or bot",
		}},
		"others do not count": {join(event(time.Minute, "ops/stranger", norule), event(5*time.Minute, "machines/tbot", "")), Finding{Status: Pass, Observed: `joined as "robot" at 2026-11-20T11:55:00Z`}},
		"the newest counts":   {join(event(time.Hour, "machines/tbot", norule), event(time.Minute, "machines/tbot", "")), Finding{Status: Pass, Observed: `joined as "robot" at 2026-11-20T11:59:00Z`}},
		"words that nobody knows": {join(event(time.Minute, "", "the moon is wrong")), Finding{
			Status:   Fail,
			Observed: "Teleport refused for a reason that tbotctl does not know; Teleport says of service account machines:tbot at 2026-11-20T11:59:00Z: the moon is wrong",
			Fix:      "read the newest bot.join event in Teleport's audit log: it holds the reason and what the service account presented",
		}},
	})
	refused := join(event(time.Minute, "machines/tbot", norule))
	want := "P07: the join token does not let this service account in (join token door allows \"machines:tbot\"); Teleport says of service account machines:tbot at 2026-11-20T11:59:00Z: " + norule
	if refused.Status != Fail || refused.Observed != want {
		t.Errorf("%+v, want\n%s", refused, want)
	}
}

func TestLastJoinByTheInstance(t *testing.T) {
	t.Parallel()
	side := soundSide(t)
	seen := func(ago time.Duration) *machineidv1.BotInstance {
		at := &machineidv1.BotInstanceStatusAuthentication{AuthenticatedAt: timestamppb.New(time.Now().Add(-ago))}
		return &machineidv1.BotInstance{
			Spec: &machineidv1.BotInstanceSpec{InstanceId: "abc"}, Status: &machineidv1.BotInstanceStatus{
				InitialAuthentication: &machineidv1.BotInstanceStatusAuthentication{AuthenticatedAt: timestamppb.New(time.Now().Add(-9 * time.Hour))},
				LatestAuthentications: []*machineidv1.BotInstanceStatusAuthentication{at},
			},
		}
	}
	for name, row := range map[string]struct {
		instance *machineidv1.BotInstance
		err      error
		want     Status
	}{
		"recent": {seen(time.Minute), nil, Pass}, "old": {seen(5 * time.Hour), nil, Warn}, "none": {nil, nil, Unknown}, "forbidden too": {nil, errLook, Unknown},
	} {
		facts := side.facts()
		facts.Live.Joins = func(context.Context) ([]JoinEvent, error) { return nil, errForbiddenLook }
		facts.Live.Instance = func(context.Context) (*machineidv1.BotInstance, error) { return row.instance, row.err }
		if got := onlyOne(t, LastJoin, facts); got.Status != row.want || row.want == Unknown && !errors.Is(got.Err, errForbiddenLook) {
			t.Errorf("%s: %+v, want %s", name, got, row.want)
		}
	}
}

// TestOldServersLogNoRefusal: where a refused join leaves no trace, a success that is logged is said for what it is.
func TestOldServersLogNoRefusal(t *testing.T) {
	t.Parallel()
	side := soundSide(t)
	side.proxy.Version = "16.4.9"
	got := onlyOne(t, LastJoin, side.facts())
	if want := "; Teleport 16.4.9 logs no join that it refused"; got.Status != Pass || len(got.Observed) < len(want) || got.Observed[len(got.Observed)-len(want):] != want {
		t.Errorf("%+v, want a pass that ends in %q", got, want)
	}
}

func TestJudgeJoined(t *testing.T) {
	t.Parallel()
	w := joining(t, labYAML)
	refusal := errors.New("Teleport refused the join: access denied")
	forbidden := fmt.Errorf("minting a token: %w", errForbiddenLook)
	check(t, map[string]judged{
		"let in": {judgeJoined(w, Proof{User: "bot-robot", Via: "gRPC", From: "pod tbot-1"}, nil, Known{}), Finding{Status: Pass, Observed: "as bot-robot, by gRPC, from pod tbot-1"}},
		"refused": {judgeJoined(w, Proof{}, refusal, Known{}), Finding{
			Status:   Fail,
			Observed: `P17: Teleport does not say why; mostly the bot does not exist (whether bot "" exists is not known); Teleport says: access denied`,
			Expected: `a bot "" that is not locked`, Fix: "whoever administers Teleport compares the join token with its bot: tctl get token/door", Err: cmpopts.AnyError,
		}},
		"nobody judged": {judgeJoined(w, Proof{}, forbidden, Known{}), Finding{Status: Unknown, Observed: forbidden.Error(), Err: cmpopts.AnyError}},
		"cancelled":     {judgeJoined(w, Proof{}, context.Canceled, Known{}), Finding{Status: Unknown, Observed: context.Canceled.Error(), Err: cmpopts.AnyError}},
	})
}

func TestJudgeSaid(t *testing.T) {
	t.Parallel()
	w := joining(t, labYAML)
	said := func(line string) []Log { return []Log{{Pod: "tbot-1", Lines: []string{line}}} }
	check(t, map[string]judged{
		"no pod":  {judgeSaid(w, nil, Known{}, ""), Finding{Status: Skip, Observed: "no pod has said anything yet"}},
		"nothing": {judgeSaid(w, said("INFO [TBOT] Starting"), Known{}, ""), Finding{Status: Skip, Observed: "what the pods said last tells neither of a join nor of a failure"}},
		"joined":  {judgeSaid(w, said("INFO [TBOT] Fetched new bot identity"), Known{}, ""), Finding{Status: Pass, Observed: "pod tbot-1: Fetched new bot identity"}},
		"a task":  {judgeSaid(w, said("INFO [TBOT] Task succeeded. Waiting interval"), Known{}, ""), Finding{Status: Skip, Observed: "pod tbot-1 says that all is well, and nothing of a join: Task succeeded. Waiting interval"}},
		"P32": {judgeSaid(w, said("ERRO [TBOT] x error:[dial tcp: lookup public.example.com: no such host]"), Known{}, "public.example.com"), Finding{
			Status:   Fail,
			Observed: `P32: tbot follows the address that the proxy names for itself, and does not reach it (the proxy names "public.example.com"); pod tbot-1 says: dial tcp: lookup public.example.com: no such host`,
			Expected: `a name that the pod reaches, as "teleport.example.com:443"`,
			Fix:      `kubectl --namespace machines patch deployment tbot --type json --patch '[{"op":"add","path":"/spec/template/spec/containers/0/env/-","value":{"name":"TBOT_USE_PROXY_ADDR","value":"yes"}}]'`,
		}},
	})
}
