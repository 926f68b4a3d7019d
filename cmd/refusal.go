package cmd

import (
	"context"
	"errors"

	"github.com/tbotctl/tbotctl/checks"
	"github.com/tbotctl/tbotctl/internal/issuer"
	"github.com/tbotctl/tbotctl/internal/tbot"
)

// explainRefusal tells, where Teleport turned the join down, the cause in the user's terms, the two values that differ and the
// way out; any other error stays as it is.
func (r *initRun) explainRefusal(ctx context.Context, err error) {
	var refused *tbot.Refused
	if !errors.As(err, &refused) || ctx.Err() != nil {
		return
	}
	refusal := checks.ExplainRefusal(ctx, refused.Message, r.known(ctx, r.claims), r.refusalLooks())
	r.progress.Say("cause: " + refusal.Cause)
	for _, unseen := range refusal.Unseen {
		r.progress.Say(unseen)
	}
	result := refusal.Result(err)
	r.progress.Check(result)
	r.result.Checks = append(r.result.Checks, result)
	r.result.Refusal = &refusal
}

// known gathers what the run has come to know beside the claims of the token that was presented; what could not be had stays empty and
// is then not said.
func (s *session) known(ctx context.Context, presented issuer.Claims) checks.Known {
	known := checks.Known{Setup: s.setup, Claims: presented, Now: s.factory.Now()}
	if server, err := s.clusters.server(ctx); err == nil {
		known.ClusterName, known.ServerVersion = server.ClusterName, server.Version
	}
	if cluster, err := s.clusters.issuer(ctx); err == nil {
		known.Cluster = cluster
	}
	if public, err := s.clusters.public(ctx); err == nil {
		known.Public = public
	}
	return known
}

func (s *session) refusalLooks() checks.RefusalLooks {
	admin := s.clusters.opened
	if admin == nil {
		return checks.RefusalLooks{}
	}
	token := admin.Token
	if s.touch {
		token = nil // to read one takes a touch
	}
	return checks.RefusalLooks{
		Token: token,
		BotExists: func(ctx context.Context, name string) (bool, error) {
			bot, err := admin.Bot(ctx, name)
			return bot != nil, err
		},
		Lock: admin.LockOn,
	}
}
