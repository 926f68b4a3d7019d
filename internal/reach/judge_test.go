package reach

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"

	"github.com/tbotctl/tbotctl/checks"
)

const (
	deniedList = `pods is forbidden: User "bot-robot" cannot list resource "pods" in API group "" at the cluster scope`
	teleports  = deniedList + ` Ask your Teleport admin to ensure that your Teleport role includes access to the pods in "kubernetes_resources" field.`
)

func says(status int, message string) heard { return heard{status: status, message: message} }

func ok() heard { return heard{status: http.StatusOK} }

func notAnyUser() heard {
	return says(http.StatusForbidden, `impersonation request has been denied, user header "tbotctl-verify" is not allowed in roles`)
}

// robot is a target whose certificate names one group.
func robot(namespaces ...string) Target {
	return Target{Cluster: "alpha", Output: "out", Bot: "robot", Groups: []string{"readers"}, Namespaces: namespaces}
}

// saw is what a cluster tells of a bot that acts as nobody else and may do what the rules say.
func saw(namespaces, pods heard, about ...authorizationv1.ResourceRule) seen {
	return seen{
		door: ok(), as: notAnyUser(), version: "v1.36.3",
		user:  authenticationv1.UserInfo{Username: "bot-robot", Groups: []string{"system:authenticated", "readers"}},
		lists: []list{{what: "namespaces", heard: namespaces}, {what: "pods", heard: pods}},
		rules: []rules{{SubjectRulesReviewStatus: authorizationv1.SubjectRulesReviewStatus{ResourceRules: append(about, basic())}}},
	}
}

// basic is what every user may.
func basic() authorizationv1.ResourceRule {
	return authorizationv1.ResourceRule{
		Verbs: []string{"create"}, APIGroups: []string{"authorization.k8s.io"}, Resources: []string{"selfsubjectaccessreviews", "selfsubjectrulesreviews"},
	}
}

func rule(verb, resource string, names ...string) authorizationv1.ResourceRule {
	return authorizationv1.ResourceRule{Verbs: []string{verb}, APIGroups: []string{""}, Resources: []string{resource}, ResourceNames: names}
}

// untold makes nobody tell the rules.
func untold(s seen) seen {
	s.rules = []rules{{err: errors.New("forbidden")}}
	return s
}

func TestJudge(t *testing.T) {
	no, byTeleport, broken := says(http.StatusForbidden, deniedList), says(http.StatusForbidden, teleports), says(http.StatusBadGateway, "bad gateway")
	anyUser := saw(ok(), ok())
	anyUser.as = ok()
	unsure := saw(ok(), ok())
	unsure.as = broken
	incomplete := saw(no, no)
	incomplete.rules[0].Incomplete = true
	for name, row := range map[string]struct {
		target Target
		seen   seen
		status checks.Status
		id     string
		lists  []string
		listed Known
		any    Known
		kinds  []string
		says   []string
	}{
		"reads everywhere":          {robot(), saw(ok(), ok(), rule("list", "pods")), checks.Pass, "", []string{"namespaces", "pods"}, Yes, No, nil, nil},
		"reads pods":                {robot(), saw(no, ok()), checks.Pass, "", []string{"pods"}, Yes, No, nil, nil},
		"may do something else":     {robot(), saw(no, no, rule("create", "jobs")), checks.Pass, "", nil, Yes, No, nil, nil},
		"bound to nothing":          {robot(), saw(no, no), checks.Fail, "P25", nil, Yes, No, nil, []string{"readers", "kubectl --context CLUSTER create clusterrolebinding robot-kubernetes --clusterrole=view --group=readers", "cannot list"}},
		"bound to nothing, for one": {robot("apps"), saw(no, no), checks.Fail, "P25", nil, Yes, No, nil, []string{"kubectl --context CLUSTER --namespace apps create rolebinding robot-kubernetes"}},
		"bound to nothing, for two": {robot("apps", "jobs"), saw(no, no), checks.Fail, "P25", nil, Yes, No, nil, []string{
			"kubectl --context CLUSTER --namespace apps create rolebinding robot-kubernetes --clusterrole=view --group=readers && kubectl --context CLUSTER --namespace jobs create rolebinding",
		}},
		"and rules not told":      {robot(), untold(saw(no, no)), checks.Fail, "P25", nil, Yes, No, nil, nil},
		"and rules told in part":  {robot(), incomplete, checks.Fail, "P25", nil, Yes, No, nil, nil},
		"one by each":             {robot(), untold(saw(byTeleport, no)), checks.Fail, "P25", nil, Yes, No, nil, nil},
		"by Teleport and unbound": {robot(), saw(byTeleport, byTeleport), checks.Fail, "P25", nil, Yes, No, nil, nil},
		"by Teleport and bound":   {robot(), saw(byTeleport, byTeleport, rule("list", "pods")), checks.Pass, "", nil, Yes, No, nil, nil},
		"by Teleport, who knows":  {robot(), untold(saw(byTeleport, byTeleport)), checks.Unknown, "", nil, Yes, No, nil, []string{"kubernetes_resources"}},
		"a list is not told":      {robot(), saw(broken, no), checks.Unknown, "", nil, Untold, No, nil, []string{"list namespaces: bad gateway"}},
		"one list is not told":    {robot(), saw(broken, ok()), checks.Unknown, "", []string{"pods"}, Untold, No, nil, nil},
		"any user":                {robot(), anyUser, checks.Pass, "", []string{"namespaces", "pods"}, Yes, Yes, nil, nil},
		"any user is not told":    {robot(), unsure, checks.Unknown, "", []string{"namespaces", "pods"}, Yes, Untold, nil, []string{"act as another user"}},
		"impersonates users":      {robot(), saw(ok(), ok(), rule("impersonate", "users")), checks.Pass, "", []string{"namespaces", "pods"}, Yes, No, []string{"users"}, nil},
		"impersonates everything": {robot(), saw(ok(), ok(), rule("*", "*")), checks.Pass, "", []string{"namespaces", "pods"}, Yes, No, []string{"users", "groups"}, nil},
		"impersonates one":        {robot(), saw(ok(), ok(), rule("impersonate", "users", "alice")), checks.Pass, "", []string{"namespaces", "pods"}, Yes, No, nil, nil},
	} {
		got := row.target.judge(row.seen)
		if got.Status != row.status || got.Why.ID != row.id || got.Listed != row.listed || got.AnyUser != row.any {
			t.Errorf("%s: status %s, id %q, listed %d, any user %d", name, got.Status, got.Why.ID, got.Listed, got.AnyUser)
		}
		if !slices.Equal(got.Lists, row.lists) || !slices.Equal(got.Impersonates, row.kinds) {
			t.Errorf("%s: lists %q, impersonates %q", name, got.Lists, got.Impersonates)
		}
		if got.Reached != Yes || got.User != "bot-robot" || got.Version != "v1.36.3" {
			t.Errorf("%s: %+v", name, got)
		}
		all := strings.Join([]string{got.Why.Cause, got.Why.Observed, got.Why.Expected, got.Why.Fix}, "\n")
		for _, part := range row.says {
			if !strings.Contains(all, part) {
				t.Errorf("%s: the explanation does not say %q:\n%s", name, part, all)
			}
		}
		if (got.Status == checks.Pass) != (got.Why.Cause == "") {
			t.Errorf("%s: a cause goes with what is not well, and with nothing else: %q", name, got.Why.Cause)
		}
	}
}

func TestJudgeDoor(t *testing.T) {
	for name, row := range map[string]struct {
		door    heard
		status  checks.Status
		id      string
		reached Known
	}{
		"no principals":     {says(http.StatusNotFound, "Your user's Teleport role does not allow Kubernetes access. Please ask"), checks.Fail, "P25", No},
		"several users":     {says(http.StatusForbidden, "please select a user to impersonate, refusing to select a user"), checks.Fail, "P26", No},
		"labels":            {says(http.StatusForbidden, "[00] access denied"), checks.Fail, "P23", No},
		"not enrolled":      {says(http.StatusNotFound, `Kubernetes cluster "alpha" not found`), checks.Fail, "P23", No},
		"the agent may not": {says(http.StatusForbidden, `groups "readers" is forbidden: User "system:serviceaccount:teleport:agent" cannot impersonate resource "groups" in API group ""`), checks.Fail, "P25", No},
		"Autopilot":         {says(http.StatusForbidden, `GKE Warden rejected the request: impersonating system identities are not allowed`), checks.Fail, "P25", No},
		"offline":           {says(http.StatusRequestTimeout, `the agent of Kubernetes cluster "alpha" is offline or has disconnected`), checks.Fail, "", No},
		"offline, by 500":   {says(http.StatusInternalServerError, `the agent is offline`), checks.Fail, "", No},
		"not logged in":     {says(http.StatusUnauthorized, "Unauthorized"), checks.Fail, "", No},
		"no connection":     {heard{err: errors.New("connection refused")}, checks.Fail, "", No},
		"no answer":         {heard{err: context.DeadlineExceeded}, checks.Unknown, "", Untold},
		"broken":            {says(http.StatusBadGateway, ""), checks.Unknown, "", Untold},
		"too many":          {says(http.StatusTooManyRequests, ""), checks.Unknown, "", Untold},
	} {
		got := robot().judge(seen{door: row.door})
		if got.Status != row.status || got.Why.ID != row.id || got.Reached != row.reached || got.Why.Cause == "" || got.Why.Fix == "" || got.Why.Observed == "" {
			t.Errorf("%s: %+v", name, got)
		}
		if got.Listed != Untold || got.AnyUser != Untold || got.AsAnyone() {
			t.Errorf("%s: a yes or no to what nobody asked: %+v", name, got)
		}
	}
}

// Where the bot may not ask who it is, the API server's refusal names it.
func TestNamedByARefusal(t *testing.T) {
	no := says(http.StatusForbidden, deniedList)
	silent := saw(no, ok())
	silent.user = authenticationv1.UserInfo{}
	if got := robot().judge(silent); got.User != "bot-robot" {
		t.Errorf("seen as %q", got.User)
	}
	silent.lists = saw(ok(), says(http.StatusForbidden, teleports)).lists
	if got := robot().judge(silent); got.User != "" {
		t.Errorf("Teleport's words make %q of it", got.User)
	}
}

// The agent's own name stands in the refusal, and in the question that tells whether it may.
func TestAgentMayNot(t *testing.T) {
	for message, want := range map[string]string{
		`groups "readers" is forbidden: User "system:serviceaccount:teleport:agent" cannot impersonate resource "groups"`: "kubectl --context CLUSTER auth can-i impersonate groups --as system:serviceaccount:teleport:agent",
		`User "a; b" cannot impersonate resource "users"`:                                                                 "kubectl --context CLUSTER auth can-i impersonate groups --as 'a; b'",
		`somebody cannot impersonate resource "users"`:                                                                    "kubectl --context CLUSTER auth can-i impersonate groups --as AGENT",
		`GKE Warden rejected the request: impersonating system identities are not allowed`:                                "tctl edit role/ROLE, and put a group of your own in the place of those with system:",
	} {
		if got := robot().judge(seen{door: says(http.StatusForbidden, message)}).Why.Fix; got != want {
			t.Errorf("%s: %s", message, got)
		}
	}
}

// The API server that allows not even discovery is one that answers.
func TestDoorClosedByKubernetes(t *testing.T) {
	s := saw(ok(), ok())
	s.door = says(http.StatusForbidden, `forbidden: User "bot-robot" cannot get path "/api"`)
	s.as = says(http.StatusForbidden, `forbidden: User "tbotctl-verify" cannot get path "/api"`)
	if got := robot().judge(s); got.Reached != Yes || got.AnyUser != Yes || got.Status != checks.Pass {
		t.Errorf("%+v", got)
	}
}

// What a command is made of is quoted for the shell, and whom it binds is whom the API server saw.
func TestBind(t *testing.T) {
	hostile := Target{Bot: "robot; rm -rf /", Users: []string{"*"}, ClusterRole: "edit"}
	const begin = "kubectl --context CLUSTER create clusterrolebinding 'robot; rm -rf /-kubernetes' --clusterrole=edit "
	for want, a := range map[string]Answer{
		begin + "--user='a b'":                 {User: "a b"},
		begin + "--group=x --group='$(id)'":    {User: "u", Groups: []string{"x", "$(id)", "system:authenticated"}},
		begin + "--user='bot-robot; rm -rf /'": {},
	} {
		if got := hostile.bind(a); got != want {
			t.Errorf("bind: %s\nwant  %s", got, want)
		}
	}
}
