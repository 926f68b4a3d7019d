package reach

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"sync"

	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// door is the path that is asked first. It is about no resource, so that kubernetes_resources of a role have no say in it, every user
// may read it (ClusterRole system:discovery), and Teleport words a refusal there as it does everywhere but at /version.
const door = "/api"

// heard is what a GET came to.
type heard struct {
	status int
	// message is that of the Status, or the text itself.
	message string
	err     error
}

// list is one list that was asked for.
type list struct {
	what string
	heard
}

// rules are what the rules of one namespace came to.
type rules struct {
	authorizationv1.SubjectRulesReviewStatus
	err error
}

// seen is all that one cluster told; behind the door only where it was open.
type seen struct {
	door, as heard
	version  string
	user     authenticationv1.UserInfo
	userErr  error
	lists    []list
	rules    []rules
}

func (t Target) ask(ctx context.Context) Answer {
	if t.Untried != "" {
		return t.untried()
	}
	saw := seen{door: get(ctx, t.Bare, door)}
	if saw.door.open() {
		t.look(ctx, &saw)
	}
	return t.judge(saw)
}

// look asks all that stands behind the door side by side.
func (t Target) look(ctx context.Context, saw *seen) {
	namespaces := t.Namespaces
	saw.lists = []list{{what: "namespaces"}, {what: "pods"}}
	paths := []string{"/api/v1/namespaces?limit=1", "/api/v1/pods?limit=1"}
	for _, namespace := range namespaces {
		saw.lists = append(saw.lists, list{what: "pods in " + namespace})
		paths = append(paths, "/api/v1/namespaces/"+url.PathEscape(namespace)+"/pods?limit=1")
	}
	if len(namespaces) == 0 {
		// What counts everywhere counts there too.
		namespaces = []string{metav1.NamespaceDefault}
	}
	saw.rules = make([]rules, len(namespaces))
	var all sync.WaitGroup
	all.Go(func() { saw.version, _ = t.Bare.ServerVersion(ctx) }) // that it is not told is no finding
	all.Go(func() { saw.user, saw.userErr = t.Bare.WhoAmI(ctx) })
	all.Go(func() { saw.as = get(ctx, t.As, door) })
	for i, path := range paths {
		all.Go(func() { saw.lists[i].heard = get(ctx, t.Bare, path) })
	}
	for i, namespace := range namespaces {
		all.Go(func() { saw.rules[i].SubjectRulesReviewStatus, saw.rules[i].err = t.Bare.Rules(ctx, namespace) })
	}
	all.Wait()
}

func get(ctx context.Context, cluster Cluster, path string) heard {
	status, body, err := cluster.Raw(ctx, path)
	if err != nil || status == http.StatusOK {
		return heard{status: status, err: err}
	}
	var told struct {
		Message string `json:"message"`
	}
	if json.Unmarshal(body, &told) != nil || told.Message == "" {
		told.Message = string(body)
	}
	return heard{status: status, message: oneLine(told.Message)}
}
