package cmd

import (
	"context"
	"errors"
	"fmt"
	"strings"

	machineidv1 "github.com/gravitational/teleport/api/gen/proto/go/teleport/machineid/v1"
	"github.com/gravitational/teleport/api/types"

	"github.com/tbotctl/tbotctl/checks"
	"github.com/tbotctl/tbotctl/internal/files"
	"github.com/tbotctl/tbotctl/internal/issuer"
	"github.com/tbotctl/tbotctl/internal/plan"
	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/manifests"
	"github.com/tbotctl/tbotctl/wizard"
)

// deeds are what the wizard's later pages call.
type deeds struct{ *guided }

// Use implements wizard.Deeds. Another cluster on either side, or a look that failed, opens the doors anew.
func (d deeds) Use(ctx context.Context, answers wizard.Answers) error {
	before, after := d.held.Setup, answers.Setup
	same := d.clusters != nil && !d.stale && before.Kubernetes.Context == after.Kubernetes.Context &&
		before.Teleport.Proxy == after.Teleport.Proxy && before.Teleport.ProxyCA == after.Teleport.ProxyCA && d.held.Identity == answers.Identity &&
		before.Side == after.Side
	d.held, d.setup, d.identity = answers, answers.Setup, answers.Identity
	d.takeOver, d.forceConflicts, d.rolesOf = answers.TakeOver, answers.ForceConflicts, answers.RolesOf
	if err := d.setup.Validate(); err != nil {
		return err
	}
	if same {
		d.clusters.answer(d.setup)
		return errors.Join(d.reopenTargets(), ctx.Err())
	}
	if d.clusters != nil {
		if err := d.clusters.close(); err != nil {
			d.progress.Warn("closing the connection to Teleport: " + err.Error())
		}
	}
	d.stale, d.touch, d.clockSaid, d.shown = false, false, false, map[checks.ID]checks.Status{}
	target, err := d.target()
	if err != nil {
		return err
	}
	if err := d.connect(target); err != nil {
		return err
	}
	return errors.Join(d.reopenTargets(), ctx.Err())
}

// reopenTargets opens the clusters of the contexts that are chosen now; it sends nothing.
func (d deeds) reopenTargets() (err error) {
	d.clusters.targets, err = d.openTargets()
	return err
}

// Discover implements wizard.Deeds: the checks of both clusters and of what is between them, each as it is known.
func (d deeds) Discover(ctx context.Context) error {
	return d.look(ctx, func(check checks.Check) bool {
		return check.Category == checks.CategoryIssuer || check.Category == checks.CategoryKubernetes && check.ID != checks.KubernetesNamespaced ||
			check.Category == checks.CategoryTeleport && check.ID != checks.TeleportRoles
	}, func(checks.Result) bool { return true })
}

// look runs those of the checks before init that are selected, and says those that tell something new.
func (d deeds) look(ctx context.Context, selected func(checks.Check) bool, tells func(checks.Result) bool) error {
	var run []checks.Check
	for _, check := range checks.Concerning(d.setup, checks.OfSide(d.setup.Side, checks.Select(checks.Catalogue(), checks.Before))) {
		if selected(check) && (!d.held.NoTeleport || !needsLogin(check)) {
			run = append(run, check)
		}
	}
	facts := d.clusters.facts()
	facts.KubernetesNeeds, facts.BotGroups = d.kubernetesNeeds, d.botGroups
	if !d.held.NoTeleport {
		facts.TeleportNeeds = teleportNeeds(d.setup)
	}
	d.result.Checks = checks.Stream(ctx, run, facts, func(result checks.Result) {
		if tells(result) {
			d.progress.Check(result)
		}
		d.shown[result.Check.ID] = result.Finding.Status
	})
	d.sayClock()
	err := failure(ctx, d.result.Checks, "nothing has been changed")
	if err != nil && ctx.Err() == nil {
		d.stale = true
		d.sayFailed()
	}
	return err
}

// sayFailed says the failures once more, below what was skipped for them: that is where somebody looks.
func (d deeds) sayFailed() {
	d.progress.Head("What fails")
	for _, result := range d.result.Checks {
		if result.Finding.Status == checks.Fail {
			d.progress.Check(result)
		}
	}
}

func needsLogin(check checks.Check) bool {
	return check.ID == checks.TeleportLogin || check.ID == checks.TeleportRoles || check.ID == checks.TeleportRights
}

// Choose implements wizard.Deeds.
func (d deeds) Choose(ctx context.Context, join spec.JoinType) (issuer.Choice, error) {
	return d.clusters.chooseAs(ctx, join)
}

// ClusterID implements wizard.Deeds.
func (d deeds) ClusterID(ctx context.Context) (string, error) { return d.clusters.identity(ctx) }

// Plan implements wizard.Deeds: every check that is left to run, and what would be made.
func (d deeds) Plan(ctx context.Context) (planned wizard.Planned, err error) {
	ctx, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	defer func() { d.stale = d.stale || err != nil }()
	shown := d.shown
	d.shown = map[checks.ID]checks.Status{}
	err = d.look(ctx, func(checks.Check) bool { return true }, func(result checks.Result) bool {
		return shown[result.Check.ID] != result.Finding.Status && result.Finding.Status != checks.Pass
	})
	if err != nil {
		return planned, err
	}
	resolved, err := d.resolve(ctx, d.refresh)
	d.result.Setup, d.result.Choice, d.result.Public = d.setup, resolved.choice, resolved.public
	if err != nil {
		return planned, err
	}
	if d.set, err = manifests.Render(d.setup); err != nil {
		return planned, err
	}
	if err := d.checkTargets(ctx); err != nil {
		return planned, err
	}
	if d.result.Plan, err = d.comparable(ctx); err != nil {
		return planned, err
	}
	d.sayPlan(ctx, d.result.Plan)
	d.sayKept(d.result.Plan)
	if err := d.refused(d.result.Plan); err != nil && !d.held.NoTeleport {
		return planned, err
	}
	why, err := d.settleTouch(ctx)
	if err != nil {
		return planned, err
	}
	if why == "" && !d.setup.Files.Plain() {
		why = "--kube-format and --teleport-format are shapes of files"
	}
	if why != "" {
		d.progress.Warn(why + ", so this plan can be written to files and not applied from here")
	}
	return wizard.Planned{Plan: d.result.Plan, FilesOnly: why != "" || d.leftToOthers()}, nil
}

// leftToOthers tells that somebody else does the Teleport side, and that this one only writes files: --side kubernetes does its own.
func (d deeds) leftToOthers() bool { return d.held.NoTeleport && d.setup.Side.HasTeleport() }

// checkTargets runs the checks of the clusters of --target-context, and says what is not as it should be.
func (d deeds) checkTargets(ctx context.Context) error {
	if len(d.setup.Reach.Contexts) == 0 || d.leftToOthers() || d.filesOnly() {
		return nil
	}
	d.progress.Looking("asking the clusters of --target-context")
	results, err := d.lookAtTargets(ctx, checks.Stream, func(result checks.Result) {
		if result.Finding.Status != checks.Pass {
			d.progress.Check(result)
		}
	})
	d.result.Checks = append(d.result.Checks, results...)
	return errors.Join(err, failure(ctx, results, "nothing has been changed"))
}

// comparable compares the set with both clusters, the Teleport side as unread where somebody else does it.
func (d deeds) comparable(ctx context.Context) (plan.Plan, error) {
	d.progress.Looking("comparing with what is there")
	if d.leftToOthers() {
		planned, err := plan.Compute(ctx, d.set, d.setup.InstallID(), d.clusters.kube, unread{})
		if err == nil {
			planned, err = d.withTargets(ctx, d.set, planned)
		}
		return planned.Allow(d.takeOver, d.forceConflicts), err
	}
	_, planned, err := d.compare(ctx)
	return planned.Allow(d.takeOver, d.forceConflicts), err
}

// unread is a Teleport cluster that nobody here may look at.
type unread struct{}

var errNoLogin = fmt.Errorf("%w without a login", plan.ErrUnseen)

func (unread) Role(context.Context, string) (*types.RoleV6, error) { return nil, errNoLogin }

func (unread) Bot(context.Context, string) (*machineidv1.Bot, error) { return nil, errNoLogin }

func (unread) Token(context.Context, string) (*types.ProvisionTokenV2, error) { return nil, errNoLogin }

// Apply implements wizard.Deeds.
func (d deeds) Apply(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, d.timeout+d.waitTeleport)
	defer cancel()
	err := d.apply(ctx, d.set)
	for id := range d.result.Written {
		d.written[id] = true
	}
	d.stale = d.stale || err != nil
	if err != nil && (d.result.Refusal == nil || d.setup.Side == spec.SideKubernetes) && ctx.Err() == nil {
		d.progress.Warn(err.Error())
	}
	return err
}

// WriteFiles implements wizard.Deeds.
func (d deeds) WriteFiles(ctx context.Context, dir string) error {
	d.outDir = dir
	if err := errors.Join(d.judgeFiles(), ctx.Err()); err != nil {
		return err
	}
	return d.putFiles(ctx, d.set)
}

// Save implements wizard.Deeds. The file holds what was looked up where a plan was made, so that render needs no cluster.
func (d deeds) Save(path string) error {
	var text strings.Builder
	if err := spec.Save(&text, d.setup); err != nil {
		return err
	}
	return files.Replace(path, []byte(text.String()))
}

// Finish implements wizard.Deeds.
func (d deeds) Finish() {
	if len(d.result.Files) == 0 {
		d.result.Next = d.next()
		if err := d.result.Table(d.pages.Body()); err != nil {
			d.progress.Error(err)
		}
	}
	d.sayAfter()
	d.howToGoOn()
}

// Fix implements wizard.Deeds: which answer mends what ended a look or an apply.
func (d deeds) Fix(error) string {
	questions := map[checks.ID]string{
		checks.KubernetesAnswers: wizard.FlagContext, checks.KubernetesNew: wizard.FlagContext, checks.KubernetesNamespaced: wizard.FlagNamespace,
		checks.IssuerKnown: wizard.FlagContext, checks.IssuerChoice: wizard.FlagJoinType,
		checks.TeleportAnswers: wizard.FlagProxy, checks.TeleportLogin: wizard.FlagProxy, checks.TeleportRoles: wizard.FlagRoles, checks.KubeClusters: wizard.FlagKubeCluster,
		checks.ArgoCDFound: wizard.FlagArgoCDNamespace, checks.ActsWithoutGroup: wizard.FlagImpersonation, checks.ClientsGetIn: wizard.FlagAccess,
		checks.KubernetesRights: wizard.FlagNamespace, checks.TokenReview: wizard.FlagJoinType,
		checks.TargetsAnswer: wizard.FlagTargetContext, checks.TargetsReady: wizard.FlagTargetContext, checks.TargetsRights: wizard.FlagTargetContext,
	}
	for _, result := range d.result.Checks {
		if flag := questions[result.Check.ID]; flag != "" && result.Finding.Status == checks.Fail {
			return flag
		}
	}
	if d.result.Refusal != nil && d.setup.Side != spec.SideKubernetes { // whom the other side has still to let in
		return wizard.FlagJoinType
	}
	if len(d.result.Plan.Conflicts()) > 0 {
		if d.setup.IsAgent() {
			return wizard.FlagAgentRelease
		}
		return wizard.FlagBotName
	}
	return ""
}
