package apply_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	headerv1 "github.com/gravitational/teleport/api/gen/proto/go/teleport/header/v1"
	machineidv1 "github.com/gravitational/teleport/api/gen/proto/go/teleport/machineid/v1"
	"github.com/gravitational/teleport/api/types"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/tbotctl/tbotctl/internal/apply"
	"github.com/tbotctl/tbotctl/internal/plan"
	"github.com/tbotctl/tbotctl/manifests"
)

// recorder stands for both clusters and writes down what is asked of them, in order, with the events between.
type recorder struct {
	calls []string
	// refuse is the call that fails with errRefused.
	refuse string
	// during runs within every call.
	during func(ctx context.Context, call string)
}

var errRefused = errors.New("refused, in the server's words")

func (r *recorder) call(ctx context.Context, name string) error {
	r.calls = append(r.calls, name)
	if r.during != nil {
		r.during(ctx, name)
	}
	if name == r.refuse {
		return errRefused
	}
	return nil
}

func (r *recorder) Apply(ctx context.Context, object *unstructured.Unstructured, dryRun bool) (*unstructured.Unstructured, error) {
	if dryRun {
		return nil, errors.New("a dry run is plan's business")
	}
	return object, r.call(ctx, "apply "+object.GetKind())
}

func (r *recorder) ForceApply(ctx context.Context, object *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	return object, r.call(ctx, "force "+object.GetKind())
}

func (r *recorder) CreateRole(ctx context.Context, role *types.RoleV6) error {
	return r.call(ctx, "create role "+role.GetName())
}

func (r *recorder) UpsertRole(ctx context.Context, role *types.RoleV6) error {
	return r.call(ctx, "upsert role "+role.GetName())
}

func (r *recorder) CreateBot(ctx context.Context, bot *machineidv1.Bot) error {
	return r.call(ctx, "create bot "+bot.GetMetadata().GetName())
}

func (r *recorder) UpsertBot(ctx context.Context, bot *machineidv1.Bot) error {
	return r.call(ctx, "upsert bot "+bot.GetMetadata().GetName())
}

func (r *recorder) CreateToken(ctx context.Context, token *types.ProvisionTokenV2) error {
	return r.call(ctx, "create token "+token.GetName())
}

func (r *recorder) UpsertToken(ctx context.Context, token *types.ProvisionTokenV2) error {
	return r.call(ctx, "upsert token "+token.GetName())
}

// runner proves and waits by calls that the recorder writes down too. Its clock gains a second with each look at it.
func (r *recorder) runner(events *[]apply.Event) apply.Runner {
	now := time.Unix(0, 0)
	return apply.Runner{
		Kubernetes: r, Teleport: r,
		Prove: func(ctx context.Context, _ apply.Observer) error { return r.call(ctx, "prove") },
		Rollout: func(ctx context.Context) (apply.Rollout, error) {
			return apply.Rollout{Ready: true, Pod: "tbot-1"}, r.call(ctx, "look at the rollout")
		},
		Observe: func(event apply.Event) { *events = append(*events, event) },
		Now:     func() time.Time { now = now.Add(time.Second); return now },
	}
}

// planned is a whole plan; actions name those that are not Create.
func planned(actions map[string]plan.Action) plan.Plan {
	object := func(kind string, stage manifests.Stage) manifests.Resource {
		u := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": kind}}
		return manifests.Resource{System: manifests.Kubernetes, Stage: stage, Kind: kind, Namespace: "machines", Name: "tbot", Object: u}
	}
	bot := &machineidv1.Bot{Metadata: &headerv1.Metadata{Name: "tbot"}}
	token := &types.ProvisionTokenV2{Metadata: types.Metadata{Name: "tbot"}}
	var p plan.Plan
	for _, resource := range []manifests.Resource{
		object("Namespace", manifests.StageNamespace), object("ServiceAccount", manifests.StageRBAC), object("Role", manifests.StageRBAC),
		{System: manifests.Teleport, Stage: manifests.StageBot, Kind: "bot", Name: "tbot", Bot: bot},
		{System: manifests.Teleport, Stage: manifests.StageToken, Kind: "token", Name: "tbot", Token: token},
		object("ConfigMap", manifests.StageConfig), object("Deployment", manifests.StageWorkload),
	} {
		item := plan.Item{Resource: resource, Action: plan.Create}
		if action, given := actions[resource.Kind]; given {
			item.Action = action
		}
		if item.Action == plan.Conflict {
			item.Owner = "not made by tbotctl"
		}
		p.Items = append(p.Items, item)
	}
	return p
}

func everything(action plan.Action) map[string]plan.Action {
	all := map[string]plan.Action{}
	for _, kind := range []string{"Namespace", "ServiceAccount", "Role", "bot", "token", "ConfigMap", "Deployment"} {
		all[kind] = action
	}
	return all
}

// A role is written before the bot that is given it.
func TestRoleIsWritten(t *testing.T) {
	t.Parallel()
	for action, want := range map[plan.Action]string{plan.Create: "create role r", plan.Update: "upsert role r", plan.Same: "create bot tbot"} {
		all := planned(nil)
		role := plan.Item{Action: action, Resource: manifests.Resource{
			System: manifests.Teleport, Stage: manifests.StageRole, Kind: "role", Name: "r", Role: &types.RoleV6{Metadata: types.Metadata{Name: "r"}},
		}}
		i := slices.IndexFunc(all.Items, func(item plan.Item) bool { return item.Resource.Bot != nil })
		all.Items = slices.Insert(all.Items, i, role)
		r, events := &recorder{}, []apply.Event(nil)
		if _, err := r.runner(&events).Run(t.Context(), all); err != nil {
			t.Fatal(err)
		}
		if r.calls[i] != want {
			t.Errorf("%s: calls %v, want %q in place %d", action, r.calls, want, i)
		}
	}
}

func TestRunKeepsTheOrder(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		actions map[string]plan.Action
		change  func(*apply.Runner)
		want    []string
	}{
		"all is new": {nil, nil, []string{
			"apply Namespace", "apply ServiceAccount", "apply Role", "create bot tbot", "create token tbot",
			"prove", "apply ConfigMap", "apply Deployment", "look at the rollout",
		}},
		"all changes": {everything(plan.Update), nil, []string{
			"apply Namespace", "apply ServiceAccount", "apply Role", "upsert bot tbot", "upsert token tbot",
			"prove", "apply ConfigMap", "apply Deployment", "look at the rollout",
		}},
		"nothing changes":           {everything(plan.Same), nil, []string{"prove", "look at the rollout"}},
		"only the workload changes": {map[string]plan.Action{"Namespace": plan.Same, "ServiceAccount": plan.Same, "Role": plan.Same, "bot": plan.Same, "token": plan.Same, "ConfigMap": plan.Same, "Deployment": plan.Update}, nil, []string{"prove", "apply Deployment", "look at the rollout"}},
		"without proof and waiting": {nil, func(r *apply.Runner) { r.Prove, r.Rollout = nil, nil }, []string{
			"apply Namespace", "apply ServiceAccount", "apply Role", "create bot tbot", "create token tbot", "apply ConfigMap", "apply Deployment",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var events []apply.Event
			r := &recorder{}
			runner := r.runner(&events)
			if row.change != nil {
				row.change(&runner)
			}
			p := planned(row.actions)
			result, err := runner.Run(t.Context(), p)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(r.calls, row.want) {
				t.Errorf("calls\n%v, want\n%v", r.calls, row.want)
			}
			if result.Proven != (runner.Prove != nil) || result.Ready != (runner.Rollout != nil) {
				t.Errorf("result %+v", result)
			}
			var written int
			for _, item := range p.Items {
				if item.Action != plan.Same {
					if result.Written[written].Resource.Kind != item.Resource.Kind {
						t.Errorf("written %v, want every item that is not the same, in order", result.Written)
					}
					written++
				}
			}
			if len(result.Written) != written {
				t.Errorf("%d items are said to be written, want %d", len(result.Written), written)
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		refuse  string
		written int
		never   []string
	}{
		"the proof":           {"prove", 5, []string{"apply ConfigMap", "apply Deployment", "look at the rollout"}},
		"a right":             {"apply Role", 2, []string{"create bot tbot", "create token tbot", "prove", "apply Deployment"}},
		"the bot":             {"create bot tbot", 3, []string{"create token tbot", "prove", "apply Deployment"}},
		"the token":           {"create token tbot", 4, []string{"prove", "apply ConfigMap", "apply Deployment"}},
		"the Deployment":      {"apply Deployment", 6, []string{"look at the rollout"}},
		"the rollout's state": {"look at the rollout", 7, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var events []apply.Event
			r := &recorder{refuse: row.refuse}
			result, err := r.runner(&events).Run(t.Context(), planned(nil))
			if !errors.Is(err, errRefused) {
				t.Fatalf("error %v, want the server's own", err)
			}
			if len(result.Written) != row.written || result.Ready {
				t.Errorf("result %+v, want %d items written and not ready", result, row.written)
			}
			for _, call := range row.never {
				if slices.Contains(r.calls, call) {
					t.Errorf("%q was asked for after the refusal: %v", call, r.calls)
				}
			}
			if last := events[len(events)-1]; row.refuse != "prove" && (last.State != apply.Failed || last.Detail != errRefused.Error()) {
				t.Errorf("the last event is %+v, want the failure with the server's words", last)
			}
		})
	}
}

func TestConflictIsNeverWritten(t *testing.T) {
	t.Parallel()
	var events []apply.Event
	r := &recorder{}
	result, err := r.runner(&events).Run(t.Context(), planned(map[string]plan.Action{"token": plan.Conflict}))
	if err == nil || !strings.Contains(err.Error(), "token tbot was not made by tbotctl") {
		t.Errorf("error %v, want one that names resource and owner", err)
	}
	if len(r.calls) != 0 || len(result.Written) != 0 || len(events) != 0 {
		t.Errorf("calls %v, events %v; want none: a plan with a conflict is not begun", r.calls, events)
	}
}

func TestCancelledBetweenSteps(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	var events []apply.Event
	r := &recorder{}
	runner := r.runner(&events)
	observe := runner.Observe
	runner.Observe = func(event apply.Event) {
		observe(event)
		if event.State == apply.Done && strings.HasPrefix(event.Step, "bot") {
			cancel()
		}
	}
	result, err := runner.Run(ctx, planned(nil))
	if !errors.Is(err, context.Canceled) || len(result.Written) != 4 || slices.Contains(r.calls, "create token tbot") {
		t.Errorf("error %v after %v; want the run to end after the bot", err, r.calls)
	}
}

// The write in hand is finished also where the run is broken off, so that what stands is known; it has a time limit of its own.
func TestCancelledDuringAWrite(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	var events []apply.Event
	r := &recorder{}
	r.during = func(own context.Context, call string) {
		if call == "create bot tbot" {
			cancel()
			if _, bounded := own.Deadline(); own.Err() != nil || !bounded {
				t.Errorf("the write's own context: %v, bounded %v; want it alive and bounded", own.Err(), bounded)
			}
		}
	}
	result, err := r.runner(&events).Run(ctx, planned(nil))
	if !errors.Is(err, context.Canceled) || len(result.Written) != 4 || result.Written[3].Resource.Kind != "bot" {
		t.Errorf("error %v, written %v; want the cancel, with the bot as the last that was written", err, result.Written)
	}
	if last := events[len(events)-1]; last.Step != "bot tbot" || last.State != apply.Done {
		t.Errorf("last event %+v, want the bot's end", last)
	}
}

func TestForce(t *testing.T) {
	t.Parallel()
	var events []apply.Event
	r := &recorder{}
	p := planned(everything(plan.Same))
	for i := range p.Items {
		if kind := p.Items[i].Resource.Kind; kind == "ConfigMap" || kind == "token" {
			p.Items[i].Action, p.Items[i].Force = plan.Update, true
		}
	}
	if _, err := r.runner(&events).Run(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	if want := []string{"upsert token tbot", "prove", "force ConfigMap", "look at the rollout"}; !slices.Equal(r.calls, want) {
		t.Errorf("calls %v, want %v", r.calls, want)
	}
}

func TestEvents(t *testing.T) {
	t.Parallel()
	var events []apply.Event
	r := &recorder{}
	if _, err := r.runner(&events).Run(t.Context(), planned(map[string]plan.Action{
		"Namespace": plan.Same, "ServiceAccount": plan.Create, "Role": plan.Same, "bot": plan.Update, "token": plan.Same, "ConfigMap": plan.Same, "Deployment": plan.Same,
	})); err != nil {
		t.Fatal(err)
	}
	want := []apply.Event{
		{Step: "ServiceAccount machines/tbot", State: apply.Started},
		{Step: "ServiceAccount machines/tbot", State: apply.Done, Detail: "created", Elapsed: time.Second},
		{Step: "bot tbot", State: apply.Started},
		{Step: "bot tbot", State: apply.Done, Detail: "updated", Elapsed: time.Second},
		{Step: "rollout", State: apply.Started},
		{Step: "rollout", State: apply.Done, Detail: "pod tbot-1 is ready", Elapsed: time.Second},
	}
	if !slices.Equal(events, want) {
		t.Errorf("events\n%v, want\n%v", events, want)
	}
}
