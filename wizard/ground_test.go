package wizard_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tbotctl/tbotctl/internal/issuer"
	"github.com/tbotctl/tbotctl/internal/plan"
	"github.com/tbotctl/tbotctl/internal/prompt"
	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/manifests"
	"github.com/tbotctl/tbotctl/wizard"
)

// now is when it is here.
func now() time.Time { return time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC) }

// ground is what a wizard finds and does here: fixed answers, which a row of a test changes, and a record of what was called. The
// clusters themselves are in cmd's tests; this is about the way alone.
type ground struct {
	contexts   []wizard.Context
	reach      func(ctx context.Context, name string) wizard.Reach
	namespaces func() ([]string, error)
	makers     func() ([]string, error)
	argoCDs    func() ([]string, error)
	profiles   func() ([]wizard.Profile, error)
	proxy      func(asked string) (wizard.Proxy, error)
	login      func(a wizard.Answers) (wizard.Login, error)
	roles      func() ([]wizard.Role, error)
	bots       []wizard.Bot
	tokens     []wizard.Token
	clusters   func() ([]spec.ResolvedCluster, error)
	choose     func(a wizard.Answers, join spec.JoinType) (issuer.Choice, error)
	discover   func() error
	planned    func(a wizard.Answers) (wizard.Planned, error)
	applied    func(a wizard.Answers) error
	fix        string
	// asksWorkload has the wizard ask what is deployed; elsewhere that is given, as tbot.
	asksWorkload bool

	answers wizard.Answers
	out     prompt.Body
	did     []string
}

func newGround() *ground {
	return &ground{
		contexts: []wizard.Context{{Name: "prod", Server: "https://prod.example.com", Current: true}, {Name: "staging", Server: "https://staging.example.com"}},
		reach: func(_ context.Context, name string) wizard.Reach {
			return wizard.Reach{Version: "v1.36.3", Provider: "EKS", User: "alice@" + name}
		},
		namespaces: func() ([]string, error) { return []string{"default", "machines"}, nil },
		argoCDs:    func() ([]string, error) { return []string{"argocd"}, nil },
		makers:     func() ([]string, error) { return nil, nil },
		profiles: func() ([]wizard.Profile, error) {
			return []wizard.Profile{{Proxy: "example.teleport.sh:443", Cluster: "example", User: "alice", Expires: now().Add(8 * time.Hour), Current: true}}, nil
		},
		proxy: func(string) (wizard.Proxy, error) {
			return wizard.Proxy{ClusterName: "example", Version: "18.2.0"}, nil
		},
		login: func(wizard.Answers) (wizard.Login, error) {
			return wizard.Login{User: "alice", Expires: now().Add(8 * time.Hour)}, nil
		},
		roles: func() ([]wizard.Role, error) {
			return []wizard.Role{{Name: "access"}, {Name: "deploy", Description: "what CI may"}}, nil
		},
		clusters: func() ([]spec.ResolvedCluster, error) {
			return []spec.ResolvedCluster{
				{Name: "lab"},
				{Name: "prod-eu", Labels: map[string]string{"env": "prod", "region": "eu"}},
				{Name: "prod-us", Labels: map[string]string{"env": "prod", "region": "us"}},
			}, nil
		},
		choose: func(_ wizard.Answers, join spec.JoinType) (issuer.Choice, error) {
			if join == spec.JoinAuto {
				join = spec.JoinOIDC
			}
			return issuer.Choice{Type: join, Reason: "the issuer is public"}, nil
		},
		discover: func() error { return nil },
		planned: func(wizard.Answers) (wizard.Planned, error) {
			return wizard.Planned{Plan: plan.Plan{Items: []plan.Item{{Action: plan.Create, Resource: manifests.Resource{System: manifests.Kubernetes}}}}}, nil
		},
		applied: func(wizard.Answers) error { return nil },
	}
}

func (g *ground) Head(text string) { g.say("== " + text) }
func (g *ground) Say(text string)  { g.say(text) }
func (g *ground) Warn(text string) { g.say("! " + text) }

func (g *ground) say(text string) { _, _ = fmt.Fprintln(g.out, text) }

func (g *ground) Contexts() ([]wizard.Context, error) { return g.contexts, nil }
func (g *ground) Reach(ctx context.Context, name string) wizard.Reach {
	return g.reach(ctx, name)
}
func (g *ground) Namespaces(context.Context) ([]string, error)        { return g.namespaces() }
func (g *ground) ArgoCDs(context.Context) ([]string, error)           { return g.argoCDs() }
func (g *ground) PodMakers(context.Context, string) ([]string, error) { return g.makers() }

func (g *ground) Profiles() ([]wizard.Profile, error) { return g.profiles() }
func (g *ground) Proxy(context.Context) (wizard.Proxy, error) {
	return g.proxy(g.answers.Setup.Teleport.Proxy)
}
func (g *ground) Login(context.Context) (wizard.Login, error)    { return g.login(g.answers) }
func (g *ground) Roles(context.Context) ([]wizard.Role, error)   { return g.roles() }
func (g *ground) Bots(context.Context) ([]wizard.Bot, error)     { return g.bots, nil }
func (g *ground) Tokens(context.Context) ([]wizard.Token, error) { return g.tokens, nil }
func (g *ground) KubeClusters(context.Context) ([]spec.ResolvedCluster, error) {
	return g.clusters()
}

func (g *ground) Use(_ context.Context, answers wizard.Answers) error {
	g.answers = answers
	return nil
}

func (g *ground) Discover(context.Context) error {
	g.did = append(g.did, "discover")
	return g.discover()
}

func (g *ground) Choose(_ context.Context, join spec.JoinType) (issuer.Choice, error) {
	return g.choose(g.answers, join)
}
func (g *ground) ClusterID(context.Context) (string, error) { return "1a2b3c4d", nil }
func (g *ground) Plan(context.Context) (wizard.Planned, error) {
	g.did = append(g.did, "plan")
	return g.planned(g.answers)
}

func (g *ground) Apply(context.Context) error {
	g.did = append(g.did, "apply")
	err := g.applied(g.answers)
	if err != nil {
		g.Warn(err.Error())
	}
	return err
}

func (g *ground) WriteFiles(_ context.Context, dir string) error {
	g.did = append(g.did, "files "+dir)
	return nil
}

func (g *ground) Save(path string) error {
	g.did = append(g.did, "save "+path)
	return nil
}
func (g *ground) Finish()          { g.did = append(g.did, "finish") }
func (g *ground) Fix(error) string { return g.fix }

// lead leads through the steps with these flags given.
func (g *ground) lead(t *testing.T, given map[string]string, steps ...prompt.Step) (wizard.Answers, *prompt.Script, error) {
	t.Helper()
	script := prompt.NewScript(t, steps...)
	g.out = script.Body()
	w := wizard.Wizard{
		Prompt: script, Speaker: g, Kubernetes: g, Teleport: g, Deeds: g, LookAgain: time.Millisecond,
		Now: now,
		Given: func(flag string) bool {
			_, ok := given[flag]
			return ok || flag == wizard.FlagWorkload && !g.asksWorkload
		},
	}
	answers, err := w.Run(t.Context(), wizard.Answers{Setup: setupOf(t, given)})
	return answers, script, err
}

// setupOf is what these flags stand for.
func setupOf(t *testing.T, given map[string]string) spec.Setup {
	t.Helper()
	setup := spec.Default()
	for _, field := range spec.Fields() {
		if value, ok := given[field.Flag]; ok {
			if err := field.Set(&setup, value); err != nil {
				t.Fatal(err)
			}
		}
	}
	return setup
}

// says fails the test where no page says all of it.
func says(t *testing.T, script *prompt.Script, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(script.Shown(), part) {
			t.Errorf("no page says %q:\n%s", part, script.Shown())
		}
	}
}

var errDenied = errors.New("denied")
