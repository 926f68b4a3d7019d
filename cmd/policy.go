package cmd

import (
	"errors"
	"fmt"
	"strings"

	"github.com/tbotctl/tbotctl/checks"
	"github.com/tbotctl/tbotctl/internal/kube"
	"github.com/tbotctl/tbotctl/internal/plan"
)

// sayPolicies tells what the cluster's admission would not take of a plan, by whom and which flag answers it. A policy that refuses
// several objects is told of the first.
func (s *session) sayPolicies(planned plan.Plan, status checks.Status) []checks.Result {
	var told []checks.Result
	said := map[string]bool{}
	for _, item := range planned.Refused() {
		turned := checks.ExplainAdmission(item.Resource.ID(), item.Refused)
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
