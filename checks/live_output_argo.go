package checks

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/internal/tbotconfig"
)

// What marks Argo CD's cluster Secrets, and how tbot writes down its last turn (teleport-facts 6.5).
const (
	argoLabel   = "argocd.argoproj.io/secret-type"
	argoUpdated = "teleport.dev/updated"
)

// seenCluster is the Secret of one cluster that a selector names, or that was listed because it is tbot's; found is nil where there is none.
type seenCluster struct {
	output          *tbotconfig.ArgoCD
	cluster         string
	namespace, name string
	found           *Output
	listed          bool
}

// seenArgo reads the Secrets of the clusters that selectors name, and the others that tbot has written. Which ones match labels now, Teleport
// alone knows.
func (l *Live) seenArgo(ctx context.Context, f *Facts) ([]seenCluster, *Finding) {
	lacking := func(finding Finding) ([]seenCluster, *Finding) { return nil, &finding }
	outputs := l.Workload.argoOutputs()
	switch {
	case len(outputs) == 0:
		return lacking(skipped("tbot.yaml has no output for Argo CD"))
	case l.Output == nil:
		return lacking(skipped("this run cannot look into Secrets"))
	}
	proxy, missing := fetched(ctx, f.Proxy, "the Teleport proxy is not known, and so not the names of Argo CD's Secrets")
	if missing != nil {
		return nil, missing
	}
	var seen []seenCluster
	for _, output := range outputs {
		for _, selector := range output.Selectors {
			if selector.Name == "" {
				continue
			}
			s := seenCluster{output: output, cluster: selector.Name, namespace: l.Workload.argoNamespace(output), name: output.SecretName(proxy.ClusterName, selector.Name)}
			found, err := l.Output(ctx, s.namespace, s.name)
			if err != nil {
				return lacking(unknown(err))
			}
			s.found = found
			seen = append(seen, s)
		}
		listed, err := l.listedArgo(ctx, output, proxy.ClusterName, seen)
		if err != nil {
			return lacking(unknown(err))
		}
		seen = append(seen, listed...)
	}
	return seen, nil
}

func runArgoSees(ctx context.Context, f *Facts, l *Live) Finding {
	seen, lacking := l.seenArgo(ctx, f)
	if lacking != nil {
		return *lacking
	}
	var logs []Log
	if l.Logs != nil {
		found, err := l.Logs(ctx)
		if err != nil && len(seen) == 0 {
			return unknown(err)
		}
		logs = found
	}
	finding := judgeArgoSees(seen, logs)
	if finding.Status == Fail || l.ArgoCDs == nil {
		return finding
	}
	return l.besideArgoCD(ctx, finding)
}

// judgeArgoSees is P27: a bot that may see no cluster is no failure to tbot, which only counts them in its log.
func judgeArgoSees(seen []seenCluster, logs []Log) Finding {
	var names []string
	for _, s := range seen {
		switch {
		case s.found == nil:
			return Finding{
				Status: Fail, Observed: fmt.Sprintf("there is no Secret %s/%s for cluster %s", s.namespace, s.name, spec.Quote(s.cluster)),
				Expected: "the bot may see cluster " + spec.Quote(s.cluster) + " in Teleport, and Argo CD runs in namespace " + s.namespace,
				Fix:      "tctl get kube_server | grep --fixed-strings " + spec.ShellWord(s.cluster),
			}
		case s.found.Labels[argoLabel] != "cluster":
			return Finding{
				Status: Fail, Observed: fmt.Sprintf("Secret %s/%s has no label %s=cluster, by which Argo CD finds it", s.namespace, s.name, argoLabel), Expected: argoLabel + "=cluster",
				Fix: kubectlIn(s.namespace, "label", "secret", s.name, argoLabel+"=cluster", "--overwrite"),
			}
		}
		names = append(names, s.cluster)
	}
	if count, said := matched(logs); said && count == "0" {
		return Finding{
			Status: Fail, Observed: "tbot says matched_cluster_count=0: its selectors match no cluster that the bot may see", Expected: "at least one cluster",
			Fix: "tctl get kube_server --format json | grep --fixed-strings '\"labels\"'",
		}
	} else if said && len(names) == 0 {
		return passed("tbot says that " + count + " clusters match")
	}
	if len(names) == 0 {
		return skipped("the selectors are labels, and tbot's log does not say what they match")
	}
	return passed("cluster " + strings.Join(names, ", "))
}

var matchedClusters = regexp.MustCompile(`matched_cluster_count["=:\s]+([0-9]+)`)

// matched is the last count of matching clusters in the log of the newest pod that gives one.
func matched(logs []Log) (count string, said bool) {
	for _, log := range logs {
		for _, line := range slices.Backward(log.Lines) {
			if found := matchedClusters.FindStringSubmatch(line); found != nil {
				return found[1], true
			}
		}
	}
	return "", false
}

// judgeArgoStale is P28: tbot stops to renew the Secret of a cluster that no longer matches, and never deletes it.
func judgeArgoStale(w Workload, seen []seenCluster, now time.Time) Finding {
	for _, s := range seen {
		if s.found == nil {
			continue
		}
		var late []string
		if at := s.updated(); !at.IsZero() && now.Sub(at) > 2*w.interval(s.output)+time.Minute {
			late = append(late, "was last renewed "+roundly(now.Sub(at))+" ago")
		}
		if certificate := s.found.Certificate; certificate != nil && now.After(certificate.NotAfter) {
			late = append(late, "holds a certificate that ended "+roundly(now.Sub(certificate.NotAfter))+" ago")
		}
		if len(late) > 0 {
			return Finding{
				Status: Warn, Observed: fmt.Sprintf("Secret %s/%s of cluster %s %s", s.namespace, s.name, spec.Quote(s.cluster), strings.Join(late, " and ")),
				Expected: "renewed every " + roundly(w.interval(s.output)),
				Fix: kubectlIn(s.namespace, "get", "secrets", "--selector", argoLabel+"=cluster", "--output",
					`custom-columns=NAME:.metadata.name,CLUSTER:.metadata.annotations.teleport\.dev/kubernetes-cluster-name,RENEWED:.metadata.annotations.teleport\.dev/updated`),
			}
		}
	}
	if len(seen) == 0 {
		return skipped("the selectors name no cluster whose Secret could be looked at")
	}
	return passed("all are renewed in time")
}

// judgeArgoLabels is P29: at its next turn tbot puts its own labels in the place of all that are there.
func judgeArgoLabels(w Workload, seen []seenCluster) Finding {
	for _, s := range seen {
		if s.found == nil {
			continue
		}
		var lost []string
		for _, key := range slices.Sorted(maps.Keys(s.found.Labels)) {
			if _, kept := s.output.SecretLabels[key]; !kept && key != argoLabel {
				lost = append(lost, key+"="+s.found.Labels[key])
			}
		}
		if len(lost) > 0 {
			return Finding{
				Status: Warn, Observed: fmt.Sprintf("tbot will take the labels %s from Secret %s/%s at its next renewal", strings.Join(lost, ", "), s.namespace, s.name),
				Expected: "these labels under secret_labels of " + describe(s.output) + w.inValues("argocd.secretLabels"), Fix: w.keepLabels(s, lost),
			}
		}
	}
	if len(seen) == 0 {
		return skipped("the selectors name no cluster whose Secret could be looked at")
	}
	return passed("all labels come from tbot.yaml")
}

// keepLabels adds labels to an output's secret_labels, where the file is written so that one line tells where.
func (w Workload) keepLabels(s seenCluster, lost []string) string {
	key, more := "type: "+tbotconfig.TypeArgoCD, "secret_labels:\n"
	if len(s.output.SecretLabels) > 0 {
		key, more = "secret_labels:", ""
	}
	for line := range strings.Lines(w.Text) {
		at := strings.Index(line, key)
		if at < 0 || strings.TrimSpace(line[at:]) != key {
			continue
		}
		indent := strings.Repeat(" ", at)
		if more != "" {
			more = indent + more
		}
		for _, label := range lost {
			name, value, _ := strings.Cut(label, "=")
			more += fmt.Sprintf("%s  %q: %q\n", indent, name, value)
		}
		return w.rewrite(line, line+more)
	}
	return w.rewrite("", "")
}
