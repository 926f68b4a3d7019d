package checks

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const kubernetesFix = "a cluster administrator grants it with: echo '{apiVersion: rbac.authorization.k8s.io/v1, kind: "

func TestJudgeKubernetesRights(t *testing.T) {
	t.Parallel()
	var (
		readConfig  = Access{Verb: "get", Resource: "configmaps", Namespace: "machines", Name: "tbot-config"}
		writeConfig = Access{Verb: "patch", Resource: "configmaps", Namespace: "machines", Name: "tbot-config"}
		makePods    = Access{Verb: "create", Resource: "pods", Namespace: "machines"}
		deploy      = Access{Verb: "patch", Group: "apps", Resource: "deployments", Namespace: "machines", Name: "tbot"}
		mint        = Access{Verb: "create", Resource: "serviceaccounts", Subresource: "token", Namespace: "machines", Name: "tbot"}
		readKeys    = Access{Verb: "get", Path: "/openid/v1/jwks"}
	)
	errAsked := errors.New("asking: webhook: no route to host")
	check(t, map[string]judged{
		"all": {judgeKubernetesRights("machines", false, rights{held: 21}), Finding{Status: Pass, Observed: "all 21 kinds of requests, in namespace machines"}},
		"some are missing": {
			judgeKubernetesRights("machines", false, rights{missing: []Access{writeConfig, readConfig, makePods, deploy, mint}}),
			Finding{
				Status:   Fail,
				Observed: "this login may not, in namespace machines: patch, get configmaps tbot-config; create pods; patch deployments tbot; create serviceaccounts/token tbot",
				Fix: kubernetesFix + `Role, metadata: {name: tbotctl-init, namespace: "machines"}, rules: [{apiGroups: [""], resources: ["configmaps"], resourceNames: ["tbot-config"], verbs: [patch, get]}, ` +
					`{apiGroups: [""], resources: ["pods"], verbs: [create]}, {apiGroups: ["apps"], resources: ["deployments"], resourceNames: ["tbot"], verbs: [patch]}, ` +
					`{apiGroups: [""], resources: ["serviceaccounts/token"], resourceNames: ["tbot"], verbs: [create]}]}' | kubectl create -f - && ` +
					`kubectl create rolebinding tbotctl-init --namespace machines --role tbotctl-init --user USER`,
			},
		},
		"a path is no Role's to grant": {
			judgeKubernetesRights("machines", false, rights{missing: []Access{makePods, readKeys}, reasons: []string{"by policy"}}),
			Finding{
				Status:   Fail,
				Observed: "this login may not, in namespace machines: create pods; get /openid/v1/jwks (by policy)",
				Fix: kubernetesFix + `Role, metadata: {name: tbotctl-init, namespace: "machines"}, rules: [{apiGroups: [""], resources: ["pods"], verbs: [create]}]}' | kubectl create -f - && ` +
					`kubectl create rolebinding tbotctl-init --namespace machines --role tbotctl-init --user USER && ` +
					`echo '{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: tbotctl-init}, rules: [{nonResourceURLs: ["/openid/v1/jwks"], verbs: [get]}]}' | kubectl create -f - && ` +
					`kubectl create clusterrolebinding tbotctl-init --clusterrole tbotctl-init --user USER`,
			},
		},
		"in a namespace that is still to be made no Role can stand": {
			judgeKubernetesRights("123", true, rights{missing: []Access{{Verb: "create", Resource: "namespaces", Namespace: "123", Name: "123"}}}),
			Finding{
				Status:   Fail,
				Observed: "this login may not, in namespace 123: create namespaces 123",
				Fix: kubernetesFix + `ClusterRole, metadata: {name: tbotctl-init}, rules: [{apiGroups: [""], resources: ["namespaces"], resourceNames: ["123"], verbs: [create]}]}' | kubectl create -f - && ` +
					`kubectl create clusterrolebinding tbotctl-init --clusterrole tbotctl-init --user USER`,
			},
		},
		"unknown": {
			judgeKubernetesRights("machines", false, rights{held: 20, unknown: []Access{makePods}, reasons: []string{errAsked.Error()}, err: errAsked}),
			Finding{Status: Unknown, Observed: "not known is whether this login may, in namespace machines: create pods (asking: webhook: no route to host)", Err: errAsked},
		},
		"one is missing, another unknown": {
			judgeKubernetesRights("machines", false, rights{missing: []Access{makePods}, unknown: []Access{deploy}, reasons: []string{"asking: webhook: no route to host"}, err: errAsked}),
			Finding{
				Status: Fail, Observed: "this login may not, in namespace machines: create pods; not known is whether this login may, in namespace machines: patch deployments tbot (asking: webhook: no route to host)",
				Fix: kubernetesFix + `Role, metadata: {name: tbotctl-init, namespace: "machines"}, rules: [{apiGroups: [""], resources: ["pods"], verbs: [create]}]}' | kubectl create -f - && ` +
					`kubectl create rolebinding tbotctl-init --namespace machines --role tbotctl-init --user USER`,
			},
		},
	})
}

// TestAskKubernetes holds that another way to the same thing is asked for only where the first is barred, and counts as a whole.
func TestAskKubernetes(t *testing.T) {
	t.Parallel()
	a, b, c, d := Access{Verb: "a"}, Access{Verb: "b"}, Access{Verb: "c"}, Access{Verb: "d"}
	errAsked := errors.New("no answer")
	both := []Need{{All: []Access{a, b}, Instead: []Access{c, d}, Why: "why"}}
	for name, row := range map[string]struct {
		needs   []Need
		allowed []Access
		unknown []Access
		want    rights
		asked   int
	}{
		"the first way":                 {needs: both, allowed: []Access{a, b}, want: rights{held: 2}, asked: 2},
		"the other way":                 {needs: both, allowed: []Access{c, d}, want: rights{held: 2}, asked: 4},
		"half of each is neither":       {needs: both, allowed: []Access{a, c}, want: rights{held: 1, missing: []Access{b}, reasons: []string{"why"}}, asked: 4},
		"none":                          {needs: both, want: rights{missing: []Access{a, b}, reasons: []string{"why"}}, asked: 4},
		"no other way":                  {needs: []Need{{All: []Access{a}}, {All: []Access{b}}}, allowed: []Access{b}, want: rights{held: 1, missing: []Access{a}}, asked: 2},
		"unknown":                       {needs: both, unknown: []Access{a, b}, want: rights{unknown: []Access{a, b}, reasons: []string{"no answer"}}, asked: 4},
		"unknown, but for the other":    {needs: both, unknown: []Access{a}, allowed: []Access{c, d}, want: rights{held: 2}, asked: 4},
		"the other way is not known":    {needs: both, unknown: []Access{c, d}, want: rights{missing: []Access{a, b}, reasons: []string{"why"}}, asked: 4},
		"one missing, the other barred": {needs: both, unknown: []Access{b}, want: rights{missing: []Access{a}, unknown: []Access{b}, reasons: []string{"no answer", "why"}}, asked: 4},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			asked := 0
			got := askKubernetes(t.Context(), row.needs, func(_ context.Context, accesses []Access) []Verdict {
				asked += len(accesses)
				verdicts := make([]Verdict, len(accesses))
				for i, access := range accesses {
					verdicts[i].Allowed = slices.Contains(row.allowed, access)
					if slices.Contains(row.unknown, access) {
						verdicts[i].Err = errAsked
					}
				}
				return verdicts
			})
			if (len(row.want.unknown) > 0) != errors.Is(got.err, errAsked) {
				t.Errorf("error %v", got.err)
			}
			got.err = nil
			if diff := cmp.Diff(row.want, got, cmp.AllowUnexported(rights{})); diff != "" || asked != row.asked {
				t.Errorf("asked %d times, want %d; (-want +got):\n%s", asked, row.asked, diff)
			}
		})
	}
}

func TestJudgeTeleportRights(t *testing.T) {
	t.Parallel()
	needs := []TeleportAccess{{Kind: "bot", Verb: "read"}, {Kind: "bot", Verb: "create"}, {Kind: "token", Verb: "create"}, {Kind: "role", Verb: "read", Informs: true}}
	yes, no := Verdict{Allowed: true}, Verdict{}
	denied := Verdict{Reason: "role no-bots denies it"}
	errWhere := errors.New("role some allows it under a condition (where)")
	grant := func(rules string) string {
		return "a Teleport administrator makes the role with: echo '{kind: role, version: v7, metadata: {name: tbotctl-init}, spec: {allow: {rules: [" + rules +
			"]}}}' | tctl create, and gives it to ann, who then logs in again: a login carries the roles of its time"
	}
	check(t, map[string]judged{
		"all": {judgeTeleportRights("ann", needs, []Verdict{yes, yes, yes, yes}), Finding{Status: Pass, Observed: "ann may: read, create bot; create token; read role"}},
		"a login without a name": {
			judgeTeleportRights("", needs, []Verdict{yes, yes, yes, yes}), Finding{Status: Pass, Observed: "this login may: read, create bot; create token; read role"},
		},
		"what only informs is missing": {
			judgeTeleportRights("ann", needs, []Verdict{yes, yes, yes, no}),
			Finding{Status: Pass, Observed: "ann may: read, create bot; create token; read role would show more"},
		},
		"all is missing at once": {
			judgeTeleportRights("ann", needs, []Verdict{no, no, no, no}),
			Finding{
				Status: Fail, Observed: "ann may not: read, create bot; create token",
				Fix: grant("{resources: [bot], verbs: [read, create]}, {resources: [token], verbs: [create]}"),
			},
		},
		"what is denied no role grants": {
			judgeTeleportRights("ann", needs, []Verdict{yes, denied, yes, yes}),
			Finding{Status: Fail, Observed: "ann may not: create bot", Fix: "take out what denies (create bot: role no-bots denies it)"},
		},
		"one missing, one denied": {
			judgeTeleportRights("ann", needs, []Verdict{yes, denied, no, yes}),
			Finding{
				Status: Fail, Observed: "ann may not: create bot; create token",
				Fix: grant("{resources: [token], verbs: [create]}") + "; take out what denies (create bot: role no-bots denies it)",
			},
		},
		"a condition": {
			judgeTeleportRights("ann", needs, []Verdict{yes, yes, {Err: errWhere}, yes}),
			Finding{
				Status: Unknown, Observed: "not known without the Auth Service is whether ann may create token: role some allows it under a condition (where)",
				Err: errWhere,
			},
		},
		"a condition, and one missing": {
			judgeTeleportRights("ann", needs, []Verdict{no, yes, {Err: errWhere}, yes}),
			Finding{
				Status: Fail, Observed: "ann may not: read bot; not known without the Auth Service is whether ann may create token: role some allows it under a condition (where)",
				Fix: grant("{resources: [bot], verbs: [read]}"),
			},
		},
	})
}

// TestRightsOfARunThatMakesNothing are skipped: there is nothing to ask for.
func TestRightsOfARunThatMakesNothing(t *testing.T) {
	t.Parallel()
	for _, one := range permissionChecks() {
		if got := Run(t.Context(), []Check{one}, &Facts{}, func(Result) {})[0].Finding; got.Status != Skip || got.Observed == "" {
			t.Errorf("%s: %+v, want a skip with the reason", one.ID, got)
		}
	}
}
