package checks

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/semver"

	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/internal/tbotconfig"
)

// The checks of what tbot hands out.
const (
	NoExecPlugin   ID = "TBC702"
	OutputFresh    ID = "TBC703"
	OutputValid    ID = "TBC704"
	ArgoSees       ID = "TBC705"
	ArgoNotStale   ID = "TBC706"
	ArgoLabelsKept ID = "TBC707"
	OutputRecent   ID = "TBC708"
)

func liveOutputChecks() []Check {
	file := []ID{ConfigReads}
	return []Check{
		{
			ID: NoExecPlugin, Category: CategoryOutput, Stage: Diagnosis, Needs: file, Problems: []string{"P22"}, Title: "kubeconfigs in Secrets carry their credentials themselves",
			Run: configured(func(_ context.Context, _ *Facts, l *Live) Finding { return judgeExecPlugin(l.Workload) }),
		},
		{
			ID: OutputFresh, Category: CategoryOutput, Stage: Diagnosis, Needs: file, Symptom: true, Problems: []string{"P40"}, Title: "each output's Secret is there and fresh",
			Run: configured(func(ctx context.Context, _ *Facts, l *Live) Finding {
				seen, lacking := l.seenOutputs(ctx)
				if lacking != nil {
					return *lacking
				}
				return judgeFresh(l.Workload, seen, l.podSince(ctx), l.serverNow(ctx))
			}),
		},
		{
			ID: OutputValid, Category: CategoryOutput, Stage: Diagnosis, Needs: []ID{OutputFresh}, Problems: []string{"P23"}, Title: "its certificate is of this cluster and carries the bot's roles",
			Run: configured(runOutputValid),
		},
		{
			ID: ArgoSees, Category: CategoryOutput, Stage: Diagnosis, Needs: file, Problems: []string{"P27"}, Title: "Argo CD gets a Secret for each cluster", Run: configured(runArgoSees),
		},
		{
			ID: ArgoNotStale, Category: CategoryOutput, Stage: Diagnosis, Needs: []ID{ArgoSees}, Problems: []string{"P28"}, Title: "no cluster Secret of Argo CD is left behind",
			Run: configured(func(ctx context.Context, f *Facts, l *Live) Finding {
				seen, lacking := l.seenArgo(ctx, f)
				if lacking != nil {
					return *lacking
				}
				return judgeArgoStale(l.Workload, seen, l.serverNow(ctx))
			}),
		},
		{
			ID: ArgoLabelsKept, Category: CategoryOutput, Stage: Diagnosis, Needs: []ID{ArgoSees}, Problems: []string{"P29"}, Title: "labels of Argo CD's cluster Secrets are tbot's to keep",
			Run: configured(func(ctx context.Context, f *Facts, l *Live) Finding {
				seen, lacking := l.seenArgo(ctx, f)
				if lacking != nil {
					return *lacking
				}
				return judgeArgoLabels(l.Workload, seen)
			}),
		},
		{
			ID: OutputRecent, Category: CategoryOutput, Stage: Diagnosis, Needs: file, Symptom: true, Title: "each output's certificate was made lately",
			Run: configured(runOutputRecent),
		},
	}
}

// judgeExecPlugin is P22. From 16.0.4 on tbot leaves the plugin out by itself where the destination is no folder (teleport-facts 6.3).
func judgeExecPlugin(w Workload) Finding {
	const since = "v16.0.4"
	_, version := splitImage(w.container().Image)
	version = "v" + strings.TrimPrefix(version, "v")
	for _, output := range w.Config.Outputs {
		disabled := true
		switch o := output.(type) {
		case *tbotconfig.Kubernetes:
			disabled = o.DisableExecPlugin
		case *tbotconfig.KubernetesV2:
			disabled = o.DisableExecPlugin
		}
		destination, _ := tbotconfig.DestinationOf(output)
		if disabled || destination.Type != tbotconfig.DestinationSecret {
			continue
		}
		finding := Finding{
			Status: Fail, Observed: describe(output) + " writes a kubeconfig into Secret " + destination.Name + " that calls tbot, which tbot before 16.0.4 refuses",
			Expected: "disable_exec_plugin: true", Fix: w.disableExecPlugin(output),
		}
		switch {
		case !semver.IsValid(version):
			finding.Status = Warn
			return finding
		case semver.Compare(version, since) < 0:
			return finding
		}
	}
	return passed("no kubeconfig in a Secret calls tbot")
}

func (w Workload) disableExecPlugin(output tbotconfig.Output) string {
	kind := "type: " + output.Shared().Type
	for line := range strings.Lines(w.Text) {
		at := strings.Index(line, kind)
		if at >= 0 && strings.TrimSpace(line[at:]) == kind {
			return w.rewrite(line, line+strings.Repeat(" ", at)+"disable_exec_plugin: true\n")
		}
	}
	return w.rewrite("", "")
}

// seenOutput is one Secret of tbot.yaml with what stands in it; nil where there is none.
type seenOutput struct {
	written
	found *Output
}

// seenOutputs reads the Secrets of the outputs, of all even where one cannot be read.
func (l *Live) seenOutputs(ctx context.Context) ([]seenOutput, *Finding) {
	var seen []seenOutput
	for _, secret := range l.Workload.secrets() {
		if secret.output == nil {
			continue
		}
		if l.Output == nil {
			finding := skipped("this run cannot look into Secrets")
			return nil, &finding
		}
		found, err := l.Output(ctx, secret.namespace, secret.name)
		if err != nil {
			finding := unknown(err)
			return nil, &finding
		}
		seen = append(seen, seenOutput{secret, found})
	}
	return seen, nil
}

// podSince is when the newest pod began; zero where that is not known.
func (l *Live) podSince(ctx context.Context) time.Time {
	if l.Pods == nil {
		return time.Time{}
	}
	pods, err := l.Pods(ctx)
	if err != nil || len(pods) == 0 {
		return time.Time{}
	}
	return pods[0].CreationTimestamp.Time
}

// wroteSince reports whether some output was written after that time, and is not overdue; nil where that cannot be seen.
func (l *Live) wroteSince(ctx context.Context, since time.Time) *bool {
	seen, lacking := l.seenOutputs(ctx)
	if lacking != nil || len(seen) == 0 {
		return nil
	}
	now := l.serverNow(ctx)
	wrote := slices.ContainsFunc(seen, func(s seenOutput) bool {
		return s.found != nil && s.found.Certificate != nil && s.since().After(since) && l.Workload.stale(s, now) == ""
	})
	return &wrote
}

// since is when tbot last wrote the Secret, by its managed fields or by the certificate in it.
func (s seenOutput) since() time.Time {
	if s.found.Written.IsZero() && s.found.Certificate != nil {
		return s.found.Certificate.NotBefore
	}
	return s.found.Written
}

// firstMinutes is how long a new pod may take.
const firstMinutes = 2 * time.Minute

// judgeFresh tells of the first Secret that is not as it should be.
func judgeFresh(w Workload, seen []seenOutput, podSince, now time.Time) Finding {
	if len(seen) == 0 {
		if len(w.Config.Outputs) > 0 || w.Manager == spec.ManagedBy {
			return skipped("no output of tbot.yaml goes into a Secret")
		}
		return Finding{
			Status: Warn, Observed: "tbot.yaml has no output: tbot joins, and hands out nothing", Expected: "an output, such as identity, with a kubernetes_secret as its destination" + w.inValues("outputs"),
			Fix: w.rewrite("", ""),
		}
	}
	logs := w.kubectl("logs", "deployment/"+w.Deployment.Name, "--container", w.container().Name)
	var names []string
	for _, s := range seen {
		finding := Finding{Status: Fail, Expected: fmt.Sprintf("written every %s by %s", roundly(w.interval(s.output)), describe(s.output)), Fix: logs}
		switch why := w.stale(s, now); {
		case s.found == nil && !podSince.IsZero() && now.Sub(podSince) < firstMinutes:
			finding.Status, finding.Observed = Warn, "Secret "+s.String()+" is not there yet; the pod is "+roundly(now.Sub(podSince))+" old"
			return finding
		case s.found == nil:
			finding.Observed = "Secret " + s.String() + " does not exist"
			return finding
		case why != "":
			finding.Observed = "Secret " + s.String() + " " + why
			return finding
		}
		names = append(names, s.String())
	}
	return passed("Secret " + strings.Join(names, ", "))
}

// carriesCertificate tells the outputs that write a certificate of the bot's (teleport-facts 6.3). That of a workload identity is
// nobody's but the workload's.
func carriesCertificate(output tbotconfig.Output) bool {
	switch output.Shared().Type {
	case tbotconfig.TypeIdentity, tbotconfig.TypeKubernetes, tbotconfig.TypeKubernetesV2, tbotconfig.TypeArgoCD, "application", "database":
		return true
	}
	return false
}

// stale is what is wrong with the age of a Secret that is there; empty where nothing is. Twice the interval lets tbot miss one turn.
func (w Workload) stale(s seenOutput, now time.Time) string {
	if s.found == nil || !carriesCertificate(s.output) {
		return ""
	}
	certificate := s.found.Certificate
	if certificate == nil {
		return "holds no certificate that can be read: " + s.found.Problem
	}
	switch age := now.Sub(s.since()); {
	case now.After(certificate.NotAfter):
		return "holds a certificate that ended " + roundly(now.Sub(certificate.NotAfter)) + " ago"
	case age > 2*w.interval(s.output)+time.Minute:
		return "was last written " + roundly(age) + " ago; its certificate ends in " + roundly(certificate.NotAfter.Sub(now))
	}
	return ""
}

func runOutputValid(ctx context.Context, f *Facts, l *Live) Finding {
	seen, lacking := l.seenOutputs(ctx)
	if lacking != nil {
		return *lacking
	}
	proxy, lacking := fetched(ctx, f.Proxy, "the Teleport proxy is not known, and so not its cluster's name")
	if lacking != nil {
		return *lacking
	}
	var bot *botSeen
	if l.Bot != nil {
		found, err := l.Bot(ctx)
		if err != nil {
			return unknown(err)
		}
		if found != nil {
			bot = &botSeen{found.GetMetadata().GetName(), found.GetSpec().GetRoles()}
		}
	}
	return judgeOutputValid(l.Workload, seen, proxy.ClusterName, bot)
}

// botSeen is what a certificate is held to.
type botSeen struct {
	name  string
	roles []string
}

// judgeOutputValid leaves what has ended to TBC703. bot is nil where nobody may look at it.
func judgeOutputValid(w Workload, seen []seenOutput, clusterName string, bot *botSeen) Finding {
	looked := ""
	for _, s := range seen {
		if s.found == nil || s.found.Certificate == nil || !carriesCertificate(s.output) {
			continue
		}
		certificate := s.found.Certificate
		finding := Finding{Status: Fail, Fix: w.restart()}
		var of string
		if organization := certificate.Issuer.Organization; len(organization) > 0 {
			of = organization[0]
		}
		roles := slices.Clone(certificate.Subject.Organization)
		slices.Sort(roles)
		user := certificate.Subject.CommonName
		looked = user + ", roles " + strings.Join(roles, ", ")
		switch {
		case of != clusterName:
			finding.Observed = "the certificate in Secret " + s.String() + " is of cluster " + spec.Quote(of)
			finding.Expected = spec.Quote(clusterName)
			return finding
		case bot == nil && !strings.HasPrefix(user, botUser):
			finding.Observed, finding.Expected = "the certificate in Secret "+s.String()+" is of "+spec.Quote(user)+", which is no bot", botUser+"NAME"
			return finding
		case bot == nil:
			continue
		case user != botUser+strings.ReplaceAll(bot.name, " ", "-"):
			finding.Observed, finding.Expected = "the certificate in Secret "+s.String()+" is of "+spec.Quote(user), botUser+bot.name
			return finding
		}
		wanted := s.output.Shared().Roles
		if len(wanted) == 0 {
			wanted = bot.roles
		}
		missing, more := without(wanted, roles), without(roles, wanted)
		finding.Expected = "the roles " + strings.Join(wanted, ", ") + " of bot " + bot.name
		switch {
		case len(missing) > 0:
			finding.Observed = "the certificate in Secret " + s.String() + " lacks the roles " + strings.Join(missing, ", ")
			return finding
		case len(more) > 0:
			finding.Status = Warn
			finding.Observed = "the certificate in Secret " + s.String() + " carries " + strings.Join(more, ", ") + ", which the bot no longer has, until its next renewal"
			return finding
		}
	}
	if looked == "" {
		return skipped("no output's certificate can be looked at")
	}
	return passed(looked)
}

// without is what stands in all and not in some.
func without(all, some []string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(s string) bool { return slices.Contains(some, s) })
}
