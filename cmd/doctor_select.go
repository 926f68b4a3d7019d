package cmd

import (
	"context"
	"errors"
	"slices"

	"github.com/tbotctl/tbotctl/checks"
	"github.com/tbotctl/tbotctl/internal/issuer"
	"github.com/tbotctl/tbotctl/internal/kube"
	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/internal/teleport"
)

// ground are the checks of init that a diagnosis stands on too.
func ground() []checks.ID {
	return []checks.ID{checks.KubernetesAnswers, checks.KubernetesNew, checks.IssuerKnown, checks.TeleportAnswers, checks.TeleportLogin}
}

// internet are the checks that look beyond both clusters, clusterWide those that look beyond the namespace.
func internet() []checks.ID    { return []checks.ID{checks.IssuerPublic, checks.IssuerReadable} }
func clusterWide() []checks.ID { return []checks.ID{checks.DiscoveryAllowed, checks.MayDoNoMore} }

// selected are the checks of this run. A login that is not there is no finding of doctor's: it looks with what there is.
func (r *doctorRun) selected(c *clusters, live bool) []checks.Check {
	var selected []checks.Check
	for _, check := range checks.OfSide(r.side(), checks.Catalogue()) {
		switch {
		case !r.wants(check), r.offline && slices.Contains(internet(), check.ID), r.scope == scopeNamespace && slices.Contains(clusterWide(), check.ID):
			continue
		case r.before && check.Stage != checks.Before, !r.before && check.Stage != checks.Diagnosis && !slices.Contains(ground(), check.ID):
			continue
		case !live && check.Stage == checks.Diagnosis, r.before && !check.Arises(r.setup):
			continue
		}
		if check.ID == checks.TeleportLogin {
			check.Run = c.loginOrNot
		}
		if check.Stage == checks.Before && !r.before {
			check.Run = onlyLooking(check)
		}
		if check.ID == checks.IssuerSigns && c.mintsNothing {
			check.Run = notMinted
		}
		selected = append(selected, check)
	}
	return selected
}

// side is the one whose checks are left. Without a login doctor says check by check what it does not know, and so it does where it may
// use none.
func (r *doctorRun) side() spec.Side {
	if r.setup.Side == spec.SideKubernetes {
		return spec.SideBoth
	}
	return r.setup.Side
}

// notMinted stands for the look at a token's header.
func notMinted(context.Context, *checks.Facts) checks.Finding {
	return checks.Finding{Status: checks.Skip, Observed: "only a token tells, and this run mints none (--prove does)"}
}

// onlyLooking makes a check of init one of doctor: what init cannot do without may be closed to who only looks, which says nothing of
// the tbot. That a server does not answer at all is the finding of the check that asks it first.
func onlyLooking(check checks.Check) func(context.Context, *checks.Facts) checks.Finding {
	first := check.ID == checks.KubernetesAnswers || check.ID == checks.TeleportAnswers
	return func(ctx context.Context, f *checks.Facts) checks.Finding {
		finding := check.Run(ctx, f)
		if finding.Status == checks.Fail && (notSeen(finding.Err) || !first && unreachable(finding.Err)) {
			finding.Status, finding.Fix = checks.Unknown, ""
		}
		return finding
	}
}

// notSeen tells a look that was refused or took too long from one that found something.
func notSeen(err error) bool {
	var slow interface{ Timeout() bool }
	return kube.Is(err, kube.Forbidden) || issuer.Is(err, issuer.Forbidden) || teleport.Is(err, teleport.Denied) || errors.Is(err, errNothingMinted) ||
		errors.Is(err, context.DeadlineExceeded) || errors.As(err, &slow) && slow.Timeout()
}

func unreachable(err error) bool {
	return kube.Is(err, kube.Unreachable) || issuer.Is(err, issuer.Unreachable) || teleport.Is(err, teleport.Unreachable)
}

// loginOrNot is the check of the login for a run that can do without.
func (c *clusters) loginOrNot(ctx context.Context, f *checks.Facts) checks.Finding {
	_, err := c.admin(ctx)
	var failed *teleport.Error
	if !teleport.Is(err, teleport.NotLoggedIn) || !errors.As(err, &failed) {
		finding := checks.LoginAtHand(ctx, f)
		if finding.Status == checks.Fail && finding.Err != nil {
			// Whatever went wrong on the way to it is no fault of the tbot.
			finding.Status, finding.Fix = checks.Unknown, ""
		}
		return finding
	}
	return checks.Finding{Status: checks.Skip, Observed: "no Teleport login, so what only Teleport knows is left out: " + err.Error(), Fix: failed.Fix}
}
