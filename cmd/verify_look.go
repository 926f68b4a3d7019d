package cmd

import (
	"context"
	"fmt"

	"github.com/tbotctl/tbotctl/checks"
	"github.com/tbotctl/tbotctl/internal/ui"
)

// lookOnly is the proof by evidence: it makes nothing, mints nothing and reads no token.
func (r *verifyRun) lookOnly(ctx context.Context) error {
	r.result.Evidence = r.gatherEvidence(ctx, r.clusters, r.workload, r.maxAge, func(result checks.Result) {
		r.progress.Looking(string(result.Check.ID) + " " + result.Check.Title)
	})
	if server, err := r.clusters.server(ctx); err == nil {
		r.result.Target.ClusterName, r.result.Target.ServerVersion = server.ClusterName, server.Version
	}
	r.judgeEvidence()
	return broken(ctx)
}

// judgeEvidence tells what failed from what could not be looked at.
func (r *verifyRun) judgeEvidence() {
	for _, result := range r.result.Evidence {
		switch {
		case result.Finding.Status == checks.Unknown:
			r.unseen = append(r.unseen, string(result.Check.ID))
		case result.Finding.Status == checks.Fail && result.Finding.Err != nil:
			r.causes = append(r.causes, result.Finding.Err)
		}
	}
}

// otherSide says what a run for the Kubernetes side alone did not look at.
func (r *verifyRun) otherSide() []string {
	if r.setup.Side.HasTeleport() {
		return nil
	}
	return []string{"what Teleport's administrators see of the bot: its instances and the audit log; `tbotctl verify --side teleport --evidence` looks at them"}
}

// verdict makes the exit code of a run that came to its end.
func (r *verifyRun) verdict() error {
	n := r.result.Failures()
	switch {
	case n > 0 && r.evidence:
		return &findingError{text: fmt.Sprintf("%s of the evidence failed", ui.Counted(n, "check")), causes: r.causes}
	case n > 0:
		return &findingError{text: r.result.Complaint()}
	case len(r.unseen) > 0:
		return &unknownError{fmt.Sprintf("not all could be looked at: %v", r.unseen)}
	}
	return nil
}
