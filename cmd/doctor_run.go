package cmd

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/tbotctl/tbotctl/checks"
	"github.com/tbotctl/tbotctl/internal/kube"
	"github.com/tbotctl/tbotctl/internal/report"
	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/internal/survey"
	"github.com/tbotctl/tbotctl/internal/ui"
	"github.com/tbotctl/tbotctl/wizard"
)

// doctorRun is one run of doctor.
type doctorRun struct {
	*doctorOptions
	result report.Doctor
	opened []*clusters
	// searchTook is how long the search for tbots took.
	searchTook time.Duration
	// seen are the facts of the tbots that were found in the last look.
	seen []*checks.Live
}

// waitAgain is the pause between two looks of --wait.
const waitAgain = 2 * time.Second

func runDoctor(ctx context.Context, o *doctorOptions) error {
	run := &doctorRun{doctorOptions: o}
	if err := notForAgents(o.setup, "doctor"); err != nil && !o.before {
		return err
	}
	onlyContext := func(q wizard.Question) bool {
		return q.Flag == wizard.FlagContext || o.before && q.Flag == wizard.FlagProxy
	}
	if err := run.open(ctx, onlyContext, false); err != nil {
		return err
	}
	if !o.before && o.setup.Side.HasKubernetes() {
		run.onlyGiven()
	}
	ctx, cancel := context.WithTimeout(ctx, o.timeout)
	defer cancel()
	err := run.repeatedly(ctx)
	for _, c := range run.opened {
		err = errors.Join(err, c.close())
	}
	if err != nil {
		return err
	}
	return run.tell(ctx)
}

// repeatedly looks, and with --wait looks again until nothing fails or the time is up.
func (r *doctorRun) repeatedly(ctx context.Context) error {
	until := r.factory.Now().Add(r.wait)
	ticker := time.NewTicker(waitAgain)
	defer ticker.Stop()
	for {
		if err := r.once(ctx); err != nil {
			return err
		}
		if !r.fails() || !r.factory.Now().Before(until) {
			return nil
		}
		r.progress.Looking(fmt.Sprintf("something fails; looking again for %s", until.Sub(r.factory.Now()).Round(time.Second)))
		select {
		case <-ctx.Done():
			return broken(ctx)
		case <-ticker.C:
		}
	}
}

// once finds what lives and looks at each of it.
func (r *doctorRun) once(ctx context.Context) error {
	r.seen = nil
	r.result = report.Doctor{Version: r.factory.Build.Version, Target: report.DoctorTarget{
		Context: r.setup.Kubernetes.Context, Namespace: r.setup.Kubernetes.Namespace, Proxy: r.setup.Teleport.Proxy, ForServer: r.forServer,
	}}
	if r.before {
		r.examine(ctx, r.setup, nil)
		return broken(ctx)
	}
	if !r.setup.Side.HasKubernetes() {
		if err := r.rightCluster(ctx); err != nil {
			return err
		}
		r.progress.Say("Only Teleport is looked at, by what was asked of it; `tbotctl doctor --side kubernetes` looks at what runs.")
		asked := requestedWorkload(r.setup)
		r.examine(ctx, r.setup, &asked)
		return broken(ctx)
	}
	r.progress.Looking("looking for tbots")
	start := r.factory.Now()
	found, err := r.find(ctx)
	r.searchTook = r.factory.Now().Sub(start)
	switch {
	case errors.Is(err, survey.ErrNoTbot):
		r.examine(ctx, r.setup, nil)
		none := checks.NotFound(r.setup.Kubernetes.Namespace, nil)
		none.Finding.Observed = err.Error()
		r.add(none)
	case err != nil:
		r.examine(ctx, r.setup, nil)
		r.add(checks.NotFound(r.setup.Kubernetes.Namespace, err))
	case len(found.Workloads) == 0:
		// What can be said without a tbot is said all the same, and that there is none.
		r.examine(ctx, r.setup, nil)
		r.add(checks.NotFound(r.setup.Kubernetes.Namespace, nil))
	}
	if found.Narrowed != nil {
		r.progress.Warn("only this namespace was looked in: " + found.Narrowed.Error())
	}
	for i := range found.Workloads {
		r.examine(ctx, r.setupOf(found.Workloads[i]), &found.Workloads[i])
	}
	return broken(ctx)
}

// find looks no longer than a check does.
func (r *doctorRun) find(ctx context.Context) (survey.Found, error) {
	own, cancel := context.WithTimeout(ctx, checks.DefaultTimeout)
	defer cancel()
	return survey.Find(own, r.clusters.kube, r.search())
}

// broken tells a run that somebody ended. One whose time is up says what it saw until then, and that the rest is unknown.
func broken(ctx context.Context) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return nil
	}
	return ctx.Err()
}

// add puts a result beside those of the one installation that stands for none.
func (r *doctorRun) add(result checks.Result) {
	one := &r.result.Installations[len(r.result.Installations)-1]
	if r.wants(result.Check) {
		one.Results = append(one.Results, result)
		one.Conclusion = checks.Conclude(one.Results)
	}
}

// search says where to look: in the namespace that was named, or wherever the login may look.
func (r *doctorRun) search() survey.Options {
	options := survey.Options{Namespace: r.setup.Kubernetes.Namespace}
	options.Fallback = kube.CurrentNamespace(kube.Options{Kubeconfig: r.kubeconfig, Context: r.setup.Kubernetes.Context})
	if options.Namespace == "" && r.scope == scopeNamespace {
		options.Namespace = options.Fallback
	}
	if r.named {
		options.Name = r.setup.Name
	}
	return options
}

// examine runs the checks on one tbot, or without one on the ground that it would stand on.
func (r *doctorRun) examine(ctx context.Context, s spec.Setup, w *checks.Workload) {
	target, err := r.targetOf(s)
	if err != nil {
		r.progress.Warn("what stands beside tbot.yaml as the proxy's authority cannot be read: " + err.Error())
	}
	c := newClusters(s, r.clusters.kube, target, r.login(), r.factory.Issuer, r.factory.Now)
	// For a tbot that lives, --prove mints the one token that its pod would present.
	c.mintsNothing = !r.prove || w != nil
	r.opened = append(r.opened, c)
	facts := c.facts()
	if r.offline {
		facts.Public = nil
	}
	one := report.Installation{}
	if w != nil {
		one.Name, one.Manager = w.Deployment.Namespace+"/"+w.Deployment.Name, w.Manager
		facts.Live = r.around(*w)
		r.seen = append(r.seen, facts.Live)
		c.liveLocal(facts.Live, facts.Public)
		c.liveEntry(facts.Live)
		// By its files alone: that it is not taken shows where it is used.
		if c.loginAtHand() == nil {
			c.liveTeleport(facts.Live)
		}
		if r.prove {
			r.liveProof(c, facts.Live)
		}
	}
	// What a failure would mean is looked at meanwhile.
	var (
		impact  []string
		looking sync.WaitGroup
	)
	if w != nil && r.clusters.kube != nil {
		looking.Go(func() { impact, one.Until = r.impact(ctx, facts.Live) })
	}
	results := checks.Settle(checks.Stream(ctx, r.selected(c, w != nil), facts, func(result checks.Result) {
		r.progress.Looking(string(result.Check.ID) + " " + result.Check.Title)
	}))
	looking.Wait()
	one.Results = r.searched(results)
	for i := range one.Results {
		one.Results[i].Finding.Fix = r.aimed(one.Results[i].Finding.Fix)
	}
	one.Conclusion = checks.Conclude(one.Results)
	if w != nil {
		if r.forServer != "" {
			one.Results = append(one.Results, r.upgrade(ctx, c, facts.Live)...)
			one.Conclusion = checks.Conclude(one.Results)
		}
		if one.Conclusion.Root != nil {
			one.Conclusion.Impact, one.Conclusion.Since = impact, r.since(ctx, facts.Live)
		}
		if root := one.Conclusion.Root; root != nil && !r.mayMend(ctx, c, root.Check.Category, s.Kubernetes.Namespace) {
			one.Send = send(one)
		}
	}
	if server, err := c.server(ctx); err == nil {
		r.result.Target.ClusterName, r.result.Target.ServerVersion, r.result.Target.Proxy = server.ClusterName, server.Version, target.Proxy
	}
	r.result.Installations = append(r.result.Installations, one)
}

// around are the facts of Kubernetes about a tbot; none where this run may not touch it.
func (r *doctorRun) around(w checks.Workload) *checks.Live {
	if r.clusters.kube == nil {
		return &checks.Live{Workload: w}
	}
	return survey.Around(r.clusters.kube, w)
}

// searched gives the search for tbots its time: it is what the check that one is installed looks by.
func (r *doctorRun) searched(results []checks.Result) []checks.Result {
	for i := range results {
		if results[i].Check.ID == checks.TbotInstalled {
			results[i].Duration += r.searchTook
		}
	}
	return results
}

// upgrade says what would break with another server.
func (r *doctorRun) upgrade(ctx context.Context, c *clusters, live *checks.Live) []checks.Result {
	from := ""
	if server, err := c.server(ctx); err == nil {
		from = server.Version
	}
	return checks.JudgeUpgrade(live.Workload, live.JoinType(ctx), from, r.forServer)
}

// send are the lines for whoever has the rights that this login has not.
func send(one report.Installation) []string {
	root := one.Conclusion.Root
	lines := []string{fmt.Sprintf("tbot %s does not work: %s: %s", one.Name, root.Check.ID, root.Finding.Observed)}
	if root.Finding.Expected != "" {
		lines = append(lines, "it should be: "+root.Finding.Expected)
	}
	if root.Finding.Fix != "" {
		lines = append(lines, "please: "+root.Finding.Fix)
	}
	return lines
}

// tell writes the result in the form that was asked for; the exit code is the same for every one of them.
func (r *doctorRun) tell(ctx context.Context) error {
	streams := r.factory.Streams
	write := map[string]func() error{
		"table": func() error {
			return r.result.Table(streams.Out, ui.NewStyle(streams.Out, streams.OutColor, streams.Unicode), streams.Width)
		},
		"json":  func() error { return r.result.JSON(streams.Out) },
		"short": func() error { return r.result.Short(streams.Out) },
		"junit": func() error { return r.result.JUnit(streams.Out) },
	}
	r.progress.Looking("")
	if err := write[r.output](); err != nil {
		return err
	}
	if err := r.keepBundle(ctx); err != nil {
		return err
	}
	verdict := r.verdict()
	if r.output == "short" && !r.fails() {
		// Its lines are failures alone: what else ends the run badly is said as an error.
		return errors.Unwrap(verdict)
	}
	return verdict
}

func (r *doctorRun) results() []checks.Result {
	var all []checks.Result
	for _, one := range r.result.Installations {
		all = append(all, one.Results...)
	}
	return all
}

func (r *doctorRun) fails() bool {
	return slices.ContainsFunc(r.results(), func(result checks.Result) bool { return result.Finding.Status == checks.Fail })
}

// verdict makes the exit code: something fails, something could not be looked at, or all is well.
func (r *doctorRun) verdict() error {
	var failed, warned, unseen []string
	var login []error
	for _, result := range r.results() {
		switch id := string(result.Check.ID); result.Finding.Status {
		case checks.Fail:
			failed = append(failed, id)
			// Nothing can be looked at without one.
			if kube.Is(result.Finding.Err, kube.Login) {
				login = append(login, result.Finding.Err)
			}
		case checks.Warn:
			warned = append(warned, id)
		case checks.Unknown:
			unseen = append(unseen, id)
		case checks.Pass, checks.Skip:
		}
	}
	switch {
	case len(failed) > 0:
		return &toldError{&findingError{text: fmt.Sprintf("%v failed", failed), causes: login}}
	case len(warned) > 0 && r.failOn == "warn":
		return &toldError{&findingError{text: fmt.Sprintf("%v deserve a look", warned)}}
	case len(unseen) > 0:
		return &toldError{&unknownError{fmt.Sprintf("%v could not be looked at", unseen)}}
	}
	return nil
}

// toldError is an error whose text stands in the result already; it only carries the exit code.
type toldError struct{ err error }

func (e *toldError) Error() string { return e.err.Error() }
func (e *toldError) Unwrap() error { return e.err }
