package plan_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tbotctl/tbotctl/internal/plan"
	"github.com/tbotctl/tbotctl/internal/spec"
)

func every(action plan.Action) map[string]plan.Action {
	all := map[string]plan.Action{}
	for _, kind := range []string{"ServiceAccount", "Role", "RoleBinding", "bot", "token", "ConfigMap", "Deployment"} {
		all[kind] = action
	}
	return all
}

func with(base map[string]plan.Action, action plan.Action, kinds ...string) map[string]plan.Action {
	for _, kind := range kinds {
		base[kind] = action
	}
	return base
}

func wantActions(t *testing.T, got plan.Plan, want map[string]plan.Action) {
	t.Helper()
	if diff := cmp.Diff(want, actions(got)); diff != "" {
		t.Errorf("actions differ (-want +got):\n%s", diff)
	}
}

func TestCreateThenSame(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"18.2.0", "16.4.7"} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, version)
			s := b.setup()
			if version == "16.4.7" { // which knows no type oidc
				s.Resolved.ServerVersion, s.Resolved.JoinType, s.Resolved.Issuer = version, spec.JoinStaticJWKS, ""
				s.Resolved.JWKS = `{"keys":[{"use":"sig","kty":"RSA","kid":"a","alg":"RS256","n":"sXchDaQebHnPiGvyDOAT4saGEUetSyo9MKLOoWFsueri23bOdgWp4Dy1Wl","e":"AQAB"}]}`
			}
			before := b.compute(t, s)
			wantActions(t, before, every(plan.Create))
			if !before.Changed() || len(before.Conflicts()) != 0 || len(before.Items) != 7 {
				t.Errorf("plan %+v, want seven items that are made", before)
			}
			wantActions(t, b.compute(t, s), every(plan.Create)) // planning made nothing

			b.apply(t, s)
			after := b.compute(t, s)
			wantActions(t, after, every(plan.Same))
			for _, item := range after.Items {
				if len(item.Changes) != 0 {
					t.Errorf("%s changes %v", item.Resource.ID(), item.Changes)
				}
			}
			if after.Changed() {
				t.Error("a plan without changes says that it changes something")
			}
		})
	}
}

func TestUpdateNamesTheFields(t *testing.T) {
	t.Parallel()
	b := newBench(t, "18.2.0")
	b.apply(t, b.setup())

	changed := b.setup()
	changed.Teleport.Roles = []string{"access", "editor", "auditor"}
	got := b.compute(t, changed)
	wantActions(t, got, with(every(plan.Same), plan.Update, "bot"))
	want := []plan.Change{{Path: "spec.roles[1]", Live: "auditor", Wanted: "editor"}, {Path: "spec.roles[2]", Wanted: "auditor"}}
	if diff := cmp.Diff(want, item(t, got, "bot").Changes); diff != "" {
		t.Errorf("the bot's changes differ (-want +got):\n%s", diff)
	}

	changed = b.setup()
	changed.Teleport.Proxy = "proxy.example.com:3080"
	got = b.compute(t, changed)
	wantActions(t, got, with(every(plan.Same), plan.Update, "ConfigMap", "Deployment"))
	if found := paths(item(t, got, "ConfigMap")); !slices.Equal(found, []string{"data.tbot.yaml"}) {
		t.Errorf("the ConfigMap changes %v, want tbot.yaml alone", found)
	}
	if change := item(t, got, "ConfigMap").Changes[0]; !strings.Contains(change.Live, "teleport.example.com:443") || !strings.Contains(change.Wanted, "proxy.example.com:3080") {
		t.Errorf("change %+v, want both contents", change)
	}
	if found := paths(item(t, got, "Deployment")); !slices.Equal(found, []string{"spec.template.metadata.annotations.tbotctl.dev/config-checksum"}) {
		t.Errorf("the Deployment changes %v, want the checksum that makes new pods", found)
	}

	changed = b.setup()
	changed.Workload.Limits = map[string]string{"memory": "1Gi"}
	changed.Workload.Env = map[string]string{"HTTPS_PROXY": "http://egress.example.com:3128"}
	got = b.compute(t, changed)
	wantActions(t, got, with(every(plan.Same), plan.Update, "Deployment"))
	want = []plan.Change{
		{Path: "spec.template.spec.containers[0].env[2].name", Wanted: "HTTPS_PROXY"},
		{Path: "spec.template.spec.containers[0].env[2].value", Wanted: "http://egress.example.com:3128"},
		{Path: "spec.template.spec.containers[0].resources.limits.memory", Live: "512Mi", Wanted: "1Gi"},
	}
	if diff := cmp.Diff(want, item(t, got, "Deployment").Changes); diff != "" {
		t.Errorf("the Deployment's changes differ (-want +got):\n%s", diff)
	}

	changed = b.setup()
	changed.Resolved.Issuer = "https://issuer.example.com/id/2"
	got = b.compute(t, changed)
	wantActions(t, got, with(every(plan.Same), plan.Update, "token"))
	want = []plan.Change{{Path: "spec.kubernetes.oidc.issuer", Live: "https://issuer.example.com/id/1", Wanted: "https://issuer.example.com/id/2"}}
	if diff := cmp.Diff(want, item(t, got, "token").Changes); diff != "" {
		t.Errorf("the token's changes differ (-want +got):\n%s", diff)
	}
}

// What somebody changed in Teleport since is seen and will be put right.
func TestUpdateAfterChangesInTeleport(t *testing.T) {
	t.Parallel()
	b := newBench(t, "18.2.0")
	b.apply(t, b.setup())
	set := render(t, b.setup())
	names := b.setup().Names()

	bot, err := b.teleport.Bot(t.Context(), names.Bot)
	if err != nil {
		t.Fatal(err)
	}
	bot.Spec.Roles = []string{"access"}
	bot.Spec.MaxSessionTtl = nil
	bot.Metadata.Labels["team"] = "platform"
	if err := b.teleport.UpsertBot(t.Context(), bot); err != nil {
		t.Fatal(err)
	}
	token, err := b.teleport.Token(t.Context(), names.Token)
	if err != nil {
		t.Fatal(err)
	}
	token.Spec.Kubernetes.Allow[0].ServiceAccount = "default:tbot"
	inAnHour := time.Now().Add(time.Hour)
	token.Metadata.Expires = &inAnHour
	if err := b.teleport.UpsertToken(t.Context(), token); err != nil {
		t.Fatal(err)
	}

	got, err := plan.Compute(t.Context(), set, b.setup().InstallID(), b.kube, b.teleport)
	if err != nil {
		t.Fatal(err)
	}
	wantActions(t, got, with(every(plan.Same), plan.Update, "bot", "token"))
	if found := paths(item(t, got, "bot")); !slices.Equal(found, []string{"metadata.labels.team", "spec.roles[1]"}) {
		t.Errorf("the bot changes %v", found)
	}
	if found := paths(item(t, got, "token")); !slices.Equal(found, []string{"metadata.expires", "spec.kubernetes.allow[0].service_account"}) {
		t.Errorf("the token changes %v: one that will expire is not the same", found)
	}
}

func TestSessionLengthOfTheBot(t *testing.T) {
	t.Parallel()
	b := newBench(t, "18.2.0")
	b.apply(t, b.setup())
	bot, err := b.teleport.Bot(t.Context(), b.setup().Names().Bot)
	if err != nil {
		t.Fatal(err)
	}
	bot.Spec.MaxSessionTtl.Seconds = 3600
	if err := b.teleport.UpsertBot(t.Context(), bot); err != nil {
		t.Fatal(err)
	}
	want := []plan.Change{{Path: "spec.maxSessionTtl", Live: "3600s"}}
	if diff := cmp.Diff(want, item(t, b.compute(t, b.setup()), "bot").Changes); diff != "" {
		t.Errorf("the bot's changes differ (-want +got):\n%s", diff)
	}
}
