// Package reach asks Kubernetes clusters, by the credentials that an output of a bot made, what the bot may do there. It writes
// nothing: it lists one object at a time, and its reviews keep nothing. Who dials is the caller's.
package reach

import (
	"context"
	"sync"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"

	"github.com/tbotctl/tbotctl/checks"
)

const (
	// atOnce is how many clusters are asked side by side: they stand behind one proxy, which limits the connections of a user.
	atOnce = 8
	// patience bounds all that one cluster is asked. One that is silent must not hold up the others.
	patience = 10 * time.Second
)

// Somebody is the user that Target.As acts as: a name that nothing should be bound to.
const Somebody = "tbotctl-verify"

// Cluster is one Kubernetes cluster as one user sees it.
type Cluster interface {
	// Raw GETs a path; the status is the server's own, and err is set only where no answer came.
	Raw(ctx context.Context, path string) (status int, body []byte, err error)
	ServerVersion(ctx context.Context) (string, error)
	WhoAmI(ctx context.Context) (authenticationv1.UserInfo, error)
	Rules(ctx context.Context, namespace string) (authorizationv1.SubjectRulesReviewStatus, error)
}

// Target is one cluster to ask, and what is known of the credentials.
type Target struct {
	// Cluster is its name in Teleport, Output that of the output whose credentials these are.
	Cluster, Output string
	// Untried is why it cannot be asked at all; Bare and As are then not used.
	Untried string
	// Bare is the cluster as the credentials are, As the same with the wish to act as Somebody.
	Bare, As Cluster
	// Bot is the bot's name; Groups and Users are the Kubernetes ones of its certificate, over all its roles.
	Bot           string
	Groups, Users []string
	// Namespaces are those that the bot is known to be for; none where it may be for all.
	Namespaces []string
	// ClusterRole is what its group is to be bound to.
	ClusterRole string
}

// Known is an answer that may be missing.
type Known int

// The answers. The zero value is the missing one, so that what nobody looked at is never a yes.
const (
	Untold Known = iota
	No
	Yes
)

// Answer is what one cluster said.
type Answer struct {
	Cluster, Output string
	// Status is pass, fail, or unknown where nothing contrary was seen and not all could be asked.
	Status  checks.Status
	Reached Known
	// Version is the API server's; empty where it did not say.
	Version string
	// User and Groups are whom the API server takes the bot for; empty where it did not say (before Kubernetes 1.28).
	User   string
	Groups []string
	// Listed tells whether all lists were answered, and Lists which of them were allowed: "namespaces", "pods", "pods in apps".
	Listed Known
	Lists  []string
	// AnyUser tells whether Teleport lets the bot act as whom it likes. Impersonates is what Kubernetes' own rules let it act as: users,
	// groups. Teleport takes the headers for itself, so those are of use only to somebody who finds another way in.
	AnyUser      Known
	Impersonates []string
	// Why explains Status where it is not pass; its ID is empty where no rule knows the cause.
	Why checks.Refusal
}

// AsAnyone reports whether the bot can become anybody in this cluster.
func (a Answer) AsAnyone() bool { return a.AnyUser == Yes || len(a.Impersonates) > 0 }

// Ask asks all clusters, some at the same time and each for ten seconds at most, and gives the answers in the targets' order. done is
// called, by one goroutine at a time, when a cluster is through. Where ctx ends, what was not asked is unknown.
func Ask(ctx context.Context, targets []Target, done func(cluster string)) []Answer {
	var (
		answers = make([]Answer, len(targets))
		slots   = make(chan struct{}, atOnce)
		telling sync.Mutex
		running sync.WaitGroup
	)
	for i, target := range targets {
		slots <- struct{}{}
		running.Go(func() {
			defer func() { <-slots }()
			asking, cancel := context.WithTimeout(ctx, patience)
			defer cancel()
			answers[i] = target.ask(asking)
			telling.Lock()
			defer telling.Unlock()
			done(target.Cluster)
		})
	}
	running.Wait()
	return answers
}
