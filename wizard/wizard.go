package wizard

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tbotctl/tbotctl/internal/prompt"
	"github.com/tbotctl/tbotctl/internal/spec"
)

// Wizard is one interactive run. Its fields are who asks, who speaks and who looks and does.
type Wizard struct {
	Prompt     prompt.Prompter
	Speaker    Speaker
	Kubernetes Kubernetes
	Teleport   Teleport
	Deeds      Deeds
	// Given tells whether a flag was given; what was given is not asked.
	Given func(flag string) bool
	Now   func() time.Time
	// LookAgain is the pause between two looks for a login that somebody is making.
	LookAgain time.Duration
	// Patience is how long an apply may take.
	Patience time.Duration

	answers Answers
	reached *reaches
	// back tells that an earlier page asked something, asked that this one did.
	back, asked bool
	// answered are the pages that were gone through; returning tells that only one answer is being changed, so that they are
	// not asked again.
	answered  map[*page]bool
	returning bool
	forced    *page
	// known is what the page before has found out and says no more; taken is the join type that auto stands for.
	known []string
	taken spec.JoinType
	// notOurs tells that the run was begun for the Kubernetes side alone, so that nobody is asked about a login.
	notOurs bool
	// finished tells that there is nothing left to apply.
	finished bool
	// clusters are the Kubernetes clusters that Teleport lists; nil where they could not be listed.
	clusters []spec.ResolvedCluster
	// shelved are the clusters and rights of a purpose that was left for another one.
	shelved spec.Reach
	// shelvedArgoCD is what Argo CD was to get, likewise; noArgoCD says why nothing can be made for it, empty where it can.
	shelvedArgoCD spec.ArgoCD
	noArgoCD      string
	// byRoles tells that roles which are there grant what the bot may do in the clusters.
	byRoles bool
}

// ErrQuit means that the person left without applying.
var ErrQuit = errors.New("left without applying")

// page is one screen of the way.
type page struct {
	step  step
	title string
	// flags are those that answer what it asks; where all are given, it is passed over.
	flags []string
	// after are the flags whose change makes this page's answers doubtful.
	after []string
	// enough says whether some of the flags, or others, answer it as well; nil means that they do not.
	enough func() bool
	// when says whether the page arises; nil means always.
	when func() bool
	run  func(context.Context) error
}

// step is a stretch of the way that the trail at the top names.
type step int

const (
	stepKubernetes step = iota
	stepTeleport
	stepDiscovery
	stepNames
	stepPurpose
	stepPlan
	stepApply
	stepDone
)

func steps() []string {
	return []string{"Kubernetes", "Teleport", "Discovery", "Names", "Purpose", "Plan", "Apply", "Done"}
}

// pages are the whole way.
func (w *Wizard) pages() []*page {
	return []*page{
		{step: stepKubernetes, title: "Where tbot runs", flags: []string{FlagContext}, run: w.askContext},
		{step: stepTeleport, title: "What tbot joins", flags: []string{FlagProxy}, run: w.askProxy},
		{step: stepTeleport, title: "The login", run: w.lookAtTeleport},
		{step: stepDiscovery, title: "How Teleport gets to know this cluster's keys", after: []string{FlagContext, FlagProxy}, run: w.askJoinType},
		{step: stepNames, title: "What is deployed", flags: []string{FlagWorkload}, run: w.askWorkload},
		{step: stepNames, title: "Where in the cluster", flags: []string{FlagNamespace}, after: []string{FlagContext}, run: w.askNamespace},
		{
			step: stepNames, title: "What the parts are called", flags: []string{FlagBotName, FlagTokenName, FlagServiceAccount},
			after: []string{FlagContext, FlagProxy, FlagNamespace, FlagWorkload}, when: w.isTbot, run: w.askNames,
		},
		{
			step: stepNames, title: "What the parts are called", flags: []string{FlagAgentRelease, FlagTokenName},
			after: []string{FlagContext, FlagProxy, FlagNamespace, FlagWorkload}, when: w.isAgent, run: w.askAgentNames,
		},
		{step: stepPurpose, title: "What the agent serves", flags: []string{FlagAgentRoles}, when: w.isAgent, run: w.askAgentRoles},
		{
			step: stepPurpose, title: "What is behind it", flags: []string{FlagAgentApp, FlagAgentDatabase, FlagAgentKubeName, FlagAgentLabels},
			after: []string{FlagAgentRoles}, enough: w.served, when: w.isAgent, run: w.askServed,
		},
		{step: stepPurpose, title: "What the bot is for", flags: []string{FlagAccess}, when: w.isTbot, run: w.askAccess},
		{step: stepPurpose, title: "Where Argo CD is", flags: []string{FlagArgoCDNamespace}, after: []string{FlagContext}, when: w.forArgoCD, run: w.askArgoCD},
		{
			step: stepPurpose, title: "Which clusters the bot reaches", flags: []string{FlagKubeCluster, FlagKubeLabels}, after: []string{FlagProxy},
			enough: func() bool { return w.Given(FlagKubeCluster) || w.Given(FlagKubeLabels) },
			when:   w.reachesClusters, run: w.askClusters,
		},
		{
			step: stepPurpose, title: "Who the bot is in these clusters", flags: []string{FlagKubeGroups, FlagKubeUsers, FlagImpersonation},
			enough: func() bool {
				return w.Given(FlagKubeGroups) || w.Given(FlagKubeUsers) || w.Given(FlagImpersonation) || w.rolesGiven()
			},
			when: w.reachesClusters, run: w.askWho,
		},
		{
			step: stepPurpose, title: "What it may do there", flags: []string{FlagClusterRole, FlagTargetNamespace},
			when: func() bool { return w.answers.Setup.MakesRole() }, run: w.askRights,
		},
		{step: stepPurpose, title: "Where tbotctl binds it", flags: []string{FlagTargetContext}, when: w.asksTargets, run: w.askTargets},
		{step: stepPurpose, title: "What tbot may read of Argo CD", flags: []string{FlagArgoCDRBAC}, when: w.forArgoCD, run: w.askArgoCDRBAC},
		{
			step: stepPurpose, title: "What the bot may do", flags: []string{FlagRoles, FlagOutputSecret}, after: []string{FlagProxy, FlagAccess},
			enough: func() bool { return w.forArgoCD() && w.Given(FlagRoles) },
			when:   func() bool { return w.answers.Setup.HasOutput() }, run: w.askRoles,
		},
		{step: stepPlan, title: "What will be made", run: w.askPlan},
		{step: stepApply, title: "Making it", when: func() bool { return !w.finished }, run: w.apply},
		{step: stepDone, title: "What exists now", run: w.done},
	}
}

// jump is the way back to the page that a flag answers.
type jump struct{ flag string }

func (j *jump) Error() string { return "back to --" + j.flag }

// Run leads through the pages, from the answers that were given to a setup that is proven, and returns the answers as they stand
// at the end, also with an error: prompt.ErrCancelled and ErrQuit where the person left.
func (w *Wizard) Run(ctx context.Context, given Answers) (Answers, error) {
	w.answers, w.reached, w.answered = given, &reaches{known: map[string]Reach{}}, map[*page]bool{}
	w.notOurs = !given.Setup.Side.HasTeleport()
	w.answers.NoTeleport = w.answers.NoTeleport || w.notOurs
	pages := w.pages()
	var trail []int
	backwards := false
	for at := 0; at < len(pages); {
		p := pages[at]
		if w.passOver(p) {
			at++
			continue
		}
		w.back, w.asked = len(trail) > 0 && p.step < stepApply, false
		before := w.values(p.flags)
		w.Prompt.Page(prompt.Page{Steps: steps(), Step: int(p.step), Title: p.title})
		err := p.run(ctx)
		var to *jump
		switch {
		case err == nil && !w.asked && backwards && len(trail) > 0:
			// A page that has nothing left to ask, such as a login that was mended, is no stop on the way back.
			at, trail = trail[len(trail)-1], trail[:len(trail)-1]
			w.forced = pages[at]
		case err == nil:
			backwards = false
			if w.asked {
				trail = append(trail, at)
			}
			w.answered[p] = true
			w.doubt(pages, changed(before, w.values(p.flags)))
			if w.forced == p {
				w.forced = nil
			}
			at++
		case errors.As(err, &to):
			w.returning, backwards = true, false
			if at = pageOf(pages, to.flag); at < 0 {
				return w.answers, fmt.Errorf("no page asks for --%s", to.flag)
			}
			w.forced = pages[at]
			trail = slices.DeleteFunc(trail, func(earlier int) bool { return earlier >= at })
		case errors.Is(err, prompt.ErrBack) && len(trail) > 0:
			w.returning, backwards = false, true
			at, trail = trail[len(trail)-1], trail[:len(trail)-1]
			w.forced = pages[at]
		default:
			return w.answers, err
		}
	}
	return w.answers, nil
}

// pageOf finds the page that asks for a flag; some pages always look, and so have no flags to be passed over by.
func pageOf(pages []*page, flag string) int {
	looks := map[string]step{FlagJoinType: stepDiscovery, FlagRotationRisk: stepDiscovery, FlagYes: stepPlan}
	return slices.IndexFunc(pages, func(p *page) bool {
		at, always := looks[flag]
		return slices.Contains(p.flags, flag) && (p.when == nil || p.when()) || always && p.step == at
	})
}

// passOver tells whether nothing on the page is to be asked.
func (w *Wizard) passOver(p *page) bool {
	switch {
	case p.when != nil && !p.when():
		return true
	case p == w.forced:
		return false
	case w.returning && w.answered[p] && p.step < stepPlan:
		return !w.lacks(p)
	case w.answered[p]:
		return false
	case p.enough != nil && p.enough():
		return true
	}
	return len(p.flags) > 0 && !slices.ContainsFunc(p.flags, func(flag string) bool { return !w.Given(flag) })
}

// lacks tells that an answer which the page gives is needed and not there, because another answer was changed.
func (w *Wizard) lacks(p *page) bool {
	return slices.ContainsFunc(Missing(w.answers.Setup, Situation{Terminal: true}), func(q Question) bool {
		return slices.ContainsFunc(q.flags(), func(flag string) bool { return slices.Contains(p.flags, flag) })
	})
}

func (w *Wizard) reachesClusters() bool { return w.answers.Setup.ReachesClusters() }

// doubt has the pages asked again whose ground has changed.
func (w *Wizard) doubt(pages []*page, flags []string) {
	for _, p := range pages {
		if slices.ContainsFunc(p.after, func(flag string) bool { return slices.Contains(flags, flag) }) {
			delete(w.answered, p)
		}
	}
}

// values are the answers that a page's flags give.
func (w *Wizard) values(flags []string) map[string]string {
	values := map[string]string{}
	for _, flag := range flags {
		values[flag] = w.value(flag)
	}
	return values
}

func changed(before, after map[string]string) []string {
	var flags []string
	for flag, value := range after {
		if before[flag] != value {
			flags = append(flags, flag)
		}
	}
	return flags
}
