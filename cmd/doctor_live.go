package cmd

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tbotctl/tbotctl/checks"
	"github.com/tbotctl/tbotctl/internal/issuer"
	"github.com/tbotctl/tbotctl/internal/kube"
	"github.com/tbotctl/tbotctl/internal/proof"
	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/internal/tbotconfig"
	"github.com/tbotctl/tbotctl/internal/teleport"
)

// liveLocal sets the facts that this machine has: the clocks.
func (c *clusters) liveLocal(live *checks.Live, public func(context.Context) (issuer.PublicResult, error)) {
	live.Clocks = checks.Once(func(ctx context.Context) ([]checks.Clock, error) {
		clocks := []checks.Clock{{Whose: "API server"}, {Whose: "Teleport proxy"}}
		if _, err := c.version(ctx); err != nil {
			clocks[0].Err = err
		} else if at, known := c.kube.Now(); known {
			clocks[0].Ahead = at.Sub(c.now())
		}
		at, err := teleport.Clock(ctx, c.target)
		clocks[1].Ahead, clocks[1].Err = at.Sub(c.now()), err
		// The issuer is looked at anyway; one that did not answer is another check's finding.
		if public != nil {
			if seen, err := public(ctx); err == nil && seen.Ahead != nil {
				clocks = append(clocks, checks.Clock{Whose: "issuer", Ahead: *seen.Ahead})
			}
		}
		return clocks, ctx.Err()
	})
}

// liveProof sets the facts that take a token: what the pod would present, and what comes of presenting it.
func (r *doctorRun) liveProof(c *clusters, live *checks.Live) {
	var claims issuer.Claims
	live.Joined = checks.Once(func(ctx context.Context) (checks.Proof, error) {
		join := proof.Proof{
			Kubernetes: c.kube, Deployment: live.Workload.Deployment, JoinType: spec.JoinInCluster, Now: r.factory.Now, Say: r.progress.Looking,
			Join: func(ctx context.Context, token spec.Secret) (proof.Outcome, error) {
				claims, _ = issuer.TokenClaims(token)
				return c.join(ctx, live.Workload.Config, token)
			},
		}
		proven, err := join.Run(ctx)
		return checks.Proof{User: proven.User, Via: proven.Via, From: proven.From, NotAfter: proven.NotAfter, Notes: proven.Notes}, err
	})
	live.Presented = func(ctx context.Context) (issuer.Claims, error) {
		_, err := live.Joined(ctx)
		if claims.Issuer != "" {
			return claims, nil
		}
		return claims, err
	}
}

// join joins as the pod would, without its outputs: doctor asks why it cannot, and verify what comes of it.
func (c *clusters) join(ctx context.Context, config tbotconfig.Config, token spec.Secret) (proof.Outcome, error) {
	config.Outputs = nil
	result, err := c.round(ctx, config, token)
	if err != nil {
		return proof.Outcome{}, err
	}
	return outcomeOf(result), nil
}

// since is when the joins began to fail; zero where the last one did not, or none is known.
func (r *doctorRun) since(ctx context.Context, live *checks.Live) time.Time {
	if live.Joins == nil {
		return time.Time{}
	}
	joins, err := live.Joins(ctx)
	if err != nil {
		return time.Time{}
	}
	var began time.Time
	for _, join := range joins {
		if join.Success {
			break
		}
		began = join.Time
	}
	return began
}

// impact says of each output until when its certificate lives, and who mounts it; until is when the first of them ends.
func (r *doctorRun) impact(ctx context.Context, live *checks.Live) (sentences []string, until time.Time) {
	for _, secret := range live.Workload.OutputSecrets() {
		sentence := "Secret " + secret.String()
		switch seen, err := live.Output(ctx, secret.Namespace, secret.Name); {
		case err != nil:
			sentence += ", whose certificate may not be looked at"
		case seen == nil:
			sentence += " is not there"
		case seen.Certificate == nil:
			sentence += " holds no certificate"
		case seen.Certificate.NotAfter.Before(r.factory.Now()):
			sentence += ": its certificate ended " + seen.Certificate.NotAfter.UTC().Format(time.DateTime) + " UTC"
		default:
			if ends := seen.Certificate.NotAfter; until.IsZero() || ends.Before(until) {
				until = ends
			}
			sentence += ": its certificate ends " + seen.Certificate.NotAfter.UTC().Format(time.DateTime) + " UTC"
		}
		if pods, err := live.Mounts(ctx, secret.Namespace, secret.Name); err == nil && len(pods) > 0 {
			sentence += fmt.Sprintf("; used by %s", strings.Join(pods[:min(len(pods), 5)], ", "))
		}
		sentences = append(sentences, sentence)
	}
	return sentences, until
}

// mayMend tells whether the one who looks may do what mends the cause, so that it is said to them, or else to whoever may.
func (r *doctorRun) mayMend(ctx context.Context, c *clusters, category checks.Category, namespace string) bool {
	if slices.Contains([]checks.Category{checks.CategoryToken, checks.CategoryTeleport, checks.CategoryAudit}, category) {
		if c.opened == nil {
			return false
		}
		verdicts, err := c.teleportMay(ctx, []checks.TeleportAccess{{Kind: "token", Verb: "update"}, {Kind: "bot", Verb: "update"}})
		return err == nil && !slices.ContainsFunc(verdicts, func(v checks.Verdict) bool { return !v.Allowed })
	}
	if c.kube == nil {
		return false
	}
	access := kube.Access{Verb: "patch", Group: "apps", Resource: "deployments", Namespace: namespace}
	if category == checks.CategoryPermissions {
		access = kube.Access{Verb: "patch", Group: rbacGroup, Resource: "roles", Namespace: namespace}
	}
	verdict := c.kube.Can(ctx, []kube.Access{access})[0]
	return verdict.Err == nil && verdict.Allowed
}
