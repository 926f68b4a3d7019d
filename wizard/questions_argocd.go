package wizard

import "github.com/tbotctl/tbotctl/internal/spec"

// The flags of what Argo CD alone is asked about.
const (
	FlagArgoCDNamespace = "argocd-namespace"
	FlagImpersonation   = "argocd-impersonation"
	FlagArgoCDRBAC      = "argocd-rbac"
)

func argoCDQuestions() []Question {
	return []Question{
		{
			Flag: FlagArgoCDNamespace, Title: "In which namespace does Argo CD run?", Help: "the one that holds its ConfigMap argocd-cm",
			When: func(s spec.Setup, at Situation) bool {
				return offline(s, at) && s.ArgoCDNamespace() == "" && s.Access == spec.AccessArgoCD
			},
			Explain: `Argo CD knows its clusters by Secrets in its own namespace, and looks into no other. tbot writes them there, wherever it runs itself.

The list holds the namespaces with a ConfigMap argocd-cm, as far as your login may see them.`,
		},
		{
			Flag: FlagImpersonation, Title: "Does Argo CD act as other users in the clusters?", Help: "for its own impersonation, a user for each project", Optional: true,
			Explain: `Argo CD can sync each project as a user of its own ("application.sync.impersonation.enabled"), so that one project cannot touch what is another's. The bot then has to be allowed to act as any user: ` + spec.AnyUserMeans + `.

No role of the bot may have kubernetes_groups then, for Teleport would add them to each of these users. While Argo CD names nobody, the bot is its own user, and that is whom the binding is for.`,
		},
		{
			Flag: FlagArgoCDRBAC, Title: "Which of Argo CD's Secrets may tbot read?", Help: "named: those of the clusters matched now; namespace: all", Optional: true,
			Explain: `tbot reads the Secret of a cluster before it creates or updates it.

named: it may read and update the Secrets of the clusters that match now, and no other. A cluster that matches later takes another run of init, which names its Secret too.

namespace: also for clusters to come. But ` + spec.ArgoCDRBACNamespaceMeans + `.`,
		},
	}
}
