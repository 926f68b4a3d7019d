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
	// Destinations are where the outputs go.
	Destinations Destinations
	// MaxTTL shortens every certificate where it is set: a proof needs minutes, not an hour.
	MaxTTL time.Duration
}

// Result is what one round of tbot obtained.
type Result struct {
	// Identity is the bot's own.
	Identity *Identity
	// Outputs are in the order of the configuration; shorter than it where err is not nil.
	Outputs []OutputResult
}

// OutputResult is one output that was generated and written.
type OutputResult struct {
	Type        string
	Destination tbotconfig.Destination
	Artifacts   *Artifacts
}

// Once runs one round. On an error the result holds how far it came; its Identity is nil where the join itself failed.
func (r Run) Once(ctx context.Context) (Result, error) {
	config := r.Config
	if config.Onboarding.JoinMethod != tbotconfig.JoinMethodKubernetes {
		return Result{}, fmt.Errorf("join method %q: only kubernetes is embedded", config.Onboarding.JoinMethod)
	}
	identity, err := Join(ctx, JoinRequest{
		Cluster: r.Cluster, Token: config.Onboarding.Token, IDToken: r.IDToken, TTL: r.shorten(config.Lifetime(nil)),
	})
	if err != nil {
		return Result{}, err
	}
	result := Result{Identity: identity}
	session, err := Open(ctx, identity)
	if err != nil {
		return result, err
	}
	result.Outputs, err = r.outputs(ctx, session)
	return result, errors.Join(err, session.Close())
}

func (r Run) outputs(ctx context.Context, session *Session) ([]OutputResult, error) {
	done := make([]OutputResult, 0, len(r.Config.Outputs))
	for i, output := range r.Config.Outputs {
		identity, ok := output.(*tbotconfig.Identity)
		if !ok {
			return done, fmt.Errorf("output %d: type %s is not embedded", i+1, output.Shared().Type)
		}
		short := *identity
		short.CredentialTTL = r.shorten(r.Config.Lifetime(identity))
		artifacts, err := session.GenerateIdentity(ctx, r.Config, &short)
		if err != nil {
			return done, fmt.Errorf("output %d (%s): %w", i+1, identity.Type, err)
		}
		if err := r.Destinations.Write(ctx, identity.Destination, artifacts); err != nil {
			return done, fmt.Errorf("output %d (%s): %w", i+1, identity.Type, err)
		}
		done = append(done, OutputResult{Type: identity.Type, Destination: identity.Destination, Artifacts: artifacts})
	}
	return done, nil
}

func (r Run) shorten(ttl time.Duration) time.Duration {
	if r.MaxTTL > 0 && ttl > r.MaxTTL {
		return r.MaxTTL
	}
	return ttl
}
