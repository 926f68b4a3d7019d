package cmd

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tbotctl/tbotctl/checks"
	"github.com/tbotctl/tbotctl/internal/kube"
	"github.com/tbotctl/tbotctl/internal/plan"
	"github.com/tbotctl/tbotctl/internal/proof"
	"github.com/tbotctl/tbotctl/manifests"
)

// sayPolicies tells what the cluster's admission would not take of a plan, by whom and which flag answers it. A policy that refuses
// several objects is told of the first.
func (s *session) sayPolicies(planned plan.Plan, status checks.Status) []checks.Result {
	var told []checks.Result
	said := map[string]bool{}
	for _, item := range planned.Refused() {
		object := item.Resource.ID()
		if item.RefusedPod {
			object = "the pods of " + object
		}
		turned := checks.ExplainAdmission(object, item.Refused)
		if said[turned.By] {
			continue
		}
		said[turned.By] = turned.By != ""
		result := turned.Result(nil)
		result.Finding.Status = status
		s.progress.Check(result)
		told = append(told, result)
	}
	return told
}

// refused makes an error of what the cluster's admission would not take of the plan. Where only files are written it is a warning:
// whoever applies them may do so elsewhere.
func (r *initRun) refused(planned plan.Plan) error {
	status := checks.Fail
	if r.filesOnly() {
		status = checks.Warn
	}
	told := r.sayPolicies(planned, status)
	r.result.Checks = append(r.result.Checks, told...)
	if len(told) == 0 || status == checks.Warn {
		return nil
	}
	var names []string
	for _, item := range planned.Refused() {
		names = append(names, item.Resource.ID())
	}
	return &findingError{text: fmt.Sprintf("%s failed; policies of the cluster refuse %s; nothing was applied", checks.PodsAdmitted, strings.Join(names, ", "))}
}

// tryPod has the API server judge, by a dry run, the pod of a Deployment that is to change. The proof would take the pod that runs, and
// that one is gone before the next is refused: there is never more than one. A first init has no service account for it yet; there the
// probe pod is judged.
func (s *session) tryPod(ctx context.Context, set manifests.Set, planned plan.Plan) {
	changes := slices.IndexFunc(planned.Items, func(item plan.Item) bool {
		return item.Resource.Stage == manifests.StageWorkload && item.Resource.System == manifests.Kubernetes && item.Action == plan.Update && item.Refused == ""
	})
	if changes < 0 {
		return
	}
	deployment, err := set.Deployment()
	if err != nil {
		return // there is none on this side
	}
	refused, _, err := s.clusters.kube.Admit(ctx, proof.Trial(deployment))
	switch {
	case err != nil:
		s.progress.Warn(fmt.Sprintf("whether the cluster takes a pod as it is to be could not be tried: %v", err))
	case strings.Contains(refused, "exceeded quota: "): // the pod that it takes the place of uses it
	case strings.Contains(refused, "error looking up service account"): // it is to be made by this very plan
	default:
		planned.Items[changes].Refused, planned.Items[changes].RefusedPod = refused, refused != ""
	}
}

// policyError finds what admission turned down in an error; nil where that is not what it is.
func policyError(err error) *kube.Error {
	var refused *kube.Error
	if !errors.As(err, &refused) || refused.Refusal() == "" {
		return nil
	}
	return refused
}

// explainPolicy tells, where admission turned down what was being written, who did and which flag answers it.
func (r *initRun) explainPolicy(err error) {
	refused := policyError(err)
	if refused == nil {
		return
	}
	what := strings.TrimPrefix(refused.Doing, "applying ")
	if strings.HasPrefix(what, "making pod ") {
		what = "a pod like the Deployment's"
	}
	turned := checks.ExplainAdmission(what, refused.Refusal())
	if r.setup.IsAgent() && strings.HasPrefix(what, "a pod ") {
		turned.Fix = "the agent's pod is its chart's: answer it in Helm's values, and leave the proof to the pod with --prove never"
	}
	result := turned.Result(err)
	r.progress.Check(result)
	r.result.Checks = append(r.result.Checks, result)
}

// refusedPod is a pod like the Deployment's that a policy turned down, where nobody makes anything but looks whether it would work.
func refusedPod(words string) *checks.Refusal {
	turned := checks.ExplainAdmission("a pod like the Deployment's", words)
	if strings.Contains(turned.Fix, "--") {
		turned.Fix += " (flags of `tbotctl init`)"
	}
	return &checks.Refusal{
		ID: "P38", Cause: "the cluster takes no pod like the Deployment's, so none could replace it; Teleport was not asked",
		Observed: turned.Observed, Expected: turned.Expected, Fix: turned.Fix, Words: words,
	}
}
