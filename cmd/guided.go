package cmd

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tbotctl/tbotctl/checks"
	"github.com/tbotctl/tbotctl/internal/prompt"
	"github.com/tbotctl/tbotctl/internal/report"
	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/internal/tbotconfig"
	"github.com/tbotctl/tbotctl/internal/ui"
	"github.com/tbotctl/tbotctl/manifests"
	"github.com/tbotctl/tbotctl/wizard"
)

// guided is a run of init that a person is led through. The wizard asks and shows; what it looks with and acts by is here.
type guided struct {
	*initRun
	pages prompt.Prompter
	// held are the answers that the clusters were opened with.
	held wizard.Answers
	// stale tells that a look has failed, so that the next one has to be made anew.
	stale bool
	// shown is what the checks have said on a page already.
	shown map[checks.ID]checks.Status
	set   manifests.Set
	// written counts what all tries of this run wrote.
	written map[string]bool
}

// lookAgain is the pause between two looks for a login that somebody is making.
const lookAgain = time.Second

// guides tells that this run leads a person: one can be asked, and something is left to ask or to be said yes to. Who grants what another
// asks for decides nothing but whether to: a question at the end does. A dry run is a look at answers that are there.
func (o *initOptions) guides() bool {
	return o.terminal() && o.dryRun == "" && o.setup.Side.HasKubernetes() && (!o.yes && !o.filesOnly() || len(wizard.Missing(o.setup, wizard.Situation{Terminal: true, InPod: o.inPod()})) > 0)
}

func runGuided(ctx context.Context, o *initOptions) (err error) {
	if err := errors.Join(o.judgeTimes(), o.setup.Validate()); err != nil {
		return err
	}
	if _, err := o.openTargets(); err != nil {
		return err
	}
	pages := o.factory.Pages(o.accessible)
	g := &guided{initRun: &initRun{initOptions: o, outside: pages.Outside}, pages: pages, shown: map[checks.ID]checks.Status{}, written: map[string]bool{}}
	o.screen = true
	streams := *o.factory.Streams
	streams.Err, streams.ErrTTY = pages.Body(), true
	o.progress = report.NewProgress(&streams)
	wiz := wizard.Wizard{
		Prompt: pages, Speaker: o.progress, Kubernetes: kubernetesLooks{g}, Teleport: teleportLooks{g}, Deeds: deeds{g},
		Given: o.given, Now: o.factory.Now, LookAgain: lookAgain, Patience: o.timeout + o.waitTeleport,
	}
	defer ui.DivertStderr(streams.Err)()
	// The terminal is given back also where the wizard fails in a way that nobody thought of.
	defer func() { err = errors.Join(err, pages.Close()) }()
	answers, err := wiz.Run(ctx, wizard.Answers{Setup: o.setup, Identity: o.identity, Yes: o.yes, OutDir: o.outDir, TakeOver: o.takeOver, ForceConflicts: o.forceConflicts})
	err = errors.Join(err, pages.Close())
	if g.clusters != nil {
		err = errors.Join(err, g.clusters.close())
	}
	o.progress = report.NewProgress(o.factory.Streams)
	for _, note := range o.notes {
		o.progress.Warn(note)
	}
	return g.end(answers, err)
}

// end says on the ordinary screen what the pages said last: the result, or what stands and how to go on.
func (g *guided) end(answers wizard.Answers, err error) error {
	if g.setup.Resolved == nil {
		g.setup = answers.Setup
	}
	left := errors.Is(err, prompt.ErrCancelled) || errors.Is(err, wizard.ErrQuit)
	switch {
	case err == nil:
		if err := g.report(nil); err != nil {
			return err
		}
		g.sayAfter()
		g.howToGoOn()
		return nil
	case left && len(g.written) == 0:
		return &brokenOff{text: "left before anything was applied; nothing has been changed" + g.again(answers)}
	case left:
		return &brokenOff{text: fmt.Sprintf("left in the middle: %d resources were written and stand", len(g.written)) + g.again(answers)}
	}
	if len(g.written) > 0 {
		err = fmt.Errorf("%w%s", err, g.again(answers))
	}
	return g.report(err)
}

// again is how a run that was left goes on with the answers that were given.
func (g *guided) again(answers wizard.Answers) string {
	g.setup, g.identity = withoutResolved(answers.Setup), answers.Identity
	return "\nthe same answers once more:\n  " + g.commandLine(false)
}

func withoutResolved(s spec.Setup) spec.Setup {
	s.Resolved = nil
	return s
}

// brokenOff is a run that its user left; the exit code is that of a cancelled one.
type brokenOff struct{ text string }

func (b *brokenOff) Error() string { return b.text }
func (b *brokenOff) Unwrap() error { return prompt.ErrCancelled }

// sayAfter says what the looks at what was made have found that is not as it should be; the page that they ran on is gone.
func (g *guided) sayAfter() {
	for _, result := range g.result.Checks {
		if result.Check.Stage == checks.After && result.Finding.Status != checks.Pass && result.Finding.Status != checks.Skip {
			g.progress.Check(result)
		}
	}
}

// howToGoOn says how what exists now is used, undone and made once more.
func (g *guided) howToGoOn() {
	if len(g.result.Files) > 0 {
		g.sayFiles()
	} else {
		g.howToUse()
	}
	if len(g.result.Files) == 0 {
		g.progress.Head("How to undo it")
		g.progress.Command(g.deleteLine())
	}
	g.progress.Head("The same run without questions")
	g.progress.Command(g.commandLine(true))
}

// howToUse says what a consumer does with each Secret that tbot writes, and what is still to be bound.
func (g *guided) howToUse() {
	if g.setup.IsAgent() {
		g.progress.Head("How to run it")
		g.progress.Say("Helm installs the agent with the values that were written, and upgrades it by the same command:")
		g.progress.Command(g.helm(g.valuesFile()))
		return
	}
	n := g.setup.Names()
	for i, secret := range tbotconfig.Own(g.setup).Secrets() {
		if i == 0 {
			g.progress.Head("How to use it")
		}
		file, command := "identity", "tsh --identity /var/run/tbot/identity --proxy "+spec.ShellWord(g.setup.Teleport.Proxy)+" status"
		if g.setup.Access == spec.AccessKubernetes {
			file, command = "kubeconfig.yaml", "kubectl --kubeconfig /var/run/tbot/kubeconfig.yaml get pods"
		}
		g.progress.Say(fmt.Sprintf("A pod in namespace %s mounts Secret %s, say at /var/run/tbot, and uses the file `%s` in it:", n.Namespace, secret, file))
		g.progress.Command(command)
	}
	if n.OutputSecret != "" {
		g.progress.Say("tbot renews the certificates in it every 20 minutes; each lives for an hour, so a pod should read the file anew rather than keep it.")
	}
	g.howArgoCD()
	for i, binding := range g.bindings() {
		if i == 0 {
			which := "in each cluster that the bot reaches"
			if len(g.setup.Reach.Contexts) > 0 {
				which = "in the clusters that no context was named for"
			}
			g.progress.Head("What somebody has to bind, " + which)
		}
		g.progress.Command(binding)
	}
}
