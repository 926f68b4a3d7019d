package cmd

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/tbotctl/tbotctl/checks"
	"github.com/tbotctl/tbotctl/internal/proof"
	"github.com/tbotctl/tbotctl/internal/report"
	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/internal/tbotbinary"
	"github.com/tbotctl/tbotctl/internal/tbotconfig"
	"github.com/tbotctl/tbotctl/internal/tbotjob"
	"github.com/tbotctl/tbotctl/internal/tbotlog"
)

// tbotOnPath is the tbot that --runtime binary runs.
type tbotOnPath struct {
	tbotbinary.Binary
	version string
}

// lookOnPath finds it and holds it against the server, before anything is made for it.
func (r *verifyRun) lookOnPath(ctx context.Context) error {
	binary, err := tbotbinary.Look("")
	if err != nil {
		return &findingError{text: err.Error()}
	}
	version, err := binary.Version(ctx)
	if err != nil {
		return err
	}
	r.onPath = tbotOnPath{binary, version}
	if err := tbotbinary.Fits(version, r.server.Version); err != nil {
		return &findingError{text: fmt.Sprintf("%s: %s", binary.Path, err)}
	}
	return nil
}

// byBinary has the tbot on PATH do what the embedded one would.
func (r *verifyRun) byBinary(ctx context.Context, token spec.Secret) (proof.Outcome, error) {
	binary, version := r.onPath.Binary, r.onPath.version
	r.progress.Looking(fmt.Sprintf("running %s, version %s", binary.Path, version))
	ran, err := binary.Run(ctx, tbotbinary.Config{
		Tbot: r.workload.Config, Version: version, Namespace: r.workload.Deployment.Namespace,
		ProxyCA: r.setup.Teleport.ProxyCA, Insecure: r.insecure,
	}, token, r.progress.Looking)
	r.forget(ctx, ran.Account.Bot, ran.Account.Instance)
	outcome := r.accountOf(ran.Account, fmt.Sprintf("%s, version %s", binary.Path, version), err == nil)
	for i := range outcome.Outputs {
		for _, left := range ran.LeftOut {
			if left.Name == outcome.Outputs[i].Name {
				outcome.Outputs[i].NotExercised = left.Why
			}
		}
	}
	var failed *tbotbinary.Failed
	switch {
	case errors.As(err, &failed) && failed.Joined:
		return outcome, nil // its outputs say what failed
	case failed != nil:
		return outcome, &findingError{text: err.Error(), causes: []error{failed}}
	}
	return outcome, err
}

// inPodOf runs the Deployment's own pod template once, as a Job: the last word on image, egress and admission.
func (r *verifyRun) inPodOf(ctx context.Context) error {
	job, err := tbotjob.New(r.clusters.kube, r.workload.Deployment, r.workload.Config)
	if err != nil {
		return err
	}
	job.Container = r.workload.Deployment.Spec.Template.Spec.Containers[r.workload.Container].Name
	job.Say, job.Follow, job.Now = r.progress.Looking, r.progress.Looking, r.factory.Now
	r.progress.Head("What this makes")
	for _, line := range job.Creates() {
		r.progress.Say(line)
	}
	if err := r.agree(ctx, "Run it?"); err != nil {
		return err
	}
	ran, err := job.Run(ctx)
	r.progress.Looking("")
	r.forget(ctx, ran.Account.Bot, ran.Account.Instance)
	r.result.Pod = report.VerifyPod{Job: ran.Name, Pod: ran.Pod, Node: ran.Node, Image: ran.ImageID}
	for _, shown := range ran.Shown {
		step := report.VerifyStep{What: string(shown.What), Err: shown.Err, Untested: shown.Untested}
		if said := (*tbotjob.Failed)(nil); errors.As(shown.Err, &said) {
			step.Err = errors.New(said.Words) // the step is named beside them
		}
		r.result.Pod.Steps = append(r.result.Pod.Steps, step)
	}
	if ran.Account.Joined {
		r.result.Proof = &proof.Result{
			Outcome: r.accountOf(ran.Account, "tbot in the pod", err == nil), From: fmt.Sprintf("pod %s on node %s", ran.Pod, ran.Node),
		}
	}
	var failed *tbotjob.Failed
	if !errors.As(err, &failed) {
		return err
	}
	if !ran.Account.Joined {
		r.result.ProofErr = err
		if ran.Account.JoinErr != "" {
			r.explainWords(ctx, ran.Account.JoinErr)
		}
	} else {
		r.judgeOutputs(r.result.Proof.Outputs)
	}
	return &findingError{text: err.Error()}
}

// accountOf is what tbot said of a run as a proof tells it; all tells that it ended well, which a one-shot tbot does only when every
// output was written.
func (r *verifyRun) accountOf(said tbotlog.Account, via string, all bool) proof.Outcome {
	outcome := proof.Outcome{Roles: said.Roles, NotAfter: said.NotAfter, Via: via}
	if said.Bot != "" {
		outcome.User = "bot-" + said.Bot
	}
	for i, output := range r.workload.Config.Outputs {
		one := proof.Output{Name: r.workload.Config.NameOf(i), Type: output.Shared().Type}
		if destination, ok := tbotconfig.DestinationOf(output); ok {
			one.Destination = destination.String()
		}
		done := all
		for _, told := range said.Outputs {
			if told.Name == one.Name {
				done = told.Done
				if told.Err != "" {
					one.Err = errors.New(told.Err)
				}
			}
		}
		if !done && one.Err == nil {
			one.NotExercised = "tbot's log does not tell of it"
		}
		outcome.Outputs = append(outcome.Outputs, one)
	}
	return outcome
}

// explainWords tells the cause behind Teleport's words for a join that it turned down.
func (r *verifyRun) explainWords(ctx context.Context, words string) {
	if r.clusters.loginAtHand() == nil {
		// What it may see explains a refusal; that it is not taken hides nothing else.
		_, _ = r.clusters.admin(ctx)
	}
	known := r.known(ctx, r.claims)
	mark := r.workload.Deployment.Annotations[spec.MarkInstall]
	known.Setup, known.Handmade = marked(known.Setup, mark), mark == ""
	refusal := checks.ExplainRefusal(ctx, words, known, r.refusalLooks())
	refusal.Fix = r.aimed(refusal.Fix)
	r.result.Refusal = &refusal
}

// marked gives the setup the identity of the installation that the mark on a Deployment names (spec.Setup.InstallID), so that what
// else bears the mark counts as made with it. A Deployment without one is nobody's.
func marked(setup spec.Setup, mark string) spec.Setup {
	parts := strings.Split(mark, "/")
	if setup.Resolved != nil || len(parts) < 2 {
		return setup
	}
	setup.Resolved = &spec.Resolved{ClusterID: parts[0], ClusterName: parts[1]}
	return setup
}
