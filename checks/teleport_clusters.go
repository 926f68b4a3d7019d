package checks

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/tbotctl/tbotctl/internal/spec"
)

// KubeClusters is the check that what the bot is to reach is there to be reached, TargetsAllow that it may do something there.
const (
	KubeClusters ID = "TBC313"
	TargetsAllow ID = "TBC315"
)

func reachChecks() []Check {
	return []Check{{
		ID: KubeClusters, Category: CategoryTeleport, Stage: Before, For: spec.Setup.ReachesClusters, Needs: []ID{TeleportLogin}, Title: "the Kubernetes clusters that the bot is for are enrolled", Problems: []string{"P27"},
		Run: func(ctx context.Context, f *Facts) Finding {
			if !f.Setup.ReachesClusters() || f.KubeClusters == nil {
				return Finding{Status: Skip, Observed: "the bot is not for Kubernetes clusters"}
			}
			all, err := f.KubeClusters(ctx)
			if err != nil {
				return unknown(err)
			}
			return judgeKubeClusters(f.Setup.Reach, all)
		},
	}, {
		ID: TargetsAllow, Category: CategoryTeleport, Stage: Diagnosis, Needs: []ID{ConfigReads}, Title: "the clusters let the bot do something", Problems: []string{"P25"},
		Run: configured(func(_ context.Context, _ *Facts, l *Live) Finding { return judgeTargets(l.Workload) }),
	}}
}

// judgeTargets says who can tell: a group that nothing binds looks from outside like one that is bound (field-notes P25), and doctor
// holds no credentials of the bot to ask with.
func judgeTargets(w Workload) Finding {
	if len(w.kubernetesOutputs()) == 0 {
		return skipped("no output is for Kubernetes clusters")
	}
	finding := skipped("only they can tell, asked as the bot")
	finding.Fix = "tbotctl verify --namespace " + spec.ShellWord(w.Deployment.Namespace) + " --name " + spec.ShellWord(w.Deployment.Name) + " --each-cluster"
	return finding
}

// judgeKubeClusters wants each name to be a cluster's, and each selector to match one at least: tbot itself fails the output for a name
// and only logs the selector (teleport-facts 6.3).
func judgeKubeClusters(reach spec.Reach, all []spec.ResolvedCluster) Finding {
	var lacking, matched []string
	for _, name := range reach.Clusters {
		if !slices.ContainsFunc(all, func(c spec.ResolvedCluster) bool { return c.Name == name }) {
			lacking = append(lacking, "no cluster "+spec.Quote(name))
		}
	}
	for _, labels := range reach.Labels {
		if !slices.ContainsFunc(all, func(c spec.ResolvedCluster) bool { return c.Carries(labels) }) {
			lacking = append(lacking, "no cluster with "+pairs(labels))
		}
	}
	for _, cluster := range all {
		if reach.Matches(cluster) {
			matched = append(matched, cluster.Name)
		}
	}
	switch {
	case len(lacking) == 0:
		return passed(few(matched))
	case len(all) == 0 && len(reach.Clusters) == 0:
		// Teleport shows a login the clusters that its own roles reach and no others, so that one who administers may see none.
		return Finding{
			Status: Warn, Observed: enrolled(all) + ", so the labels are not compared; the proof of the join tells", Expected: "a login whose roles reach the clusters, to see the matches beforehand",
			Fix: "tctl get kube_server",
		}
	}
	return Finding{
		Status: Fail, Observed: strings.Join(lacking, ", ") + "; " + enrolled(all), Expected: "clusters that are enrolled and that this login may see",
		Fix: "name clusters of `tctl get kube_server` by --kube-cluster, or labels that they carry by --kube-labels",
	}
}

func enrolled(all []spec.ResolvedCluster) string {
	if len(all) == 0 {
		return "this login sees no Kubernetes cluster in Teleport"
	}
	names := make([]string, 0, len(all))
	for _, cluster := range all {
		names = append(names, cluster.Name)
	}
	return "there are " + few(names)
}

// few names the first of a long list.
func few(names []string) string {
	const most = 8
	slices.Sort(names)
	if len(names) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
	}
	return strings.Join(names, ", ")
}

func pairs(labels map[string]string) string {
	all := make([]string, 0, len(labels))
	for key, value := range labels {
		all = append(all, key+"="+value)
	}
	slices.Sort(all)
	return strings.Join(all, ",")
}
