package checks

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tbotctl/tbotctl/internal/spec"
)

// The checks of what access to clusters needs beyond the clusters themselves.
const (
	ArgoCDFound      ID = "TBC106"
	ActsWithoutGroup ID = "TBC316"
	ClientsGetIn     ID = "TBC317"
)

func forArgoCD(s spec.Setup) bool { return s.Access == spec.AccessArgoCD }

func argoCDFoundChecks() []Check {
	return []Check{{
		ID: ArgoCDFound, Category: CategoryKubernetes, Stage: Before, For: forArgoCD, Needs: []ID{KubernetesAnswers}, Title: "the namespace of Argo CD is known", Problems: []string{"P27"},
		Run: func(ctx context.Context, f *Facts) Finding {
			if !forArgoCD(f.Setup) || f.ArgoCDs == nil {
				return skipped("the bot is not for Argo CD")
			}
			found, err := f.ArgoCDs(ctx)
			if err != nil {
				return unknown(err)
			}
			return JudgeArgoCD(f.Setup.ArgoCD.Namespace, found)
		},
	}}
}

// JudgeArgoCD wants one namespace with Argo CD's ConfigMap: it reads the cluster Secrets of its own namespace and of no other
// (field-notes P27). wanted is the one that was given, or empty; found are those that have it.
func JudgeArgoCD(wanted string, found []string) Finding {
	const expected = "a namespace with Argo CD, which is the one that holds its ConfigMap argocd-cm"
	switch {
	case wanted != "" && !slices.Contains(found, wanted):
		return Finding{
			Status: Fail, Observed: "namespace " + wanted + " is one without Argo CD: it holds no ConfigMap argocd-cm", Expected: expected,
			Fix: "kubectl get configmaps --all-namespaces --field-selector metadata.name=argocd-cm, and give the namespace by --argocd-namespace",
		}
	case wanted != "":
		return passed(wanted)
	case len(found) == 0:
		return Finding{
			Status: Fail, Observed: "no namespace holds a ConfigMap argocd-cm, so Argo CD is not in this cluster", Expected: expected,
			Fix: "give the --context of the cluster that Argo CD runs in, or install Argo CD first",
		}
	case len(found) > 1:
		return Finding{
			Status: Fail, Observed: fmt.Sprintf("%d namespaces hold an Argo CD: %s", len(found), few(slices.Clone(found))), Expected: "one, or a word which is meant",
			Fix: "give one of them by --argocd-namespace",
		}
	}
	return passed(found[0])
}

func reachRoleChecks() []Check {
	return []Check{
		{
			ID: ActsWithoutGroup, Category: CategoryTeleport, Stage: Before, For: spec.Setup.Impersonates, Needs: []ID{TeleportLogin}, Title: "no role of the bot gives groups to whom Argo CD acts as", Problems: []string{"P26"},
			Run: func(ctx context.Context, f *Facts) Finding {
				if !f.Setup.Impersonates() || f.BotGroups == nil {
					return skipped("Argo CD does not act as others")
				}
				groups, err := f.BotGroups(ctx)
				if err != nil {
					return unknown(err)
				}
				return judgeActs(f.Setup.Names().Bot, groups)
			},
		},
		{
			ID: ClientsGetIn, Category: CategoryTeleport, Stage: Before, For: spec.Setup.ReachesClusters, Needs: []ID{TeleportAnswers}, ProvedBy: JoinProven, Title: "Kubernetes clients get through to the proxy", Problems: []string{"P30"},
			Run: func(ctx context.Context, f *Facts) Finding {
				if !f.Setup.ReachesClusters() || f.TLSEnds == nil {
					return skipped("the bot is not for Kubernetes clusters")
				}
				ends, err := f.TLSEnds(ctx)
				if err != nil {
					return unknown(err)
				}
				return judgeClients(f.Setup, ends)
			},
		},
	}
}

// judgeActs holds impersonation to what separates projects by it: Teleport adds the groups of every role to whomever Argo CD acts as
// (the guide for Argo CD; field-notes P26). groups are those of the bot's roles, by role.
func judgeActs(bot string, groups map[string][]string) Finding {
	var found []string
	for _, role := range slices.Sorted(maps.Keys(groups)) {
		if len(groups[role]) > 0 {
			found = append(found, fmt.Sprintf("role %s has kubernetes_groups %s", spec.Quote(role), quoted(groups[role])))
		}
	}
	if len(found) == 0 {
		return passed("Teleport adds no group to whomever is acted as")
	}
	who := "the bot"
	if bot != "" {
		who = "bot " + spec.Quote(bot)
	}
	return Finding{
		Status: Fail, Observed: strings.Join(found, ", ") + "; Teleport adds them to whomever Argo CD acts as, and the projects are not separated any more",
		Expected: "no role of " + who + " with kubernetes_groups", Fix: "leave that role out of --roles, or leave --argocd-impersonation out",
	}
}

// judgeClients is P30: the credentials of Kubernetes clients are their TLS certificates, which do not get through to the proxy where
// something before it ends TLS. tbot refuses Argo CD's output there, and writes kubeconfigs that do not work.
func judgeClients(s spec.Setup, ends bool) Finding {
	if !ends {
		return passed("the proxy itself ends TLS")
	}
	finding := Finding{
		Status: Warn, Observed: "something in front of the proxy ends TLS: tbot joins through it, and a kubeconfig does not work through it", Expected: "a load balancer that passes TLS through (layer 4)",
		Fix: "give --proxy an address behind which no load balancer ends TLS (layer 4), or let consumers go through `tbot proxy kube`",
	}
	if s.Access == spec.AccessArgoCD {
		finding.Status = Fail
		finding.Observed = "something in front of the proxy ends TLS: the certificates by which Argo CD would come do not get through, and tbot refuses to make them"
		finding.Fix = "give --proxy an address behind which no load balancer ends TLS (layer 4)"
	}
	return finding
}
