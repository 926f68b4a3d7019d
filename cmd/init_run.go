package cmd

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tbotctl/tbotctl/checks"
	"github.com/tbotctl/tbotctl/internal/apply"
	"github.com/tbotctl/tbotctl/internal/issuer"
	"github.com/tbotctl/tbotctl/internal/plan"
	"github.com/tbotctl/tbotctl/internal/report"
	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/internal/tbotconfig"
	"github.com/tbotctl/tbotctl/internal/teleport"
	"github.com/tbotctl/tbotctl/manifests"
)

// initRun is one run of init; its fields fill up as it goes, and what stands in them is reported also when it fails.
type initRun struct {
	*initOptions
	result report.Init
	// tctl writes the Teleport side where that takes a touch; empty where it does not.
	tctl string
	// claims are those of the token that was last presented to Teleport.
	claims issuer.Claims
	// waitUntil is when the wait for the other side is over; zero where there is none.
	waitUntil time.Time
	// outside runs what talks to the person at the terminal itself.
	outside func(func() error) error
}

// runInit strings the parts together: checks before, join type, render, plan, confirmation, apply with the proof in its middle,
// checks after.
func runInit(ctx context.Context, o *initOptions) error {
	run := &initRun{initOptions: o, outside: func(do func() error) error { return do() }}
	if err := run.judge(); err != nil {
		return err
	}
	if o.guides() {
		return runGuided(ctx, o)
	}
	if err := run.open(ctx, nil, !run.filesOnly() && o.dryRun == ""); err != nil {
		return err
	}
	run.wantsMakers = true
	var err error
	if run.clusters.targets, err = run.openTargets(); err != nil {
		return err
	}
	run.result.Setup = run.setup
	ctx, cancel := context.WithTimeout(ctx, o.timeout+o.waitTeleport)
	defer cancel()
	err = run.carryOut(ctx)
	err = errors.Join(err, run.clusters.close())
	return run.report(err)
}

func (r *initRun) carryOut(ctx context.Context) error {
	r.sayWhere()
	if err := r.checksBefore(ctx); onlyLoginFails(r.result.Checks) {
		return r.withoutLogin(ctx, err)
	} else if err != nil {
		return err
	}
	var tokens func() ([]teleport.JoinToken, error)
	r.beside = func(ctx context.Context) { tokens = r.lookForTokens(ctx) }
	resolved, err := r.resolve(ctx, r.refresh)
	r.result.Setup, r.result.Choice, r.result.Public = r.setup, resolved.choice, resolved.public
	if err != nil {
		return err
	}
	if err := r.sayAsked(ctx, resolved.choice); err != nil {
		return err
	}
	if err := r.offerToken(ctx, tokens); err != nil {
		return err
	}
	if r.filesOnly() {
		return r.writeFiles(ctx)
	}
	if err := r.checkTargets(ctx); err != nil {
		return err
	}
	set, planned, err := r.compare(ctx)
	planned = planned.Allow(r.takeOver, r.forceConflicts)
	r.result.Plan = planned
	if err != nil {
		return err
	}
	r.sayPlan(ctx, planned)
	if err := errors.Join(r.leaveToManagers(planned), conflicts(planned), r.refused(planned)); err != nil {
		return err
	}
	r.sayTakenOver(planned)
	if r.dryRun != "" {
		return r.endDry(ctx, set)
	}
	if err := r.planTouch(ctx, set); err != nil {
		return err
	}
	if err := r.agree(ctx); err != nil {
		return err
	}
	return r.apply(ctx, set)
}

func (r *initRun) checksBefore(ctx context.Context) error {
	r.progress.Head("Checks")
	r.progress.Looking(r.asking())
	facts := r.clusters.facts()
	facts.KubernetesNeeds, facts.TeleportNeeds = r.kubernetesNeeds, teleportNeeds(r.setup)
	facts.BotGroups = r.botGroups
	selected := checks.Concerning(r.setup, checks.OfSide(r.setup.Side, checks.Select(checks.Catalogue(), checks.Before)))
	if r.filesOnly() {
		r.withoutWrites(ctx, selected, facts)
	}
	r.result.Checks = checks.Run(ctx, selected, facts, r.progress.Check)
	r.sayClock()
	return failure(ctx, r.result.Checks, "nothing was applied")
}

// failure makes an error of the checks that failed; their causes say the exit code.
func failure(ctx context.Context, results []checks.Result, consequence string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	finding := &findingError{}
	var ids []string
	for _, result := range results {
		if result.Finding.Status != checks.Fail {
			continue
		}
		ids = append(ids, string(result.Check.ID))
		if result.Finding.Err != nil {
			finding.causes = append(finding.causes, result.Finding.Err)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	finding.text = fmt.Sprintf("%s failed; %s", strings.Join(ids, ", "), consequence)
	return finding
}

// conflicts makes an error of what somebody else made. What a tool keeps is leaveToManagers'.
func conflicts(planned plan.Plan) error {
	found := slices.DeleteFunc(planned.Conflicts(), func(item plan.Item) bool { return item.Reason == plan.Managed })
	if len(found) == 0 {
		return nil
	}
	var names []string
	ways := map[plan.Reason]string{
		plan.OtherPair:  "this installation belongs to another pair of clusters: see that --context and --proxy are the ones that you mean; --take-over binds it to these",
		plan.Foreign:    "--take-over adopts what somebody else made, or choose another --name, --bot-name or --token-name",
		plan.HeldFields: "--force-conflicts wins fields that another manager holds",
	}
	var out []string
	for _, item := range found {
		names = append(names, fmt.Sprintf("%s (%s)", item.Resource.ID(), item.Owner))
		way := ways[item.Reason]
		if item.Reason == plan.OtherRole {
			way = "what it allows now ends with: " + unbind(item.Resource)
		}
		if !slices.Contains(out, way) {
			out = append(out, way)
		}
	}
	return &findingError{text: "not overwritten: " + strings.Join(names, ", ") + "; nothing was applied; " + strings.Join(out, "; ")}
}

func (r *initRun) apply(ctx context.Context, set manifests.Set) error {
	var admin apply.Teleport
	if r.setup.Side.HasTeleport() {
		opened, err := r.clusters.admin(ctx)
		if err != nil {
			return err
		}
		admin = opened
	}
	if err := errors.Join(r.putValues(set), r.putRequest(ctx, false)); err != nil {
		return err
	}
	r.progress.Head("Apply")
	runner := apply.Runner{
		Kubernetes: r.clusters.kube, Teleport: r.teleportWriter(ctx, admin), Targets: r.clusters.applyTargets(),
		Observe: r.progress.Event, Now: r.factory.Now,
	}
	if r.needsProof(ctx) {
		pod, err := r.pod(set)
		if err != nil {
			return err
		}
		runner.Prove = r.prover(pod)
	}
	if !r.noWait && !r.setup.IsAgent() && r.setup.Side.HasKubernetes() { // whose rollout is Helm's
		runner.Rollout = r.rollout
	}
	applied, err := runner.Run(ctx, r.result.Plan)
	r.result.Written = map[string]bool{}
	for _, item := range applied.Written {
		r.result.Written[item.Resource.ID()] = true
	}
	if err != nil {
		r.explainPolicy(err)
		r.whatStands()
		return r.askOther(ctx, r.touchAfterAll(set, err))
	}
	return r.checksAfter(ctx, applied)
}

// needsProof decides by --prove; auto lets evidence stand for an unchanged setup, so that a second run writes nothing.
func (r *initRun) needsProof(ctx context.Context) bool {
	if r.prove == proveNever || !r.setup.Side.HasKubernetes() {
		return false
	}
	if r.prove == proveAlways || r.result.Plan.Changed() {
		return true
	}
	if r.setup.IsAgent() {
		r.progress.Say("nothing changed; what an agent leaves behind is Helm's to look at, so the join is proven once more.")
		return true
	}
	found, err := r.evidence(ctx)
	if err != nil {
		r.progress.Say("nothing changed, but that it works is not evident: " + err.Error())
		return true
	}
	r.result.Proof = found
	r.progress.Say("nothing changed, and it works: " + found.From + ".")
	return false
}

// whatStands tells what a run that failed has left, and that the next one goes on from there.
func (r *initRun) whatStands() {
	if len(r.result.Written) > 0 {
		r.progress.Say(fmt.Sprintf("%d resources were written before this; the same command goes on from here.", len(r.result.Written)))
	}
}

func (r *initRun) checksAfter(ctx context.Context, applied apply.Result) error {
	if !r.setup.Side.HasKubernetes() {
		return ctx.Err() // what there is to see of it is in Kubernetes, and what was written was taken
	}
	r.progress.Head("Checks afterwards")
	r.progress.Looking("looking at what was made")
	facts := r.factsAfter(applied)
	after := checks.Run(ctx, checks.Concerning(r.setup, checks.OfSide(r.setup.Side, checks.Select(checks.Catalogue(), checks.After))), facts, r.progress.Check)
	r.result.Checks = checks.Settle(append(r.result.Checks, after...))
	if err := failure(ctx, r.result.Checks, "what was applied stands"); err != nil {
		return err
	}
	return unknowns(r.result.Checks)
}

// unknowns makes an error of looks that were impossible and that nothing else has settled (exit code 5).
func unknowns(results []checks.Result) error {
	var ids []string
	for _, result := range results {
		if result.Finding.Status == checks.Unknown {
			ids = append(ids, string(result.Check.ID))
		}
	}
	if len(ids) == 0 {
		return nil
	}
	return &unknownError{fmt.Sprintf("nothing wrong was seen, but %s could not be looked at", strings.Join(ids, ", "))}
}

// report writes the result, and the answers where they are to be kept.
func (r *initRun) report(err error) error {
	r.result.Setup = r.setup
	notSaved := r.saveAnswers()
	r.result.Err = errors.Join(err, notSaved)
	r.result.DryRun = r.dryRun
	if err == nil && !r.filesOnly() && r.dryRun == "" {
		r.result.Next = r.next()
	}
	if r.output == formatJSON {
		return errors.Join(r.result.Err, r.result.JSON(r.factory.Streams.Out))
	}
	if err != nil {
		return r.result.Err
	}
	if r.dryRun != "" {
		return nil
	}
	r.progress.Head("Done")
	if r.filesOnly() {
		return errors.Join(notSaved, r.result.FileTable(r.factory.Streams.Out))
	}
	return errors.Join(notSaved, r.result.Table(r.factory.Streams.Out))
}

func (r *initRun) next() []string {
	if !r.setup.Side.HasKubernetes() {
		return nil // what comes next is the other side's
	}
	if r.setup.IsAgent() {
		return r.nextOfAgent()
	}
	n := r.setup.Names()
	kubectl := fmt.Sprintf("kubectl --context %s --namespace %s ", spec.ShellWord(r.setup.Kubernetes.Context), n.Namespace)
	next := []string{kubectl + "logs deployment/" + n.Deployment}
	for _, secret := range tbotconfig.For(r.setup).Secrets() {
		next = append(next, kubectl+"get secret "+secret)
	}
	if line := r.exampleLine(); line != "" {
		next = append(next, line)
	}
	if len(r.setup.Reach.Contexts) > 0 {
		next = append(next, fmt.Sprintf("tbotctl verify --context %s --namespace %s --each-cluster", spec.ShellWord(r.setup.Kubernetes.Context), n.Namespace))
	}
	return slices.Concat(next, r.argoCDNext(), r.bindings())
}
