package wizard

import (
	"slices"

	"github.com/tbotctl/tbotctl/internal/spec"
)

// The flags that answer the questions.
const (
	FlagContext         = "context"
	FlagProxy           = "proxy"
	FlagIdentity        = "identity"
	FlagClusterName     = "cluster-name"
	FlagJoinType        = "join-type"
	FlagRotationRisk    = "accept-rotation-risk"
	FlagNamespace       = "namespace"
	FlagBotName         = "bot-name"
	FlagTokenName       = "token-name"
	FlagServiceAccount  = "service-account"
	FlagAccess          = "access"
	FlagKubeCluster     = "kube-cluster"
	FlagKubeLabels      = "kube-labels"
	FlagKubeGroups      = "kube-groups"
	FlagKubeUsers       = "kube-users"
	FlagClusterRole     = "cluster-role"
	FlagTargetNamespace = "target-namespace"
	FlagTargetContext   = "target-context"
	FlagRoles           = "roles"
	FlagOutputSecret    = "output-secret"
	FlagTakeOver        = "take-over"
	FlagForceConflicts  = "force-conflicts"
	FlagYes             = "yes"
	FlagOutDir          = "out-dir"
	FlagSave            = "save"
)

// Questions returns every question in the order of asking.
func Questions() []Question {
	return slices.Concat(groundQuestions(), agentQuestions(), purposeQuestions(), argoCDQuestions(), planQuestions())
}

// groundQuestions are about both clusters, and about what stands in them.
func groundQuestions() []Question {
	return []Question{
		{
			Flag: FlagContext, Title: "Which Kubernetes cluster?", Help: "a context of the kubeconfig",
			When: func(_ spec.Setup, at Situation) bool { return !at.Terminal && !at.InPod && !at.Offline },
			Explain: `tbot runs as a Deployment in this cluster, and this cluster signs the service account token that it joins with.

The list holds the contexts of your kubeconfig. Each is asked, side by side, for its version and for who you are there; nothing is changed by that. A cluster that does not answer can still be chosen once it does.`,
		},
		{
			Flag: FlagProxy, Title: "Which Teleport cluster?", Help: "host:port of its Proxy Service, for example example.teleport.sh:443",
			Explain: `tbot joins this Teleport cluster through its Proxy Service. The list holds the clusters that tsh has logged you in to; any other is typed as host:port, without https://.

The port is that of the web interface: mostly 443, on some clusters of one's own 3080.

If the bot and the join token are another team's to make, choose "nobody here": everything is then looked up and written to files, and nothing is applied. "By a request" deploys this side (--side kubernetes): what the other team has to grant is written to a file for their "tbotctl init --side teleport --from FILE", and nothing runs before they have.`,
		},
		{
			Flag: FlagIdentity, Title: "How does tbotctl log in to Teleport?", Help: "an identity file, where the login of tsh will not do", Optional: true,
			Explain: `To make the bot and its join token, tbotctl needs the login of somebody who may. It takes the one of tsh, or an identity file that an administrator made by "tctl auth sign --user=USER --ttl=1h --out=FILE".

The login is used from here alone. It is never copied into the Kubernetes cluster.`,
		},
		{
			Flag: FlagClusterName, Title: "What is the Teleport cluster's name?", Help: "cluster_name in https://PROXY/webapi/find", When: offline,
			Explain: "The name is the audience of the service account token. It is often the proxy's host name and need not be.",
		},
		{
			Flag: FlagJoinType, Title: "How does Teleport verify the token?", Help: "oidc, static_jwks or in_cluster; auto needs a cluster to look at", When: offline,
			Explain: `tbot presents a token that the Kubernetes cluster has signed. Teleport has to know the keys that the cluster signs with.

oidc: Teleport fetches the keys from the cluster's issuer, each time anew. The issuer has to be readable for Teleport.

static_jwks: the keys are copied into the join token. This works behind any firewall, until the cluster signs with another key.

in_cluster: Teleport asks the API server of the cluster that it runs in itself. It works for that cluster alone.`,
		},
		{
			Flag: FlagRotationRisk, Title: "The provider rotates the keys by itself. Copy them all the same?", Help: "the next rotation ends all joins until the copy is renewed", Optional: true,
			Explain: `With static_jwks Teleport holds a copy of the cluster's keys. This provider changes its keys without asking, and from then on every join is refused with "access denied", until somebody renews the copy.

oidc has no such day. It needs an issuer that Teleport can read.`,
		},
		{
			Flag: FlagNamespace, Title: "In which namespace does tbot run?", AgentTitle: "In which namespace does the agent run?", Help: "whoever may create pods there can become the bot",
			Explain: `The join token admits one service account in one namespace. Whoever may create pods there can run one as that service account and so become the bot. A namespace of its own, in which few may create pods, is the safest place.

A namespace that does not exist is made, after you have seen the plan.`,
		},
		{
			Flag: FlagServiceAccount, Title: "What is the service account called?", Help: "the identity that joins", Optional: true,
			Explain: "tbot's pod runs as this Kubernetes service account, and the join token admits it and no other. It is made if it does not exist.",
		},
		{
			Flag: FlagBotName, Title: "What is the bot called?", Help: "a name that no other cluster's bot has",
			When: func(s spec.Setup, at Situation) bool { return offline(s, at) && !s.IsAgent() },
			Explain: `The bot is the identity in Teleport that tbot acts as: the audit log names it, and roles are given to it.

The name that is filled in ends in eight digits of this Kubernetes cluster's identity, so that two clusters never share a bot by accident. A bot that is there already can be named; if somebody else made it, the plan shows what would change and asks before it is taken over.`,
		},
		{
			Flag: FlagTokenName, Title: "What is the join token called?", Help: "a name that no other cluster's token has", When: offline,
			Explain: "The join token says which service account of which cluster may join as the bot. Its name is no secret: without a token signed by the cluster it admits nobody.",
		},
		{
			Flag: "tbot-version", Title: "Which version of tbot runs?", Help: "X.Y.Z of the server's release",
			When: func(s spec.Setup, at Situation) bool { return offline(s, at) && !s.Workload.PinsImage() },
		},
		{
			Flag: "issuer", Title: "What is the cluster's service account issuer?", Help: "byte for byte the `iss` of its tokens",
			When: func(s spec.Setup, at Situation) bool { return offline(s, at) && s.Join.Type == spec.JoinOIDC },
		},
		{
			Flag: "jwks-file", Title: "Which keys sign the cluster's tokens?", Help: "the answer of `kubectl get --raw /openid/v1/jwks` in a file",
			When: func(s spec.Setup, at Situation) bool { return offline(s, at) && s.Join.Type == spec.JoinStaticJWKS },
		},
	}
}

// planQuestions are about what becomes of the plan.
func planQuestions() []Question {
	return []Question{
		{
			Flag: FlagTakeOver, Title: "Take over what somebody else made?", Help: "adopts the objects marked with ! in the plan", Optional: true,
			Explain: "What the plan marks with ! was made by somebody else. To take it over means that tbotctl changes it as shown, marks it as its own, and that \"tbotctl delete\" will remove it.",
		},
		{
			Flag: FlagForceConflicts, Title: "Win the fields that another manager holds?", Help: "each is named in the plan", Optional: true,
			Explain: "Kubernetes remembers who set which field. The other manager may set the field back at any time, so settle it with whoever runs that.",
		},
		{
			Flag: FlagYes, Title: "What now?", Help: "apply the plan", Optional: true,
			Explain: `Nothing has been changed so far. Apply makes what the plan marks with + and changes what it marks with ~, proves the join before anything runs, then starts tbot and waits for it.

The files hold the same, for Git or for somebody else. The answers can be saved and given to "tbotctl init --from FILE" later; they hold no secrets.`,
		},
		{
			Flag: FlagOutDir, Title: "Into which folder?", Help: "files that differ are never overwritten", Optional: true,
			Explain: "The folder gets kubernetes/ and teleport/ with what the plan shows, ready for kubectl and tctl. A file that is there and differs is left alone, and then nothing is written at all.",
		},
		{
			Flag: FlagSave, Title: "Into which file?", Help: "YAML without secrets, for --from", Optional: true,
			Explain: "The file holds your answers and what was looked up: \"tbotctl init --from FILE\" goes on from it, and \"tbotctl render --from FILE\" prints the same manifests on any machine and any day.",
		},
	}
}
