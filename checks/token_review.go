package checks

import (
	"context"
	"fmt"

	"github.com/tbotctl/tbotctl/internal/spec"
)

// TokenReview is the check of what only join type in_cluster asks of the Kubernetes cluster.
const TokenReview ID = "TBC410"

func reviewChecks() []Check {
	return []Check{{
		ID: TokenReview, Category: CategoryToken, Stage: Before, For: func(s spec.Setup) bool { return s.Join.Type == spec.JoinInCluster }, Needs: []ID{KubernetesAnswers, TeleportAnswers}, Title: "the Auth Service may have tokens reviewed", Problems: []string{"P42"}, ProvedBy: JoinProven,
		Run: func(ctx context.Context, f *Facts) Finding {
			join := f.Setup.Join
			switch {
			case join.Type != spec.JoinInCluster:
				return Finding{Status: Skip, Observed: "only join type in_cluster has them reviewed"}
			case f.Setup.Teleport.OnCloud() || hosted(ctx, f):
				return Finding{Status: Fail, Observed: spec.NoInClusterOnCloud, Expected: "an Auth Service in this cluster", Fix: "give --join-type oidc or static_jwks, which work with Teleport Cloud"}
			case join.AuthServiceAccount == "" || f.MayReview == nil:
				return Finding{Status: Skip, Observed: "the Auth Service's account is not named; it needs ClusterRole system:auth-delegator, which the chart teleport-cluster gives it: " + join.Delegator()}
			}
			allowed, err := f.MayReview(ctx, join.AuthServiceUser())
			if err != nil {
				return unknown(err)
			}
			return judgeReviewer(join, allowed)
		},
	}}
}

// hosted tells what a login learns: a hosted cluster can have a name of its owner's. Without a login nothing is learned, and the proof
// tells.
func hosted(ctx context.Context, f *Facts) bool {
	if f.Login == nil {
		return false
	}
	login, err := f.Login(ctx)
	return err == nil && login.Cloud
}

// judgeReviewer wants the right that ClusterRole system:auth-delegator gives (teleport-facts 3.4).
func judgeReviewer(join spec.Join, allowed bool) Finding {
	if allowed {
		return passed(join.AuthServiceAccount)
	}
	return Finding{
		Status: Fail, Observed: fmt.Sprintf("service account %s may not create tokenreviews.authentication.k8s.io", spec.Quote(join.AuthServiceAccount)),
		Expected: "ClusterRole system:auth-delegator bound to it", Fix: join.Delegator(),
	}
}
