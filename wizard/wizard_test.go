package wizard_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/tbotctl/tbotctl/internal/issuer"
	"github.com/tbotctl/tbotctl/internal/plan"
	"github.com/tbotctl/tbotctl/internal/prompt"
	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/wizard"
)

// way is a whole way through with little to decide, up to the plan.
func way(more ...prompt.Step) []prompt.Step {
	return append([]prompt.Step{
		prompt.Default("context"), prompt.Default("proxy"), prompt.Default("join-type"), prompt.Answer("namespace", "machines"),
		prompt.Default("service-account"), prompt.Default("bot-name"), prompt.Default("token-name"),
		prompt.Default("access"), prompt.Choose("roles", "access"), prompt.Default("output-secret"),
	}, more...)
}

// end is what follows the plan of a run that is applied.
func end() []prompt.Step {
	return []prompt.Step{prompt.Answer("yes", "apply"), prompt.Answer("yes", "finish")}
}

// with puts steps in at a place of the way.
func with(steps []prompt.Step, at int, more ...prompt.Step) []prompt.Step {
	return slices.Insert(slices.Clone(steps), at, more...)
}

// TestBranches leads through what two healthy clusters do not show: each row is a change of the ground, the way that follows from
// it, what must be said, and what must have been done.
func TestBranches(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		change func(*ground)
		given  map[string]string
		steps  []prompt.Step
		says   []string
		did    string
		err    error
	}{
		"nothing unusual": {
			steps: way(end()...), did: "discover plan apply finish",
			says: []string{"example.teleport.sh:443 | example, as alice, for 8h00m", "Recommended: oidc", "nobody else can become the bot"},
		},
		"a cluster that does not answer cannot be chosen, and delays no other": {
			change: func(g *ground) {
				g.reach = func(ctx context.Context, name string) wizard.Reach {
					if name == "prod" {
						<-ctx.Done()
						return wizard.Reach{Problem: "no answer", Fix: "see that the VPN is up"}
					}
					return wizard.Reach{Version: "v1.33.0"}
				}
			},
			steps: append([]prompt.Step{prompt.Answer("context", "staging")}, way(end()...)[1:]...), did: "discover plan apply finish",
		},
		"the provider rotates its keys": {
			change: func(g *ground) { g.choose = rotates },
			steps:  with(way(end()...), 3, prompt.Answer("accept-rotation-risk", "true")), did: "discover plan apply finish",
			says: []string{"Nothing fits without a risk", "EKS rotates its keys", "oidc | needs an issuer that Teleport can read | ", "the issuer is private"},
		},
		"a cloud that is known": {
			change: func(g *ground) {
				g.choose = func(wizard.Answers, spec.JoinType) (issuer.Choice, error) {
					return issuer.Choice{Type: spec.JoinOIDC, Reason: "it fits", Issuer: "https://container.googleapis.com/v1/projects/p/locations/l/clusters/c"}, nil
				}
			},
			steps: way(end()...), did: "discover plan apply finish",
			says: []string{"This is GKE", "join method gcp", "join-methods/#gcp-service-account-gcp"},
		},
		"the risk is declined": {
			change: func(g *ground) { g.choose = rotates },
			steps:  with(way(end()...), 3, prompt.Answer("accept-rotation-risk", "false"), prompt.Answer("join-type", "static_jwks"), prompt.Answer("accept-rotation-risk", "true")),
			did:    "discover plan apply finish",
		},
		"namespaces and roles may not be listed": {
			change: func(g *ground) {
				g.namespaces = func() ([]string, error) { return nil, errDenied }
				g.makers = func() ([]string, error) { return nil, errDenied }
				g.roles = func() ([]wizard.Role, error) { return nil, errDenied }
			},
			steps: func() []prompt.Step {
				steps := way(end()...)
				steps[8] = prompt.Answer("roles", "access,deploy")
				return steps
			}(),
			says: []string{"so type the name: denied", "so type their names: denied"}, did: "discover plan apply finish",
		},
		"others may create pods in the namespace": {
			change: func(g *ground) {
				g.makers = func() ([]string, error) { return []string{"group devs (RoleBinding edit)"}, nil }
			},
			steps: way(end()...), says: []string{"become the bot: group devs (RoleBinding edit)"}, did: "discover plan apply finish",
		},
		"a namespace that is to be made": {
			steps: func() []prompt.Step {
				steps := with(way(end()...), 4, prompt.Answer("namespace", "robots"))
				steps[3] = prompt.Answer("namespace", "a new one")
				return steps
			}(),
			did: "discover plan apply finish",
		},
		"a touch is wanted": {
			change: func(g *ground) {
				g.login = func(wizard.Answers) (wizard.Login, error) {
					return wizard.Login{User: "alice", Touches: "one touch"}, nil
				}
			},
			steps: with(way(end()...), 2, prompt.Answer("identity", "on")), says: []string{"! one touch"}, did: "discover plan apply finish",
		},
		"no login, then an identity file": {
			change: func(g *ground) {
				g.login = func(a wizard.Answers) (wizard.Login, error) {
					if a.Identity == "" {
						return wizard.Login{}, errDenied
					}
					return wizard.Login{User: "alice"}, nil
				}
			},
			steps: with(way(end()...), 2, prompt.Answer("identity", "identity"), prompt.Answer("identity", "admin.identity")), did: "discover plan apply finish",
		},
		"no login, and somebody else does that side": {
			change: func(g *ground) {
				g.login = func(wizard.Answers) (wizard.Login, error) { return wizard.Login{}, errDenied }
				g.planned = func(a wizard.Answers) (wizard.Planned, error) { return wizard.Planned{FilesOnly: a.NoTeleport}, nil }
			},
			steps: func() []prompt.Step {
				steps := with(way(prompt.Answer("yes", "files"), prompt.Answer("out-dir", "out"), prompt.Answer("yes", "finish")), 2, prompt.Answer("identity", "nobody"))
				steps[9] = prompt.Answer("roles", "access")
				return steps
			}(),
			did: "discover plan files out finish",
		},
		"a proxy that is none, then another": {
			change: func(g *ground) {
				g.proxy = func(asked string) (wizard.Proxy, error) {
					if asked == "wrong.example.com:443" {
						return wizard.Proxy{}, errors.New("no Teleport Proxy Service answers there")
					}
					return wizard.Proxy{ClusterName: "example"}, nil
				}
			},
			steps: append([]prompt.Step{
				prompt.Default("context"), prompt.Answer("proxy", "another"), prompt.Answer("proxy", "wrong.example.com:443"),
				prompt.Answer("proxy", "another"), // of the menu: name another cluster
				prompt.Answer("proxy", "example.teleport.sh:443"),
			}, way(end()...)[2:]...),
			says: []string{"no Teleport Proxy Service answers there"}, did: "discover plan apply finish",
		},
		"discovery fails, is looked at again, and leads to another answer": {
			change: func(g *ground) {
				tries := 0
				g.fix = "context"
				g.discover = func() error {
					if tries++; tries < 3 {
						return errDenied
					}
					return nil
				}
			},
			steps: append([]prompt.Step{
				prompt.Default("context"), prompt.Default("proxy"), prompt.Answer("yes", "again"), prompt.Answer("yes", "context"), prompt.Answer("context", "staging"),
			}, way(end()...)[2:]...),
			did: "discover discover discover plan apply finish",
		},
		"one answer is changed at the plan, and no other is asked again": {
			steps: way(prompt.Answer("yes", "change"), prompt.Answer("change", "roles"), prompt.Choose("roles", "deploy"), prompt.Default("output-secret"),
				prompt.Answer("yes", "apply"), prompt.Answer("yes", "finish")),
			did: "discover plan plan apply finish",
		},
		"another cluster at the plan has what hangs on it asked again": {
			steps: way(prompt.Answer("yes", "change"), prompt.Answer("change", "context"), prompt.Answer("context", "staging"),
				prompt.Default("join-type"), prompt.Default("namespace"), prompt.Default("service-account"), prompt.Default("bot-name"), prompt.Default("token-name"),
				prompt.Answer("yes", "apply"), prompt.Answer("yes", "finish")),
			did: "discover plan discover plan apply finish",
		},
		"apply fails, leads to the answer that mends it, and is tried again": {
			change: func(g *ground) {
				g.fix = "roles"
				g.applied = func(a wizard.Answers) error {
					if slices.Contains(a.Setup.Teleport.Roles, "access") {
						return errors.New("role access is refused")
					}
					return nil
				}
			},
			steps: way(prompt.Answer("yes", "apply"), prompt.Answer("yes", "roles"), prompt.Choose("roles", "deploy"), prompt.Default("output-secret"),
				prompt.Answer("yes", "apply"), prompt.Answer("yes", "finish")),
			says: []string{"! role access is refused", "It did not work out"}, did: "discover plan apply plan apply finish",
		},
		"apply fails and is left": {
			change: func(g *ground) { g.applied = func(wizard.Answers) error { return errDenied } },
			steps:  way(prompt.Answer("yes", "apply"), prompt.Answer("yes", "quit")), did: "discover plan apply", err: errDenied,
		},
		"somebody else's token of that name": {
			change: func(g *ground) {
				g.tokens = []wizard.Token{{Name: "theirs", Bot: "x"}, {Name: "mine", Bot: "y", Admits: true}}
			},
			steps: way(end()...), says: []string{"Join token mine already admits this service account"}, did: "discover plan apply finish",
		},
		"what somebody else made is taken over when that is said": {
			change: func(g *ground) {
				g.planned = func(a wizard.Answers) (wizard.Planned, error) {
					action := plan.Conflict
					if a.TakeOver {
						action = plan.Update
					}
					return wizard.Planned{Plan: plan.Plan{Items: []plan.Item{{Action: action, Reason: plan.Foreign}}}}, nil
				}
			},
			steps: way(prompt.Answer("yes", "take-over"), prompt.Answer("yes", "apply"), prompt.Answer("yes", "finish")), did: "discover plan plan apply finish",
		},
		"all is given": {
			given: map[string]string{
				"context": "prod", "proxy": "example.teleport.sh:443", "join-type": "oidc", "namespace": "machines", "service-account": "tbot", "bot-name": "b", "token-name": "t",
				"access": "identity", "roles": "access", "output-secret": "creds",
			},
			steps: end(), did: "discover plan apply finish",
		},
		"no output needs no roles": {
			given: map[string]string{"access": "none"},
			steps: append(way()[:7:7], end()...), did: "discover plan apply finish",
		},
		"the answers are saved on the way": {
			steps: way(prompt.Answer("yes", "save"), prompt.Answer("save", "a.yaml"), prompt.Answer("yes", "quit")), did: "discover plan save a.yaml", err: wizard.ErrQuit,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newGround()
			if row.change != nil {
				row.change(g)
			}
			_, script, err := g.lead(t, row.given, row.steps...)
			if !errors.Is(err, row.err) || row.err == nil && err != nil {
				t.Fatalf("ended with %v, want %v\n%s", err, row.err, script.Shown())
			}
			says(t, script, row.says...)
			if did := strings.Join(g.did, " "); did != row.did {
				t.Errorf("did %q, want %q", did, row.did)
			}
		})
	}
}

// rotates chooses as on a provider with a private issuer that rotates its keys.
func rotates(a wizard.Answers, join spec.JoinType) (issuer.Choice, error) {
	switch {
	case join == spec.JoinOIDC:
		return issuer.Choice{}, &issuer.Error{Kind: issuer.TypeImpossible, Problem: "the issuer is private"}
	case join == spec.JoinInCluster || a.Setup.Join.AcceptRotationRisk:
		return issuer.Choice{Type: join}, nil
	}
	return issuer.Choice{}, &issuer.Error{Kind: issuer.RotationRisk, Problem: "EKS rotates its keys"}
}
