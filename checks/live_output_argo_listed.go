package checks

import (
	"context"
	"slices"
	"time"

	"github.com/tbotctl/tbotctl/internal/tbotconfig"
)

// What tbot notes on a cluster Secret beside the time (teleport-facts 6.5).
const (
	argoBot      = "teleport.dev/bot-name"
	argoCluster  = "teleport.dev/kubernetes-cluster-name"
	argoTeleport = "teleport.dev/teleport-cluster-name"
)

// listedArgo reads the cluster Secrets that an output has written and no selector names: of clusters that carry its labels, and of those
// that no longer match, which tbot leaves behind (field-notes P28). Without a login the bot is not known, and Secrets of another tbot
// beside it could be taken for this one's; then only an output that goes by labels is looked at.
func (l *Live) listedArgo(ctx context.Context, output *tbotconfig.ArgoCD, teleportCluster string, named []seenCluster) ([]seenCluster, error) {
	bot, _ := had(ctx, l.Bot)
	byLabels := slices.ContainsFunc(output.Selectors, func(s tbotconfig.Selector) bool { return s.Name == "" })
	if l.ClusterSecrets == nil || !byLabels && bot == nil {
		return nil, nil
	}
	namespace := l.Workload.argoNamespace(output)
	names, err := l.ClusterSecrets(ctx, namespace)
	if err != nil && byLabels {
		return nil, err
	}
	var seen []seenCluster
	for _, name := range names {
		if slices.ContainsFunc(named, func(s seenCluster) bool { return s.namespace == namespace && s.name == name }) {
			continue
		}
		found, err := l.Output(ctx, namespace, name)
		if err != nil {
			return nil, err
		}
		if found == nil || found.Annotations[argoTeleport] != teleportCluster || bot != nil && found.Annotations[argoBot] != bot.GetMetadata().GetName() {
			continue
		}
		if cluster := found.Annotations[argoCluster]; name == output.SecretName(teleportCluster, cluster) {
			seen = append(seen, seenCluster{output: output, cluster: cluster, namespace: namespace, name: name, found: found, listed: true})
		}
	}
	return seen, nil
}

// newest keeps, of the Secrets that were listed for an output, the one that was renewed last: it shows that tbot works, and those of clusters
// that no longer match do not show that it does not.
func newest(seen []seenCluster) []seenCluster {
	last := map[*tbotconfig.ArgoCD]int{}
	var kept []seenCluster
	for _, s := range seen {
		at, met := last[s.output]
		switch {
		case !s.listed:
			kept = append(kept, s)
		case !met:
			last[s.output] = len(kept)
			kept = append(kept, s)
		case s.updated().After(kept[at].updated()):
			kept[at] = s
		}
	}
	return kept
}

// updated is when tbot wrote the Secret; zero where it does not say.
func (s seenCluster) updated() time.Time {
	at, err := time.Parse(time.RFC3339, s.found.Annotations[argoUpdated])
	if err != nil {
		return time.Time{}
	}
	return at
}

// besideArgoCD holds each namespace that is written to against where an Argo CD runs: it reads its own and no other, and tbot does not mind
// (field-notes P27).
func (l *Live) besideArgoCD(ctx context.Context, otherwise Finding) Finding {
	for _, output := range l.Workload.argoOutputs() {
		namespace := l.Workload.argoNamespace(output)
		found, err := l.ArgoCDs(ctx, namespace)
		if err != nil {
			return unknown(err)
		}
		if len(found) == 0 {
			return Finding{
				Status: Fail, Observed: "the cluster Secrets go to namespace " + namespace + ", which holds no ConfigMap argocd-cm and so no Argo CD", Expected: "the namespace of Argo CD",
				Fix: "kubectl get configmaps --all-namespaces --field-selector metadata.name=argocd-cm, and put that namespace into secret_namespace" + l.Workload.inValues("argocd.secretNamespace"),
			}
		}
	}
	return otherwise
}
