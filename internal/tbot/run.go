package tbot

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/internal/tbotconfig"
)

// Run is one round of tbot: join, generate every output, write each to its destination.
type Run struct {
	Config  tbotconfig.Config
	Cluster Cluster
	// IDToken is the service account token of the pod.
	IDToken spec.Secret
	// Bot is the bot that the join token is for, where the caller knows; see JoinRequest.
	Bot string
	// Destinations are where the outputs go.
	Destinations Destinations
	// MaxTTL shortens every certificate where it is set: a proof needs minutes, not an hour.
	MaxTTL time.Duration
}

// Result is what one round of tbot obtained.
type Result struct {
	// Identity is the bot's own; nil where the join itself failed.
	Identity *Identity
	// Outputs are those of the configuration in its order, one for each, whatever became of it; none where there was no session.
	Outputs []OutputResult
}

// Once runs one round. An output that fails is told in its result and keeps no other from its turn; the error joins them all, each
// with the output's name. Where the join or the session failed, the result holds how far it came.
func (r Run) Once(ctx context.Context) (Result, error) {
	config := r.Config
	if config.Onboarding.JoinMethod != tbotconfig.JoinMethodKubernetes {
		return Result{}, fmt.Errorf("join method %q: only kubernetes is embedded", config.Onboarding.JoinMethod)
	}
	identity, err := Join(ctx, JoinRequest{
		Cluster: r.Cluster, Token: config.Onboarding.Token, IDToken: r.IDToken, TTL: r.shorten(config.Lifetime(nil)), Bot: r.Bot,
	})
	if err != nil {
		return Result{}, err
	}
	result := Result{Identity: identity}
	session, err := Open(ctx, identity)
	if err != nil {
		return result, err
	}
	var failed []error
	for i := range config.Outputs {
		output := r.Generate(ctx, session, i)
		if output.Err == nil {
			output.Err = r.Destinations.Write(ctx, output)
		}
		if output.Err != nil {
			output.Artifacts = nil
			failed = append(failed, fmt.Errorf("output %s: %w", output.Name, output.Err))
		}
		result.Outputs = append(result.Outputs, output)
	}
	return result, errors.Join(append(failed, session.Close())...)
}

// shorten applies MaxTTL.
func (r Run) shorten(ttl time.Duration) time.Duration {
	if r.MaxTTL > 0 && ttl > r.MaxTTL {
		return r.MaxTTL
	}
	return ttl
}
