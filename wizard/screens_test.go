package wizard_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/tbotctl/tbotctl/checks"
	"github.com/tbotctl/tbotctl/internal/apply"
	"github.com/tbotctl/tbotctl/internal/golden"
	"github.com/tbotctl/tbotctl/internal/plan"
	"github.com/tbotctl/tbotctl/internal/prompt"
	"github.com/tbotctl/tbotctl/internal/report"
	"github.com/tbotctl/tbotctl/internal/ui"
	"github.com/tbotctl/tbotctl/manifests"
	"github.com/tbotctl/tbotctl/wizard"
)

// TestScreens holds every screen of a whole way, in two sizes, in colour and in plain ASCII, with what the pages say drawn by the very
// Progress that a run draws it with.
func TestScreens(t *testing.T) {
	t.Parallel()
	photograph(t, "screens", speaking, nil, screenSteps(), nil)
}

// TestKubernetesScreens holds the screens that --access kubernetes adds.
func TestKubernetesScreens(t *testing.T) {
	t.Parallel()
	photograph(t, "kubernetes", healthy, upToPurpose("target-context", ""), []prompt.Step{
		prompt.Answer("access", "kubernetes"),
		prompt.Answer("kube-cluster", "both"), prompt.Choose("kube-cluster", "prod-eu"), prompt.Answer("kube-labels", "region=us"), prompt.Default("kube-labels"),
		prompt.Answer("kube-groups", "users"), prompt.Answer("kube-users", "*"), prompt.Answer("kube-users", "no"), prompt.Back("kube-users"),
		prompt.Answer("kube-groups", "groups"), prompt.Default("kube-groups"),
		prompt.Answer("cluster-role", "another"), prompt.Answer("target-namespace", "apps"),
		prompt.Answer("cluster-role", "cluster-admin"), prompt.Answer("cluster-role", "no"), prompt.Answer("cluster-role", "deployer"),
		prompt.Choose("roles"), prompt.Default("output-secret"), prompt.Answer("yes", "quit"),
	}, wizard.ErrQuit)
}

// TestArgoCDScreens holds the screens that --access argocd adds to those, with the risk that it asks about.
func TestArgoCDScreens(t *testing.T) {
	t.Parallel()
	photograph(t, "argocd", healthy, upToPurpose("kube-labels", "env=prod", "target-context", ""), []prompt.Step{
		prompt.Answer("access", "argocd"), prompt.Answer("argocd-namespace", "another namespace"), prompt.Answer("argocd-namespace", "gitops"),
		prompt.Answer("kube-groups", "anyone"), prompt.Answer("argocd-impersonation", "yes"), prompt.Answer("cluster-role", "edit"), prompt.Default("target-namespace"),
		prompt.Answer("argocd-rbac", "namespace"), prompt.Answer("argocd-rbac", "no"), prompt.Answer("argocd-rbac", "named"),
		prompt.Choose("roles"), prompt.Answer("yes", "quit"),
	}, wizard.ErrQuit)
}

// TestAgentScreens holds the screens of an agent that serves all that one can.
func TestAgentScreens(t *testing.T) {
	t.Parallel()
	photograph(t, "agent", healthy, without(upToPurpose("agent-release", "edge", "workload", "agent"), "bot-name"), []prompt.Step{
		prompt.Choose("agent-roles", "App", "Db", "Kube", "Discovery"),
		prompt.Answer("agent-app", "shop=http://shop.shop.svc:8080"), prompt.Answer("agent-database", "orders=postgres=db.shop.svc:5432"),
		prompt.Answer("agent-kube-name", "prod-eu"), prompt.Answer("agent-labels", "env=prod"),
		prompt.Answer("yes", "quit"),
	}, wizard.ErrQuit)
}

// healthy is a ground on which nothing is wrong.
func healthy(progress *report.Progress) *talker {
	g := &talker{ground: newGround(), progress: progress}
	g.out = discarded{}
	return g
}

// photograph leads through the steps and holds what is on the screen at each of them under testdata/dir.
func photograph(t *testing.T, dir string, on func(*report.Progress) *talker, given map[string]string, steps []prompt.Step, end error) {
	t.Helper()
	for _, size := range [][2]int{{80, 24}, {120, 40}} {
		for kind, colour := range map[string]bool{"colour": true, "plain": false} {
			name := fmt.Sprintf("%s/%dx%d-%s", dir, size[0], size[1], kind)
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				script := prompt.NewScript(t, steps...)
				camera := prompt.NewCamera(script, size[0], size[1], colour, colour, func(shot, screen string) {
					golden.Assert(t, name+"/"+shot+".txt", []byte(screen))
				})
				progress := report.NewProgress(&ui.Streams{Err: camera.Body(), ErrTTY: true, Color: colour, Unicode: colour, Width: size[0]})
				g := on(progress)
				w := wizard.Wizard{
					Prompt: camera, Speaker: progress, Kubernetes: g, Teleport: g, Deeds: g, Given: func(flag string) bool { _, ok := given[flag]; return ok || flag == wizard.FlagWorkload },
					Now: now, LookAgain: time.Hour, Patience: 5 * time.Minute,
				}
				if _, err := w.Run(t.Context(), wizard.Answers{Setup: setupOf(t, given)}); !errors.Is(err, end) {
					t.Error(err)
				}
			})
		}
	}
}

// screenSteps is a way that shows every kind of page once: a login that is missing, a risk, a bot that is there, an apply that fails.
func screenSteps() []prompt.Step {
	return []prompt.Step{
		prompt.Answer("context", "prod"), prompt.Default("proxy"), prompt.Answer("identity", "identity"), prompt.Answer("identity", "admin.identity"),
		prompt.Answer("join-type", "static_jwks"), prompt.Answer("accept-rotation-risk", "true"),
		prompt.Answer("namespace", "a new one"), prompt.Answer("namespace", "robots"),
		prompt.Answer("bot-name", "a new one"), prompt.Default("service-account"), prompt.Default("bot-name"), prompt.Default("token-name"),
		prompt.Default("access"), prompt.Choose("roles", "deploy"), prompt.Default("output-secret"),
		prompt.Answer("yes", "change"), prompt.Answer("change", "roles"), prompt.Choose("roles", "access"), prompt.Default("output-secret"),
		prompt.Answer("yes", "apply"), prompt.Answer("yes", "again"), prompt.Answer("yes", "apply"), prompt.Answer("yes", "finish"),
	}
}

// speaking is a ground that says through progress what the real one would.
func speaking(progress *report.Progress) *talker {
	g := &talker{ground: newGround(), progress: progress}
	g.out = discarded{}
	g.contexts = append(g.contexts, wizard.Context{Name: "arn:aws:eks:eu-central-1:123456789012:cluster/with-a-name-that-takes-more-room-than-there-is", Server: "https://dead.example.com"})
	g.reach = func(_ context.Context, name string) wizard.Reach {
		if name != "prod" && name != "staging" {
			return wizard.Reach{Problem: "nobody listens at its address", Fix: "see that the VPN is up"}
		}
		return wizard.Reach{Version: "v1.36.3", Provider: "EKS", User: "alice"}
	}
	g.login = func(a wizard.Answers) (wizard.Login, error) {
		if a.Identity == "" {
			return wizard.Login{}, fmt.Errorf("logging in to Teleport: the tsh profile has expired; tsh login --proxy=example.teleport.sh:443 --user=alice")
		}
		return wizard.Login{User: "alice", Expires: now().Add(8 * time.Hour)}, nil
	}
	g.choose = rotates
	g.makers = func() ([]string, error) { return []string{"group devs (RoleBinding edit)"}, nil }
	g.bots = []wizard.Bot{{Name: "ci", Roles: []string{"deploy"}}, {Name: "tbot-00000000", Ours: true}}
	tries := 0
	g.applied = func(wizard.Answers) error {
		progress.Head("Apply")
		progress.Event(apply.Event{Step: "ServiceAccount robots/tbot", State: apply.Done, Detail: "created"})
		if tries++; tries == 1 {
			progress.Event(apply.Event{Step: "join", State: apply.Failed, Detail: "Teleport refused the join: access denied"})
			return fmt.Errorf("TBC801: bot tbot-1a2b3c4d does not exist")
		}
		progress.Event(apply.Event{Step: "join", State: apply.Done, Detail: "proven as bot-tbot-1a2b3c4d over gRPC, certificate until 12:10:00 UTC"})
		progress.Event(apply.Event{Step: "rollout", State: apply.Waiting, Detail: "pod tbot-0: ContainerCreating", Elapsed: 7 * time.Second})
		return nil
	}
	return g
}

// discarded is a body that shows nothing: a talker says by its progress what a ground says plainly.
type discarded struct{}

func (discarded) Write(p []byte) (int, error) { return len(p), nil }
func (discarded) Passing(string)              {}
func (discarded) Width() int                  { return 80 }

type talker struct {
	*ground
	progress *report.Progress
}

func (g *talker) Discover(context.Context) error {
	for _, result := range []checks.Result{
		{Check: checks.Check{ID: checks.KubernetesAnswers, Title: "the API server answers and takes the login"}, Finding: checks.Finding{Status: checks.Pass, Observed: "v1.36.3"}},
		{Check: checks.Check{ID: checks.IssuerPublic, Title: "it is known whether Teleport can read the issuer"}, Finding: checks.Finding{Status: checks.Warn, Observed: "it answers from here alone"}},
		{Check: checks.Check{ID: checks.IssuerSigns, Title: "the key that signs tokens is among the published ones"}, Finding: checks.Finding{Status: checks.Unknown, Observed: "no token could be had to look at"}},
	} {
		g.progress.Check(result)
	}
	return nil
}

func (g *talker) Plan(context.Context) (wizard.Planned, error) {
	object := func(kind, name string) manifests.Resource {
		return manifests.Resource{System: manifests.Kubernetes, Kind: kind, Namespace: "robots", Name: name}
	}
	planned := plan.Plan{Items: []plan.Item{
		{Action: plan.Create, Resource: object("ServiceAccount", "tbot")},
		{Action: plan.Update, Resource: object("ConfigMap", "tbot-config"), Changes: []plan.Change{{Path: "data.tbot.yaml", Live: "token: other", Wanted: "token: tbot-1a2b3c4d"}}},
		{Action: plan.Same, Resource: object("Role", "tbot-output")},
		{Action: plan.Create, Resource: manifests.Resource{System: manifests.Teleport, Kind: "bot", Name: "tbot-1a2b3c4d"}},
	}}
	g.progress.Plan(planned, map[manifests.System]string{"kubernetes": "Kubernetes, context prod", "teleport": "Teleport, cluster example"})
	g.progress.Say("What this grants: pods of service account robots/tbot may join example as bot tbot-1a2b3c4d with the roles deploy, and may write Secret tbot-output.")
	return wizard.Planned{Plan: planned}, nil
}

func (g *talker) Finish() {
	g.progress.Say("Bot tbot-1a2b3c4d joins example from robots/tbot.")
	g.progress.Head("How to undo it")
	g.progress.Command("tbotctl delete --context prod --namespace robots --proxy example.teleport.sh:443")
}
