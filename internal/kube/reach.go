package kube

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/tbotctl/tbotctl/internal/spec"
)

// Outcome is how far a login got.
type Outcome int

const (
	// ReachUnclear means that something answered, and not as an API server does.
	ReachUnclear Outcome = iota
	// ReachLoggedIn means that the API server takes the login.
	ReachLoggedIn
	// ReachAnonymous means that the API server answers, and takes this login for nobody's: the kubeconfig gives no credentials.
	ReachAnonymous
	// ReachRefused means that the API server, or a gateway before it, does not take the credentials.
	ReachRefused
	// ReachPluginMissing means that the credential plugin which the kubeconfig names is not installed.
	ReachPluginMissing
	// ReachPluginFailed means that the credential plugin ended without credentials.
	ReachPluginFailed
	// ReachPluginSilent means that the credential plugin did not answer in time.
	ReachPluginSilent
	// ReachUnreachable means that no API server answered.
	ReachUnreachable
	// ReachCancelled means that the caller gave up waiting, so that nothing is known.
	ReachCancelled
)

// Reach is what a first look at a cluster has shown.
type Reach struct {
	Outcome Outcome
	// Version is the API server's, such as v1.36.3; empty where it did not say. It may be known without a login.
	Version string
	// Provider is recognised by what was seen, and empty where that tells nothing.
	Provider Provider
	// User is who the API server takes the login for; empty where it did not say.
	User string
	// Reason says in a few words why the outcome is not ReachLoggedIn; empty where it is. Names of plugins in it are foreign text.
	Reason string
	// Err is the whole error behind the reason, of this package's kinds.
	Err error
}

// Reach looks whether the API server answers, which version it is, and whether it takes the login. It costs two requests side by
// side, and a third where they leave something open (before Kubernetes 1.28 a fourth); each is bounded by the request timeout, and
// all by ctx. It keeps nothing.
func (c *Cluster) Reach(ctx context.Context) Reach {
	var (
		r          Reach
		user       string
		userErr    error
		versionErr error
		both       sync.WaitGroup
	)
	both.Go(func() { user, userErr = c.whoAmI(ctx) })
	both.Go(func() { r.Version, versionErr = c.ServerVersion(ctx) })
	both.Wait()

	if userErr == nil {
		r.Outcome, r.User = ReachLoggedIn, user
		if user == anonymous {
			r.Outcome, r.User, r.Reason = ReachAnonymous, "", "the kubeconfig gives no credentials"
		}
	} else {
		r.Outcome, r.Reason = c.judge(ctx, userErr)
		r.Err = userErr
	}
	if r.Outcome == ReachUnclear && versionErr == nil {
		// What tells its version is an API server, whatever it says of the login.
		r.Reason = "the API server answers, and does not say whose login this is"
	}
	seen := evidence{server: c.Host(), version: r.Version, context: c.context, cluster: c.cluster}
	switch r.Outcome {
	case ReachLoggedIn:
		seen.openShift = seen.mayBeOpenShift() && c.holds(ctx, "/apis/config.openshift.io")
		// kubeadm keeps its settings there, readable for administrators (kubeadm: "Implementation details").
		seen.kubeadm = seen.mayBeKubeadm() && c.holds(ctx, "/api/v1/namespaces/kube-system/configmaps/kubeadm-config")
	case ReachRefused, ReachPluginMissing, ReachPluginFailed, ReachPluginSilent:
		// Credentials that are bad are refused also where none are needed; most API servers tell their version to anybody.
		seen.version = c.anonymousVersion(ctx)
		r.Version = seen.version
	case ReachUnclear, ReachAnonymous, ReachUnreachable, ReachCancelled:
	}
	r.Provider = recognise(seen)
	return r
}

// anonymous is who has not logged in (Kubernetes: Authenticating, "Anonymous requests").
const anonymous = "system:anonymous"

// whoAmI asks by a SelfSubjectReview, which every user may do since Kubernetes 1.28; before, there was none, and a
// SelfSubjectAccessReview at least needs a login too. The name is empty where the server does not tell it.
func (c *Cluster) whoAmI(ctx context.Context) (string, error) {
	user, err := c.WhoAmI(ctx)
	if Is(err, NotFound) {
		err = c.can(ctx, Access{Verb: "get", Path: "/version"}).Err
	}
	return isKnown(user.Username, err)
}

// isKnown takes a refusal by the authorizer for what it also is: the login was taken, if it is anybody's.
func isKnown(name string, err error) (string, error) {
	switch {
	case !Is(err, Forbidden):
		return name, err
	case strings.Contains(err.Error(), `User "`+anonymous+`"`):
		return anonymous, nil
	}
	return name, nil
}

// holds reports whether the server serves a path to this login; what could not be asked is no evidence.
func (c *Cluster) holds(ctx context.Context, path string) bool {
	status, _, err := c.Raw(ctx, path)
	return err == nil && status == http.StatusOK
}

func (c *Cluster) anonymousVersion(ctx context.Context) string {
	version, err := c.withoutLogin().ServerVersion(ctx)
	if err != nil {
		return ""
	}
	return version
}

// withoutLogin is the same server for nobody in particular. It can Raw and what stands on it.
func (c *Cluster) withoutLogin() *Cluster {
	return &Cluster{config: c.anonymous, anonymous: c.anonymous, context: c.context, cluster: c.cluster, clock: c.clock}
}

// judge sorts an error of a request that needs a login.
func (c *Cluster) judge(ctx context.Context, err error) (Outcome, string) {
	text, command := err.Error(), spec.Quote(plugin(c.config))
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return ReachCancelled, "nobody waited for the answer"
	case plugin(c.config) != "" && strings.Contains(text, silence(plugin(c.config))):
		return ReachPluginSilent, "the credential plugin " + command + " does not answer"
	case strings.Contains(text, "getting credentials: exec: executable ") && strings.Contains(text, " not found"),
		strings.Contains(text, "getting credentials: exec: fork/exec ") && strings.Contains(text, "no such file"):
		return ReachPluginMissing, "the credential plugin " + command + " is not installed"
	case strings.Contains(text, "getting credentials: exec plugin cannot support interactive mode"):
		return ReachPluginFailed, "the credential plugin " + command + " wants to ask something, and cannot here"
	case strings.Contains(text, "getting credentials:"):
		return ReachPluginFailed, "the credential plugin " + command + " fails"
	case Is(err, Login):
		return ReachRefused, c.refusal()
	case Is(err, Refused):
		return ReachRefused, "what stands before the API server refuses this login (HTTP 403)"
	case Is(err, Unreachable), failed(err):
		return ReachUnreachable, whyUnreachable(err)
	}
	return ReachUnclear, "what answers is no API server"
}

// refusal says why a login is not taken, as far as one can see from here.
func (c *Cluster) refusal() string {
	if ended, known := certificateEnd(c.config); known && time.Now().After(ended) {
		return "the client certificate in the kubeconfig ended on " + ended.UTC().Format(time.DateOnly)
	}
	if name := plugin(c.config); name != "" {
		return "the login that the credential plugin " + spec.Quote(name) + " gives is refused"
	}
	return "the login is refused: it is expired or not of this cluster"
}
