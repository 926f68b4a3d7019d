package cmd

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tbotctl/tbotctl/internal/prompt"
	"github.com/tbotctl/tbotctl/internal/report"
	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/internal/teleport"
	"github.com/tbotctl/tbotctl/internal/undo"
	"github.com/tbotctl/tbotctl/wizard"
)

// deleteRun is one run of delete; what stands in its result is reported also when it fails.
type deleteRun struct {
	*deleteOptions
	admin  *teleport.Client
	result report.Delete
}

// runDelete strings the parts together: both logins, whose installation it is, what there is of it, the question, the deletion,
// and a last look.
func runDelete(ctx context.Context, o *deleteOptions) error {
	run := &deleteRun{deleteOptions: o}
	asked := func(q wizard.Question) bool { return slices.Contains(deleteAnswers(), q.Flag) }
	if err := run.open(ctx, asked, true); err != nil {
		return err
	}
	var err error
	if run.clusters.targets, err = run.openTargets(); err != nil {
		return err
	}
	run.result.Setup = run.setup
	ctx, cancel := context.WithTimeout(ctx, o.timeout)
	defer cancel()
	err = run.carryOut(ctx)
	err = errors.Join(err, run.clusters.close())
	return run.report(err)
}

func (r *deleteRun) carryOut(ctx context.Context) error {
	r.sayWhere()
	if err := r.identify(ctx); err != nil {
		return err
	}
	r.progress.Looking("looking what there is")
	inventory, err := r.look(ctx)
	if teleport.Is(err, teleport.MFARequired) {
		err = fmt.Errorf("%w; %s", err, r.byHand())
	}
	if err != nil {
		return fmt.Errorf("nothing was deleted: %w", err)
	}
	r.result.Found = inventory
	r.sayRemoval()
	if err := leftToManagers(inventory); err != nil {
		return err
	}
	if len(inventory.Of(undo.Remove)) == 0 {
		return nil
	}
	r.sayRelease()
	runner := undo.Runner{
		Kubernetes: r.clusters.kube, Teleport: r.admin, Targets: r.clusters.undoTargets(), Observe: r.progress.Event, Now: r.factory.Now,
	}
	if err := r.rehearse(ctx, runner); err != nil {
		return err
	}
	if err := r.confirm(ctx, "Delete this?", "deleted"); err != nil {
		return err
	}
	r.progress.Head("Delete")
	r.result.Items, err = runner.Run(ctx, inventory)
	if err != nil {
		r.whatStands()
		return found(err)
	}
	return r.lookAgain(ctx)
}

// identify finds out which two clusters this is about: the marks and the names follow from them.
func (r *deleteRun) identify(ctx context.Context) error {
	server, err := r.clusters.server(ctx)
	if err != nil {
		return err
	}
	if named := r.setup.Teleport.ClusterName; named != "" && named != server.ClusterName {
		return &findingError{text: fmt.Sprintf("--cluster-name says %s, and the proxy belongs to %s; nothing was deleted", spec.Quote(named), spec.Quote(server.ClusterName))}
	}
	defer r.sayClock()
	if r.setup.Side.HasTeleport() {
		if r.admin, err = r.clusters.admin(ctx); err != nil {
			return err
		}
	}
	clusterID, err := r.clusters.identity(ctx)
	if err != nil {
		return err
	}
	resolved := &spec.Resolved{ClusterName: server.ClusterName, ServerVersion: server.Version, ClusterID: clusterID}
	if err := r.samePair(resolved); err != nil {
		return err
	}
	if !r.setup.Side.HasKubernetes() {
		resolved.JoinType, resolved.Issuer, resolved.JWKS = r.setup.Resolved.JoinType, r.setup.Resolved.Issuer, r.setup.Resolved.JWKS
	}
	r.setup.Resolved = resolved
	r.setup = r.setup.WithClusterID(clusterID)
	r.result.Setup, r.result.Left = r.setup, r.left()
	return nil
}

// left are the commands for what stays on the side that this run may not touch.
func (r *deleteRun) left() []string {
	n := r.setup.Names()
	switch r.setup.Side {
	case spec.SideKubernetes:
		commands := []string{"tctl rm token/" + spec.ShellWord(n.Token)}
		if n.Bot != "" {
			commands = append(commands, "tctl bots rm "+spec.ShellWord(n.Bot))
		}
		if n.KubeRole != "" {
			commands = append(commands, "tctl rm role/"+spec.ShellWord(n.KubeRole))
		}
		return commands
	case spec.SideTeleport:
		return []string{fmt.Sprintf("tbotctl delete --side kubernetes --namespace %s --proxy %s --name %s",
			spec.ShellWord(n.Namespace), spec.ShellWord(r.setup.Teleport.Proxy), spec.ShellWord(r.setup.Name))}
	case spec.SideBoth:
	}
	return nil
}

func (r *deleteRun) look(ctx context.Context) (undo.Inventory, error) {
	return undo.Look(ctx, undo.Target{Setup: r.setup, Targets: r.clusters.undoTargets(), PurgeOutputs: r.purgeOutputs}, r.clusters.kube, r.admin)
}

// byHand gives the commands that do the same where the Auth Service wants a touch for each call, which tbotctl cannot ask for; bots
// are exempt (teleport-facts 5.4).
func (r *deleteRun) byHand() string {
	n := r.setup.Names()
	if !r.setup.Side.HasKubernetes() {
		return fmt.Sprintf("give a bot's --identity, which needs no touch, or run:\n  tctl rm token/%s\n  tctl bots rm %s", n.Token, n.Bot)
	}
	return fmt.Sprintf("give a bot's --identity, which needs no touch, or run, in this order:\n"+
		"  tctl rm token/%s\n"+
		"  kubectl --context %s --namespace %s delete --cascade=foreground --wait deployment,rolebinding,role,configmap,serviceaccount --selector %s=%s,%s=%s\n"+
		"  tctl bots rm %s",
		n.Token, r.setup.Kubernetes.Context, n.Namespace, spec.LabelManagedBy, spec.ManagedBy, spec.LabelInstance, r.setup.Name, n.Bot)
}

func (r *deleteRun) sayRemoval() {
	r.progress.Head("What goes (-) and what stays (=)")
	r.progress.Removal(r.result.Found, r.heads())
	role := func(i undo.Item) bool { return i.Kind == "role" }
	if len(r.setup.Reach.Contexts) == 0 && slices.ContainsFunc(r.result.Found.Of(undo.Remove), role) {
		r.progress.Say("Bindings in the clusters that the bot reached are not looked for; --target-context names such clusters.")
	}
	if certificates := r.result.Certificates(); certificates != "" {
		r.progress.Say(certificates + " " + strings.Join(r.result.Locks(), "; "))
	}
}

// spared is a no to a question of confirm.
type spared struct{ text string }

func (e *spared) Error() string        { return e.text }
func (e *spared) Is(target error) bool { return target == errDeclined }

// confirm asks for a yes; without one nothing is done, as done says in one word.
func (s *session) confirm(ctx context.Context, question, done string) error {
	if s.yes {
		return nil
	}
	ok, err := s.factory.Prompter.Confirm(ctx, question)
	switch {
	case errors.Is(err, prompt.ErrCancelled) && ctx.Err() == nil:
		return &spared{"cancelled; nothing was " + done}
	case err != nil:
		return err
	case !ok:
		return &spared{"declined: nothing was " + done}
	}
	return nil
}

// found makes a finding of what a person has to look at: an object that is not gone in time, or that is somebody else's now.
func found(err error) error {
	var still *undo.StillThere
	if errors.As(err, &still) || errors.Is(err, undo.ErrChangedHands) {
		return &findingError{text: err.Error(), causes: []error{err}}
	}
	return err
}

// whatStands tells how far a run came that failed, and how it is finished.
func (r *deleteRun) whatStands() {
	var stands []string
	for _, item := range r.result.Items {
		if item.Fate == undo.Remove {
			stands = append(stands, item.ID())
		}
	}
	r.progress.Say("Not deleted yet: " + strings.Join(stands, ", ") + ". The same command goes on from here.")
}

// lookAgain holds the run to its word.
func (r *deleteRun) lookAgain(ctx context.Context) error {
	r.progress.Looking("looking whether anything is left")
	again, err := r.look(ctx)
	if err != nil {
		return fmt.Errorf("all of it was deleted, but whether anything is left could not be looked at: %w", err)
	}
	left := again.Of(undo.Remove)
	if len(left) == 0 {
		r.result.Complete = true
		return nil
	}
	names := make([]string, len(left))
	for i, item := range left {
		names[i] = item.ID()
	}
	return &findingError{text: "something made these anew while they were being deleted: " + strings.Join(names, ", ") + "; the same command removes them too"}
}

func (r *deleteRun) report(err error) error {
	r.result.Err = err
	if r.output == formatJSON {
		return errors.Join(err, r.result.JSON(r.factory.Streams.Out))
	}
	if err != nil {
		return err
	}
	r.progress.Head("Done")
	return r.result.Table(r.factory.Streams.Out)
}
