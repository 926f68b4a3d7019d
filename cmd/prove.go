package cmd

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"

	"github.com/tbotctl/tbotctl/checks"
	"github.com/tbotctl/tbotctl/internal/apply"
	"github.com/tbotctl/tbotctl/internal/issuer"
	"github.com/tbotctl/tbotctl/internal/plan"
	"github.com/tbotctl/tbotctl/internal/proof"
	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/internal/tbot"
	"github.com/tbotctl/tbotctl/internal/tbotconfig"
	"github.com/tbotctl/tbotctl/manifests"
)

// proofTTL is how long the certificates of a proof live: it uses them at once and nobody else does.
const proofTTL = 10 * time.Minute

// prover proves the join by the embedded tbot, with the configuration that the pod will read and every destination in memory.
func (r *initRun) prover(deployment *appsv1.Deployment) func(context.Context, apply.Observer) error {
	return func(ctx context.Context, observe apply.Observer) error {
		const step = "join"
		start := r.factory.Now()
		elapsed := func() time.Duration { return r.factory.Now().Sub(start) }
		say := func(text string) {
			observe(apply.Event{Step: step, State: apply.Waiting, Detail: text, Elapsed: elapsed()})
		}
		r.sweep(ctx, r.setup.Kubernetes.Namespace, r.setup.InstallID())
		if err := r.waiting(ctx); err != nil {
			return err
		}
		proven, err := r.proveWaiting(ctx, proof.Proof{
			Kubernetes: r.clusters.kube,
			Join: func(ctx context.Context, token spec.Secret) (proof.Outcome, error) {
				return r.joinPatiently(ctx, token, say)
			},
			Deployment: deployment,
			JoinType:   r.setup.Resolved.JoinType,
			Say:        say,
			Now:        r.factory.Now,
		}.Run)
		if policyError(err) != nil { // no join was refused: none was tried
			observe(apply.Event{Step: step, State: apply.Failed, Detail: "not tried: the cluster takes no pod like the Deployment's", Elapsed: elapsed()})
			return err
		}
		if err != nil {
			r.result.ProofErr = err
			observe(apply.Event{Step: step, State: apply.Failed, Detail: err.Error(), Elapsed: elapsed()})
			r.explainRefusal(ctx, err)
			return err
		}
		r.result.Proof = &proven
		observe(apply.Event{Step: step, State: apply.Done, Detail: provenLine(proven, r.setup.IsAgent()), Elapsed: elapsed()})
		for _, output := range proven.Outputs {
			observe(apply.Event{Step: output.Type + " output", State: apply.Done, Detail: wouldWrite(output)})
			for _, note := range output.Notes {
				r.progress.Warn(output.Name + ": " + note)
			}
		}
		for _, note := range proven.Notes {
			r.progress.Warn(note)
		}
		return nil
	}
}

// probeAge is how old a probe pod has to be for another run to take it for left behind: no proof lasts that long.
const probeAge = 10 * time.Minute

// sweep removes the probe pods that a killed run of an installation left; that it could not look is no reason to stop.
func (s *session) sweep(ctx context.Context, namespace, install string) {
	swept, err := s.clusters.kube.SweepProbes(ctx, namespace, install, probeAge, s.clusters.clock())
	if err != nil {
		s.progress.Warn("left-over probe pods could not be looked for: " + err.Error())
	}
	for _, name := range swept {
		s.progress.Say("removed pod " + name + ", which an earlier run left behind")
	}
}

// joinPatiently repeats a join that Teleport refused for want of what this very run has just written: not every Auth Service
// and proxy has seen it yet (field-notes 7). With --wait-teleport it may be for want of what somebody else is still to write, too.
func (r *initRun) joinPatiently(ctx context.Context, token spec.Secret, say func(string)) (proof.Outcome, error) {
	// What the token says of itself explains a refusal; a token that cannot be read explains nothing, and Teleport says so.
	r.claims, _ = issuer.TokenClaims(token)
	start := r.factory.Now()
	until := start.Add(r.factory.Patience)
	ticker := time.NewTicker(joinAgainAfter)
	defer ticker.Stop()
	for {
		outcome, err := r.joinOnce(ctx, token)
		now := r.factory.Now()
		switch left := r.waitsFor(err); {
		case err == nil:
			return outcome, nil
		case left > 0 && now.Sub(start) < r.factory.OneToken:
			say(fmt.Sprintf("waiting for the Teleport side, for another %s: %s", about(left), err))
		case !r.mayBeTooEarly(err) || !now.Before(until):
			return outcome, err
		default:
			say(fmt.Sprintf("%s; what was just written may not be known everywhere yet, trying again for %s", err, until.Sub(now).Round(time.Second)))
		}
		select {
		case <-ctx.Done():
			return outcome, errors.Join(err, ctx.Err())
		case <-ticker.C:
		}
	}
}

// joinAgainAfter is the pause between two tries.
const joinAgainAfter = 2 * time.Second

// mayBeTooEarly tells the two refusals that a write of our own, seen late, explains.
func (r *initRun) mayBeTooEarly(err error) bool {
	var refused *tbot.Refused
	if !errors.As(err, &refused) {
		return false
	}
	wrote := slices.ContainsFunc(r.result.Plan.Items, func(item plan.Item) bool {
		return item.Resource.System == manifests.Teleport && item.Action != plan.Same
	})
	return wrote && (strings.Contains(refused.Message, "token expired or not found") || refused.Message == "access denied")
}

func (r *initRun) joinOnce(ctx context.Context, token spec.Secret) (proof.Outcome, error) {
	if r.setup.IsAgent() {
		return r.joinAsHost(ctx, token)
	}
	server, err := r.clusters.server(ctx)
	if err != nil {
		return proof.Outcome{}, err
	}
	config := tbotconfig.For(r.setup)
	var notes []string
	if _, outputs, why := tbot.Supports(server.Version); !outputs {
		config.Outputs, notes = nil, []string{why}
	}
	result, err := r.clusters.round(ctx, config, token)
	if err != nil {
		return proof.Outcome{Notes: notes}, err
	}
	outcome := outcomeOf(result)
	outcome.Notes = notes
	for i, output := range outcome.Outputs {
		if reachesClusters(config.Outputs[i]) && len(output.Clusters) == 0 {
			// tbot only logs it, and the kubeconfig would be empty.
			cause := checks.NoClusterMatched(checks.OutputKnown{Output: output.Name})
			return outcome, &findingError{text: fmt.Sprintf("%s; expected: %s", cause.Cause, cause.Expected)}
		}
	}
	return outcome, nil
}

// rollout reads how far the Deployment has come.
func (r *initRun) rollout(ctx context.Context) (apply.Rollout, error) {
	n := r.setup.Names()
	seen, err := r.clusters.kube.Rollout(ctx, n.Namespace, n.Deployment)
	return apply.Rollout(seen), err
}

// factsAfter gives the checks what the run itself came to know.
func (r *initRun) factsAfter(applied apply.Result) *checks.Facts {
	n := r.setup.Names()
	facts := &checks.Facts{Setup: r.setup}
	if !r.noWait {
		facts.RolloutReady = func(context.Context) (bool, string, error) { return applied.Ready, "", nil }
	}
	if r.setup.Access == spec.AccessArgoCD {
		facts.ClusterSecrets = r.clusterSecrets
	}
	if secrets := tbotconfig.For(r.setup).Secrets(); len(secrets) > 0 {
		facts.OutputKeys = func(ctx context.Context) ([]string, error) {
			return r.clusters.kube.SecretKeys(ctx, n.Namespace, secrets[0])
		}
	}
	if proven := r.result.Proof; proven != nil {
		facts.Proof = func(context.Context) (checks.Proof, error) {
			outcome := checks.Proof{User: proven.User, Via: proven.Via, From: proven.From, NotAfter: proven.NotAfter, Notes: proven.Notes}
			if r.setup.IsAgent() {
				outcome.Roles = proven.Roles
			}
			for _, output := range proven.Outputs {
				outcome.Roles = output.Roles
			}
			return outcome, nil
		}
	}
	return facts
}
