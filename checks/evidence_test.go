package checks

import (
	"context"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"slices"
	"testing"
	"time"

	machineidv1 "github.com/gravitational/teleport/api/gen/proto/go/teleport/machineid/v1"
	workloadidentityv1 "github.com/gravitational/teleport/api/gen/proto/go/teleport/workloadidentity/v1"
	"google.golang.org/protobuf/types/known/timestamppb"
	corev1 "k8s.io/api/core/v1"

	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/internal/tbotconfig"
)

// TestEvidence holds what the proof by evidence is made of: no check of it may look at the join token or need a login.
func TestEvidence(t *testing.T) {
	t.Parallel()
	var ids []ID
	for _, check := range Evidence() {
		ids = append(ids, check.ID)
	}
	if want := []ID{WorkloadReady, ConfigReads, ReadyzHealthy, OutputValid, OutputRecent, InstanceRecent}; !slices.Equal(ids, want) {
		t.Errorf("got %v, want %v", ids, want)
	}
}

// letIn is an authentication; account is NAMESPACE:NAME or empty.
func letIn(at time.Time, namespace, account, token string) *machineidv1.BotInstanceStatusAuthentication {
	one := &machineidv1.BotInstanceStatusAuthentication{AuthenticatedAt: timestamppb.New(at), JoinToken: token}
	if account != "" {
		one.JoinAttrs = &workloadidentityv1.JoinAttrs{Kubernetes: &workloadidentityv1.JoinAttrsKubernetes{
			ServiceAccount: &workloadidentityv1.JoinAttrsKubernetesServiceAccount{Namespace: namespace, Name: account},
		}}
	}
	return one
}

func TestJudgeInstance(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 21, 3, 0, 0, 0, time.UTC)
	w := guided(t, nil)
	account, token := w.serviceAccount(), w.tokenName()
	known := Holder{Bot: "example", Instance: "i-1"}
	of := func(joins ...*machineidv1.BotInstanceStatusAuthentication) *machineidv1.BotInstance {
		return &machineidv1.BotInstance{
			Spec: &machineidv1.BotInstanceSpec{BotName: "example", InstanceId: "i-1"}, Status: &machineidv1.BotInstanceStatus{LatestAuthentications: joins},
		}
	}
	ago := func(d time.Duration) *machineidv1.BotInstance {
		return of(letIn(now.Add(-d), "default", account, token))
	}
	judge := func(instance *machineidv1.BotInstance, holder Holder) Finding {
		return judgeInstance(w, instance, holder, DefaultMaxAge, now)
	}
	first := &machineidv1.BotInstance{Spec: of().GetSpec(), Status: &machineidv1.BotInstanceStatus{InitialAuthentication: letIn(now.Add(-time.Minute), "default", account, token)}}
	judgedOn(t, map[string]verdict{
		"lately":                     {judge(ago(12*time.Minute), known), Pass, "instance i-1 at 2026-11-21T02:48:00Z, 12m ago", "", "-"},
		"at its start alone":         {judge(first, known), Pass, "1m ago", "", "-"},
		"long ago":                   {judge(ago(45*time.Minute), known), Fail, "instance i-1 at 2026-11-21T02:15:00Z, 45m ago", "default:" + account + " at most 30m ago", "logs deployment/tbot"},
		"of another service account": {judge(of(letIn(now, "default", "other", token)), known), Fail, `never let in as this service account, but as "default:other"`, "", "logs"},
		"of another namespace":       {judge(of(letIn(now, "other", account, token)), known), Fail, `but as "other:` + account, "", "logs"},
		"forgotten":                  {judge(nil, known), Fail, "Teleport no longer knows instance i-1", "", "logs"},
		"never":                      {judge(nil, Holder{Bot: "example"}), Fail, `knows no instance of bot "example"`, "", "logs"},
		"by the token's name":        {judge(of(letIn(now.Add(-time.Minute), "", "", token)), known), Pass, "by join token", "", "-"},
		"by another token":           {judge(of(letIn(now, "", "", "other")), known), Fail, `but as "join token other"`, "", "logs"},
		"a certificate without one":  {judge(ago(time.Minute), Holder{Bot: "example"}), Pass, "this may be a proof's", "", "-"},
	})
}

func TestHolderOf(t *testing.T) {
	t.Parallel()
	c := certificate(teleportName, "bot-a-b", time.Now())
	if got := holderOf(c); got != (Holder{Bot: "a-b"}) {
		t.Errorf("by its user name: %+v", got)
	}
	attribute := func(n int, value any) pkix.AttributeTypeAndValue {
		return pkix.AttributeTypeAndValue{Type: asn1.ObjectIdentifier{1, 3, 9999, 2, n}, Value: value}
	}
	c.Subject.Names = []pkix.AttributeTypeAndValue{attribute(18, "a b"), attribute(20, "i-1"), attribute(20, 7)}
	if got := holderOf(c); got != (Holder{Bot: "a b", Instance: "i-1"}) {
		t.Errorf("by what Teleport writes: %+v", got)
	}
	if got := holderOf(certificate(teleportName, "ann", time.Now())); got != (Holder{}) {
		t.Errorf("a person's: %+v", got)
	}
}

func TestJudgeReadyz(t *testing.T) {
	t.Parallel()
	w := guided(t, nil)
	judge := func(code int, body string) Finding { return judgeReadyz(w, Health{Code: code, Body: body}).finding }
	judgedOn(t, map[string]verdict{
		"healthy":         {judge(200, `{"status":"healthy","services":{"ca":{"status":"healthy"}}}`), Pass, "healthy, 1 services", "", "-"},
		"of an old tbot":  {judge(200, "OK"), Pass, "before 17.5", "", "-"},
		"unhealthy":       {judge(503, `{"status":"unhealthy","services":{"output":{"status":"unhealthy","reason":"denied"}}}`), Fail, "HTTP 503: output: denied", "200", "logs deployment/tbot"},
		"not yet":         {judge(503, `{"status":"initializing","services":{"ca":{"status":"initializing"}}}`), Fail, `HTTP 503: "initializing"`, "", "logs"},
		"no pod":          {judge(0, ""), Fail, "no pod of Deployment default/tbot runs", "", "logs"},
		"somebody else's": {judge(404, "not found"), Unknown, "HTTP 404", "", "-"},
	})
	if !judgeReadyz(w, Health{Code: 200, Body: `{"status":"healthy"}`}).joined || judgeReadyz(w, Health{Code: 200, Body: "OK"}).joined {
		t.Error("only a tbot that tells of its services says that it joined")
	}
}

// TestReadyzByKubelet is for where tbot itself may not be asked.
func TestReadyzByKubelet(t *testing.T) {
	t.Parallel()
	probed, _ := rendered(t, spec.JoinOIDC, spec.AccessIdentity)
	bare := guided(t, nil)
	pod := func(ready corev1.ConditionStatus) []corev1.Pod {
		one := corev1.Pod{Status: corev1.PodStatus{Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: ready}}}}
		one.Name = "tbot-1"
		return []corev1.Pod{one}
	}
	ask := func(w Workload, pods []corev1.Pod, health func(context.Context) (Health, error)) readiness {
		live := &Live{Workload: w, Pods: kept(pods), Health: health}
		return live.readyz(t.Context())
	}
	denied := failing[Health]
	judgedOn(t, map[string]verdict{
		"ready":                 {ask(probed, pod("True"), denied).finding, Pass, "the kubelet asks, and pod tbot-1 is ready", "", "-"},
		"ready, never asked":    {ask(probed, pod("True"), nil).finding, Pass, "the kubelet asks", "", "-"},
		"not ready":             {ask(probed, pod("False"), denied).finding, Fail, "pod tbot-1 is not ready", "", "logs tbot-1"},
		"no pod":                {ask(probed, nil, denied).finding, Fail, "no pod", "", "logs"},
		"no probe":              {ask(bare, pod("True"), denied).finding, Unknown, "viewer", "", "-"},
		"no probe, no endpoint": {ask(bare, pod("True"), nil).finding, Skip, "answers nobody outside its pod", "", "-"},
	})
	old := probed
	old.Deployment = probed.Deployment.DeepCopy()
	old.container().Image = "registry.example.com/tbot:17.4.9"
	if !ask(probed, pod("True"), denied).joined || ask(old, pod("True"), denied).joined {
		t.Errorf("a ready pod shows a join from 17.5 on alone")
	}
}

func TestJudgeRecent(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 21, 3, 0, 0, 0, time.UTC)
	w := guided(t, nil)
	seen := func(output *Output) []handedOut {
		return []handedOut{{"Secret default/identity-output", w.Config.Outputs[0], output}}
	}
	made := func(ago time.Duration) []handedOut {
		return seen(&Output{Certificate: certificate(teleportName, "bot-example", now.Add(-ago)), Written: now})
	}
	hourly := guided(t, func(w *Workload) { w.Config.RenewalInterval = time.Hour })
	memory := guided(t, func(w *Workload) {
		w.Config.Outputs = []tbotconfig.Output{&tbotconfig.Identity{Common: tbotconfig.Common{Type: "identity"}, Destination: tbotconfig.Directory("/out")}}
	})
	judge := func(w Workload, seen []handedOut) Finding {
		finding, _ := judgeRecent(w, seen, DefaultMaxAge, now)
		return finding
	}
	long := certificate(teleportName, "bot-example", now.Add(-45*time.Minute))
	judgedOn(t, map[string]verdict{
		"fresh":              {judge(w, made(12*time.Minute)), Pass, "Secret default/identity-output: made 12m ago", "", "-"},
		"just now":           {judge(w, made(0)), Pass, "made 0s ago", "", "-"},
		"old":                {judge(w, seen(&Output{Certificate: long, Written: now})), Fail, "was made 45m ago", "at most 30m ago by output identity", "logs deployment/tbot"},
		"renewed too seldom": {judge(hourly, seen(&Output{Certificate: long})), Fail, "made 45m ago", "renewed every 1h only, so --max-age should be more", "logs"},
		"ended":              {judge(w, made(2*time.Hour)), Fail, "ended 1h1m ago", "", "logs"},
		"of the future":      {judge(w, made(-time.Hour)), Fail, "a clock is wrong", "", "logs"},
		"not there":          {judge(w, seen(nil)), Fail, "does not exist", "", "logs"},
		"unreadable":         {judge(w, seen(&Output{Problem: "no tlscert"})), Fail, "no tlscert", "", "logs"},
		"in a folder":        {judge(memory, nil), Skip, `goes to "directory", which is not seen from here`, "", "-"},
		"nothing":            {judge(guided(t, func(w *Workload) { w.Config.Outputs = nil }), nil), Skip, "no output", "", "-"},
	})
	unseen, shown := judgeRecent(memory, nil, DefaultMaxAge, now)
	if shown {
		t.Error("a folder is not seen from here")
	}
	if got := withoutCertificate(unseen, readiness{passed("healthy"), true}); got.Status != Skip {
		t.Errorf("with a tbot that says that it joined: %+v", got)
	}
	if got := withoutCertificate(unseen, readiness{finding: passed("OK")}); got.Status != Unknown {
		t.Errorf("with one that says nothing: %+v", got)
	}
}

// TestEvidenceWeighs holds that what is contrary is told though something else could not be looked at, and that a look which failed
// is never green.
func TestEvidenceWeighs(t *testing.T) {
	t.Parallel()
	two := guided(t, func(w *Workload) {
		second := &tbotconfig.Identity{Common: tbotconfig.Common{Type: "identity"}}
		second.Destination.Type, second.Destination.Name = tbotconfig.DestinationSecret, "second"
		w.Config.Outputs = append(w.Config.Outputs, second)
	})
	live := &Live{Workload: two, MaxAge: DefaultMaxAge}
	facts := &Facts{Live: live}
	for name, row := range map[string]struct {
		second *Output
		want   Status
	}{
		"one is missing": {nil, Fail},
		"one is fresh":   {&Output{Certificate: certificate(teleportName, "bot-example", time.Now())}, Unknown},
	} {
		live.Output = func(_ context.Context, _, name string) (*Output, error) {
			if name == "second" {
				return row.second, nil
			}
			return nil, errForbidden
		}
		if got := runOutputRecent(t.Context(), facts, live); got.Status != row.want {
			t.Errorf("%s, and the other is forbidden: %+v, want %s", name, got, row.want)
		}
	}
	failed := errors.New("the connection broke")
	for name, row := range map[string]struct {
		err  error
		want Status
	}{
		"a login without the right": {&NotHere{"not allowed"}, Skip},
		"a look that failed":        {failed, Unknown},
	} {
		live.Instance = func(context.Context) (*machineidv1.BotInstance, error) { return nil, row.err }
		if got := runInstanceRecent(t.Context(), facts, live); got.Status != row.want {
			t.Errorf("%s: %+v, want %s", name, got, row.want)
		}
	}
	live.Instance = nil
	if got := runInstanceRecent(t.Context(), facts, live); got.Status != Skip || got.Observed != withoutLogin {
		t.Errorf("without a login: %+v", got)
	}
}

func TestOutputSecrets(t *testing.T) {
	t.Parallel()
	to := func(namespace, name string) *tbotconfig.Identity {
		output := &tbotconfig.Identity{Common: tbotconfig.Common{Type: "identity"}}
		output.Destination.Type, output.Destination.Namespace, output.Destination.Name = tbotconfig.DestinationSecret, namespace, name
		return output
	}
	w := guided(t, func(w *Workload) {
		w.Config.Storage = to("", "state").Destination
		w.Config.Outputs = []tbotconfig.Output{to("", "own"), to("apps", "there"), &tbotconfig.Identity{Destination: tbotconfig.Directory("/out")}}
	})
	var got []string
	for _, secret := range w.OutputSecrets() {
		got = append(got, secret.String())
	}
	if want := []string{"default/own", "apps/there"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if age := w.FairAge(); age != 40*time.Minute {
		t.Errorf("a fair age is %s, want twice the default of 20 minutes", age)
	}
}
