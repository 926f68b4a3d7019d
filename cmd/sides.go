package cmd

import (
	"context"
	"errors"
	"fmt"

	"github.com/tbotctl/tbotctl/internal/issuer"
	"github.com/tbotctl/tbotctl/internal/kube"
	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/internal/teleport"
	"github.com/tbotctl/tbotctl/wizard"
)

// A run for one side alone never opens the door to the other: clusters of --side kubernetes have no login, and those of --side teleport
// no Kubernetes cluster (docs/adr/0015). What the other side would tell comes from the request, or is said to be unknown.

// noLogin stands for the login of a run that may not touch Teleport.
func noLogin(context.Context) (*teleport.Client, error) { return nil, errNoLoginUsed() }

func errNoLoginUsed() error {
	return &teleport.Error{Kind: teleport.NotLoggedIn, Doing: "using a Teleport login", Err: errors.New("--side kubernetes uses none")}
}

// loginAtHand tells whether there is a login that this run may use, without asking any server.
func (c *clusters) loginAtHand() error {
	if !c.setup.Side.HasTeleport() {
		return errNoLoginUsed()
	}
	return c.login.AtHand(c.target.Proxy, c.clock())
}

var errNotAsked = errors.New("--side teleport asks no Kubernetes cluster")

// notAsked stands for a look at Kubernetes.
func notAsked(context.Context) (string, error) { return "", errNotAsked }

// requestedIssuer is what the request tells of the Kubernetes cluster.
func (c *clusters) requestedIssuer(context.Context) (issuer.Cluster, error) {
	held := c.setup.Resolved
	cluster := issuer.Cluster{Issuer: held.Issuer, From: "the request"}
	if held.JWKS == "" {
		return cluster, nil
	}
	keys, notes, err := issuer.ParseJWKS(held.JWKS)
	cluster.Keys, cluster.Notes = keys, notes
	return cluster, err
}

// requestedChoice is the join type that the Kubernetes side has chosen.
func (c *clusters) requestedChoice() (issuer.Choice, error) {
	held := c.setup.Resolved
	return issuer.Choice{Type: held.JoinType, Reason: "as the Kubernetes side asks for it", SeenFrom: "the request", Issuer: held.Issuer, JWKS: held.JWKS}, nil
}

// openKubernetes opens the door to the cluster where the run has one; nothing is sent.
func (s *session) openKubernetes() (*kube.Cluster, error) {
	if !s.setup.Side.HasKubernetes() {
		// Contexts are a kubeconfig's, and none is read.
		s.setup.Kubernetes.Context, s.setup.Reach.Contexts = "", nil
		return nil, nil
	}
	cluster, err := s.factory.Kube(s.kubeOptions(s.setup.Kubernetes.Context))
	if err != nil {
		return nil, err
	}
	s.setup.Kubernetes.Context = cluster.Context()
	return cluster, nil
}

// asks tells whether a question arises for the side of this run. Who does the Teleport side is asked nothing that the request says.
func (s *session) asks(q wizard.Question) bool {
	return s.setup.Side.HasKubernetes() || q.Flag == wizard.FlagProxy
}

// judgeSide holds --side to what a side can be done by.
func (s *session) judgeSide() error {
	if err := s.keepsRequest(); err != nil {
		return err
	}
	side := s.setup.Side
	idle := map[spec.Side][]string{
		spec.SideKubernetes: {"identity"}, spec.SideTeleport: {"kubeconfig", "as", "as-group"},
	}
	for _, flag := range idle[side] {
		if s.given(flag) {
			s.progress.Warn(fmt.Sprintf("--%s is not used: this run is for --side %s", flag, side))
		}
	}
	if held := s.setup.Resolved; side.HasKubernetes() || held != nil && held.ClusterID != "" && held.JoinType != "" && held.JoinType != spec.JoinAuto {
		return nil
	}
	return usagef("--side teleport needs to know whose tokens are to be let in: give --from FILE, with the request that the Kubernetes side has written (tbotctl init --side kubernetes --request FILE)")
}

// keepsRequest refuses flags that change what was asked for: the other side goes by the request. Who grants it may give other roles, and
// may reach the proxy by another way.
func (s *session) keepsRequest() error {
	if s.requested == nil {
		return nil
	}
	asked, is := s.requested.Setup(), s.setup
	was, now := asked.Names(), is.Names()
	for _, answer := range []struct{ flag, asked, is string }{
		{"workload", string(asked.Workload.Kind), string(is.Workload.Kind)},
		{"name", asked.Name, is.Name},
		{"namespace", was.Namespace, now.Namespace},
		{"service-account", was.ServiceAccount, now.ServiceAccount},
		{"bot-name", was.Bot, now.Bot},
		{"token-name", was.Token, now.Token},
		{"join-type", string(asked.Join.Type), string(is.Join.Type)},
	} {
		if answer.asked != answer.is {
			return usagef("--%s: %s, but the request says %s, and the other side goes by that; leave it out, or have the request written anew",
				answer.flag, spec.Quote(answer.is), spec.Quote(answer.asked))
		}
	}
	return nil
}

// whoGrants begins the sentence that says what power the Teleport side gives.
func (s *session) whoGrants() string {
	if s.setup.Side.HasTeleport() {
		return "What this grants"
	}
	return "What the Teleport side is to grant"
}
