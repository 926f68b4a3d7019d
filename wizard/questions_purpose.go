package wizard

import "github.com/tbotctl/tbotctl/internal/spec"

// purposeQuestions are about what the bot is for, and what it may do.
func purposeQuestions() []Question {
	return []Question{
		{
			Flag: FlagAccess, Title: "What is the bot for?", Help: "identity, kubernetes and argocd write credentials to Secrets, none only joins", Optional: true,
			Explain: `identity: tbot keeps short-lived credentials of the bot in a Kubernetes Secret and renews them. Pods mount the Secret and use it with tsh, tctl, ssh or Teleport's API.

kubernetes: the Secret holds a kubeconfig for Kubernetes clusters that are enrolled in Teleport. Pods use it with kubectl, Helm or a client library, through Teleport, which records what is done.

argocd: Argo CD, which runs in this cluster, gets a Secret for each of such clusters and deploys to them through Teleport. tbot keeps the certificates in these Secrets fresh; no long-lived credential of a cluster lies in Argo CD's namespace.

none: tbot joins and writes nothing. It shows that the join works, and is the ground for outputs that you add yourself.`,
		},
		{
			Flag: FlagKubeCluster, Title: "Which Kubernetes clusters does the bot reach?", Help: "names as `tctl get kube_server` shows them", When: reachesClusters,
			Instead: []string{FlagKubeLabels},
			Explain: `The bot reaches clusters that are enrolled in Teleport, which need not be the one that tbot runs in. Name as few as its job needs.

By name: the kubeconfig holds these clusters and no others. A Teleport role knows clusters by their labels alone, so the role that tbotctl makes holds all labels that a named cluster has now, and a cluster without labels cannot be held in it.

By labels: every cluster that carries them, also one that is enrolled later. Whoever may label a cluster decides then whether the bot reaches it.

The list holds what your login sees in Teleport.`,
		},
		{
			Flag: FlagKubeLabels, Title: "Which labels do the clusters carry?", Help: "key=value, several with commas; a semicolon begins another selector", Optional: true, When: reachesClusters,
			Explain: `A cluster is reached when it carries all labels of a selector: env=prod,region=eu wants both. Several selectors are separated by a semicolon, and one that matches is enough: env=prod;team=data.

Labels are compared letter by letter, as Teleport has them. Wildcards match nothing.`,
		},
		{
			Flag: FlagKubeGroups, Title: "As which Kubernetes groups does the bot act?", Help: "names separated by commas", When: reachesClusters,
			Instead: []string{FlagKubeUsers, FlagRoles, FlagImpersonation},
			Explain: `Teleport forwards the bot's requests as members of these groups, and each cluster decides by its own RBAC what they may do there. tbotctl makes the Teleport role, and writes the binding for each cluster to a file: a group that is bound to nothing may do nothing.

Least privilege is a group of the bot's own, such as the one that is filled in. Whoever else is in a group gets what you bind to it.

system:masters is refused: an API server asks no RBAC for it, so no binding limits it and none takes it back. The other groups of Kubernetes' own that begin with "system:" are refused by some providers.`,
		},
		{
			Flag: FlagKubeUsers, Title: "As which Kubernetes users does the bot act?", Help: "names separated by commas", Optional: true, When: reachesClusters,
			Explain: `Teleport forwards the bot's requests as one of these users. With several, each request has to say which ("kubectl --as USER"), or Teleport refuses it.

* alone is any user, and then ` + spec.AnyUserMeans + `. It can only be typed, and is for programs that act for others, as Argo CD can.`,
		},
		{
			Flag: FlagClusterRole, Title: "Which ClusterRole is it bound to?", Help: "a ClusterRole of those clusters; view is the least", Optional: true, When: reachesClusters,
			Explain: `The binding gives the bot's groups or users this ClusterRole. Start with view; more can be given on any later day.

view: reads most things, but neither Secrets nor RBAC. The Teleport role is then held to reading as well.

edit: changes workloads, reads Secrets, and starts pods as any service account of a namespace. Where a service account may do more than the bot, the bot may do that too.

Any other is named as the clusters have it, and what it allows is up to each of them. cluster-admin allows everything. Best is a ClusterRole that was made for this job.`,
		},
		{
			Flag: FlagTargetNamespace, Title: "In which namespace of those clusters?", Help: "one name; empty is all namespaces", Optional: true, When: reachesClusters,
			Explain: "With a namespace the binding is a RoleBinding in it, and the Teleport role is held to it: the bot reaches nothing beside it, and nothing that belongs to no namespace, such as nodes. Empty is all namespaces, by a ClusterRoleBinding.",
		},
		{
			Flag: FlagTargetContext, Title: "In which clusters does tbotctl make the binding itself?", Help: "contexts of the kubeconfig; empty leaves it to others", Optional: true, When: reachesClusters,
			Explain: `The role that was chosen has to be bound in each cluster that the bot reaches, and its kubeconfig can do nothing there before. Mark the contexts of your kubeconfig that lead to these clusters, and tbotctl makes the binding in them after the join is proven. All of them are asked first whether your login may; where one says no, nothing is made anywhere.

What Teleport calls a cluster cannot be told from the name of a context: compare the addresses. The cluster that tbot runs in needs the binding only where the bot reaches that one through Teleport as well.

Without a mark the binding is written to files and printed as commands, for whoever owns the clusters.`,
		},
		{
			Flag: FlagRoles, Title: "Which Teleport roles does the bot get?", Help: "without roles it joins and then cannot write its output",
			When: func(s spec.Setup, _ Situation) bool { return s.HasOutput() && !s.ReachesClusters() },
			Explain: `A role says what its bearer may reach in Teleport. The bot can do all that its roles allow, at any hour, without anybody watching: give it the least that its job needs, best a role made for it.

A bot without a role can join, and then its output fails. For Kubernetes clusters tbotctl makes the role that is needed, unless you left that to roles that are there.`,
		},
		{
			Flag: FlagOutputSecret, Title: "Which Secret are the credentials written to?", Help: "a name in tbot's namespace", Optional: true,
			Explain: "tbot writes this Secret and may write no other. Whoever may read Secrets in the namespace can act as the bot for as long as a certificate lives, which is an hour.",
		},
	}
}

func reachesClusters(s spec.Setup, _ Situation) bool { return s.ReachesClusters() }
