package cmd

import (
	"context"
	"time"

	machineidv1 "github.com/gravitational/teleport/api/gen/proto/go/teleport/machineid/v1"

	"github.com/tbotctl/tbotctl/checks"
	"github.com/tbotctl/tbotctl/internal/kube"
	"github.com/tbotctl/tbotctl/internal/survey"
	"github.com/tbotctl/tbotctl/internal/teleport"
)

// gatherEvidence shows by reads alone whether a tbot that lives works: nothing is made, minted or written, and no token is read, on
// either side. Of what it sees nothing may be older than maxAge. tell hears each result in the order of the catalogue. c holds the
// proxy that the workload's tbot.yaml names; a Teleport login is used where one is at hand, and not missed where none is.
func (s *session) gatherEvidence(ctx context.Context, c *clusters, w checks.Workload, maxAge time.Duration, tell func(checks.Result)) []checks.Result {
	results := checks.Run(ctx, checks.Evidence(), c.evidenceFacts(w, maxAge), tell)
	for i := range results {
		results[i].Finding.Fix = s.aimed(results[i].Finding.Fix)
	}
	return results
}

// evidenceFacts are those of evidence alone: what would take the join token, or more than a read, is nil.
func (c *clusters) evidenceFacts(w checks.Workload, maxAge time.Duration) *checks.Facts {
	facts := c.facts()
	facts.Setup.Kubernetes.Namespace, facts.Setup.Name = w.Deployment.Namespace, w.Deployment.Name
	facts.RolloutReady = func(ctx context.Context) (bool, string, error) {
		seen, err := c.kube.Rollout(ctx, w.Deployment.Namespace, w.Deployment.Name)
		if kube.Is(err, kube.NotFound) {
			return false, "there is no such Deployment", nil
		}
		return seen.Ready, seen.Reason, err
	}
	live := survey.Around(c.kube, w)
	live.MaxAge, live.Now = maxAge, c.clock
	facts.Live = live
	// By its files alone: that it is not taken shows where it is used.
	if c.loginAtHand() == nil {
		live.Instance = checks.Once(func(ctx context.Context) (*machineidv1.BotInstance, error) {
			return c.instanceOf(ctx, w, live.Holder(ctx, facts))
		})
	}
	return facts
}

// instanceOf looks for the bot instance that the output's certificate was given to, and where the certificate names none, for the one
// that the service account logged in as last. That the login may not look is no fault of the tbot's.
func (c *clusters) instanceOf(ctx context.Context, w checks.Workload, holder checks.Holder) (*machineidv1.BotInstance, error) {
	if holder.Bot == "" {
		return nil, &checks.NotHere{Why: "no certificate is seen from here that would name the bot"}
	}
	admin, err := c.admin(ctx)
	if err != nil {
		return nil, unseenInstance(err)
	}
	var instance *machineidv1.BotInstance
	if holder.Instance != "" {
		instance, err = admin.Instance(ctx, holder.Bot, holder.Instance)
	} else {
		instance, err = admin.NewestInstanceOf(ctx, holder.Bot, w.LetIn)
	}
	return instance, unseenInstance(err)
}

// unseenInstance tells a look that this login may not have from one that failed.
func unseenInstance(err error) error {
	switch {
	case teleport.Is(err, teleport.NotLoggedIn), teleport.Is(err, teleport.Denied):
		return &checks.NotHere{Why: "the login may not read bot instances: " + err.Error()}
	case teleport.Is(err, teleport.Unsupported):
		return &checks.NotHere{Why: "this server knows no bot instances: " + err.Error()}
	}
	return err
}
