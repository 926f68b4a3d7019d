package cmd

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tbotctl/tbotctl/checks"
	"github.com/tbotctl/tbotctl/internal/issuer"
	"github.com/tbotctl/tbotctl/internal/kube"
	"github.com/tbotctl/tbotctl/internal/proof"
	"github.com/tbotctl/tbotctl/internal/reach"
	"github.com/tbotctl/tbotctl/internal/report"
	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/internal/tbot"
	"github.com/tbotctl/tbotctl/internal/tbotbinary"
	"github.com/tbotctl/tbotctl/internal/tbotconfig"
	"github.com/tbotctl/tbotctl/internal/teleport"
	"github.com/tbotctl/tbotctl/internal/ui"
	"github.com/tbotctl/tbotctl/wizard"
)

// verifyRun is one run of verify; what stands in its result is reported also when it fails.
type verifyRun struct {
	*verifyOptions
	workload checks.Workload
	server   teleport.Server
	// claims are those of the token that was last presented to Teleport.
	claims issuer.Claims
	onPath tbotOnPath
	result report.Verify
	// unseen are looks that were needed and impossible.
	unseen []string
	// causes are the errors behind what failed; the one that a person has to mend first gives the exit code.
	causes []error
}

func runVerify(ctx context.Context, o *verifyOptions) error {
	run := &verifyRun{verifyOptions: o, result: report.Verify{Version: o.factory.Build.Version, Outputs: map[string]checks.Refusal{}}}
	if err := notForAgents(o.setup, "verify"); err != nil {
		return err
	}
	onlyContext := func(q wizard.Question) bool { return q.Flag == wizard.FlagContext }
	if err := run.open(ctx, onlyContext, false); err != nil {
		return run.report(ctx, err)
	}
	ctx, cancel := context.WithTimeout(ctx, o.timeout)
	defer cancel()
	err := run.carryOut(ctx)
	err = errors.Join(err, run.clusters.close())
	return run.report(ctx, err)
}

func (r *verifyRun) carryOut(ctx context.Context) error {
	if !r.setup.Side.HasKubernetes() {
		return r.lookAtTeleport(ctx)
	}
	r.result.NotTested = r.otherSide()
	if err := r.choose(ctx); err != nil {
		return err
	}
	if r.evidence {
		return r.lookOnly(ctx)
	}
	server, err := r.clusters.server(ctx)
	if err != nil {
		return err
	}
	r.server = server
	r.result.Target.ClusterName, r.result.Target.ServerVersion = server.ClusterName, server.Version
	if err := r.embeddable(); err != nil {
		return err
	}
	r.result.Runtime = r.runtime
	switch r.runtime {
	case runtimePod:
		return r.inPodOf(ctx)
	case runtimeBinary:
		if err := r.lookOnPath(ctx); err != nil {
			return err
		}
	}
	return r.prove(ctx)
}

// embeddable falls back to the pod where the embedded tbot cannot do what this server or this tbot.yaml needs.
func (r *verifyRun) embeddable() error {
	if r.runtime != runtimeEmbedded {
		return nil
	}
	why := ""
	switch joins, outputs, reason := tbot.Supports(r.server.Version); {
	case !joins, !outputs && len(r.workload.Config.Outputs) > 0:
		why = reason
	case strings.HasPrefix(r.workload.Config.Onboarding.Token, "/"):
		why = "tbot.yaml names a file in the pod that holds the join token's name"
	case r.workload.Config.ProxyServer == "" && !r.given("proxy"):
		why = "tbot.yaml names an auth_server, and the embedded tbot goes through the proxy"
	default:
		return nil
	}
	if r.write != "" || r.eachCluster {
		return &findingError{text: "--write and --each-cluster are for the embedded tbot, which cannot do this: " + why}
	}
	r.progress.Warn(why + "; so the pod itself is asked (--runtime pod)")
	r.runtime = runtimePod
	return nil
}

// prove joins with a token of the pod's service account and generates every output.
func (r *verifyRun) prove(ctx context.Context) error {
	if err := r.mayAskClusters(); err != nil {
		return err
	}
	if r.write != "" {
		if err := r.mayWrite(); err != nil {
			return err
		}
	}
	r.progress.Head("What this makes")
	for _, line := range r.creates() {
		r.progress.Say(line)
	}
	if r.write != "" {
		if err := r.agree(ctx, "Write these credentials?"); err != nil {
			return err
		}
	}
	r.sweep(ctx, r.workload.Deployment.Namespace, r.workload.Deployment.Annotations[spec.MarkInstall])
	var joined tbot.Result
	join := proof.Proof{
		Kubernetes: r.clusters.kube, Deployment: r.workload.Deployment, JoinType: spec.JoinInCluster, Now: r.factory.Now, Say: r.progress.Looking,
		Join: func(ctx context.Context, token spec.Secret) (proof.Outcome, error) {
			r.claims, _ = issuer.TokenClaims(token) // Teleport says what is wrong with one that cannot be read
			if r.runtime == runtimeBinary {
				return r.byBinary(ctx, token)
			}
			var err error
			joined, err = r.clusters.round(ctx, r.withCredentials(r.configured()), token)
			if joined.Identity == nil || len(joined.Outputs) < len(r.workload.Config.Outputs) {
				return proof.Outcome{}, err
			}
			return outcomeOf(r.meant(joined)), nil
		},
		Rehearse: func(ctx context.Context, token spec.Secret, outcome *proof.Outcome) error {
			return r.rehearse(ctx, token, r.meant(joined), outcome)
		},
	}
	proven, err := join.Run(ctx)
	r.progress.Looking("")
	if bot := joined.Identity; bot != nil {
		r.forget(ctx, bot.Bot(), bot.InstanceID)
	}
	if proven.User != "" {
		r.result.Proof = &proven
	}
	if err != nil {
		r.result.ProofErr = err
		r.explain(ctx, err)
		return err
	}
	if err := r.writeOut(ctx, joined); err != nil {
		return err
	}
	r.judgeOutputs(proven.Outputs)
	if err := r.askClusters(ctx, joined); err != nil {
		return err
	}
	r.result.NotTested = append(r.result.NotTested, "the pod's own way to Teleport and to the API server (egress), and its image; `tbotctl verify --runtime pod` tests them")
	if r.runtime == runtimeBinary {
		r.result.NotTested = append(r.result.NotTested, "whether the pod could write its outputs; `tbotctl verify` without --runtime asks that")
	}
	return nil
}

// creates says beforehand what a proof makes, and what becomes of it.
func (r *verifyRun) creates() []string {
	lines := []string{
		fmt.Sprintf("In Kubernetes: tokens of service account %s/%s for ten minutes; where no pod of it runs, a pod that is never scheduled and is removed again.",
			r.workload.Deployment.Namespace, r.account()),
		"In Teleport: one join in the audit log and, from 17 on, one bot instance, which is removed where the login may; certificates of ten minutes at most, which nobody else gets.",
	}
	if r.eachCluster {
		lines = append(lines, "In each cluster that the outputs reach: nothing; its audit log shows who the bot is, one list of each kind, and a try to act as user "+reach.Somebody+".")
	}
	if r.write != "" {
		lines = append(lines, fmt.Sprintf("In folder %s: credentials of %s, which whoever reads the files can use until they end.", r.write, ui.Counted(len(r.workload.Config.Outputs), "output")))
	}
	return lines
}

// agree asks where something is written; without a terminal only --yes is a yes.
func (r *verifyRun) agree(ctx context.Context, question string) error {
	switch {
	case r.yes:
		return nil
	case !r.terminal():
		return usagef("without a terminal nothing is written unless --yes is given")
	}
	return r.confirm(ctx, question, "written")
}

// rehearse asks the API server as the pod's own service account whether it could write what came out.
func (r *verifyRun) rehearse(ctx context.Context, token spec.Secret, joined tbot.Result, outcome *proof.Outcome) error {
	asPod, err := r.clusters.kube.With(token)
	if err != nil {
		return err
	}
	to := tbot.Destinations{Secrets: asPod.Secrets(true), Namespace: r.workload.Deployment.Namespace}
	for i, output := range joined.Outputs {
		if output.Err != nil || output.NotExercised != "" {
			continue
		}
		for _, tried := range to.Rehearse(ctx, output) {
			outcome.Outputs[i].Writes = append(outcome.Outputs[i].Writes, proof.Write(tried))
		}
	}
	return ctx.Err()
}

// judgeOutputs tells what is contrary from what nobody could look at. Of an output the first trouble is explained: what follows may
// come from it.
func (r *verifyRun) judgeOutputs(outputs []proof.Output) {
	for i, output := range outputs {
		known := r.outputKnown(i)
		// What came of it here is not what a tbot of another release makes of it.
		if unknown, is := r.workload.OutputUnknown(i, r.server.Version); is {
			r.wrong(output.Name, unknown)
		}
		switch {
		case output.NotExercised != "":
		case output.Err != nil:
			r.wrong(output.Name, checks.JudgeOutput(words(output.Err), known))
		case reachesClusters(r.workload.Config.Outputs[i]) && len(output.Clusters) == 0:
			r.wrong(output.Name, checks.NoClusterMatched(known))
		}
		for _, write := range output.Writes {
			switch {
			case write.Err == nil:
			case refusedByKubernetes(write.Err):
				r.wrong(output.Name, checks.JudgeWrite(write.Place, write.Err.Error(), r.account(), output.Type == tbotconfig.TypeArgoCD))
			default:
				r.unseen = append(r.unseen, write.Place+": "+write.Err.Error())
			}
		}
	}
}

func (r *verifyRun) wrong(output string, why checks.Refusal) {
	if _, told := r.result.Outputs[output]; !told {
		r.result.Outputs[output] = why
	}
}

// words are Teleport's own where it refused, else the error's.
func words(err error) string {
	var refused *tbot.Refused
	if errors.As(err, &refused) {
		return refused.Message
	}
	return err.Error()
}

// refusedByKubernetes tells a verdict of the API server from trouble on the way to it.
func refusedByKubernetes(err error) bool {
	return slices.ContainsFunc([]kube.Kind{kube.Forbidden, kube.Refused, kube.Conflict, kube.Invalid, kube.NotFound}, func(kind kube.Kind) bool { return kube.Is(err, kind) })
}

// account is the service account of the pods.
func (r *verifyRun) account() string {
	if name := r.workload.Deployment.Spec.Template.Spec.ServiceAccountName; name != "" {
		return name
	}
	return "default"
}

// explain tells, where Teleport turned the join down, the cause and the way out.
func (r *verifyRun) explain(ctx context.Context, err error) {
	var (
		refused *tbot.Refused
		failed  *tbotbinary.Failed
	)
	switch {
	case ctx.Err() != nil:
	case errors.As(err, &refused):
		r.explainWords(ctx, refused.Message)
	case errors.As(err, &failed) && failed.Words != "":
		r.explainWords(ctx, failed.Words)
	case policyError(err) != nil:
		r.result.Refusal = refusedPod(policyError(err).Refusal())
	}
}

// report writes the result in the form that was asked for; the exit code is the same for both.
func (r *verifyRun) report(ctx context.Context, err error) error {
	r.progress.Looking("")
	if err == nil {
		err = r.verdict()
	}
	r.result.Err = err
	r.result.Contrary = exitCode(ctx, err) == exitFinding
	streams := r.factory.Streams
	if r.output == formatJSON {
		return errors.Join(err, r.result.JSON(streams.Out))
	}
	if r.result.Proof == nil && r.result.ProofErr == nil && r.result.Evidence == nil {
		return err
	}
	r.progress.Gap()
	told := r.result.Table(streams.Out, ui.NewStyle(streams.Out, streams.OutColor, streams.Unicode), streams.Width)
	if err != nil && (r.result.Failed() || len(r.unseen) > 0) {
		err = &toldError{err}
	}
	return errors.Join(err, told)
}
