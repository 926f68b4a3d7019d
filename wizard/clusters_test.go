package wizard_test

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/tbotctl/tbotctl/internal/prompt"
	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/internal/ui"
	"github.com/tbotctl/tbotctl/wizard"
)

// upToPurpose gives all that is asked before the purpose, and the Secret.
func upToPurpose(more ...string) map[string]string {
	given := map[string]string{
		"context": "prod", "proxy": "example.teleport.sh:443", "join-type": "oidc", "namespace": "machines",
		"service-account": "tbot", "bot-name": "robot", "token-name": "robot",
	}
	for i := 0; i < len(more); i += 2 {
		given[more[i]] = more[i+1]
	}
	return given
}

// toPurpose answers that the bot is for Kubernetes clusters.
func toPurpose(more ...prompt.Step) []prompt.Step {
	return append([]prompt.Step{prompt.Answer("access", "kubernetes")}, more...)
}

// asGroup is the way with the least to decide, from who the bot is to the plan, left there.
func asGroup() []prompt.Step {
	return []prompt.Step{
		prompt.Default("kube-groups"), prompt.Default("kube-groups"), prompt.Default("cluster-role"), prompt.Default("target-namespace"),
		prompt.Choose("target-context"), prompt.Choose("roles"), prompt.Default("output-secret"), prompt.Answer("yes", "quit"),
	}
}

func env(value string) map[string]string { return map[string]string{"env": value} }

// TestKubernetes leads through the pages of --access kubernetes: each row is a change of the ground, the way that follows from it, what
// must be said, and which clusters and rights come out.
func TestKubernetes(t *testing.T) {
	t.Parallel()
	names, viewer := []string{"prod-eu", "prod-us"}, spec.Reach{Groups: []string{"robot"}, ClusterRole: "view"}
	with := func(change func(*spec.Reach)) spec.Reach {
		reach := viewer
		change(&reach)
		return reach
	}
	denied := func(g *ground) { g.clusters = func() ([]spec.ResolvedCluster, error) { return nil, errDenied } }

	for name, row := range map[string]struct {
		change func(*ground)
		given  map[string]string
		steps  []prompt.Step
		says   []string
		want   spec.Reach
		roles  []string
	}{
		"by names": {
			steps: append(toPurpose(prompt.Answer("kube-cluster", "names"), prompt.Choose("kube-cluster", names...)), asGroup()...),
			says: []string{
				"- prod-eu | env=prod, region=eu |", "- lab | no label", "of the 3 that are enrolled",
				"kubernetes | kubeconfigs for clusters that are enrolled in Teleport", "tbotctl makes Teleport role robot-kubernetes",
			},
			want: with(func(r *spec.Reach) { r.Clusters = names }),
		},
		"by labels, with what they match": {
			steps: append(toPurpose(
				prompt.Answer("kube-cluster", "labels"), prompt.Answer("kube-labels", "region=eu"), prompt.Answer("kube-labels", "other"),
				prompt.Answer("kube-labels", "env=prod"), prompt.Default("kube-labels")), asGroup()...),
			says: []string{"The labels match 1 of 3 clusters: prod-eu.", "The labels match 2 of 3 clusters: prod-eu; prod-us."},
			want: with(func(r *spec.Reach) { r.Labels = []map[string]string{env("prod")} }),
		},
		"by both": {
			steps: append(toPurpose(
				prompt.Answer("kube-cluster", "both"), prompt.Choose("kube-cluster", "prod-eu"), prompt.Answer("kube-labels", "region=us"),
				prompt.Default("kube-labels")), asGroup()...),
			says: []string{"Names and labels together are 2 of 3 clusters: prod-eu; prod-us."},
			want: with(func(r *spec.Reach) {
				r.Clusters, r.Labels = []string{"prod-eu"}, []map[string]string{{"region": "us"}}
			}),
		},
		"none is enrolled yet": {
			change: func(g *ground) {
				looks, three := 0, g.clusters
				g.clusters = func() ([]spec.ResolvedCluster, error) {
					if looks++; looks == 1 {
						return nil, nil
					}
					return three()
				}
			},
			steps: append(toPurpose(prompt.Answer("kube-cluster", "again"), prompt.Answer("kube-cluster", "names"), prompt.Choose("kube-cluster", names...)), asGroup()...),
			says:  []string{"this login sees no Kubernetes cluster in Teleport"},
			want:  with(func(r *spec.Reach) { r.Clusters = names }),
		},
		"none is enrolled, so it is for something else": {
			change: func(g *ground) { g.clusters = func() ([]spec.ResolvedCluster, error) { return nil, nil } },
			steps:  toPurpose(prompt.Answer("kube-cluster", "access"), prompt.Answer("access", "none"), prompt.Answer("yes", "quit")),
		},
		"they may not be listed": {
			change: denied,
			steps:  append(toPurpose(prompt.Default("kube-cluster"), prompt.Answer("kube-labels", "env=prod;env=test")), asGroup()...),
			says:   []string{"could not be listed: denied", "also those that carry them on a later day"},
			want:   with(func(r *spec.Reach) { r.Labels = []map[string]string{env("prod"), env("test")} }),
		},
		"a name that nobody can look up leaves it to roles that are there": {
			change: denied,
			steps: toPurpose(prompt.Answer("kube-cluster", "names"), prompt.Answer("kube-cluster", "prod-eu"), prompt.Default("kube-groups"),
				prompt.Choose("roles", "access"), prompt.Default("output-secret"), prompt.Answer("yes", "quit")),
			says: []string{"those of prod-eu could not be looked up"},
			want: spec.Reach{Clusters: []string{"prod-eu"}}, roles: []string{"access"},
		},
		"a cluster that no role can tell from others": {
			given: upToPurpose("access", "kubernetes", "kube-cluster", "lab"),
			steps: []prompt.Step{
				prompt.Default("kube-groups"), prompt.Choose("roles", "access"), prompt.Default("output-secret"), prompt.Answer("yes", "quit"),
			},
			says: []string{"a role picks clusters by their labels, and lab has none"},
			want: spec.Reach{Clusters: []string{"lab"}}, roles: []string{"access"},
		},
		"roles that were given for it are taken at their word": {
			given: upToPurpose("access", "kubernetes", "kube-labels", "env=prod", "roles", "access", "output-secret", "creds"),
			steps: []prompt.Step{prompt.Answer("yes", "quit")},
			want:  spec.Reach{Labels: []map[string]string{env("prod")}}, roles: []string{"access"},
		},
		"any user wants a yes": {
			given: upToPurpose("access", "kubernetes", "kube-labels", "env=prod", "cluster-role", "view", "target-namespace", "", "roles", "", "output-secret", "creds"),
			steps: []prompt.Step{
				prompt.Answer("kube-groups", "users"), prompt.Answer("kube-users", "*"), prompt.Answer("kube-users", "no"),
				prompt.Answer("kube-users", "*"), prompt.Answer("kube-users", "yes"), prompt.Choose("target-context"), prompt.Answer("yes", "quit"),
			},
			says: []string{"kube-users: This bot can act as any user in the matched clusters: treat it as cluster-admin. Go on?"},
			want: spec.Reach{Labels: []map[string]string{env("prod")}, Users: []string{"*"}, ClusterRole: "view"},
		},
		"one namespace, and a ClusterRole of its own": {
			given: upToPurpose("access", "kubernetes", "kube-labels", "env=prod", "kube-groups", "readers", "roles", "", "output-secret", "creds"),
			steps: []prompt.Step{
				prompt.Answer("cluster-role", "another"), prompt.Answer("target-namespace", "apps"), prompt.Answer("cluster-role", "cluster-admin"),
				prompt.Default("cluster-role"), prompt.Answer("cluster-role", "deployer"), prompt.Choose("target-context"), prompt.Answer("yes", "quit"),
			},
			says: []string{"cluster-role: " + spec.EveryRightMeans + ". Go on?", "the least: reads most things, neither Secrets nor RBAC"},
			want: spec.Reach{Labels: []map[string]string{env("prod")}, Groups: []string{"readers"}, ClusterRole: "deployer", Namespace: "apps"},
		},
		"the role of an earlier run is not chosen a second time": {
			change: func(g *ground) {
				g.roles = func() ([]wizard.Role, error) { return []wizard.Role{{Name: "access"}, {Name: "robot-kubernetes"}}, nil }
			},
			given: upToPurpose("access", "kubernetes", "kube-labels", "env=prod", "kube-groups", "readers", "cluster-role", "edit", "target-namespace", "", "roles", "access,robot-kubernetes"),
			steps: []prompt.Step{prompt.Choose("target-context"), prompt.Default("roles"), prompt.Default("output-secret"), prompt.Answer("yes", "quit")},
			want:  spec.Reach{Labels: []map[string]string{env("prod")}, Groups: []string{"readers"}, ClusterRole: "edit"}, roles: []string{"access"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newGround()
			if row.change != nil {
				row.change(g)
			}
			if row.given == nil {
				row.given = upToPurpose()
			}
			answers, script, err := g.lead(t, row.given, row.steps...)
			if !errors.Is(err, wizard.ErrQuit) {
				t.Fatalf("ended with %v\n%s", err, script.Shown())
			}
			says(t, script, row.says...)
			if !reflect.DeepEqual(answers.Setup.Reach, row.want) {
				t.Errorf("reaches %+v, want %+v", answers.Setup.Reach, row.want)
			}
			if !reflect.DeepEqual(answers.Setup.Teleport.Roles, row.roles) {
				t.Errorf("roles %q, want %q", answers.Setup.Teleport.Roles, row.roles)
			}
			if err := answers.Setup.Validate(); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestKubernetesKeepsAnswers goes back from each page and finds what was answered, and the clusters outlast a look at another purpose.
func TestKubernetesKeepsAnswers(t *testing.T) {
	t.Parallel()
	g := newGround()
	script := []prompt.Step{
		prompt.Answer("access", "kubernetes"), prompt.Answer("kube-cluster", "labels"), prompt.Back("kube-labels"),
		prompt.Answer("kube-cluster", "names"), prompt.Choose("kube-cluster", "prod-us"), prompt.Answer("kube-groups", "groups"), prompt.Back("kube-groups"),
		prompt.Back("kube-groups"), prompt.Default("kube-cluster"), prompt.Default("kube-cluster"),
		prompt.Answer("kube-groups", "users"), prompt.Answer("kube-users", "jane"), prompt.Answer("cluster-role", "edit"), prompt.Back("target-namespace"),
		prompt.Default("kube-groups"), prompt.Default("kube-users"), prompt.Answer("cluster-role", "edit"), prompt.Answer("target-namespace", "apps"),
		prompt.Choose("target-context", "staging"), prompt.Back("roles"), prompt.Default("target-context"), prompt.Choose("roles"), prompt.Default("output-secret"),
		// Another purpose at the plan, and back.
		prompt.Answer("yes", "change"), prompt.Answer("change", "access"), prompt.Answer("access", "identity"), prompt.Choose("roles", "access"), prompt.Default("output-secret"),
		prompt.Answer("yes", "change"), prompt.Answer("change", "access"), prompt.Answer("access", "kubernetes"), prompt.Default("roles"), prompt.Default("output-secret"),
		// One answer is changed and no other asked again.
		prompt.Answer("yes", "change"), prompt.Answer("change", "target-namespace"), prompt.Default("cluster-role"), prompt.Answer("target-namespace", "web"),
		prompt.Answer("yes", "quit"),
	}
	answers, _, err := g.lead(t, upToPurpose(), script...)
	if !errors.Is(err, wizard.ErrQuit) {
		t.Fatal(err)
	}
	want := spec.Reach{Clusters: []string{"prod-us"}, Users: []string{"jane"}, ClusterRole: "edit", Namespace: "web", Contexts: []string{"staging"}}
	if !reflect.DeepEqual(answers.Setup.Reach, want) {
		t.Errorf("reaches %+v, want %+v", answers.Setup.Reach, want)
	}
}

// TestKubernetesLeftToRoles gives up the role that tbotctl would make at the plan: then one of those that are there is needed, and what
// only the other would have held is gone.
func TestKubernetesLeftToRoles(t *testing.T) {
	t.Parallel()
	g := newGround()
	answers, script, err := g.lead(t, upToPurpose("access", "kubernetes", "kube-labels", "env=prod"),
		prompt.Default("kube-groups"), prompt.Default("kube-groups"), prompt.Answer("cluster-role", "edit"), prompt.Answer("target-namespace", "apps"),
		prompt.Choose("target-context", "staging"), prompt.Choose("roles"), prompt.Default("output-secret"),
		prompt.Answer("yes", "change"), prompt.Answer("change", "kube-users"), prompt.Answer("kube-groups", "roles"),
		prompt.Choose("roles", "deploy"), prompt.Default("output-secret"), prompt.Answer("yes", "quit"))
	if !errors.Is(err, wizard.ErrQuit) {
		t.Fatal(err)
	}
	if want := (spec.Reach{Labels: []map[string]string{env("prod")}}); !reflect.DeepEqual(answers.Setup.Reach, want) {
		t.Errorf("reaches %+v, want %+v\n%s", answers.Setup.Reach, want, script.Shown())
	}
	if roles := answers.Setup.BotRoles(); !reflect.DeepEqual(roles, []string{"deploy"}) {
		t.Errorf("roles %q", roles)
	}
}

// TestKubernetesByLine answers line by line, as --accessible does: what is refused is said with what there is, in place of other people's
// escape sequences.
func TestKubernetesByLine(t *testing.T) {
	t.Parallel()
	g := newGround()
	hostile := g.clusters
	g.clusters = func() ([]spec.ResolvedCluster, error) {
		all, err := hostile()
		return append(all, spec.ResolvedCluster{Name: "zoo", Labels: map[string]string{"note": "\x1b[31mred\x1b[0m"}}), err
	}
	var out bytes.Buffer
	in := strings.NewReader(strings.Join([]string{
		"kubernetes", "by labels", "env=prd", "env", "env=prod", "", // a selector that matches nothing, one that is none, one that will do
		"1", "system:masters", "", // the group of everything, then the one that is filled in
		"", "Apps", "", // view; a namespace that cannot be one; all
		"none",     // no cluster is bound from here
		"none", "", // no roles beside; the Secret
		"quit", "",
	}, "\n"))
	lines := prompt.NewLines(&ui.Streams{In: in, Err: &out, Width: 80}, prompt.NewLine(in, &out))
	g.out = lines.Body()
	given := upToPurpose()
	w := wizard.Wizard{
		Prompt: lines, Speaker: g, Kubernetes: g, Teleport: g, Deeds: g, LookAgain: time.Millisecond, Now: now,
		Given: func(flag string) bool { return given[flag] != "" || flag == wizard.FlagWorkload },
	}
	answers, err := w.Run(t.Context(), wizard.Answers{Setup: setupOf(t, given)})
	if !errors.Is(err, wizard.ErrQuit) {
		t.Fatalf("ended with %v\n%s", err, out.String())
	}
	if want := (spec.Reach{Labels: []map[string]string{env("prod")}, Groups: []string{"robot"}, ClusterRole: "view"}); !reflect.DeepEqual(answers.Setup.Reach, want) {
		t.Errorf("reaches %+v, want %+v", answers.Setup.Reach, want)
	}
	said := strings.Join(strings.Fields(out.String()), " ")
	for _, part := range []string{
		"no cluster carries env=prd; there are lab (no label); prod-eu (env=prod, region=eu)", `"env" is not key=value`,
		"The labels match 2 of 4 clusters: prod-eu; prod-us.", "system:masters is everything in every matched cluster", "zoo (note=red)",
	} {
		if !strings.Contains(said, part) {
			t.Errorf("no line says %q:\n%s", part, out.String())
		}
	}
	if strings.Contains(out.String(), "\x1b") {
		t.Errorf("an escape sequence reached the terminal:\n%q", out.String())
	}
}
