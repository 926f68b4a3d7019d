package checks

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// The checks of what init made.
const (
	WorkloadReady ID = "TBC501"
	OutputWritten ID = "TBC701"
	JoinProven    ID = "TBC801"
)

// outputPatience is how long an output may take after its pod is ready: tbot writes it at once, and reports ready before.
const outputPatience = 20 * time.Second

func workloadChecks() []Check {
	return []Check{{
		ID: WorkloadReady, Category: CategoryWorkload, Stage: After, For: forTbot, Title: "the Deployment is ready",
		Run: func(ctx context.Context, f *Facts) Finding {
			if f.RolloutReady == nil {
				return Finding{Status: Skip, Observed: "not waited for (--no-wait)"}
			}
			ready, reason, err := f.RolloutReady(ctx)
			if err != nil {
				return unknown(err)
			}
			n := f.Setup.Names()
			name, fix := n.Namespace+"/"+n.Deployment, fmt.Sprintf("kubectl --namespace %s describe pods --selector app.kubernetes.io/instance=%s", n.Namespace, f.Setup.Name)
			if f.Live != nil && f.Live.Workload.found() {
				w := f.Live.Workload
				name, fix = w.name(), w.kubectl("describe", "pods", "--selector", w.selector())
			}
			if !ready {
				return Finding{Status: Fail, Observed: cmp.Or(reason, "not every replica is of the last change and available yet"), Fix: fix}
			}
			return passed(name)
		},
	}}
}

func outputChecks() []Check {
	return []Check{{
		ID: OutputWritten, Category: CategoryOutput, Stage: After, For: forTbot, Needs: []ID{WorkloadReady}, Title: "the output is written", Timeout: outputPatience,
		Run: func(ctx context.Context, f *Facts) Finding {
			if f.ClusterSecrets != nil {
				return awaitClusterSecrets(ctx, f)
			}
			if f.OutputKeys == nil {
				return Finding{Status: Skip, Observed: "the bot has no output"}
			}
			return awaitOutput(ctx, f)
		},
	}}
}

// awaitOutput looks until the Secret is there or the check's time is up.
func awaitOutput(ctx context.Context, f *Facts) Finding {
	n := f.Setup.Names()
	return patiently(ctx, func() (Finding, bool, error) {
		keys, err := f.OutputKeys(ctx)
		return judgeOutput(n.Namespace, n.OutputSecret, keys), len(keys) > 0, err
	})
}

// patiently looks until it has seen enough or the check's time is up; then what the last good look found counts.
func patiently(ctx context.Context, look func() (found Finding, enough bool, err error)) Finding {
	ticker := time.NewTicker(500 * time.Millisecond)
	defer ticker.Stop()
	var last Finding
	for looked := false; ; looked = true {
		found, enough, err := look()
		switch {
		case err != nil && looked && timeIsUp(ctx):
			// After a good look this is the end of our time, however it is worded.
			return last
		case err != nil:
			return unknown(err)
		case enough:
			return found
		}
		last = found
		select {
		case <-ticker.C:
			continue
		case <-ctx.Done():
		}
		if errors.Is(ctx.Err(), context.Canceled) {
			return unknown(ctx.Err())
		}
		return last
	}
}

// timeIsUp tells that a look failed for want of time. A client's rate limiter refuses a look that would end too late a moment before
// the context itself has ended.
func timeIsUp(ctx context.Context) bool {
	deadline, bounded := ctx.Deadline()
	return errors.Is(ctx.Err(), context.DeadlineExceeded) || ctx.Err() == nil && bounded && time.Until(deadline) < time.Second
}

func judgeOutput(namespace, secret string, keys []string) Finding {
	name := namespace + "/" + secret
	switch {
	case slices.Contains(keys, "identity"):
		return passed("Secret " + name)
	case len(keys) == 0:
		return Finding{
			Status: Warn, Observed: "tbot has not written Secret " + name + " yet",
			Fix: fmt.Sprintf("kubectl --namespace %s logs --selector app.kubernetes.io/name=tbot", namespace),
		}
	}
	return Finding{Status: Warn, Observed: "Secret " + name + " holds " + strings.Join(keys, ", "), Expected: "an identity", Fix: "see whether something else writes this Secret"}
}

func joinChecks() []Check {
	return []Check{{
		ID: JoinProven, Category: CategoryJoin, Stage: After, Title: "Teleport lets the service account in as the bot",
		Run: func(ctx context.Context, f *Facts) Finding {
			if f.Proof == nil {
				return Finding{Status: Skip, Observed: "not asked for (--prove never)"}
			}
			proof, err := f.Proof(ctx)
			if err != nil {
				return failed(err, "")
			}
			if f.Setup.IsAgent() {
				return judgeHostProof(f.Setup.Agent.Roles, proof)
			}
			return judgeProof(f.Setup.Teleport.BotName, f.Setup.BotRoles(), f.Setup.HasOutput(), proof)
		},
	}}
}

// judgeProof holds the certificates to what was asked for: the bot, and for its output the roles.
func judgeProof(bot string, roles []string, hasOutput bool, proof Proof) Finding {
	switch {
	case proof.User != "bot-"+bot:
		err := errors.New("the certificate belongs to " + proof.User)
		return Finding{Status: Fail, Observed: err.Error(), Expected: "bot-" + bot, Err: err}
	case hasOutput && len(proof.Notes) == 0 && !sameSet(roles, proof.Roles):
		return Finding{
			Status: Fail, Observed: "the output carries the roles " + strings.Join(proof.Roles, ", "), Expected: strings.Join(roles, ", "),
			Fix: "see the bot's roles with `tctl get bot/" + bot + "`",
		}
	}
	return passed(fmt.Sprintf("as %s, by %s", proof.User, proof.Via))
}

func sameSet(a, b []string) bool {
	left, right := slices.Clone(a), slices.Clone(b)
	slices.Sort(left)
	slices.Sort(right)
	return slices.Equal(left, right)
}
