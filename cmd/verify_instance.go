package cmd

import (
	"context"
	"time"

	"github.com/tbotctl/tbotctl/internal/report"
)

// forgetTimeout bounds the removal of the bot instance, which a broken-off run still does.
const forgetTimeout = 15 * time.Second

// forget removes the bot instance that the join made, where there is a login that may; servers before 17 keep none. Its certificates
// end by themselves.
func (r *verifyRun) forget(ctx context.Context, bot, instance string) {
	if instance == "" {
		return
	}
	r.result.Instance = report.VerifyInstance{ID: instance}
	if err := r.clusters.loginAtHand(); err != nil {
		r.result.Instance.Why = "there is no Teleport login to remove it with"
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), forgetTimeout)
	defer cancel()
	admin, err := r.clusters.admin(ctx)
	if err == nil {
		err = admin.DeleteInstance(ctx, bot, instance)
	}
	if err != nil {
		r.result.Instance.Why = err.Error()
		return
	}
	r.result.Instance.Removed = true
}
